"""The best open item for a worker: by rank, one cursor per band, and bounded scoring.

What the worker's answer would tell too little about is passed over and left to others. Where there is nobody better who
could give it, they get it all the same: no job waits for people that it does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, literal, literal_column, or_, select
from sqlalchemy.orm import Session

from core.aggregation.assignment_score import Prospect, score
from core.aggregation.confusion import Counts, accuracy, total
from core.aggregation.value import Channel, average_channel, channel, fresh_information, told, worth
from core.aims import information_wanted
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import rows_along, write_soon
from core.db.upsert import upsert
from core.items import ITEM
from core.leases import Lease, take_lease
from core.models import Annotation, Assignment, Batch, Cursor, Participation, Project, Skill
from core.quality import load
from core.ranks import band_of
from core.skills import CrowdModel, counts_from_json, crowd_model
from core.standing import Known

WINDOW = 16
MAX_WINDOW = 256
MAX_STEPS = 12
"""Bounds of one search: at most this many windows, growing from WINDOW to MAX_WINDOW candidates."""
MAX_PASSES = 3
"""So many windows may be passed over because nothing in them pays for this worker."""
SLACK = 2.0
"""People differ: an item is left to others only where an answer is worth less than half of what it has to be worth."""
KNOWN_ANSWERS = 12.0
"""Of who has given fewer, too little is known to leave anything to others."""
JUDGED_FROM = 30.0
"""Of who has given fewer, nobody says that their answers tell nothing, or less than the job asks for."""
PATIENCE = timedelta(minutes=3)
"""Whoever has not answered in the project for so long is nobody to wait for."""
RECENT_ANSWERS = 200

ASSIGNMENT, BATCH, CURSOR = table_of(Assignment), table_of(Batch), table_of(Cursor)
ANNOTATION, PARTICIPATION, SKILL = table_of(Annotation), table_of(Participation), table_of(Skill)
TAKEN_STATES = ("active", "submitted", "skipped", "barred")
DISTRUSTED = ("training", "paused")

# Statements of the hot path are built once: building one costs as much as running it.
# Written into the statements: the databases take the partial index only where they can read its condition there.
_OPEN = ITEM.c.slots > literal_column("0")
# No EXISTS: PostgreSQL would hash all that the worker has ever dealt with for the sake of sixteen items.
_DEALT_WITH = (
    select(ASSIGNMENT.c.id)
    .where(
        ASSIGNMENT.c.item_id == ITEM.c.id,
        ASSIGNMENT.c.worker_id == bindparam("worker_id"),
        or_(*(ASSIGNMENT.c.state == literal(state) for state in TAKEN_STATES)),
    )
    .limit(literal_column("1"))
)
_CANDIDATES = (
    select(
        *(ITEM.c[name] for name in ("id", "rank", "posterior", "submitted", "group_key", "position")),
        BATCH.c.state.label("batch_state"),
        BATCH.c.last_rank,
        _DEALT_WITH.scalar_subquery().is_not(None).label("taken"),
    )
    .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
    .where(ITEM.c.project_id == bindparam("project_id"), _OPEN, ITEM.c.rank > bindparam("floor"))
    .order_by(ITEM.c.rank)
)
SAVE_CURSOR = upsert(
    Cursor, ("worker_id", "project_id", "band", "rank"), ("worker_id", "project_id", "band"), ("rank",)
)
_MINE: dict[str, Any] = {"worker_id": bindparam("worker_id"), "project_id": bindparam("project_id")}
_ONE = select(literal(1).label("one")).subquery()
READ_KNOWN = Prepared(
    select(SKILL.c.counts, CURSOR.c.band, CURSOR.c.rank).select_from(
        _ONE.outerjoin(SKILL, and_(*(SKILL.c[name] == value for name, value in _MINE.items()))).outerjoin(
            CURSOR, and_(*(CURSOR.c[name] == value for name, value in _MINE.items()))
        )
    )
)
"""A worker's counts and cursors in one statement, with at least one row."""
LAST_PLACE = (
    select(ITEM.c.group_key, ITEM.c.position)
    .join(ANNOTATION, ANNOTATION.c.item_id == ITEM.c.id)
    .where(*(ANNOTATION.c[name] == value for name, value in _MINE.items()))
    .order_by(ANNOTATION.c.id.desc())
    .limit(1)
)
_RECENT = (
    select(ANNOTATION.c.worker_id, ANNOTATION.c.created_at)
    .where(ANNOTATION.c.project_id == bindparam("project_id"))
    .order_by(ANNOTATION.c.id.desc())
    .limit(RECENT_ANSWERS)
    .subquery()
)
BETTER = Prepared(
    select(_RECENT.c.worker_id)
    .join(PARTICIPATION, PARTICIPATION.c.worker_id == _RECENT.c.worker_id)
    .outerjoin(SKILL, and_(SKILL.c.worker_id == _RECENT.c.worker_id, SKILL.c.project_id == PARTICIPATION.c.project_id))
    .where(
        PARTICIPATION.c.project_id == bindparam("project_id"),
        _RECENT.c.worker_id != bindparam("worker_id"),
        _RECENT.c.created_at >= bindparam("since"),
        *(PARTICIPATION.c.restriction != literal(state) for state in DISTRUSTED),
        or_(SKILL.c.accuracy.is_(None), SKILL.c.accuracy > bindparam("accuracy")),
    )
    .distinct()
)
TAKERS = select(ASSIGNMENT.c.item_id, ASSIGNMENT.c.worker_id).where(
    ASSIGNMENT.c.item_id.in_(bindparam("item_ids", expanding=True)),
    ASSIGNMENT.c.worker_id.in_(bindparam("worker_ids", expanding=True)),
    ASSIGNMENT.c.state.in_(TAKEN_STATES),
)


