"""Physical lines of a text file: decoded, numbered, in bounded memory whatever the file holds."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.importing.rows import MAX_ROW_CHARACTERS

BLOCK_BYTES = 1 << 16
UNDECODABLE = "\udcff"
"""Stands where bytes could not be decoded. No decoder yields a lone surrogate of its own accord."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error("lightwork.mark", _mark)


class Line(NamedTuple):
    """One physical line without its end. `problem` is the code of what makes it useless, else empty."""

    number: int
    text: str
    problem: str = ""


def read_lines(path: Path, encoding: str, limit: int = MAX_ROW_CHARACTERS) -> Generator[Line]:
    """Lines ended by LF, CRLF or CR; blank ones too.

    A line of more than `limit` characters comes without its text and with the problem "line_too_long"; one with a NUL
    with "nul_byte"; one whose bytes do not fit the encoding with "undecodable".
    """
    with path.open("rb") as file:
        number = 1
        for text, too_long in _split(_decoded(file, encoding), limit):
            yield Line(number, "" if too_long else text, "line_too_long" if too_long else _problem(text))
            number += 1


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="lightwork.mark")
    while block := file.read(BLOCK_BYTES):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _split(blocks: Iterator[str], limit: int) -> Iterator[tuple[str, bool]]:
    """Lines, each with whether it was too long; of a long one no more than a block and `limit` is ever held."""
    rest, too_long, ended_by_return = "", False, False
    for block in blocks:
        if not block:
            continue
        if ended_by_return and block[0] == "\n":  # a CRLF that two blocks share was counted at its CR
            block = block[1:]
        ended_by_return = block.endswith("\r")
        *whole, tail = block.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in whole:
            line = rest + line
            yield line, too_long or len(line) > limit
            rest, too_long = "", False
        rest += tail
        if len(rest) > limit:
            rest, too_long = "", True
    if rest or too_long:
        yield rest, too_long


def _problem(text: str) -> str:
    if UNDECODABLE in text:
        return "undecodable"
    return "nul_byte" if "\0" in text else ""
