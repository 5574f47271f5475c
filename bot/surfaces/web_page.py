"""The page and what it loads, read once at start."""

from __future__ import annotations

import html
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.surfaces.web_http import WebRefusal

STATIC: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

View = Literal["chat", "join", "locked"]


class Page:
    """The files of `static/`. Raises OSError at start where the installation is incomplete."""

    def __init__(self, max_upload_bytes: int) -> None:
        self._index = (STATIC / "index.html").read_text(encoding="utf-8")
        self._limit = max_upload_bytes
        self._files = {path.name: _asset(path) for path in STATIC.iterdir() if path.suffix in MEDIA_TYPES}

    def show(self, view: View, code: str = "", name: str = "") -> Response:
        """The page in one of its views: the chat, the join form, or the request for an invite link."""
        values = {"view": view, "code": code, "name": name, "max-upload": str(self._limit)}
        text = self._index
        for key, value in values.items():
            # A value cannot bring in a placeholder of its own: braces are not left in it.
            text = text.replace("{{" + key + "}}", html.escape(value.replace("{", "").replace("}", "")))
        return HTMLResponse(text)

    async def static(self, request: Request) -> Response:
        """One file, revalidated by its hash, so that a new version is seen at once."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise WebRefusal(404, "web_not_found")
        body, media_type, tag = found
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers)


def _asset(path: Path) -> tuple[bytes, str, str]:
    body = path.read_bytes()
    return body, MEDIA_TYPES[path.suffix], f'"{sha256(body).hexdigest()[:20]}"'
