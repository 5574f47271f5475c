"""Agreed labels that look wrong: found by the trainer at the beginning of each reign, waiting for a coordinator.

They are kept with the model version in use, as ids and numbers. What an expert has settled is not doubted here, and
nothing is ever changed by a doubt: a coordinator has such items asked again (`core/second_look_jobs.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.champions import champion
from core.effects import EnqueueJob
from core.finishing import responsible
from core.labels import item_text
from core.learning import load as load_learning
from core.models import Item, ModelVersion, Project
from core.outbox import owe
from core.predictions import LABEL_ERRORS, PRELABELED, look_effect

MOST = 200
"""So many doubtful labels are kept, the most doubtful first."""
LEAST_TOLD = 5
"""Of fewer the coordinator is not told unasked: some labels look odd in every job."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that looks wrong. Label ids; doubt: from 0 to 1, how likely it is the other one of the two."""

    item_id: int
    given: str
    likely: str
    doubt: float


@dataclass(frozen=True, slots=True)
class DoubtfulLabel:
    """A suspect as a coordinator sees it. external_id: as the file named the item; empty where it did not."""

    item_id: int
    item_public_id: str
    text: str
    given: str
    likely: str
    doubt: float
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class DoubtfulLabels:
    """The doubtful labels of a job that nobody has had asked again, the most doubtful first.

    looked_at: labels that were looked at; None where nobody has looked since the model came into use. looking: that is
    due, for there is a model.
    """

    looked_at: int | None
    labels: tuple[DoubtfulLabel, ...] = ()
    looking: bool = False


def unfinished_looks(session: Session) -> list[EnqueueJob]:
    """Jobs for the champions that have spoken on all items, and whose labels were not looked at; for the sweep."""
    champions = session.scalars(select(ModelVersion).where(ModelVersion.state == "champion").order_by(ModelVersion.id))
    return [
        look_effect(version)
        for version in champions
        if PRELABELED in version.metrics and LABEL_ERRORS not in version.metrics
    ]


def note_label_errors(
    session: Session, version_id: int, looked_at: int, suspects: Sequence[Suspect], now: datetime
) -> None:
    """Keep what was found with the version, and tell the coordinator where it is more than a few.

    Args:
        suspects: the most doubtful first; the first `MOST` are kept.
    """
    version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
    kept = [[one.item_id, one.given, one.likely, round(one.doubt, 4)] for one in suspects[:MOST]]
    version.metrics = {**version.metrics, LABEL_ERRORS: {"looked_at": looked_at, "found": kept, "at": now.isoformat()}}
    session.flush()
    project = session.get_one(Project, version.project_id)
    worker_id = responsible(session, project)
    if worker_id is None or len(doubtful_labels(session, project).labels) < LEAST_TOLD:
        return
    owe(
        session,
        worker_id=worker_id,
        workspace_id=project.workspace_id,
        kind="labels_doubted",
        params={"project_id": project.id},
        dedupe_key=f"doubts-{version.id}",
        now=now,
    )


def doubtful_labels(session: Session, project: Project) -> DoubtfulLabels:
    """What looks wrong in a job and still stands as it was when it was looked at."""
    version = champion(session, project.id)
    noted: dict[str, Any] | None = None if version is None else version.metrics.get(LABEL_ERRORS)
    if noted is None:
        return DoubtfulLabels(None, looking=version is not None)
    suspects = {one.item_id: one for one in (Suspect(*row) for row in noted["found"])}
    asked = asked_again(session, project)
    stands = Item.project_id == project.id, Item.state == "agreed", Item.purpose == "label"
    items = session.scalars(select(Item).where(Item.id.in_(suspects), *stands))
    found = [
        _doubtful(item, suspects[item.id])
        for item in items
        if item.label_id == suspects[item.id].given and item.id not in asked
    ]
    found.sort(key=lambda one: (-one.doubt, one.item_id))
    return DoubtfulLabels(int(noted["looked_at"]), tuple(found))


def _doubtful(item: Item, one: Suspect) -> DoubtfulLabel:
    text, external_id = item_text(item.content), item.external_id or ""
    return DoubtfulLabel(item.id, item.public_id, text, one.given, one.likely, one.doubt, external_id)


def asked_again(session: Session, project: Project) -> set[int]:
    """Ids of a job's items that were ever sent back for a second look."""
    jobs = [one.id for one in second_look_jobs(session, project)]
    return set(session.scalars(select(Item.parent_id).where(Item.project_id.in_(jobs), Item.parent_id.is_not(None))))


def second_look_jobs(session: Session, project: Project) -> list[Project]:
    """The jobs that ask items of this one again, the oldest first."""
    everything = select(Project).where(Project.workspace_id == project.workspace_id, Project.id > project.id)
    found = session.scalars(everything.order_by(Project.id))
    return [one for one in found if load_learning(one.learning).second_look_of == project.id]
