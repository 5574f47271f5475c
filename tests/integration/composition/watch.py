"""Everything that has to hold after every event, held against the journal of the people and against what was before."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import costs
from core.consensus import TRANSITIONS
from core.models import Annotation, Assignment, Batch, Gold, Item, Membership, Participation, Project, Worker
from core.quality import load
from core.search import KNOWN_ANSWERS
from tests.integration.composition.world import World
from tests.invariants import (
    STANDING,
    check_control,
    check_estimates,
    check_holders,
    check_redundancy,
    uncovered,
)

GIVEN = (*STANDING, "rejected", "superseded")
"""States of an answer that its worker has not taken back."""
BY_A_RULE = "ban"
"""The reason of a rejection that a ban or a pause has led to."""
EXPERTS = ("expert", "coordinator", "owner")
AT_ONE_TAP = ("answer", "/undo", "undo", "skip", "/next")
"""Events after which an item has taken one step at most."""


@dataclass(slots=True)
class Watch:
    """What was seen after the last event.

    states: of items. dealt_with: (worker, item) of assignments that were submitted or skipped. leases: ids ever seen.
    most: by item, counted answers that it may have. rejected: assignments whose answers are rejected.
    restored: answers that were rejected and stand again.
    """

    states: dict[int, str] = field(default_factory=dict)
    dealt_with: set[tuple[int, int]] = field(default_factory=set)
    leases: set[int] = field(default_factory=set)
    most: dict[int, int] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    restored: int = 0

    def look(self, world: World, event: str) -> None:
        """All of it.

        Raises:
            AssertionError: something does not hold; the text says after which event.
        """
        try:
            with world.runtime.reading() as session:
                self._allow(session)
                check_redundancy(session, self.most)
                check_control(session)
                check_estimates(session)
                check_holders(session)
                check_journal(session, world)
                check_rejections(session, world)
                check_decided(session, world)
                self._check_money(session, world)
                self._check_moves(session, event)
                self._check_handed_out(session, world)
                missing = uncovered(session, world.runtime.redis, world.clock(), KNOWN_ANSWERS)
                assert not missing, missing
        except AssertionError as error:
            raise AssertionError(f"after event {world.events} ({event}): {error}") from error

    def _allow(self, session: Session) -> None:
        """How many answers each item may have: the maximum, or what it had in hand or was asked for before a change."""
        rows = session.execute(
            select(
                Item.id, Item.purpose, Item.state, Item.overlap, Item.submitted, Item.leased, Project.max_overlap
            ).join(Project, Project.id == Item.project_id)
        )
        for item_id, purpose, state, overlap, submitted, leased, maximum in rows:
            in_hand = submitted + leased
            asked = max(overlap, in_hand) if state == "open" else in_hand
            before = self.most.get(item_id, maximum) if purpose == "label" else asked
            self.most[item_id] = max(maximum, min(before, asked))

    def _check_moves(self, session: Session, event: str) -> None:
        """Items change only as the table of transitions says; by a tap one step, by a background job several."""
        now = {item_id: state for item_id, state in session.execute(select(Item.id, Item.state))}
        for item_id, after in now.items():
            before = self.states.get(item_id, "open")
            reachable = TRANSITIONS[before] if event.startswith(AT_ONE_TAP) else _beyond(before, event)
            assert before == after or after in reachable, f"item {item_id} went from {before} to {after}"
        assert set(self.states) <= set(now), "an item is gone"
        self.states = now

    def _check_handed_out(self, session: Session, world: World) -> None:
        """New leases: never an item that the person has dealt with, or that is not for them."""
        rows = session.execute(
            select(Assignment.id, Assignment.worker_id, Assignment.item_id, Assignment.state, Batch.state, Item.purpose)
            .join(Item, Item.id == Assignment.item_id)
            .join(Batch, Batch.id == Item.batch_id)
        ).all()
        for lease, worker_id, item_id, state, batch_state, purpose in rows:
            if state != "active" or lease in self.leases:
                continue
            assert (worker_id, item_id) not in self.dealt_with, f"item {item_id} again to worker {worker_id}"
            whole = ("published",) if purpose == "label" else ("published", "held")  # known ones check a pilot
            assert batch_state in whole, f"item {item_id} of a batch that is {batch_state}"
            check_may_have(session, world.project(session), worker_id, purpose)
        self.leases |= {row[0] for row in rows}
        self.dealt_with = {(row[1], row[2]) for row in rows if row[3] in ("submitted", "skipped")}

    def _check_money(self, session: Session, world: World) -> None:
        """The cost is the sum of what was promised for what stands, and a budget is kept.

        It gives way to one thing: what was rejected, and turns out to have been right, is paid again.
        """
        rows = session.execute(
            select(Assignment.public_id, Annotation.state)
            .join(Assignment, Assignment.id == Annotation.assignment_id)
            .where(Annotation.state.in_(GIVEN))
        )
        states = {public_id: state for public_id, state in rows}
        paid = [one.price for key, one in world.journal.answers.items() if states[key] in STANDING]
        self.restored += len(self.rejected & {key for key, state in states.items() if state in STANDING})
        self.rejected = {key for key, state in states.items() if state == "rejected"}
        project = world.project(session)
        spent = costs.spent(session, project).answers
        assert (spent.count, spent.amount) == (len(paid), sum(paid))
        if project.aim == "budget":
            held = session.scalar(select(func.count()).where(Assignment.state == "active")) or 0
            used = len(paid) + held
            assert used <= (project.answer_budget or 0) + self.restored, f"{len(paid)} answers and {held} in hand"


def _beyond(state: str, event: str) -> frozenset[str]:
    """All states that can follow."""
    found: set[str] = set()
    waiting = [state]
    while waiting:
        new = TRANSITIONS[waiting.pop()] - found
        found |= new
        waiting += new
    if state not in ("adjudicated", "withdrawn") or event == "unsettle":
        return frozenset(found)
    return frozenset({"withdrawn"})  # a verdict is for good, unless its expert takes it back


def check_may_have(session: Session, project: Project, worker_id: int, purpose: str) -> None:
    """An item was handed out: the job is open and for this person, and they have passed what it asks for."""
    worker = session.get_one(Worker, worker_id)
    role = session.scalars(select(Membership.role).where(Membership.worker_id == worker_id)).one()
    assert project.state == "open", f"an item of a job that is {project.state}"
    assert project.audience == "everyone" or role in EXPERTS, f"an item for experts to a {role}"
    reads = not project.language or not worker.languages or project.language in worker.languages
    assert reads, f"an item in {project.language} to somebody who reads {worker.languages}"
    settings, standing = load(project.quality), session.get_one(Participation, (worker_id, project.id))
    if purpose == "label" and settings.quiz and standing.qualification in ("practice", "quiz", "failed"):
        known = select(Gold.id).join(Item, Item.id == Gold.item_id).join(Assignment, Assignment.item_id == Item.id)
        held = known.where(Assignment.worker_id == worker_id, Assignment.state == "active")
        anything = select(Gold.id).join(Item, Item.id == Gold.item_id).where(Item.purpose != "label")
        some = session.scalars(anything.where(Gold.state == "active").limit(1)).first() is not None
        in_lesson = session.scalars(held.limit(1)).first() is not None
        assert role in EXPERTS or in_lesson or not some, "an item before the quiz was passed"


def check_journal(session: Session, world: World) -> None:
    """Every acknowledged answer is there as it was given, at its price, and there is no other."""
    columns = Annotation.worker_id, Annotation.item_id, Annotation.label_id, Annotation.price
    rows = session.execute(
        select(Assignment.public_id, *columns)
        .join(Assignment, Assignment.id == Annotation.assignment_id)
        .where(Annotation.state.in_(GIVEN))
    ).all()
    found = {row[0]: tuple(row[1:]) for row in rows}
    assert len(found) == len(rows), "two answers stand to one assignment"
    told = {key: (one.worker_id, one.item_id, one.label_id, one.price) for key, one in world.journal.answers.items()}
    assert found == told, f"lost {told.items() - found.items()}, never given {found.items() - told.items()}"


def check_rejections(session: Session, world: World) -> None:
    """No answer was rejected but by an expert, or after its worker was shut out."""
    rows = session.execute(
        select(Annotation.public_id, Annotation.worker_id, Annotation.audit_reason).where(
            Annotation.state == "rejected"
        )
    )
    for public_id, worker_id, reason in rows:
        shut_out = reason == BY_A_RULE and worker_id in world.journal.shut_out
        assert shut_out or public_id in world.journal.audited, f"{public_id} was rejected by nobody: {reason}"


def check_decided(session: Session, world: World) -> None:
    """What experts have settled stays settled, and known labels are changed by people alone."""
    rows = session.execute(select(Item.id, Item.state, Item.label_id)).all()
    settled = {item_id: label for item_id, state, label in rows if state in ("adjudicated", "withdrawn")}
    assert settled == world.journal.verdicts
    gold = {item_id: label for item_id, label in session.execute(select(Gold.item_id, Gold.label_id))}
    assert gold == world.journal.gold
