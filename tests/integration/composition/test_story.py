"""One story in which a ban, dynamic overlap and blind gold meet, told step by step."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from core.models import Annotation, Assignment, Gold, Item, Participation, Project
from core.runtime import Runtime
from tests.integration.composition import background, people, staff
from tests.integration.composition.stage import Stage
from tests.integration.composition.world import World, true_label


def work(world: World, account: str, manner: str, most: int = 40) -> int:
    """Answer until nothing is left; returns how many answers that were."""
    before = len(world.journal.answers)
    for _ in range(most):
        given = len(world.journal.answers)
        people.answer(world, account, manner)
        background.pass_time(world, 12)
        if len(world.journal.answers) == given:
            break
    return len(world.journal.answers) - before


def answers(world: World, account: str, state: str) -> int:
    """Somebody's answers that are in a state."""
    with world.runtime.reading() as session:
        mine = Annotation.worker_id == world.worker_of(session, account), Annotation.state == state
        return session.scalar(select(func.count()).where(*mine)) or 0


def items(world: World) -> list[Item]:
    """All items that are to be labeled."""
    with world.runtime.reading() as session:
        return list(session.scalars(select(Item).where(Item.purpose == "label").order_by(Item.id)))


def test_a_spammer_is_banned_amid_gold_and_dynamic_overlap(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Stage(runtime, monkeypatch).open(seed=5)
    ann, ben, cem, dia, sam = world.workers[:5]
    staff.change_known(world, gold_every=1, gold_rarest=2)

    # Ann is careful, Sam says the same of everything. Two answers are asked of each item, with known ones among them.
    work(world, ann, "right")
    work(world, sam, "constant")
    assert answers(world, ann, "control") >= 3
    assert answers(world, sam, "control") >= 3
    with runtime.reading() as session:
        standing = session.get_one(Participation, (world.worker_of(session, sam), world.project_id))
        assert standing.gold_right < standing.gold_count
    before = items(world)
    assert all(item.submitted == 2 for item in before)
    assert any(item.state == "open" for item in before), "where they differ one more answer is asked for"

    # Ben answers what is still open. Now some items stand on what Sam has said.
    people.answer(world, ben, "right")
    stood_on_sam = answers(world, sam, "counted")
    assert stood_on_sam

    # Sam comes back for more and is banned with an item in hand: it is free at once, and the button is dead.
    staff.append(world, 2)
    people.command(world, sam, "next")
    held = people.lease_of(world, sam)
    assert held is not None
    staff.set_member(world, sam, "ban", recollected=True)
    assert people.lease_of(world, sam) is None
    assert not people.tap(world, sam, held.public_id, held.version, "a")
    background.pass_time(world, 12)

    # What he alone carried is asked again; what others carry stays; what he said of known items is only of him.
    assert answers(world, sam, "rejected") >= 1
    assert answers(world, sam, "control") >= 3
    assert answers(world, sam, "counted") + answers(world, sam, "rejected") == stood_on_sam

    # The others finish it. All labels are right, no item has more than four answers, and gold is what it was.
    for account in (ben, cem, dia, ann):
        work(world, account, "right")
    finished = items(world)
    assert {item.state for item in finished} == {"agreed"}
    assert all(item.label_id == true_label(item.id) for item in finished)
    with runtime.reading() as session:
        most = session.get_one(Project, world.project_id).max_overlap
        assert max(item.submitted for item in finished) <= most
        assert {gold.item_id: gold.label_id for gold in session.scalars(select(Gold))} == world.journal.gold

    # The ban is lifted. Sam may work again, and never meets an item that he has had before.
    staff.set_member(world, sam, "unban")
    staff.append(world, 1)
    with runtime.reading() as session:
        his = Assignment.worker_id == world.worker_of(session, sam), Assignment.state == "submitted"
        had = set(session.scalars(select(Assignment.item_id).where(*his)))
    people.command(world, sam, "next")
    again = people.lease_of(world, sam)
    assert again is not None
    assert again.item_id not in had
