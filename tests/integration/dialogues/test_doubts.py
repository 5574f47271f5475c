"""Coordinators look at labels that seem wrong, and have other people asked again."""

from __future__ import annotations

import csv

import pytest
from sqlalchemy import func, select, update

from core.clock import now
from core.exporting import agreed
from core.finishing import look_for_end
from core.label_errors import Suspect, note_label_errors
from core.models import Assignment, ExportRequest, Item, LogEntry, ModelVersion, OutboxMessage, Project
from core.predictions import LABEL_ERRORS, PRELABELED, finish_prelabel
from core.projects import list_projects, pickable_projects
from core.queue import FIND_LABEL_ERRORS, TRAINING, queue
from core.second_look_outcomes import carry_back, outcome
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.champions import crown
from tests.integration.dialogues.members import outsider
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
    heard = await olga.says("/doubts")
    assert "so I look for wrong labels anew. Look again a little later." in heard
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
    assert olga.buttons() == ["Ask again (2)", "All as a file", "Models"]


async def test_before_there_is_a_model_nobody_has_looked(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, TEXTS, ("Good", "Bad"), name="Tweets")
    olga = await chat.member("Olga", "coordinator")
    assert "Here that has not happened yet." in await olga.says("/doubts")


async def test_a_model_that_comes_into_use_is_looked_for_at_once(chat: Chat, job: Job) -> None:
    with chat.writing() as session:
        assert finish_prelabel(session, job.version_id, now())
    jobs = queue(TRAINING, chat.redis).jobs
    assert [(one.func_name, one.args) for one in jobs] == [(FIND_LABEL_ERRORS, [job.version_id])]
    queue(TRAINING, chat.redis).empty()
    job.doubt(1)
    with chat.writing() as session:
        assert finish_prelabel(session, job.version_id, now())
    assert queue(TRAINING, chat.redis).jobs == [], "further items make no other look"


async def test_all_that_looks_wrong_can_be_read_page_by_page_and_as_a_file(
    chat: Chat, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cards.doubts.SHOWN", 2)
    olga = await chat.member("Olga", "coordinator")
    job.doubt(5)
    heard = await olga.says("/doubts")
    assert "“two”: Good, looks like Bad\n1 to 2 of 5" in heard
    assert olga.buttons() == ["More", "Ask again (5)", "All as a file", "Models"]
    assert "“three”" in await olga.taps("More")
    heard = await olga.taps("More")
    assert "“five”: Good, looks like Bad\n5 to 5 of 5" in heard
    assert "“one”" not in heard
    assert olga.buttons()[0] == "Back"
    assert "More" not in olga.buttons()
    gone = olga.button("Back").payload.removesuffix(".1") + ".77"
    assert "3 to 4 of 5" in await olga.taps("Back")
    assert "5 to 5 of 5" in await olga.taps_payload(gone), "a page that there is not any more"
    await olga.taps("All as a file")
    assert "The 5 labels of “Tweets” that look wrong" in await olga.taps("All as a file")
    (written,) = chat.settings.export_directory.iterdir()
    assert written.stat().st_mode & 0o077 == 0, "for its owner alone"
    with written.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["one", "two", "three", "four", "five"]
    assert (rows[0]["label"], rows[0]["model_says"], rows[0]["sure"]) == ("Good", "Bad", "0.9")


async def test_nobody_is_told_that_nothing_looks_wrong_while_it_is_asked_again(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    await chat.member("Cat")
    await chat.member("Dan")
    job.doubt(3)
    await olga.says("/doubts")
    file = olga.button("All as a file").payload
    await olga.taps("Ask again")
    heard = await olga.says(f"/doubts {job.public_id}")
    assert "The 3 labels that looked wrong are being asked again." in heard
    assert "none looks wrong" not in heard
    assert olga.buttons() == ["Models"]
    assert "are being asked again" in await olga.taps_payload(file), "a file of nothing is none"


async def test_a_second_look_is_no_job_to_choose(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    await chat.member("Cat")
    await chat.member("Dan")
    job.doubt(3)
    await olga.says("/doubts")
    await olga.taps("Ask again")
    heard = await olga.says("/learning")
    assert "What the model of “Tweets” may do" in heard, "the only one that can be meant"
    child = job.child().public_id
    assert "Second look: Tweets" in await olga.says("/status")
    await olga.says(f"/edit {child}")
    offered = "\n".join(olga.buttons())
    assert "Price per answer" in offered
    assert not [name for name in ("Name", "Labels", "Answers per") if name in offered]
    for step in ("name", "labels", "overlap"):
        await olga.taps_payload(f"edit.{child}.{step}.0")
        assert olga.refused == "no_dialogue", step
    with chat.writing() as session:
        context = session.scalars(select(Project).order_by(Project.id)).all()
        assert [one.name for one in list_projects(session, context[0].workspace_id, only_open=True)] == [
            "Tweets",
            "Second look: Tweets",
        ], "people are handed its items"
        assert [one.name for one in pickable_projects(session, context[0].workspace_id, 0, 9)] == ["Tweets"]


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


async def test_a_second_look_tells_its_own_news_alone(chat: Chat, job: Job) -> None:
    olga = await chat.member("Olga", "coordinator")
    cat, dan = await chat.member("Cat"), await chat.member("Dan")
    job.doubt(1)
    await olga.says("/doubts")
    await olga.taps("Ask again")
    child = job.child()
    for person in (cat, dan):
        await answer_all(person, child.public_id, one="Bad")
    job.carried()
    with chat.writing() as session:
        assert look_for_end(session, child.id, now()), "it has come to its end"
        parent = session.scalars(select(Project).order_by(Project.id)).first()
        assert parent is not None
        assert look_for_end(session, parent.id, now())
        owed = session.scalars(select(ExportRequest.project_id)).all()
        assert owed == [parent.id], "other jobs bring their labels along"
        kinds = session.scalars(select(OutboxMessage.kind).where(OutboxMessage.kind.like("second_look%"))).all()
        assert kinds == ["second_look_done"]
    with chat.writing() as session:
        assert not look_for_end(session, child.id, now()), "once"


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
    pat = await outsider(chat, "Pat", "owner")
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
