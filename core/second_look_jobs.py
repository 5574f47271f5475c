"""Doubtful labels are asked again as a job of their own: blind, and of other people than those who decided them.

Each item of such a job is a copy whose parent is the item in doubt. Who has answered or settled that one is barred from
the copy by an assignment that was never in their hands. What the others decide goes back by
`core/second_look_outcomes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import labels, learning, quality
from core.db.tables import table_of
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import Conflict
from core.ids import new_public_id
from core.items import lock_items
from core.label_errors import doubtful_labels
from core.models import Adjudication, Annotation, Assignment, Batch, Item, Membership, Project
from core.projects import create_project
from core.ranks import ORDINARY, make_rank, take_sequences

BARRED = "barred"
"""State of an assignment that keeps somebody from an item: they have decided it before."""
LEAST_ANSWERS = 2
"""Nobody alone overturns what others agreed on."""
KEPT_SETTINGS = ("guidelines", "guidelines_version", "price", "lease_seconds", "audience", "language", "priority")

ADJUDICATION, ANNOTATION, ITEM = table_of(Adjudication), table_of(Annotation), table_of(Item)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A job that asks items again, and how many it asks. left_out: doubtful items whom nobody else could answer."""

    project: Project
    items: int
    left_out: int


def least_answers(project: Project) -> int:
    """Answers that each doubtful label of a job takes at least when it is asked again."""
    return max(LEAST_ANSWERS, project.min_overlap)


def ask_again(session: Session, project: Project, worker_id: int, name: str, now: datetime) -> SecondLook:
    """Send the doubtful labels of a job back, as a job of their own.

    Args:
        name: of the new job, as people read it.

    Raises:
        Conflict: `doubts_gone`, nothing looks wrong (any more); `doubts_no_people`, too few others could answer.
    """
    lock_items(session, (one.item_id for one in doubtful_labels(session, project).labels))
    session.execute(select(Project.id).where(Project.id == project.id).with_for_update())
    wanted = [one.item_id for one in doubtful_labels(session, project).labels]
    if not wanted:
        raise Conflict("doubts_gone", project=project.name)
    deciders = _deciders(session, wanted)
    answers = least_answers(project)
    people = _people(session, project)
    asked = [item_id for item_id in wanted if len(people - deciders[item_id]) >= answers]
    if not asked:
        raise Conflict("doubts_no_people", count=answers)
    child = _make_job(session, project, worker_id, name, answers, now)
    copies = _copy_items(session, child, asked, worker_id, now)
    _bar(session, child, {copies[item_id]: deciders[item_id] for item_id in asked}, now)
    record_act(session, project.workspace_id, worker_id, "second_look", f"{project.public_id} {child.public_id}", now)
    add_effect(session, offer_effect(child.id, now))
    return SecondLook(child, len(asked), len(wanted) - len(asked))


def _deciders(session: Session, item_ids: Sequence[int]) -> dict[int, set[int]]:
    """Ids of the people who have answered or judged each item, whatever became of it."""
    found: dict[int, set[int]] = {item_id: set() for item_id in item_ids}
    for table in (ANNOTATION, ADJUDICATION):
        rows = session.execute(select(table.c.item_id, table.c.worker_id).where(table.c.item_id.in_(item_ids)))
        for item_id, worker_id in rows:
            found[item_id].add(worker_id)
    return found


def _people(session: Session, project: Project) -> set[int]:
    mine = Membership.workspace_id == project.workspace_id, Membership.status == "active"
    return set(session.scalars(select(Membership.worker_id).where(*mine)))


def _make_job(session: Session, project: Project, worker_id: int, name: str, answers: int, now: datetime) -> Project:
    """A job like `project` that never trains, with a minimum of `answers`."""
    settings = quality.load(project.quality)
    plain = replace(quality.QualitySettings(), rules=settings.rules, settle_price=settings.settle_price)
    return create_project(
        session,
        workspace_id=project.workspace_id,
        worker_id=worker_id,
        question=project.question,
        schema=labels.load(project.label_schema),
        now=now,
        min_overlap=answers,
        max_overlap=max(answers, project.max_overlap),
        name=name,
        error_cost=project.error_cost,
        pooled_confusion=project.pooled_confusion,
        quality=quality.dump(plain),
        learning=learning.dump(learning.LearningSettings(second_look_of=project.id)),
        retrain_threshold=0,
        retrain_cron="",
        **{setting: getattr(project, setting) for setting in KEPT_SETTINGS},
    )


def _copy_items(
    session: Session, child: Project, item_ids: Sequence[int], worker_id: int, now: datetime
) -> dict[int, int]:
    """Open copies of items in a batch of their own, published at once; returns the id of each one's copy."""
    first = take_sequences(session, child.id, len(item_ids))
    ranks = [make_rank(ORDINARY, first + place) for place in range(len(item_ids))]
    batch = Batch(
        project_id=child.id,
        state="published",
        first_rank=ranks[0],
        last_rank=ranks[-1],
        mapping={},
        item_count=len(item_ids),
        bad_rows=[],
        created_by_id=worker_id,
        created_at=now,
        published_at=now,
    )
    session.add(batch)
    session.flush()
    parents = {item.id: item for item in session.scalars(select(Item).where(Item.id.in_(item_ids)))}
    common = {"project_id": child.id, "batch_id": batch.id, "overlap": child.min_overlap, "created_at": now}
    rows = [
        common
        | {"parent_id": item_id, "rank": rank}
        | {name: getattr(parents[item_id], name) for name in ("content", "content_hash", "external_id", "source")}
        for item_id, rank in zip(item_ids, ranks, strict=True)
    ]
    session.execute(insert(ITEM), rows)
    made = select(ITEM.c.parent_id, ITEM.c.id).where(ITEM.c.batch_id == batch.id)
    return {parent_id: item_id for parent_id, item_id in session.execute(made)}


def _bar(session: Session, child: Project, deciders: dict[int, Iterable[int]], now: datetime) -> None:
    """Keep those who have decided an item from its copy."""
    barred = {
        "project_id": child.id,
        "state": BARRED,
        "guidelines_version": child.guidelines_version,
        "surface": "",
        "leased_at": now,
        "expires_at": now,
        "ended_at": now,
    }
    rows = [
        barred | {"public_id": new_public_id(), "item_id": item_id, "worker_id": worker_id}
        for item_id, workers in deciders.items()
        for worker_id in sorted(workers)
    ]
    if rows:
        session.execute(insert(table_of(Assignment)), rows)
