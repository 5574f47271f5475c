"""The only writer of an item's state. One table of transitions, one decision rule, posteriors from people alone.

Where a job allows it, a model's prior has a say in when an item is agreed (`core/priors.py`), never in its label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, literal, select, text
from sqlalchemy.orm import Session

from core.aggregation.confusion import Counts, add_answer, column
from core.aggregation.online import replay, update
from core.aggregation.value import worth_asking
from core.aims import information_wanted
from core.budget import first_overlap, has_budget
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.due import reestimate_effect
from core.effects import add_effect
from core.items import ITEM, ItemState, lock_item, lock_items, write_item, write_item_soon
from core.models import Annotation, Project
from core.models.labeling import STANDING
from core.priors import PRIOR, with_prior
from core.skills import SAVE, CrowdModel, crowd_model, load_counts, load_many, save_counts, skill_of

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "open": frozenset({"agreed", "disputed", "accepted", "withdrawn"}),
    "agreed": frozenset({"open", "disputed", "adjudicated", "withdrawn"}),
    "disputed": frozenset({"open", "agreed", "adjudicated", "withdrawn"}),
    "adjudicated": frozenset({"disputed", "withdrawn"}),
    "accepted": frozenset({"open", "agreed", "disputed", "withdrawn"}),
    "withdrawn": frozenset({"open", "disputed"}),
}
DECIDED = ("agreed", "adjudicated")
SETTLED = ("adjudicated", "accepted", "withdrawn")
"""States that people's further answers do not change."""
KEEP_SLACK = 2.0
"""A decided item is reopened only when another answer has become worth twice what it must be to be asked."""
ANNOTATION = table_of(Annotation)
STANDS = ANNOTATION.c.state.in_(bindparam("standing", ("counted", "surplus"), expanding=True, literal_execute=True))
"""An annotation that its worker has not taken back. Written into the statement: SQLite takes the partial index by item
only where it can read its condition there, and else the whole table."""
COUNTED = Prepared(
    select(ANNOTATION.c.worker_id, ANNOTATION.c.label_id)
    .where(
        ANNOTATION.c.item_id == bindparam("item_id"),
        text(STANDING),
        ANNOTATION.c.state == literal("counted"),
        ANNOTATION.c.audit_state != literal("rejected"),
    )
    .order_by(ANNOTATION.c.id)
)
"""Written once: at the maximum of answers a tap reads it."""
UNDECIDED: dict[str, Any] = {"label_id": None, "confidence": None, "decided_at": None}
ACCEPT = (
    ITEM.update()
    .where(ITEM.c.id == bindparam("key"))
    .values(
        state="accepted",
        label_id=bindparam("label"),
        confidence=bindparam("sure"),
        decided_at=bindparam("moment"),
        revision=ITEM.c.revision + 1,
    )
)


def observe(
    session: Session,
    project: Project,
    item: ItemState,
    worker_id: int,
    answer: int,
    counts: Counts,
    annotation_count: int,
    now: datetime,
    **changes: Any,
) -> str:
    """Take one counted annotation into the item's posterior and the worker's skill; returns the item's new state.

    Args:
        answer: index of the label in the project's schema.
        counts: of the worker's skill, read under a lock; this annotation is added to them.
        annotation_count: how many this worker has submitted in the project, this one included.
            The annotation itself is among the rows already.
        changes: the item's other columns that change with the annotation (submitted, leased).
    """
    crowd = crowd_model(project)
    if item.posterior and len(item.posterior) != crowd.classes:  # labels were added since it was written
        posterior = _replayed(session, project, crowd, item.id)
    else:
        posterior = update(item.posterior or crowd.prior, column(counts, crowd.pooled, answer))
    decision = _conclude(session, project, crowd, item, posterior, now, changes)
    add_answer(counts, posterior, answer)
    skill = skill_of(worker_id, project.id, counts, crowd, annotation_count, now)
    return _write(session, item, now, posterior, changes | decision, skill)


def withdraw(
    session: Session,
    project: Project,
    item: ItemState,
    worker_id: int,
    answer: int,
    annotation_count: int,
    now: datetime,
    **changes: Any,
) -> str:
    """Take one annotation, withdrawn just now, out of the worker's skill and the item; returns the item's new state.

    Args:
        answer, annotation_count, changes: as in `observe`.
    """
    crowd = crowd_model(project)
    if item.posterior and len(item.posterior) == crowd.classes:
        counts = load_counts(session, worker_id, project.id, crowd.classes, lock=True)
        add_answer(counts, item.posterior, answer, weight=-1.0)
        save_counts(session, worker_id, project.id, counts, crowd, annotation_count, now)
    return recompute(session, project, item, now, **changes)


