"""What experts say and hear while they settle what the crowd disputes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from core.clock import now
from core.models import (
    Adjudication,
    Annotation,
    Assignment,
    Gold,
    Item,
    LogEntry,
    ModelVersion,
    Prediction,
    Project,
    TrainingRun,
)
from core.stats import project_stats
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.members import outsider


async def disputed(
    chat: Chat,
    texts: Sequence[str] = ("one", "two"),
    labels: Sequence[str] = ("Good", "Bad"),
) -> str:
    """A job in which two people disagree on everything, and equally so; named by its public id."""
    with chat.writing() as session:
        project = make_project(session, texts, labels, min_overlap=2, max_overlap=2)
        public_id, number = project.public_id, project.id
    for name, answer in ((f"Ann{number}", labels[0]), (f"Bob{number}", labels[1])):
        person = await chat.member(name)
        await person.says(f"/next {public_id}")
        for _ in texts:
            await person.taps(answer)
    even(chat, public_id, 1 / len(labels))
    return public_id


def even(chat: Chat, public_id: str, first: float) -> None:
    """How probable the first of two labels of all items of a job is."""
    with chat.writing() as session:
        for item in session.scalars(select(Item).join(Project).where(Project.public_id == public_id)):
            item.posterior = [first, 1 - first]


def states(chat: Chat) -> list[tuple[str, str | None]]:
    """State and label of all items, by id."""
    with chat.writing() as session:
        return [(item.state, item.label_id) for item in session.scalars(select(Item).order_by(Item.id))]


async def test_settling_disputes_by_tap(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    heard = await eve.says("/settle")
    assert "one" in heard
    assert "People said: Good 1 · Bad 1" in heard
    assert "1 of 2 disputed" in heard
    assert not {"Ann", "Bob"} & set(heard.replace("\n", " ").split()), "tallies are blind"
    first = eve.button("Bad").payload
    assert "two" in await eve.taps("Later")
    assert "one" in await eve.taps("Later")
    heard = await eve.taps("Bad")
    assert heard.startswith("(✓ Bad)")
    assert "two" in heard
    assert "2 of 2 disputed · you put this one aside before" in heard
    assert "Just settled: “one” is Bad." in heard
    assert "(You have settled this item already.)" in await eve.taps_payload(first)
    assert "Nothing is disputed" in await eve.taps("Good")
    assert states(chat) == [("adjudicated", "b"), ("adjudicated", "a")]
    with chat.writing() as session:
        assert session.scalars(select(LogEntry.act).where(LogEntry.act == "settle")).all() == ["settle", "settle"]
        assert session.scalars(select(Adjudication.reason)).all() == ["", ""], "what was put aside is forgotten"


async def test_two_experts_at_the_same_item(chat: Chat) -> None:
    await disputed(chat)
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    assert "one" in await eve.says("/settle")
    assert "one" in await sam.says("/settle")
    await eve.taps("Good")
    heard = await sam.taps("Bad")
    assert heard.startswith("(Somebody has settled this item already.)")
    assert "two" in heard
    assert sam.refused is None
    assert states(chat)[0] == ("adjudicated", "a"), "the first verdict stands"
    await eve.taps("Bad")
    assert "Nothing is disputed" in await sam.taps("Unanswerable")
    assert states(chat)[1] == ("adjudicated", "b")


async def test_a_verdict_becomes_gold_once(chat: Chat) -> None:
    await disputed(chat, ("one", "two", "three"))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    button = eve.button("Keep “Bad” as known").payload
    heard = await eve.taps("Keep “Bad” as known")
    assert heard.startswith("(✓ Kept as a known answer)")
    assert "two" in heard, "the item in view stays"
    assert "“one” is Bad. It is a known answer now." in heard
    assert not [text for text in eve.buttons() if "known" in text]
    assert "(The label of this item is known already.)" in await eve.taps_payload(button)
    unsettled = eve.button("Later").payload.replace("later", "gold", 1)
    assert "not settled by a verdict" in await eve.taps_payload(unsettled)
    await eve.taps("Good")
    assert "Nothing is disputed" in await eve.taps("Good")
    assert "(✓ Kept as a known answer)" in await eve.taps("Keep “Good” as known")
    assert eve.buttons() == ["Undo “Good”"]
    with chat.writing() as session:
        gold = session.execute(select(Gold.label_id, Gold.source).order_by(Gold.id)).all()
        assert [tuple(row) for row in gold] == [("b", "verdict"), ("a", "verdict")]
        assert session.scalars(select(LogEntry.act).where(LogEntry.act == "gold")).all() == ["gold", "gold"]
        stats = project_stats(session, session.scalars(select(Project)).one())
        assert (stats.gold_known, stats.gold_right) == (0, 0), "what a verdict made is no test of the crowd"
    assert [state for state, _ in states(chat)] == ["adjudicated"] * 3


async def test_nobody_can_answer_it(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    payload = eve.button("Unanswerable").payload
    assert "two" in await eve.taps("Unanswerable")
    assert states(chat) == [("withdrawn", None), ("disputed", None)]
    assert "(You have settled this item already.)" in await eve.taps_payload(payload)
    await eve.taps("Bad")
    cat = await chat.member("Cat")
    assert "Nothing left" in await cat.says("/next")


async def test_unclear_guidelines_come_after_the_others_and_reach_the_coordinator(chat: Chat) -> None:
    await disputed(chat)
    eve, olga = await chat.member("Eve", "expert"), await chat.member("Olga", "coordinator")
    await eve.says("/settle")
    heard = await eve.taps("Guidelines unclear")
    assert "comes again after the others" in heard
    assert "two" in heard
    assert "clearer guidelines" not in heard, "who cannot change them is not told to"
    assert states(chat)[0] == ("disputed", None)
    heard = await olga.says("/settle")
    assert "1 item waits for clearer guidelines" in heard
    assert "one" in heard, "she has not put it aside herself"
    heard = await eve.taps("Bad")
    assert "one" in heard
    assert "you put this one aside before" in heard
    assert "Nothing is disputed" in await eve.taps("Bad")


async def test_the_model_speaks_only_when_asked(chat: Chat) -> None:
    public_id = await disputed(chat, ("one", "two"))
    eve = await chat.member("Eve", "expert")
    assert "odel" not in await eve.says("/settle")
    assert "No model yet." in await eve.taps("What does the model think?")
    assert "What does the model think?" not in eve.buttons()
    make_champion(chat, public_id)
    heard = await eve.says("/settle")
    assert "Bad (81%)" not in heard
    heard = await eve.taps("What does the model think?")
    assert "one" in heard
    assert "Model v3 says Bad (81%)." in heard
    await eve.taps("Bad")
    heard = await eve.taps("What does the model think?")
    assert "Model v3 has not looked at this item yet." in heard
    assert "Just settled: “one” is Bad." in heard, "what stood on the card stays"


def make_champion(chat: Chat, public_id: str) -> None:
    """A model in use that has looked at the first item of a job."""
    with chat.writing() as session:
        project_id = session.scalars(select(Project.id).where(Project.public_id == public_id)).one()
        run = TrainingRun(project_id=project_id, trigger="button", state="done", created_at=now())
        session.add(run)
        session.flush()
        version = ModelVersion(
            project_id=project_id,
            training_run_id=run.id,
            number=3,
            state="champion",
            base_model="tiny",
            artifact="x",
            snapshot_hash="0" * 64,
            metrics={},
            created_at=now(),
        )
        session.add(version)
        session.flush()
        item_id = session.scalars(select(Item.id).where(Item.project_id == project_id).order_by(Item.id)).first()
        session.add(
            Prediction(
                item_id=item_id,
                model_version_id=version.id,
                label_id="b",
                confidence=0.81,
                probabilities=[0.19, 0.81],
                created_at=now(),
            )
        )


async def test_reasons_and_skips_are_shown_without_names(chat: Chat) -> None:
    await disputed(chat, ("one",))
    with chat.writing() as session:
        notes = ["  because\nit rains " + "x" * 300, ""]
        for note, annotation in zip(notes, session.scalars(select(Annotation).order_by(Annotation.id)), strict=True):
            annotation.note = note
            session.add(
                Assignment(
                    public_id=annotation.public_id,
                    project_id=annotation.project_id,
                    item_id=annotation.item_id,
                    worker_id=annotation.worker_id,
                    state="skipped",
                    skip_reason="hard",
                    guidelines_version=1,
                    surface="web",
                    leased_at=now(),
                    expires_at=now(),
                )
            )
    eve = await chat.member("Eve", "expert")
    heard = await eve.says("/settle")
    assert "– Good: “because it rains xxx" in heard
    assert "x" * 200 not in heard
    assert heard.count("– ") == 1
    assert "Skipped: Too hard 2" in heard


async def test_items_that_an_expert_answered_themselves_come_last(chat: Chat) -> None:
    with chat.writing() as session:
        project = make_project(session, ("one", "two", "three"), ("Good", "Bad"), min_overlap=2, max_overlap=2)
        public_id = project.public_id
    eve, bob, cat = [
        await chat.member(name, role) for name, role in (("Eve", "expert"), ("Bob", "worker"), ("Cat", "worker"))
    ]
    await eve.says("/next")
    await eve.taps("Good")  # the first item
    await eve.says("/pause")  # and what she holds by now goes back
    await eve.says("/resume")
    for person, answer in ((bob, "Bad"), (cat, "Good")):
        await person.says("/next")
        while "Bad" in person.buttons():
            await person.taps(answer)
    assert [state for state, _ in states(chat)] == ["disputed"] * 3
    even(chat, public_id, 0.5)
    assert "two" in await eve.says("/settle")
    assert "three" in await eve.taps("Good")
    assert "one" in await eve.taps("Good"), "there is nothing else"
    sam = await chat.member("Sam", "expert")
    assert "one" in await sam.says("/settle")


async def test_the_worth_of_settling_decides_over_all_jobs(chat: Chat) -> None:
    sure = await disputed(chat, ("sure",))
    await disputed(chat, ("torn",))
    urgent = await disputed(chat, ("urgent",))
    even(chat, sure, 0.9)
    with chat.writing() as session:
        session.scalars(select(Project).where(Project.public_id == urgent)).one().priority = 5
    eve = await chat.member("Eve", "expert")
    assert "urgent" in await eve.says("/settle")
    assert "torn" in await eve.taps("Good")
    assert "sure" in await eve.taps("Good")
    assert "Nothing is disputed in “Is it?”" in await eve.says(f"/settle {urgent}")
    assert "sure" in await eve.taps("All jobs")
    assert "There is no job" in await eve.says("/settle nosuchjobatall22")


async def test_an_expert_stays_in_a_job_while_it_has_disputes(chat: Chat) -> None:
    first = await disputed(chat, ("a1", "a2"))
    await disputed(chat, ("b1", "b2"))
    eve = await chat.member("Eve", "expert")
    even(chat, first, 0.9)
    heard = await eve.says(f"/settle {first}")
    assert "a1" in heard
    assert "a2" in await eve.taps("Good")
    assert "b1" in await eve.taps("Good")


async def test_a_long_item_can_be_read_whole(chat: Chat) -> None:
    long = "word " * 600 + "the very end"
    await disputed(chat, (long,))
    eve = await chat.member("Eve", "expert")
    assert "the very end" not in await eve.says("/settle")
    heard = await eve.taps("Show all")
    assert "the very end" in heard
    assert "1 of 1 disputed" in heard, "the card follows the text"
    assert "Nothing is disputed" in await eve.taps("Good")


async def test_many_labels_come_in_pages(chat: Chat) -> None:
    names = [f"L{number}" for number in range(60)]
    with chat.writing() as session:
        project = make_project(session, ("one",), names, min_overlap=2, max_overlap=2)
        session.scalars(select(Item).where(Item.project_id == project.id)).one().state = "disputed"
    eve = await chat.member("Eve", "expert")
    assert "page 1 of 2" in await eve.says("/settle")
    assert "L59" not in eve.buttons()
    assert "page 2 of 2" in await eve.taps("›")
    assert "(✓ L59)" in await eve.taps("L59")


async def test_nothing_is_told_to_those_without_the_role(chat: Chat) -> None:
    await disputed(chat, ("one",))
    eve, ann = await chat.member("Eve", "expert"), await chat.member("Wally")
    await eve.says("/settle")
    assert "I do not know /settle" in await ann.says("/settle")
    for button in [one for row in eve.card.buttons for one in row] if eve.card else []:
        await ann.taps_payload(button.payload)
        assert ann.refused == "unknown_button", button.text
    assert states(chat) == [("disputed", None)]


async def test_the_disputes_of_another_workspace_do_not_exist(chat: Chat) -> None:
    public_id = await disputed(chat, ("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    sam = await outsider(chat, "Sam", "expert")
    assert "Nothing is disputed" in await sam.says("/settle")
    assert "There is no job" in await sam.says(f"/settle {public_id}")
    for button in [one for row in eve.card.buttons for one in row] if eve.card else []:
        assert "That item does not exist here" in await sam.taps_payload(button.payload)
    assert states(chat) == [("disputed", None)]
