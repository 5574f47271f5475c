"""Where two features meet: what random stories have found, told one by one."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.adjudication import adjudicate, promote_to_gold
from core.aims import Aim
from core.assignment import set_standing
from core.budget import spent
from core.leases import Lease
from core.models import Annotation, Assignment, Gold, Item, Participation
from core.runtime import Runtime
from core.second_looks import record_second
from core.standing import change_standing
from tests.integration.composition import background, people, staff
from tests.integration.composition.stage import Stage
from tests.integration.composition.world import World, other_label, true_label


@pytest.fixture
def world(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> World:
    """A job in which everything is looked at after each event."""
    return Stage(runtime, monkeypatch).open(seed=3)


def known_lease(world: World, account: str) -> Lease:
    """A known item in somebody's hands, who did not expect it."""

    def make_due(session: Session) -> None:
        worker_id = world.worker_of(session, account)
        assert worker_id is not None
        set_standing(session, worker_id, world.project_id, "idle", world.clock())
        change_standing(session, worker_id, world.project_id, since_gold=3, gold_due=3)

    world.do("a known item is due", make_due)
    people.command(world, account, "next")
    lease = people.lease_of(world, account)
    assert lease is not None
    assert lease.item_id in world.journal.gold
    return lease


def used(world: World) -> int:
    """Answers given and in hand."""
    with world.runtime.reading() as session:
        return spent(session, world.project_id).used


def doubt(world: World, item_id: int) -> None:
    """A known label is retired, because most contradict it."""
    retired = update(Gold).where(Gold.item_id == item_id).values(state="retired", served=1, missed=1)
    world.do("doubt", lambda session: session.execute(retired))


def test_an_answer_to_what_was_known_is_not_undone_once_the_item_is_asked_like_others(world: World) -> None:
    ann, *others = world.workers
    lease = known_lease(world, ann)
    people.tap(world, ann, lease.public_id, lease.version, "a")
    doubt(world, lease.item_id)
    staff.decide_doubt(world, "drop")
    for other in others[:2]:  # all places of the item are taken
        for _ in range(25):
            people.answer(world, other, "right")
    people.undo_old(world, ann, 0)
    assert lease.public_id in world.journal.answers


def test_what_somebody_practised_on_does_not_become_a_blind_item(world: World) -> None:
    ann = world.workers[0]
    staff.change_known(world, practice=2)
    people.begin_lessons(world, ann)
    people.command(world, ann, "next")
    lease = people.lease_of(world, ann)
    assert lease is not None
    people.tap(world, ann, lease.public_id, lease.version, "a")
    staff.change_known(world, practice=0)
    with world.runtime.reading() as session:
        practice = set(session.scalars(select(Item.id).where(Item.purpose == "practice")))
        touched = set(session.scalars(select(Assignment.item_id)))
    assert lease.item_id in practice
    assert practice <= touched, "what nobody has seen checks people again"
    people.undo_old(world, ann, 0)
    assert lease.public_id in world.journal.answers


def test_a_known_item_that_was_skipped_does_not_come_back_beyond_the_budget(world: World) -> None:
    ann, ben = world.workers[:2]
    known_lease(world, ann)
    people.skip(world, ann, "hard")
    for _ in range(5):
        people.answer(world, ben, "right")
    staff.change_aim(world, Aim(kind="budget", budget=used(world)))
    people.skip(world, ann, "hard")  # what she held after it, so that her undo is of the known one
    background.pass_time(world, 30)
    for _ in range(5):
        people.answer(world, ben, "right")
    people.undo_old(world, ann, 1)
    assert people.lease_of(world, ann) is None


def test_rejected_work_that_was_right_is_paid_though_the_budget_is_used_up(world: World) -> None:
    ann, ben, cem = world.workers[:3]
    for _ in range(12):
        people.answer(world, ann, "right")
    people.skip(world, ann, "hard")
    for _ in range(4):
        people.answer(world, ben, "wrong")
    budget = used(world)
    staff.change_aim(world, Aim(kind="budget", budget=budget))
    staff.find_fault(world, ann, "gold", "pause")
    for _ in range(2):
        background.pass_time(world, 30)
        for _ in range(30):
            people.answer(world, cem, "right")
    assert used(world) == budget
    staff.settle_flag(world, 0, "lift")
    assert used(world) > budget


