"""Public identifiers and codes: random, 80 bits, safe in a URL, a button payload and a file name."""

from __future__ import annotations

import hashlib
import re
import secrets

PUBLIC_ID_LENGTH = 16
_PUBLIC_ID = re.compile(r"[a-z2-7]{16}")
_LETTERS = 8 * b"abcdefghijklmnopqrstuvwxyz234567"
"""For each value of a byte; each letter as often as every other, so that one has five random bits."""


def new_public_id() -> str:
    """80 random bits as 16 characters of lower-case base 32."""
    return secrets.token_bytes(PUBLIC_ID_LENGTH).translate(_LETTERS).decode()


def new_public_ids(count: int) -> list[str]:
    """So many of them, at a fraction of the cost of one by one."""
    drawn = secrets.token_bytes(PUBLIC_ID_LENGTH * count).translate(_LETTERS).decode()
    return [drawn[start : start + PUBLIC_ID_LENGTH] for start in range(0, len(drawn), PUBLIC_ID_LENGTH)]


def is_public_id(text: str) -> bool:
    """Whether `text` has the shape of a public id; says nothing about its existence."""
    return _PUBLIC_ID.fullmatch(text) is not None


def hash_code(code: str) -> str:
    """What is stored of a secret code. A code has 80 random bits, so a plain SHA-256 needs no salt."""
    return hashlib.sha256(code.strip().lower().encode()).hexdigest()
