"""Owed messages: sent once, retried with back-off, given up, and silent after a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from redis import Redis
from sqlalchemy import Engine, select, update

from bot.delivery import LEASE, Delivery
from bot.leadership import DatabaseLeadership
from bot.surface import Blocked, Message, MessageRef, Rejected, RetryLater, SurfaceError
from core.clock import now
from core.config import Settings
from core.lanes import Lane
from core.leases import active_lease
from core.models import Identity, Item, OutboxMessage, SingletonLease, Worker, Workspace
from core.outbox import owe, sweep_outbox
from core.singletons import LIFETIME, hold, let_go
from tests.factories import START, make_member, make_project
from tests.fakes.chat import Chat, FakeSurface
from tests.waiting import PATIENCE_SECONDS, until


@pytest.fixture
async def chat(settings: Settings, engine: Engine, redis: Redis) -> AsyncIterator[Chat]:
    """A bot with a surface that can be made to fail."""
    made = Chat(settings, engine, redis)
    yield made
    made.close()


def owe_offer(chat: Chat, key: str = "one", **options: object) -> tuple[int, int]:
    """Owe a worker who holds an item an offer; their worker id and the project id."""
    with chat.writing() as session:
        worker = make_member(session)
        project = make_project(session)
        owe(
            session,
            worker_id=worker.id,
            workspace_id=project.workspace_id,
            kind="offer",
            params={"project_id": project.id},
            dedupe_key=key,
            now=now(),
            **options,  # type: ignore[arg-type]  # tests pass lane and expires_after
        )
        return worker.id, project.id


def states(chat: Chat) -> list[tuple[str, int]]:
    with chat.writing() as session:
        statement = select(OutboxMessage.state, OutboxMessage.attempts).order_by(OutboxMessage.id)
        return [(state, attempts) for state, attempts in session.execute(statement)]


async def test_a_message_is_sent_once(chat: Chat) -> None:
    owe_offer(chat)
    await chat.deliver()
    await chat.deliver()
    assert len(chat.surface.sent) == 1
    assert states(chat) == [("sent", 0)]


async def test_the_same_thing_is_owed_once(chat: Chat) -> None:
    worker_id, project_id = owe_offer(chat)
    with chat.writing() as session:
        again = owe(session, worker_id=worker_id, workspace_id=1, kind="offer", params={}, dedupe_key="one", now=now())
    assert not again
    assert project_id


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(RetryLater(30), ("pending", 1)), (Rejected("never"), ("failed", 0)), (TimeoutError(), ("pending", 1))],
)
async def test_failures_are_told_apart(chat: Chat, failure: SurfaceError, expected: tuple[str, int]) -> None:
    owe_offer(chat)
    chat.surface.failures.append(failure)
    assert await chat.delivery.deliver_once() == 1
    assert states(chat) == [expected]
    assert await chat.delivery.deliver_once() == 0, "it waits"


async def test_retries_end(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.REST_SECONDS", 0.0)
    owe_offer(chat, expires_after=timedelta(seconds=28))
    for _ in range(5):
        chat.surface.failures.append(RetryLater(0))
        with chat.writing() as session:
            session.execute(update(OutboxMessage).values(not_before=now()))
        await chat.delivery.deliver_once()
    assert states(chat) == [("expired", 5)], "2, 4, 8 and 16 seconds were to be waited; 32 would be too late"


async def test_a_block_ends_messages_and_gives_leases_back(chat: Chat) -> None:
    from core.assignment import next_assignment

    worker_id, project_id = owe_offer(chat)
    with chat.writing() as session:
        from core.models import Project

        assert next_assignment(session, session.get_one(Project, project_id), worker_id, "web", now())
    chat.surface.failures.append(Blocked("blocked"))
    await chat.delivery.deliver_once()
    with chat.writing() as session:
        assert active_lease(session, worker_id) is None
        assert session.scalars(select(Item.leased).where(Item.leased > 0)).all() == []
        assert session.scalars(select(Identity.blocked_at).where(Identity.worker_id == worker_id)).one() is not None
    with chat.writing() as session:
        session.execute(update(OutboxMessage).values(not_before=now()))
    await chat.delivery.deliver_once()
    assert chat.surface.sent == []


async def test_what_makes_no_sense_any_more_is_not_sent(chat: Chat) -> None:
    owe_offer(chat, "late", expires_after=timedelta(seconds=-1))
    _, project_id = owe_offer(chat, "closed")
    with chat.writing() as session:
        from core.models import Project

        session.execute(update(Project).where(Project.id == project_id).values(state="closed"))
    await chat.deliver()
    assert chat.surface.sent == []
    assert [state for state, _ in states(chat)] == ["expired", "expired"]


async def test_a_message_that_cannot_be_rendered_does_not_stop_the_others(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    owe_offer(chat, "broken")
    with chat.writing() as session:
        session.execute(update(OutboxMessage).values(kind="no_such_card"))
    owe_offer(chat, "fine")
    await chat.deliver()
    assert len(chat.surface.sent) == 1
    assert [state for state, _ in states(chat)] == ["failed", "sent"]


async def test_only_one_process_sends(chat: Chat) -> None:
    owe_offer(chat)
    with chat.writing() as session:
        assert hold(session, LEASE, "another process", now()) == 1
    assert await chat.delivery.deliver_once() == 0
    assert chat.surface.sent == []
    with chat.writing() as session:
        session.execute(update(SingletonLease).values(expires_at=now() - timedelta(seconds=1)))
    assert await chat.delivery.deliver_once() == 1


async def test_a_second_surface_is_tried_where_the_first_is_blocked(chat: Chat) -> None:
    worker_id, _ = owe_offer(chat)
    with chat.writing() as session:
        worker = session.get_one(Worker, worker_id)
        session.add(
            Identity(
                worker_id=worker.id,
                surface="telegram",
                external_id="t",
                address="t",
                workspace_id=1,
                created_at=START,
                last_seen_at=START - timedelta(days=1),
            )
        )
    second = FakeSurface()
    delivery = Delivery(chat.engine, chat.writer, {"web": chat.surface, "telegram": second})
    chat.surface.failures.append(Blocked("blocked"))
    await delivery.deliver_once()
    assert [address for address, _ in second.sent] == ["t"]


class Slow(FakeSurface):
    """Sends to an address only when a test lets it."""

    def __init__(self, *held: str) -> None:
        super().__init__()
        self.gates = {address: asyncio.Event() for address in held}
        self.asked: list[tuple[str, Lane]] = []
        self.cancelled: list[str] = []

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:
        """When the gate of the address is open, or where it has none."""
        self.asked.append((address, lane))
        try:
            if address in self.gates:
                await self.gates[address].wait()
        except asyncio.CancelledError:
            self.cancelled.append(address)
            raise
        return await super().send(address, message, lane)


def owe_to(chat: Chat, address: str, *keys: str, lane: Lane = Lane.NOTICE) -> None:
    """Owe one person several offers."""
    with chat.writing() as session:
        project = make_project(session)
        worker = make_member(session)
        session.execute(update(Identity).where(Identity.worker_id == worker.id).values(address=address))
        for key in keys:
            owe(
                session,
                worker_id=worker.id,
                workspace_id=project.workspace_id,
                kind="offer",
                params={"project_id": project.id},
                dedupe_key=key,
                now=now(),
                lane=lane,
            )


async def test_a_slow_chat_holds_up_nobody_else_and_keeps_its_own_order(chat: Chat) -> None:
    owe_to(chat, "slow", "s1", "s2", "s3", "s4", lane=Lane.OFFER)
    owe_to(chat, "quick", "q1", "q2")
    surface = Slow("slow")
    delivery = Delivery(chat.engine, chat.writer, {"web": surface})
    sending = asyncio.create_task(delivery.run())
    await until(lambda: len(surface.sent) == 2)
    assert surface.asked.count(("slow", Lane.OFFER)) == 1, "the second waits for the first"
    owe_to(chat, "late", "l1")
    delivery.wake()
    await until(lambda: ("late", Lane.NOTICE) in surface.asked)
    surface.gates["slow"].set()
    await until(lambda: [state for state, _ in states(chat)] == ["sent"] * 7)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert len(surface.sent) == 7


async def test_a_chat_that_is_busy_rests_with_all_that_it_is_owed(chat: Chat) -> None:
    owe_to(chat, "busy", "b1", "b2")
    owe_to(chat, "free", "f1")
    chat.surface.failures.append(RetryLater(30))
    await chat.delivery.deliver_once()
    await chat.delivery.deliver_once()
    assert [address for address, _ in chat.surface.sent] == ["free"]
    assert sorted(states(chat)) == [("pending", 0), ("pending", 1), ("sent", 0)]


async def test_the_lease_is_renewed_while_a_message_takes_its_time(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DatabaseLeadership, "renew_seconds", 0.05)
    owe_to(chat, "slow", "s1")
    surface = Slow("slow")
    sending = asyncio.create_task(Delivery(chat.engine, chat.writer, {"web": surface}).run())
    await until(lambda: surface.asked)

    def expiry() -> datetime:
        with chat.writing() as session:
            return session.scalars(select(SingletonLease.expires_at).where(SingletonLease.name == LEASE)).one()

    first = expiry()
    await until(lambda: expiry() > first + timedelta(seconds=0.1))
    surface.gates["slow"].set()
    await until(lambda: surface.sent)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_sender_that_lost_its_lease_stops_sending(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DatabaseLeadership, "renew_seconds", 0.05)
    owe_to(chat, "slow", "s1")
    surface = Slow("slow")
    sending = asyncio.create_task(Delivery(chat.engine, chat.writer, {"web": surface}).run())
    await until(lambda: surface.asked)
    with chat.writing() as session:
        session.execute(update(SingletonLease).values(holder="another process", fence=SingletonLease.fence + 1))
    await until(lambda: surface.cancelled == ["slow"])
    with chat.writing() as session:
        session.execute(update(SingletonLease).values(expires_at=now()))
    surface.gates["slow"].set()
    await until(lambda: states(chat) == [("sent", 0)])
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert len(surface.sent) == 1


async def test_what_is_being_sent_is_finished_and_noted_before_the_end_and_nothing_is_begun(chat: Chat) -> None:
    owe_to(chat, "slow", "s1")
    surface = Slow("slow")
    delivery = Delivery(chat.engine, chat.writer, {"web": surface})
    sending = asyncio.create_task(delivery.run())
    await until(lambda: surface.asked)
    finishing = asyncio.create_task(delivery.finish(5))
    await asyncio.sleep(0)
    owe_to(chat, "later", "l1")
    delivery.wake()
    surface.gates["slow"].set()
    await finishing
    assert surface.cancelled == []
    assert sorted(states(chat)) == [("pending", 0), ("sent", 0)]
    await delivery.finish(5)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert [address for address, _ in surface.sent] == ["slow"]


async def test_a_message_that_does_not_get_through_is_not_waited_for(chat: Chat) -> None:
    owe_to(chat, "slow", "s1")
    surface = Slow("slow")
    delivery = Delivery(chat.engine, chat.writer, {"web": surface})
    sending = asyncio.create_task(delivery.run())
    await until(lambda: surface.asked)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await delivery.finish(0.01)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert states(chat) == [("pending", 0)]


async def test_a_fault_with_one_message_does_not_end_delivery(chat: Chat) -> None:
    owe_to(chat, "first", "one")
    chat.surface.failures.append(KeyError("a fault of ours"))  # type: ignore[arg-type]
    owe_to(chat, "second", "two")
    await chat.delivery.deliver_once()
    assert [address for address, _ in chat.surface.sent] == ["second"]
    assert states(chat) == [("pending", 1), ("sent", 0)], "the first is tried again later, with pauses that grow"


@pytest.mark.parametrize("lane", [Lane.OFFER, Lane.NOTICE])
async def test_a_message_goes_where_its_person_acts_in_that_workspace(chat: Chat, lane: Lane) -> None:
    worker_id, _ = owe_offer(chat, lane=lane)
    elsewhere(chat, worker_id, "t")
    second = FakeSurface()
    await Delivery(chat.engine, chat.writer, {"web": chat.surface, "telegram": second}).deliver_once()
    assert [address for address, _ in second.sent] == ["t"]
    assert chat.surface.sent == []


@pytest.mark.parametrize(("lane", "expected"), [(Lane.OFFER, "expired"), (Lane.NOTICE, "sent")])
async def test_an_offer_is_dropped_where_its_person_acts_in_that_workspace_no_more(
    chat: Chat, lane: Lane, expected: str
) -> None:
    worker_id, _ = owe_offer(chat, lane=lane)
    elsewhere(chat, worker_id)
    await chat.deliver()
    assert [state for state, _ in states(chat)] == [expected]


def elsewhere(chat: Chat, worker_id: int, *staying: str) -> None:
    """Let the accounts of a worker act in another workspace, but for further ones that stay, used less lately."""
    with chat.writing() as session:
        other = Workspace(name="other", created_at=START)
        session.add(other)
        session.flush()
        session.execute(update(Identity).where(Identity.worker_id == worker_id).values(workspace_id=other.id))
        for address in staying:
            session.add(
                Identity(
                    worker_id=worker_id,
                    surface="telegram",
                    external_id=address,
                    address=address,
                    workspace_id=1,
                    created_at=START,
                    last_seen_at=START - timedelta(days=1),
                )
            )


def test_a_lease_is_fenced_and_taken_over(chat: Chat) -> None:
    moment = now()
    with chat.writing() as session:
        assert hold(session, "x", "a", moment) == 1
        assert hold(session, "x", "b", moment) is None
        assert hold(session, "x", "a", moment + LIFETIME / 2) == 1
        assert hold(session, "x", "b", moment + 2 * LIFETIME) == 2
        assert hold(session, "x", "a", moment + 2 * LIFETIME) is None
        let_go(session, "x", "b", moment + 2 * LIFETIME)
        assert hold(session, "x", "a", moment + 2 * LIFETIME) == 3


def test_the_sweep_expires_and_forgets(chat: Chat) -> None:
    owe_offer(chat)
    with chat.writing() as session:
        assert sweep_outbox(session, now() + timedelta(days=4)) == 1
        sweep_outbox(session, now() + timedelta(days=9))
        assert session.scalars(select(OutboxMessage)).all() == []