def recompute(session: Session, project: Project, item: ItemState, now: datetime, **changes: Any) -> str:
    """Rebuild an item's posterior from its counted annotations, after one was withdrawn; returns its new state."""
    crowd = crowd_model(project)
    posterior = _replayed(session, project, crowd, item.id)
    decision = _conclude(session, project, crowd, item, posterior, now, changes)
    answered = changes.get("submitted", item.submitted)
    return _write(session, item, now, posterior if answered else None, changes | decision)


def reconsider(session: Session, project: Project, crowd: CrowdModel, item: ItemState, now: datetime) -> bool:
    """Hold an item against a range of answers that was changed; returns whether that changed the item.

    Answers and leases that there are stay. An agreed item is asked on only where it has fewer answers than the minimum.
    """
    enough = item.submitted >= project.min_overlap
    if item.state in SETTLED or item.purpose != "label" or (item.state == "agreed" and enough):
        return False
    in_hand = item.submitted + item.leased
    posterior = item.posterior
    if not enough:
        least = _within_budget(project, item, project.min_overlap)
        decision: dict[str, Any] = {"state": "open", "overlap": max(least, in_hand)}
    else:
        fits = posterior is not None and len(posterior) == crowd.classes
        posterior = posterior if fits and posterior else _replayed(session, project, crowd, item.id)
        decision = _conclude(session, project, crowd, item, posterior, now, {})
        if decision["state"] == "open":
            wanted = min(project.max_overlap, item.submitted + max(item.leased, 1))
            decision["overlap"] = max(in_hand, _within_budget(project, item, wanted))
    if decision["state"] == item.state and decision.get("overlap", item.overlap) == item.overlap:
        return False
    _write(session, item, now, posterior, decision)
    return True


