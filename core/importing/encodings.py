"""Which encoding a file has, and whether it is text at all: one pass over its bytes in bounded memory."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput
from core.importing.lines import BLOCK_BYTES, UNDECODABLE

SAMPLE_BYTES = 1 << 15
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BINARY_STARTS = (
    b"\x89PNG",
    b"\xff\xd8\xff",  # JPEG
    b"GIF8",
    b"RIFF",
    b"%PDF-",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"PAR1",  # Parquet
    b"SQLite format 3",
)
CANDIDATES = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "koi8_r",
    "gb18030",
    "big5",
    "cp932",
    "euc_jp",
    "cp949",
]
"""Legacy encodings that spreadsheets and scripts still write; more would only be more ways to be wrong."""
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x1a\x1b")
_MAX_CONTROL_SHARE = 0.05


@dataclass(slots=True)
class Survey:
    """What one pass over a file finds."""

    size: int = 0
    newlines: int = 0
    """Bytes LF; in a UTF-16 file still one a line."""
    head: bytes = b""
    foreign: bytes = b""
    """The first lines with bytes beyond ASCII, at most `SAMPLE_BYTES`."""
    beyond_ascii: int = 0
    """Characters beyond ASCII that are valid UTF-8."""
    not_utf8: int = 0
    """Places where the bytes are not valid UTF-8."""


def survey(path: Path) -> Survey:
    """Read a file once, in blocks."""
    found = Survey()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="lightwork.mark")
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            found.size += len(block)
            found.newlines += block.count(b"\n")
            if len(found.head) < SAMPLE_BYTES:
                found.head += block[: SAMPLE_BYTES - len(found.head)]
            _count(found, decoder.decode(block))
            _collect(found, block)
    _count(found, decoder.decode(b"", final=True))
    return found


def _count(found: Survey, text: str) -> None:
    if text.isascii():
        return
    bad = text.count(UNDECODABLE)
    found.not_utf8 += bad
    found.beyond_ascii += len(text) - bad - len(text.encode("ascii", "ignore"))


def _collect(found: Survey, block: bytes) -> None:
    if len(found.foreign) < SAMPLE_BYTES and not block.isascii():
        lines = b"\n".join(line for line in block.split(b"\n") if not line.isascii())
        found.foreign += lines[: SAMPLE_BYTES - len(found.foreign)] + b"\n"


def find_encoding(found: Survey) -> str:
    """The codec to read the file with.

    Raises:
        InvalidInput: empty_file, or not_text for what is no text in any encoding.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if found.head.startswith(mark):
            if found.size == len(mark):
                raise InvalidInput("empty_file")
            return encoding
    if not found.head.strip() and found.size <= len(found.head):
        raise InvalidInput("empty_file")
    if found.head.startswith(BINARY_STARTS):
        raise InvalidInput("not_text")
    if wide := _unmarked_utf16(found.head):
        return wide
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in found.head)
    if controls > _MAX_CONTROL_SHARE * len(found.head):
        raise InvalidInput("not_text")
    # A UTF-8 file with a broken character here and there is still one; other encodings hit valid UTF-8 by rare chance.
    if found.not_utf8 == 0 or found.beyond_ascii > found.not_utf8:
        return "utf-8"
    return _legacy(found.foreign)


def _unmarked_utf16(head: bytes) -> str:
    pairs = len(head) // 2
    if pairs == 0:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.3 * pairs and even < 0.02 * pairs:
        return "utf-16-le"
    if even > 0.3 * pairs and odd < 0.02 * pairs:
        return "utf-16-be"
    return ""


def _legacy(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=CANDIDATES)
    best = matches.best()
    if best is None:
        return "cp1252"
    # On short texts the Latin code pages look alike; the western one is by far the most frequent.
    for match in matches:
        if "cp1252" in match.could_be_from_charset and match.chaos <= best.chaos + 0.02:
            return "cp1252"
    return str(best.encoding)