class Candidate(NamedTuple):
    """A row of `_CANDIDATES`: an open item. taken: the worker has dealt with it, or never may."""

    id: int
    rank: int
    posterior: list[float] | None
    submitted: int
    group_key: str | None
    position: int | None
    batch_state: str
    last_rank: int
    taken: bool


@dataclass(frozen=True, slots=True)
class Seeker:
    """Who looks for an item.

    time_cost: of theirs, in that of an average worker. trusted: nothing is left to others, whatever is known of them.
    surface: where the card of a lease is shown. known: of them; None where it has to be read.
    """

    worker_id: int
    now: datetime
    time_cost: float = 1.0
    trusted: bool = False
    surface: str = ""
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a search.

    item_id: None where there is nothing for them. lease: of it, where one was asked for.
    passed: open items were left to others. uninformative: their answers tell too little about any item.
    """

    item_id: int | None
    lease: Lease | None = None
    passed: bool = False
    uninformative: bool = False


@dataclass(slots=True)
class _Search:
    """One search: what is known of the worker, and what it has passed over.

    worker: how their answers come from labels.
    fresh, own: nats of an answer about an item nobody has answered, by an average worker and by this one.
    known: enough is known of the worker to leave items to others. uninformative: as of `Found`.
    passed: ids of items left to others. windows: with nothing for them. taken: the lease, where one is asked for.
    """

    project: Project
    seeker: Seeker
    crowd: CrowdModel
    counts: Counts
    worker: Channel
    lease: bool
    cursors: dict[int, int]
    fresh: float
    own: float
    known: bool
    uninformative: bool = False
    passed: list[int] = field(default_factory=list)
    windows: int = 0
    taken: Lease | None = None

    def tells(self, posterior: list[float]) -> float:
        """Nats that this worker's answer is expected to tell."""
        return told(posterior, self.worker)

    def enough(self, information: float) -> bool:
        """Whether an answer of this worker's that tells so much pays, people's differences allowed for."""
        return worth(information, self.own, self.fresh) * SLACK > information_wanted(self.project)


def find_item(session: Session, project: Project, worker_id: int, now: datetime) -> int | None:
    """The best open item for a worker, without a lease: `search` in short."""
    return search(session, project, Seeker(worker_id, now), lease=False).item_id


