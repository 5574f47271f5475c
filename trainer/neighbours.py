"""Which decided items are most like one, in the eyes of a model: cosine in its embedding, near duplicates folded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from core.explanations import Neighbour
from core.ids import new_public_id
from trainer.embeddings import Vectors

SHOWN = 5
LOOKED_AT = 50
"""Of so many of the nearest, those that are copies of a nearer one are folded into it."""
SAME = 0.97
"""From this cosine on, two texts say the same in nearly the same words."""

Ids = NDArray[np.int64]


def nearest(vector: NDArray[np.float32], vectors: Vectors, ids: Ids, limit: int = SHOWN) -> list[Neighbour]:
    """The `limit` items nearest to `vector`, the most alike first.

    Args:
        vector, vectors: of length 1; shape (width,) and (n, width).
        ids: of the items, shape (n,).
    """
    if not len(ids):
        return []
    alike = vectors.astype(np.float32) @ vector
    order = np.argsort(-alike, kind="stable")[:LOOKED_AT]
    near = vectors[order].astype(np.float32)
    chosen: list[int] = []
    copies: list[int] = []
    for place in range(len(order)):
        same = [at for at, other in enumerate(chosen) if near[place] @ near[other] >= SAME]
        if same:
            copies[same[0]] += 1
        elif len(chosen) < limit:
            chosen.append(place)
            copies.append(1)
    return [
        Neighbour(int(ids[order[place]]), float(alike[order[place]]), count)
        for place, count in zip(chosen, copies, strict=True)
    ]


def index_path(artifact: Path) -> Path:
    """Where the vectors of a version's decided items lie: beside its artifact, so that this stays what it was."""
    return artifact.with_name(f"{artifact.name}.neighbours.npz")


def save_index(path: Path, ids: Sequence[int], vectors: Vectors) -> None:
    """Keep the vectors of items, in one stroke."""
    draft = path.with_name(f".{new_public_id()}.npz")
    try:
        with draft.open("wb") as file:
            np.savez(file, ids=np.asarray(ids, dtype=np.int64), vectors=vectors.astype(np.float16))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_index(path: Path) -> tuple[Ids, Vectors] | None:
    """What `save_index` kept; None where it is not there, or not whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return kept["ids"], kept["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
