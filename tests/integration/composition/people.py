"""What workers do, by the events that a surface would hand over: commands and taps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.handling import handle
from bot.surface import Command, Event, Left, Tapped
from bot.tokens import make
from core.answers import last_answer
from core.forgetting import forget
from core.leases import Lease, active_lease
from core.merging import merge
from core.models import Assignment, Worker
from core.qualification import begin
from tests.integration.composition.background import run_due
from tests.integration.composition.world import Entry, World, join, other_label, person, true_label

MANNERS = ("right", "right", "right", "wrong", "constant", "unusual")
OFTEN = 0.2
REASONS = ("hard", "unclear", "broken", "language", "other")


def send(world: World, name: str, event: Event, told: Callable[[object], object] = lambda _: None) -> bool:
    """One event; false where it was refused. told: writes down what was acknowledged."""
    now = world.clock.forward(3)
    return world.do(name, lambda session: handle(session, event, world.runtime.settings, now), told)


def command(world: World, account: str, name: str) -> bool:
    """A command of a worker's; false where it was refused."""
    return send(world, f"/{name}", Command(person(account), name))


def lease_of(world: World, account: str) -> Lease | None:
    """What somebody has in hand."""
    with world.runtime.reading() as session:
        worker_id = world.worker_of(session, account)
        return None if worker_id is None else active_lease(session, worker_id, world.project_id)


def answer(world: World, account: str, manner: str) -> None:
    """Answer the item in hand; who has none asks for one first, and begins with the lessons where there are some."""
    run_due(world)
    if lease_of(world, account) is None:
        command(world, account, "next")
    lease = lease_of(world, account)
    if lease is None and world.chance.random() < OFTEN:
        begin_lessons(world, account)
        command(world, account, "next")
        lease = lease_of(world, account)
    if lease is not None:
        usual = {"right": true_label(lease.item_id), "wrong": other_label(lease.item_id), "constant": "a"}
        tap(world, account, lease.public_id, lease.version, usual.get(manner, "c"))


def go_on(world: World, answers: int) -> None:
    """The usual work beside whatever happens: most people mean well, and are right."""
    for _ in range(answers):
        account = world.chance.choice(world.workers)
        manner = "right" if world.chance.random() < 0.7 else world.chance.choice(MANNERS)
        answer(world, account, manner)


def tap(world: World, account: str, assignment: str, version: int, label: str) -> bool:
    """Tap a label; what is acknowledged goes into the journal. False where it was refused."""
    with world.runtime.reading() as session:
        row = session.scalars(select(Assignment).where(Assignment.public_id == assignment)).one()
        entry = Entry(row.worker_id, row.item_id, label, world.project(session).price)
    button = Tapped(person(account), make("answer", assignment, label, version))
    return send(world, f"answer {label}", button, lambda _: world.journal.answers.update({assignment: entry}))


def old_tap(world: World, account: str, which: int, label: str) -> None:
    """A button of before: repeated, of somebody else, of a lease that has ended, or with a version that is over."""
    with world.runtime.reading() as session:
        rows = session.scalars(select(Assignment).order_by(Assignment.id.desc()).limit(40)).all()
        if not rows:
            return
        row = rows[which % len(rows)]
        theirs = [one for one in world.workers if world.worker_of(session, one) == row.worker_id]
    is_theirs = bool(theirs) and which % 4 > 0
    answered, version = row.public_id in world.journal.answers, row.version - (which % 5 == 1)
    accepted = version > 0 and tap(world, theirs[0] if is_theirs else account, row.public_id, version, label)
    assert not (accepted and answered), "an answer was taken twice"


def skip(world: World, account: str, reason: str) -> None:
    """Give the item in hand back for good."""
    if (lease := lease_of(world, account)) is not None:
        send(world, "skip", Tapped(person(account), make("skip", lease.public_id, reason, lease.version)))


def undo(world: World, account: str) -> None:
    """Take the last answer back."""
    with world.runtime.reading() as session:
        worker_id = world.worker_of(session, account)
        last = None if worker_id is None else last_answer(session, worker_id, world.workspace_id)
        if last is None:
            return
        given = session.get_one(Assignment, last.assignment_id).public_id
    event = Command(person(account), "undo")
    send(world, "/undo", event, lambda _: world.journal.answers.pop(given, None))


def undo_old(world: World, account: str, which: int) -> None:
    """The undo button of an older card, of an answer or of a skip."""
    with world.runtime.reading() as session:
        worker_id = world.worker_of(session, account)
        mine = select(Assignment).where(Assignment.worker_id == worker_id)
        done = mine.where(Assignment.state.in_(("submitted", "skipped"))).order_by(Assignment.id.desc())
        rows = session.scalars(done.limit(12)).all()
    if rows:
        row = rows[which % len(rows)]
        event = Tapped(person(account), make("undo", row.public_id, "", row.version))
        send(world, "undo an old card", event, lambda _: world.journal.answers.pop(row.public_id, None))


def leave(world: World, account: str) -> None:
    """Block the bot; whatever they do there later unblocks it."""
    send(world, "left", Left(person(account)))


def read_languages(world: World, account: str, languages: Sequence[str]) -> None:
    """Which languages somebody reads."""

    def change(session: Session) -> None:
        worker_id = world.worker_of(session, account)
        if worker_id is not None:
            session.get_one(Worker, worker_id).languages = list(languages)

    world.do("languages", change)


def begin_lessons(world: World, account: str) -> None:
    """Say that one is ready for practice, or for the quiz."""

    def start(session: Session) -> None:
        worker_id = world.worker_of(session, account)
        if worker_id is not None:
            begin(session, world.project(session), worker_id, world.clock())

    world.do("begin lessons", start)


def erase(world: World, account: str) -> None:
    """Have everything personal erased."""

    def go(session: Session) -> None:
        worker_id = world.worker_of(session, account)
        if worker_id is not None:
            forget(session, worker_id, world.clock())

    world.do("forget", go)


def link(world: World, account: str, other: str) -> None:
    """Two accounts turn out to be one person's."""
    with world.runtime.reading() as session:
        keep, gone = world.worker_of(session, account), world.worker_of(session, other)
    if keep is None or gone is None or keep == gone:
        return
    journal = world.journal

    def told(_: None) -> None:
        theirs = {public_id: entry for public_id, entry in journal.answers.items() if entry.worker_id == gone}
        journal.answers.update({public_id: replace(entry, worker_id=keep) for public_id, entry in theirs.items()})
        if gone in journal.shut_out:
            journal.shut_out.add(keep)

    world.do("link", lambda session: merge(session, keep, gone, world.clock()), told)


def come(world: World) -> None:
    """Somebody new joins."""
    world.do("join", lambda session: join(session, world, f"n{len(world.workers)}"), world.workers.append)