def search(session: Session, project: Project, seeker: Seeker, *, lease: bool) -> Found:
    """Look for an item, and with `lease` take it.

    A search that finds nothing open wraps to the start once. Not one that finds nothing that pays: it has passed over
    open items already, and would begin anew with all that the worker has answered since the first day.
    """
    one = _begin(session, project, seeker, lease=lease)
    had_cursors = bool(one.cursors)
    item_id = _walk(session, one)
    if item_id is None and had_cursors and one.windows < MAX_PASSES:
        session.execute(_own_cursors(seeker.worker_id, project.id))
        one.cursors, one.passed, one.windows = {}, [], 0
        item_id = _walk(session, one)
    if item_id is None and one.passed:
        item_id = _left_alone(session, one)
    return Found(item_id, one.taken, bool(one.passed), one.uninformative)


def _begin(session: Session, project: Project, seeker: Seeker, *, lease: bool) -> _Search:
    crowd = crowd_model(project)
    theirs = seeker.known or _read_known(session, project, seeker.worker_id, crowd)
    counts = theirs.counts
    fresh, answered = fresh_information(crowd.prior, crowd.pooled), total(counts)
    known = not seeker.trusted and answered >= KNOWN_ANSWERS
    worker = channel(counts, crowd.pooled)
    own = told(crowd.prior, worker) if known else fresh
    one = _Search(project, seeker, crowd, counts, worker, lease, dict(theirs.cursors), fresh, own, known)
    if known and answered >= JUDGED_FROM:
        least = load(project.quality).least_accuracy if project.quality else 0.0
        too_weak = least > 0.0 and accuracy(counts, crowd.pooled, crowd.prior) < least
        one.uninformative = too_weak or own <= information_wanted(project) * fresh
    return one


def _read_known(session: Session, project: Project, worker_id: int, crowd: CrowdModel) -> Known:
    rows = READ_KNOWN.rows(session, {"worker_id": worker_id, "project_id": project.id})
    cursors = {band: rank for _, band, rank in rows if band is not None}
    return Known(counts_from_json(rows[0][0], crowd.classes), cursors)


def _walk(session: Session, one: _Search) -> int | None:
    project, worker_id = one.project, one.seeker.worker_id
    floor, window, left_behind = -1, WINDOW, False
    for _ in range(MAX_STEPS):
        candidates = _candidates(session, project.id, worker_id, floor, window)
        if not candidates:
            return None
        band = band_of(candidates[0].rank)
        if candidates[0].rank <= one.cursors.get(band, -1):
            floor = one.cursors[band]
            continue
        if candidates[0].batch_state != "published":
            floor = max(candidates[0].rank, candidates[0].last_rank)
            continue
        visible = _same_band_and_visible(candidates, band)
        free = [row for row in visible if not row.taken]
        passed = visible[-1].rank if not free else free[0].rank - 1
        if visible[0].rank <= passed and not left_behind:
            one.cursors[band] = passed
            _save_cursor(session, worker_id, project.id, band, passed)
        if (item_id := _first(session, one, free[:WINDOW])) is not None or one.windows >= MAX_PASSES:
            return item_id
        if free:  # none of them pays, so that more of them at a time would only cost more
            left_behind, floor = True, free[:WINDOW][-1].rank
        else:
            floor, window = visible[-1].rank, min(window * 4, MAX_WINDOW)
    return None


def _first(session: Session, one: _Search, rows: list[Candidate]) -> int | None:
    """The best of at most `WINDOW` candidates that pays and can be had; counts the windows in which none pays."""
    chosen = _by_score(session, one, rows)
    one.windows += 1 if rows and not chosen else 0
    return next((item_id for item_id in chosen if _can_be_had(session, one, item_id)), None)


def _by_score(session: Session, one: _Search, rows: list[Candidate]) -> list[int]:
    """The ids of those that pay, by `core.aggregation.assignment_score`; ties by rank."""
    grouped = any(row.group_key for row in rows)
    beliefs = [None if row.posterior is None else tuple(row.posterior) for row in rows]
    if len(set(beliefs)) <= 1 and not one.known and not grouped:
        return [row.id for row in rows]
    place = _last_place(session, one) if grouped else None
    prospects = {belief: _prospect(one, belief) for belief in set(beliefs)}
    scores = {belief: score(prospect) for belief, prospect in prospects.items()}
    scored = []
    for row, belief in zip(rows, beliefs, strict=True):
        prospect = prospects[belief]
        if _pays(one, row, prospect):
            worth = score(replace(prospect, steps=_steps(place, row))) if place else scores[belief]
            scored.append((-worth, row.rank, row.id))
        else:
            one.passed.append(row.id)
    return [item_id for _, _, item_id in sorted(scored)]