def test_a_doubted_label_counts_for_nobody_also_when_accounts_are_joined(world: World) -> None:
    ann, ben = world.workers[:2]
    leases = [known_lease(world, account) for account in (ann, ben)]
    while leases[1].item_id != leases[0].item_id:
        people.tap(world, ben, leases[1].public_id, leases[1].version, "a")
        leases[1] = known_lease(world, ben)
    for account, lease in zip((ann, ben), leases, strict=True):
        people.tap(world, account, lease.public_id, lease.version, other_label(lease.item_id))
    with world.runtime.reading() as session:
        counted = sum(session.scalars(select(Participation.gold_count)))
    doubt(world, leases[0].item_id)
    people.link(world, ann, ben)
    with world.runtime.reading() as session:
        assert sum(session.scalars(select(Participation.gold_count))) == counted


def test_a_known_item_that_nobody_can_answer_takes_no_more_answers_than_others(world: World) -> None:
    eve, sam = (int(account.rpartition("-")[2]) for account in world.experts)
    with world.runtime.writing() as session:
        item = session.scalars(select(Item).where(Item.purpose == "label").order_by(Item.id)).first()
        assert item is not None
        item.state = "disputed"
    keys = {"workspace_id": world.workspace_id, "worker_id": eve, "item_public_id": item.public_id}

    def promote(session: Session) -> None:
        adjudicate(session, label_id="a", now=world.clock(), **keys)  # type: ignore[arg-type]
        promote_to_gold(session, now=world.clock(), **keys)  # type: ignore[arg-type]
        record_second(session, session.get_one(Item, item.id), world.project(session), sam, "b", world.clock())
        session.execute(update(Gold).where(Gold.item_id != item.id).values(state="retired"))

    def told(_: None) -> None:
        world.journal.verdicts[item.id] = world.journal.gold[item.id] = "a"

    world.do("promote", promote, told)
    leases = [(account, known_lease(world, account)) for account in world.workers[:6]]
    assert {lease.item_id for _, lease in leases} == {item.id}
    staff.last_word(world, "")
    for account, lease in leases:
        assert people.tap(world, account, lease.public_id, lease.version, "a"), "whoever has it in hand is paid"
    with world.runtime.reading() as session:
        states = sorted(session.scalars(select(Annotation.state).where(Annotation.item_id == item.id)))
        assert states == ["counted"] * 4 + ["surplus"] * 2


def test_a_verdict_is_not_taken_back_while_somebody_is_asked_it_as_a_known_item(world: World) -> None:
    with world.runtime.writing() as session:
        item = session.scalars(select(Item).where(Item.purpose == "label").order_by(Item.id)).first()
        assert item is not None
        item.state = "disputed"
    staff.settle(world, world.experts[0], "right", promoted=True)
    with world.runtime.writing() as session:
        session.execute(update(Gold).where(Gold.item_id != item.id).values(state="retired"))
    lease = known_lease(world, world.workers[0])
    assert lease.item_id == item.id
    staff.take_verdict_back(world)
    assert world.journal.verdicts, "it is in their hands"
    people.tap(world, world.workers[0], lease.public_id, lease.version, true_label(item.id))
    staff.take_verdict_back(world)
    assert world.journal.verdicts, "they have answered it"
    with world.runtime.reading() as session:
        assert session.scalars(select(Annotation.state).where(Annotation.item_id == item.id)).all() == ["control"]


def test_a_verdict_that_nobody_was_asked_is_taken_back(world: World) -> None:
    with world.runtime.writing() as session:
        item = session.scalars(select(Item).where(Item.purpose == "label").order_by(Item.id)).first()
        assert item is not None
        item.state = "disputed"
    staff.settle(world, world.experts[0], "right", promoted=True)
    staff.take_verdict_back(world)
    assert (world.journal.verdicts, world.journal.promoted) == ({}, set())
    staff.take_verdict_back(world)  # the second tap
    with world.runtime.reading() as session:
        found = session.get_one(Item, item.id)
        assert (found.state, found.slots) == ("open", 2), "it has no answers, so it asks for them"