def decide(
    project: Project,
    crowd: CrowdModel,
    item: ItemState,
    posterior: Sequence[float],
    now: datetime,
    changes: Mapping[str, Any],
    belief: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Which columns follow from a posterior: agreed, disputed, or one more answer wanted. Verdicts are not touched.

    Args:
        posterior: from people alone, and so are the label and its confidence. belief: P(label) where a model counts as
            its prior, which may bring agreement sooner or later; None where none does.
    """
    if item.state in SETTLED or item.purpose != "label":
        return {}
    submitted = int(changes.get("submitted", item.submitted))
    leased = int(changes.get("leased", item.leased))
    if submitted < project.min_overlap:
        overlap = _places(project, item, submitted + leased, project.min_overlap)
        return {} if (item.state, item.overlap) == ("open", overlap) else {"state": "open", "overlap": overlap}
    slack = KEEP_SLACK if item.state == "agreed" else 1.0
    held = posterior if belief is None else belief
    same = belief is None or _best(belief) == _best(posterior)
    if same and not worth_asking(held, crowd.prior, crowd.pooled, 1.0 / information_wanted(project), slack):
        return _agreed(project, item, posterior, now)
    if submitted >= project.max_overlap:
        return {"state": "disputed"}
    return {"state": "open", "overlap": _places(project, item, submitted + leased, submitted + max(leased, 1))}


def _places(project: Project, item: ItemState, in_hand: int, wanted: int) -> int:
    """The overlap of an open item: it does not shrink below what it was, nor grow beyond the project's maximum.

    What is in hand keeps its places, also where the maximum was lowered since.
    """
    return max(in_hand, min(project.max_overlap, _within_budget(project, item, max(item.overlap, wanted))))


def _within_budget(project: Project, item: ItemState, wanted: int) -> int:
    """Where answers are budgeted an item keeps the places it has, and only `core.budget` gives it others."""
    return min(wanted, item.submitted + item.leased + item.slots) if has_budget(project) else wanted


def settle(session: Session, item: ItemState, label_id: str, now: datetime) -> None:
    """Write an expert's verdict."""
    move(item.state, "adjudicated")
    verdict = {"state": "adjudicated", "label_id": label_id, "confidence": 1.0, "decided_at": now}
    write_item(session, item, now, **verdict)
    add_effect(session, reestimate_effect(item.project_id, now))


def unsettle(session: Session, project: Project, item: ItemState, now: datetime) -> None:
    """Take an expert's verdict back: the item is disputed as before.

    Where it has fewer answers by now than it may have, or may have more, what its answers say decides.
    """
    move(item.state, "disputed")
    write_item(session, item, now, state="disputed", **UNDECIDED)
    add_effect(session, reestimate_effect(item.project_id, now))
    if item.submitted < project.max_overlap:
        reconsider(session, project, crowd_model(project), lock_item(session, item.id), now)


def accept(session: Session, labels: Mapping[int, tuple[str, float]], now: datetime) -> list[int]:
    """Take labels from a model for open items that nobody has begun; returns the ids of those that it labeled.

    Whatever people have answered or have in hand stays theirs, and so does what was decided meanwhile.

    Args:
        labels: by item id, the label's id and its confidence; as many as may be held at once.
    """
    lock_items(session, labels)
    fresh = select(ITEM.c.id).where(ITEM.c.id.in_(labels), ITEM.c.state == "open", ITEM.c.purpose == "label")
    chosen = list(session.scalars(fresh.where(ITEM.c.submitted == 0, ITEM.c.leased == 0).order_by(ITEM.c.id)))
    if chosen:
        rows = [{"key": key, "label": labels[key][0], "sure": round(labels[key][1], 6)} for key in chosen]
        session.connection().execute(ACCEPT, [row | {"moment": now} for row in rows])
    return chosen


def take_back(session: Session, project: Project, item: ItemState, now: datetime) -> bool:
    """Have people label an item after all that a model had labeled; false where it has not."""
    if item.state != "accepted":
        return False
    move(item.state, "open")
    overlap = max(first_overlap(project), item.submitted + item.leased)
    write_item(session, item, now, state="open", overlap=overlap, **UNDECIDED)
    return True


def retire(session: Session, item: ItemState, now: datetime) -> None:
    """Take an item out of its job for good: an expert found that nobody can answer it."""
    move(item.state, "withdrawn")
    write_item(session, item, now, state="withdrawn", **UNDECIDED)
    add_effect(session, reestimate_effect(item.project_id, now))


def revise(
    session: Session, project: Project, crowd: CrowdModel, item: ItemState, posterior: list[float], now: datetime
) -> str:
    """Replace a posterior by one that a re-estimation found; returns the item's new state."""
    return _write(session, item, now, posterior, _conclude(session, project, crowd, item, posterior, now, {}))


def move(before: str, after: str) -> None:
    """Check a change of state.

    Raises:
        ValueError: the change is not in `TRANSITIONS`.
    """
    if before != after and after not in TRANSITIONS[before]:
        raise ValueError(f"an item cannot go from {before} to {after}")


def counted_answers(session: Session, project: Project, item_id: int) -> list[tuple[int, int]]:
    """(worker id, label index) of an item's counted annotations, in order of arrival."""
    index = {label["id"]: position for position, label in enumerate(project.label_schema["labels"])}
    return [(worker_id, index[label]) for worker_id, label in COUNTED.rows(session, {"item_id": item_id})]


def _replayed(session: Session, project: Project, crowd: CrowdModel, item_id: int) -> list[float]:
    """The posterior that follows from an item's counted annotations; the prior where it has none."""
    answers = counted_answers(session, project, item_id)
    counts = load_many(session, {worker_id for worker_id, _ in answers}, project.id, crowd.classes)
    return replay(crowd.prior, ((counts[worker_id], answer) for worker_id, answer in answers), crowd.pooled)


def _conclude(
    session: Session,
    project: Project,
    crowd: CrowdModel,
    item: ItemState,
    posterior: Sequence[float],
    now: datetime,
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """`decide`, but no dispute where nobody disagrees: at the maximum, answers that are all alike are agreed."""
    belief = _believed(session, project, crowd, item, posterior, changes)
    decision = decide(project, crowd, item, posterior, now, changes, belief)
    if has_budget(project):
        add_effect(session, reestimate_effect(project.id, now))  # which gives places to what still needs answers
    if decision.get("state") != "disputed":
        return decision
    given = {answer for _, answer in counted_answers(session, project, item.id)}
    return _agreed(project, item, posterior, now) if given == {_best(posterior)} else decision


def _believed(
    session: Session,
    project: Project,
    crowd: CrowdModel,
    item: ItemState,
    posterior: Sequence[float],
    changes: Mapping[str, Any],
) -> Sequence[float] | None:
    """P(label) with the model's prior, where the job has one; at the maximum of answers people alone decide."""
    submitted = int(changes.get("submitted", item.submitted))
    if not project.learning.get(PRIOR) or not project.min_overlap <= submitted < project.max_overlap:
        return None
    return with_prior(session, project, item.id, posterior, crowd.prior)


def _best(belief: Sequence[float]) -> int:
    return max(range(len(belief)), key=belief.__getitem__)


def _write(
    session: Session,
    item: ItemState,
    now: datetime,
    posterior: Sequence[float] | None,
    changes: dict[str, Any],
    skill: Mapping[str, Any] | None = None,
) -> str:
    state = str(changes.get("state", item.state))
    move(item.state, state)
    if state != item.state and state in ("open", "disputed"):
        changes = UNDECIDED | changes
    rounded = None if posterior is None else [round(p, 6) for p in posterior]
    changes = {"posterior": rounded, **changes}
    if skill is None:
        write_item(session, item, now, **changes)
    else:
        write_item_soon(session, item, now, changes, SAVE, skill)
    if state != item.state:
        add_effect(session, reestimate_effect(item.project_id, now))
    return state


def _agreed(project: Project, item: ItemState, posterior: Sequence[float], now: datetime) -> dict[str, Any]:
    best = _best(posterior)
    label_id = project.label_schema["labels"][best]["id"]
    decided = {"state": "agreed", "label_id": label_id, "confidence": round(posterior[best], 6)}
    return decided if item.state == "agreed" else decided | {"decided_at": now}
