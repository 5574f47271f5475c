"""Files that people share with the app, as files of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.surface import RetryLater
from bot.surfaces.slack_client import SlackClient
from bot.surfaces.slack_errors import NETWORK_PAUSE, translated
from core.errors import InvalidInput
from core.ids import new_public_id

CHUNK = 256 * 1024
SLACK_FILES = "files.slack.com"
CHECK_INFO = "check_file_info"
"""https://docs.slack.dev/reference/objects/file-object: what is said about the file is not all of it."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where files come from, where they go for as long as they are handled, and how large they may be."""

    client: SlackClient
    directory: Path
    limit: int


async def download(downloads: Downloads, file: dict[str, Any]) -> tuple[str, Path]:
    """The name of a shared file, and where it lies now. The token goes to Slack's file host and the configured one.

    Raises:
        InvalidInput: it is too large, or lies on another host.
        SurfaceError: it could not be fetched.
    """
    if file.get("file_access") == CHECK_INFO or not _url(file):
        file = await downloads.client.file(str(file.get("id", "")))
    if int(file.get("size") or 0) > downloads.limit:
        raise _too_large(downloads.limit)
    if not _is_trusted(downloads.client.api_url, _url(file)):
        raise InvalidInput("slack_file_elsewhere")
    return Path(str(file.get("name") or "file")).name or "file", await _fetch(downloads, _url(file))


def _url(file: dict[str, Any]) -> str:
    return str(file.get("url_private_download") or file.get("url_private") or "")


def _is_trusted(api_url: str, url: str) -> bool:
    api, asked = urlsplit(api_url), urlsplit(url)
    hosts = {api.netloc, f"files.{api.netloc}", SLACK_FILES}
    return asked.netloc in hosts and (asked.scheme == "https" or asked.scheme == api.scheme)


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput("slack_file_too_large", limit_mb=f"{limit / 1_000_000:g}")


async def _fetch(downloads: Downloads, url: str) -> Path:
    client = downloads.client
    downloads.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = downloads.directory / new_public_id()
    with translated(client.secrets):
        headers = {"Authorization": f"Bearer {client.token}"}
        # A redirect would carry the token to a place that nobody configured.
        async with client.session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise RetryLater(NETWORK_PAUSE)
            await _save(response, path, downloads.limit)
    return path


async def _save(response: aiohttp.ClientResponse, path: Path, limit: int) -> None:
    size = 0
    try:
        with path.open("xb") as file:
            async for chunk in response.content.iter_chunked(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
