"""A file on its way in: streamed into a directory, never longer than allowed, never whole in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from bot.surfaces.web_content import clean, safe_file_name
from bot.surfaces.web_http import WebRefusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

CAPTION_LIMIT: Final = 20_000
OVERHEAD: Final = 128 * 1024
"""Bytes that boundaries, headers and the caption may take besides the file."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived whole."""

    name: str
    path: Path
    caption: str


class _Form:
    """Callbacks of the multipart parser: `file` goes to disk, `caption` is kept, any other part is skipped."""

    def __init__(self, out: IO[bytes], limit: int) -> None:
        self.name: str | None = None
        self.size = 0
        self.caption = bytearray()
        self.whole = False
        self._out = out
        self._limit = limit
        self._part = ""
        self._field = b""
        self._value = b""
        self._disposition = b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._part, self._disposition = "", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._part = options.get(b"name", b"").decode("utf-8", "replace")
        if self._part != "file" or b"filename" not in options:
            return
        if self.name is not None:
            raise WebRefusal(400, "web_one_file")
        self.name = safe_file_name(options[b"filename"].decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file" and self.name is not None:
            self.size += end - start
            if self.size > self._limit:
                raise too_large(self._limit)
            self._out.write(data[start:end])
        elif self._part == "caption":
            self.caption += data[start:end]
            if len(self.caption) > CAPTION_LIMIT:
                raise WebRefusal(400, "web_bad_field", field="caption", limit=CAPTION_LIMIT)

    def _end(self) -> None:
        self.whole = True


def too_large(limit: int) -> WebRefusal:
    """The refusal of a file of more than `limit` bytes."""
    return WebRefusal(413, "web_upload_too_large", limit_mb=f"{limit / 1_000_000:g}")


async def receive_upload(request: Request, directory: Path, limit: int) -> Received:
    """Stream the multipart body of `request` into `directory`, the part `file` at most `limit` bytes.

    Raises:
        WebRefusal: not multipart, cut short, without a file, with more than one, or too large.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit + OVERHEAD:
        raise too_large(limit)
    path = directory / "upload"
    # Writing a chunk lands in the page cache; a thread for each would cost more than it saves.
    with path.open("xb") as out:
        form = _Form(out, limit)
        await _parse(request, form, limit)
    if form.name is None:
        raise WebRefusal(400, "web_no_file")
    return Received(form.name, path, clean(form.caption.decode("utf-8", "replace")))


async def _parse(request: Request, form: _Form, limit: int) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise WebRefusal(415, "web_content_type", expected="multipart/form-data")
    total = 0
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in request.stream():
            total += len(chunk)
            if total > limit + OVERHEAD:
                raise too_large(limit)
            parser.write(chunk)
    except FormParserError:
        raise WebRefusal(400, "web_bad_upload") from None
    if not form.whole:
        raise WebRefusal(400, "web_bad_upload")