def _prospect(one: _Search, belief: tuple[float, ...] | None) -> Prospect:
    posterior = one.crowd.belief(None if belief is None else list(belief))
    cost = one.seeker.time_cost
    # Where nobody's time costs more, what an average worker would tell does not count.
    average = told(posterior, average_channel(one.crowd.pooled)) if cost > 1.0 else 0.0
    return Prospect(one.tells(posterior), average, one.fresh, cost)


def _pays(one: _Search, row: Candidate, prospect: Prospect) -> bool:
    """Whether the item is for this worker. Below the minimum any informative answer is wanted, whatever it tells."""
    if not one.known:
        return True
    if one.uninformative or row.submitted < one.project.min_overlap:
        return not one.uninformative
    return one.enough(prospect.information)


def _last_place(session: Session, one: _Search) -> tuple[str, int] | None:
    """Document and position of the item that the worker answered last."""
    keys = {"worker_id": one.seeker.worker_id, "project_id": one.project.id}
    row = session.execute(LAST_PLACE, keys).one_or_none()
    return None if row is None or row.group_key is None else (row.group_key, row.position or 0)


def _steps(place: tuple[str, int], row: Candidate) -> int | None:
    return (row.position or 0) - place[1] if row.group_key == place[0] else None


def _left_alone(session: Session, one: _Search) -> int | None:
    """An item that was passed over, and that nobody better is there to answer; they have all dealt with it."""
    keys = {"worker_id": one.seeker.worker_id, "project_id": one.project.id, "since": one.seeker.now - PATIENCE}
    mine = accuracy(one.counts, one.crowd.pooled, one.crowd.prior)
    better = {worker_id for (worker_id,) in BETTER.rows(session, keys | {"accuracy": mine})}
    dealt: dict[int, set[int]] = {item_id: set() for item_id in one.passed}
    if better:
        for item_id, worker_id in session.execute(TAKERS, {"item_ids": one.passed, "worker_ids": sorted(better)}):
            dealt[item_id].add(worker_id)
    for item_id in one.passed:
        if dealt[item_id] >= better and _can_be_had(session, one, item_id):
            return item_id
    return None


def _candidates(session: Session, project_id: int, worker_id: int, floor: int, window: int) -> list[Candidate]:
    keys = {"project_id": project_id, "worker_id": worker_id, "floor": floor}
    return [Candidate(*row) for row in rows_along(session, _candidates_of(window), keys)]


@cache
def _candidates_of(window: int) -> Prepared:
    """The first `window` candidates. PostgreSQL would plan each time anew for a limit that it does not know before."""
    return Prepared(_CANDIDATES.limit(literal_column(str(window))))


def _same_band_and_visible(candidates: Sequence[Candidate], band: int) -> list[Candidate]:
    visible = []
    for row in candidates:
        if row.batch_state != "published" or band_of(row.rank) != band:
            break
        visible.append(row)
    return visible


def _can_be_had(session: Session, one: _Search, item_id: int) -> bool:
    """Take an item where a lease is asked for, unless others have it: then the next one is tried."""
    if one.lease:
        seeker = one.seeker
        one.taken = take_lease(session, one.project, item_id, seeker.worker_id, seeker.surface, seeker.now)
    return one.taken is not None or not one.lease


def _own_cursors(worker_id: int, project_id: int) -> Any:
    return delete(Cursor).where(Cursor.worker_id == worker_id, Cursor.project_id == project_id)


def _save_cursor(session: Session, worker_id: int, project_id: int, band: int, rank: int) -> None:
    values = {"worker_id": worker_id, "project_id": project_id, "band": band, "rank": rank}
    write_soon(session, values, SAVE_CURSOR)
