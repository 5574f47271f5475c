"""The order in which items are asked: rank = (band, sequence) in one bigint.

Bands 0 to 15, the lowest first. A sequence is never given out twice in a project, so a keyset cursor over ranks
misses nothing; whatever comes back to the queue takes a fresh one.
"""

from __future__ import annotations

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import rows_along
from core.models import Project

BAND_SHIFT = 56
BANDS = 16
URGENT, AUDITED, UNCERTAIN, ORDINARY = 2, 4, 5, 8
"""Appended live items with a deadline; what shows how right a model is that labels by itself; what the model is least
sure of; everything else."""

PROJECT = table_of(Project)
TAKE = Prepared(
    update(PROJECT)
    .where(PROJECT.c.id == bindparam("project"))
    .values(next_sequence=PROJECT.c.next_sequence + bindparam("count"))
    .returning(PROJECT.c.next_sequence)
)


def make_rank(band: int, sequence: int) -> int:
    """The rank of `sequence` in `band`.

    Raises:
        ValueError: band or sequence is out of range.
    """
    if not 0 <= band < BANDS or not 0 <= sequence < 1 << BAND_SHIFT:
        raise ValueError(f"no rank for band {band}, sequence {sequence}")
    return (band << BAND_SHIFT) | sequence


def band_of(rank: int) -> int:
    """The band of a rank."""
    return rank >> BAND_SHIFT


def take_sequences(session: Session, project_id: int, count: int = 1) -> int:
    """Reserve `count` consecutive sequences of a project; returns the first."""
    [(following,)] = rows_along(session, TAKE, {"project": project_id, "count": count})
    return int(following) - count


def fresh_rank(session: Session, project_id: int, band: int) -> int:
    """A rank at the end of `band`."""
    return make_rank(band, take_sequences(session, project_id))
