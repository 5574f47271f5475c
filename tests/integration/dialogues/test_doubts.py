"""Coordinators look at labels that seem wrong, and have other people asked again."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from core.clock import now
from core.enrolment import create_invite
from core.exporting import agreed
from core.label_errors import LABEL_ERRORS, Suspect, note_label_errors
from core.models import Assignment, Item, LogEntry, ModelVersion, OutboxMessage, Project, Workspace
from core.predictions import PRELABELED
from core.second_look_outcomes import carry_back, outcome
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.champions import crown
from tests.invariants import check_redundancy

TEXTS = ("one", "two", "three", "four", "five", "six")


class Job:
    """A job whose six items Ann and Bob have all called Good; the model doubts the first ones."""

    def __init__(self, chat: Chat, public_id: str, version_id: int) -> None:
        self.chat, self.public_id, self.version_id = chat, public_id, version_id

    def doubt(self, count: int) -> None:
        """The trainer has looked, and doubts so many labels."""
        with self.chat.writing() as session:
            ids = session.scalars(select(Item.id).order_by(Item.id).limit(count)).all()
            found = [Suspect(item_id, "a", "b", 0.9 - place / 100) for place, item_id in enumerate(ids)]
            note_label_errors(session, self.version_id, len(TEXTS), found, now())

    def child(self) -> Project:
        """The job of the second look."""
        with self.chat.writing() as session:
            return session.scalars(select(Project).order_by(Project.id.desc())).all()[0]

    def carried(self) -> int:
        """What the background job does after each estimate."""
        with self.chat.writing() as session:
            return carry_back(session, self.child().id, now())

    def states(self) -> list[tuple[str, str | None]]:
        """State and label of the six items."""
        with self.chat.writing() as session:
            rows = session.execute(select(Item.state, Item.label_id).where(Item.parent_id.is_(None)).order_by(Item.id))
            return [(state, label_id) for state, label_id in rows]


@pytest.fixture
async def job(chat: Chat) -> Job:
    """All six are agreed."""
    with chat.writing() as session:
        public_id = make_project(session, TEXTS, ("Good", "Bad"), name="Tweets", min_overlap=2, max_overlap=2).public_id
    for name in ("Ann", "Bob"):
        person = await chat.member(name)
        await person.says(f"/next {public_id}")
        for _ in TEXTS:
            await person.taps("Good")
    version_id = crown(chat, public_id, {"one": ("b", 0.9), "two": ("a", 0.7)}, {PRELABELED: "2026"})
    return Job(chat, public_id, version_id)


async def answer_all(person: Someone, public_id: str, **labels: str) -> None:
    """Answer what a job has, in the order in which it comes; labels by text of the item."""
    await person.says(f"/next {public_id}")
    for _ in labels:
        assert person.card is not None
        await person.taps(labels[person.card.parts[0].text])


async def test_a_coordinator_sees_what_looks_wrong(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "Here that has not happened yet." in await olga.says("/doubts")
    assert olga.buttons() == ["Models"]
    job.doubt(0)
    assert "Of 6 labels none looks wrong." in await olga.says("/doubts")
    job.doubt(2)
    heard = await olga.says("/doubts")
    assert "Labels of “Tweets” that look wrong" in heard
    assert "– “one”: Good, looks like Bad\n– “two”: Good, looks like Bad" in heard
    assert "Asking again takes at least 4 answers" in heard
    assert "People agreed with model v3 on 50% of 2 items" in heard
    assert "– 1 where people say Good and the model Bad" in heard
    assert olga.buttons() == ["Ask again (2)", "Models"]


async def test_more_than_a_few_are_told_once(chat: Chat, job: Job) -> None:
    job.doubt(4)
    await chat.deliver()
    assert not [message for _, message in chat.surface.sent if "look wrong" in message.plain()]
    job.doubt(5)
    job.doubt(5)
    with chat.writing() as session:
        (message,) = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "labels_doubted")).all()
        olga_id = message.worker_id
    assert olga_id
    from bot.cards import render
    from bot.owed import view_of

    with chat.writing() as session:
        message = session.get_one(OutboxMessage, message.id)
        view = view_of(session, message, "en")
        assert view is not None
        shown = render(view, "en")
        assert "“Tweets”: 5 labels look wrong." in shown.plain()
        session.execute(update(Item).values(state="adjudicated"))
        assert view_of(session, message, "en") is None, "what experts have settled is not doubted"


async def test_a_second_look_is_blind_and_confirms_or_corrects(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    cat, dan = await chat.member("Cat"), await chat.member("Dan")
    job.doubt(3)
    await olga.says("/doubts")
    stale = olga.button("Ask again").payload
    heard = await olga.taps("Ask again")
    assert "3 items are asked again as “Second look: Tweets”" in heard
    child = job.child()
    assert (child.min_overlap, child.max_overlap, child.retrain_threshold, child.retrain_cron) == (2, 2, 0, "")
    assert "Nothing in “Tweets” waits to be asked again" in await olga.taps_payload(stale)
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 2, "the second tap makes no second job"
    for name in ("Ann", "Bob"):
        heard = await chat.someone(name).says(f"/next {child.public_id}")
        assert not [text for text in TEXTS if f"\n\n{text}" in heard], f"{name} has decided them"
    heard = await cat.says(f"/next {child.public_id}")
    assert "Good" not in heard, "nobody hears what others said"
    await answer_all(cat, child.public_id, one="Bad", two="Good", three="Bad")
    await answer_all(dan, child.public_id, one="Bad", two="Good", three="Good")
    assert job.carried() == 2
    assert job.carried() == 0, "once each"
    assert job.states()[:3] == [("adjudicated", "b"), ("adjudicated", "a"), ("agreed", "a")]
    with chat.writing() as session:
        check_redundancy(session)
        acts = session.execute(select(LogEntry.act, LogEntry.worker_id).order_by(LogEntry.id.desc()).limit(3)).all()
        assert [act for act, _ in acts] == ["confirmed", "corrected", "second_look"]
        assert acts[0][1] is None
        parent = session.scalars(select(Project).order_by(Project.id)).first()
        assert parent is not None
        rows = {row.text: (row.label, row.state, row.second_look) for row in agreed(session, parent)}
    assert rows["one"] == ("Bad", "adjudicated", "corrected")
    assert rows["two"] == ("Good", "adjudicated", "confirmed")
    assert rows["three"] == ("Good", "agreed", "")
    assert "Second look under way: 1 confirmed, 1 corrected, 1 to come." in await olga.says(f"/doubts {job.public_id}")


async def test_what_the_second_crowd_disputes_goes_to_an_expert_and_then_back(chat: Chat, job: Job) -> None:
    olga, eve = await chat.member("Olga", "coordinator"), await chat.member("Eve", "expert")
    job.doubt(1)
    await olga.says("/doubts")
    await olga.taps("Ask again")
    child = job.child()
    for name, label in (("Cat", "Good"), ("Dan", "Bad")):
        await answer_all(await chat.member(name), child.public_id, one=label)
    assert job.carried() == 0
    assert "one" in await eve.says("/settle")
    await eve.taps("Bad")
    assert job.carried() == 1
    assert job.states()[0] == ("adjudicated", "b")
    with chat.writing() as session:
        (message,) = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "second_look_done")).all()
        from bot.cards import render
        from bot.owed import view_of

        view = view_of(session, message, "en")
        assert view is not None
        assert "“Tweets”: 0 labels confirmed, 1 corrected." in render(view, "en").plain()


async def test_what_nobody_could_answer_or_was_settled_meanwhile_is_left(chat: Chat, job: Job) -> None:
    olga, eve = await chat.member("Olga", "coordinator"), await chat.member("Eve", "expert")
    job.doubt(2)
    await olga.says("/doubts")
    await olga.taps("Ask again")
    child = job.child()
    for name, label in (("Cat", "Bad"), ("Dan", "Good")):
        await answer_all(await chat.member(name), child.public_id, one=label, two="Bad")
    with chat.writing() as session:  # an expert has had the last word on the second item meanwhile
        item = session.scalars(select(Item).where(Item.parent_id.is_(None)).order_by(Item.id).offset(1)).first()
        assert item is not None
        item.state = "adjudicated"
    await eve.says("/settle")
    await eve.taps("Unanswerable")
    assert job.carried() == 1
    assert job.states()[:2] == [("agreed", "a"), ("adjudicated", "a")]
    with chat.writing() as session:
        found = outcome(session, session.get_one(Project, child.id))
    assert (found.confirmed, found.corrected, found.left) == (0, 0, 2)


async def test_an_answer_of_a_second_look_cannot_be_undone_once_it_has_counted(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    job.doubt(1)
    await olga.says("/doubts")
    await olga.taps("Ask again")
    child = job.child()
    dan = None
    for name in ("Cat", "Dan"):
        dan = await chat.member(name)
        await answer_all(dan, child.public_id, one="Bad")
    assert dan is not None
    assert job.carried() == 1
    await dan.says("/undo")
    assert dan.refused is not None
    with chat.writing() as session:
        assert session.scalars(select(Item.state).where(Item.parent_id.is_not(None))).all() == ["agreed"]


async def test_too_few_other_people(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:  # nobody but Olga and the owner is left who has not answered
        session.execute(update(Project).values(min_overlap=3, max_overlap=5))
    job.doubt(2)
    await olga.says("/doubts")
    heard = await olga.taps("Ask again")
    assert "at least 3 people who have not answered these items" in heard
    assert "“one”" in heard, "the list stays"
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 1
        assert session.scalars(select(Assignment).where(Assignment.state == "barred")).all() == []


async def test_a_button_that_counts_otherwise_asks_first(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    for name in ("Cat", "Dan"):
        await chat.member(name)
    job.doubt(2)
    await olga.says("/doubts")
    job.doubt(3)
    heard = await olga.taps("Ask again (2)")
    assert heard.startswith("(That has changed.")
    assert olga.buttons()[0] == "Ask again (3)"
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 1


async def test_doubts_are_for_coordinators_of_this_workspace(chat: Chat, job: Job) -> None:
    olga, eve = await chat.member("Olga", "coordinator"), await chat.member("Eve", "expert")
    job.doubt(2)
    await olga.says("/doubts")
    payload = olga.button("Ask again").payload
    await eve.taps_payload(payload)
    assert eve.refused is not None
    with chat.writing() as session:
        other = Workspace(name="Elsewhere", created_at=now())
        session.add(other)
        session.flush()
        code = create_invite(session, other.id, "owner", 1, now())
    pat = chat.someone("Pat")
    await pat.says(f"/start {code}")
    await pat.agrees()
    await pat.taps_payload(payload)
    assert pat.refused == "project_unknown"
    await pat.taps_payload(payload.replace("askagain", "doubts"))
    assert pat.refused == "project_unknown"


async def test_labels_that_changed_since_are_not_doubted(chat: Chat, job: Job) -> None:
    job.doubt(3)
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        first, second = session.scalars(select(Item).order_by(Item.id).limit(2)).all()
        first.label_id, second.state = "b", "open"
        assert LABEL_ERRORS in session.scalars(select(ModelVersion.metrics)).one()
    heard = await olga.says("/doubts")
    assert "1 looks wrong" in heard
    assert "“three”" in heard
