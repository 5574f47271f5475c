"""Near-duplicates by MinHash (Broder 1997): texts that share most of their pieces of three characters. Pure.

Exact repeats lie on one side of a data set already (`core.blind.lot`). A text that only resembles one of the holdout's
would let a model remember an answer that it is to find; nothing may move between the sides, so it is left out of
training.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHINGLE = 3
"""Characters to a piece: words in most scripts, and no need to know where a word ends in the others."""
LIKE = 0.7
"""From this share of common pieces on, of all pieces of both, two texts are taken for one."""
SAME = 0.95
HASHES, ROWS = 96, 4
"""24 bands of 4 rows: of pairs as alike as `LIKE`, 99.9 % share a band and are compared."""
MOST_NEAR = 50
"""So many of one bucket are compared."""
MOST_CHARACTERS = 5_000
"""What comes behind these is not looked at."""
_NOT_WORDS = re.compile(r"(https?://\S+|www\.\S+|@\w+|[^\w])+")
_SEED = 20

Signatures = NDArray[np.uint32]


def signatures(texts: Sequence[str]) -> Signatures:
    """MinHash signatures: shape (n, `HASHES`). Alike in about the share of pieces that two texts have in common."""
    multipliers, offsets = _hashes()
    result = np.zeros((len(texts), HASHES), dtype=np.uint32)
    for place, text in enumerate(texts):
        pieces = _pieces(text)
        hashed = (pieces[:, None] * multipliers[None, :] + offsets[None, :]) >> np.uint64(32)
        result[place] = hashed.min(axis=0).astype(np.uint32)
    return result


def resemblance(asked: Signatures, known: Signatures) -> NDArray[np.float64]:
    """How alike each of `asked` is to the one of `known` that resembles it most, 0 to 1: shape (len(asked),).

    What is alike by less than about a half may come out as 0.
    """
    found = np.zeros(len(asked))
    for band in range(0, HASHES, ROWS) if len(asked) and len(known) else ():
        buckets: dict[bytes, list[int]] = {}
        for place, key in enumerate(_keys(known, band)):
            near = buckets.setdefault(key, [])
            if len(near) < MOST_NEAR:
                near.append(place)
        for place, key in enumerate(_keys(asked, band)):
            if found[place] < SAME and (some := buckets.get(key)):
                found[place] = max(found[place], float((known[some] == asked[place]).mean(axis=1).max()))
    return found


def too_alike(alike: NDArray[np.float64]) -> tuple[NDArray[np.bool_], float]:
    """Which texts are to be left out, and from which resemblance on.

    Where that would be more than half of all, the texts of the job are alike by their nature (forms, templates): then
    only those that are all but the same.
    """
    for like in (LIKE, SAME):
        out = alike >= like
        if out.sum() * 2 <= len(out):
            return out, like
    return np.zeros(len(alike), dtype=np.bool_), 1.0


def _keys(rows: Signatures, band: int) -> list[bytes]:
    cut = np.ascontiguousarray(rows[:, band : band + ROWS])
    return [row.tobytes() for row in cut]


def _pieces(text: str) -> NDArray[np.uint64]:
    """The distinct pieces of a text, hashed; a text without words is one piece of its own."""
    essence = _NOT_WORDS.sub(" ", text[:MOST_CHARACTERS].lower()).strip() or text[:MOST_CHARACTERS]
    codes = np.frombuffer(f" {essence} ".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    width = min(SHINGLE, len(codes))
    rolled = np.zeros(len(codes) - width + 1, dtype=np.uint64)
    for place in range(width):
        rolled = rolled * np.uint64(0x100000001B3) + codes[place : place + len(rolled)]
    mixed: NDArray[np.uint64] = np.unique(rolled * np.uint64(0x9E3779B97F4A7C15))
    return mixed ^ (mixed >> np.uint64(29))


def _hashes() -> tuple[Any, Any]:
    random = np.random.default_rng(_SEED)
    # Multiplication wraps around; the upper half of what is left is as good as drawn at random.
    return (
        random.integers(1, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1),
        random.integers(0, 2**63, HASHES, dtype=np.uint64),
    )
