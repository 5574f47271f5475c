"""Experts ask why the model says what it says; the trainer answers, late, or not at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select, update

from core.clock import now
from core.explanations import ANSWER, ERROR, Explanation, Neighbour, Word, answer, known_answer, unanswered
from core.models import Item, OutboxMessage, Project, TrainingRun
from core.queue import TRAINING, enqueue, queue
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.champions import crown
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.test_settling import disputed

FOUND = Explanation(
    label_id="b",
    probabilities={"b": 0.81, "a": 0.19},
    words=(Word(0, 4, 1.2), Word(5, 9, -0.4), Word(10, 15, 0.01)),
    neighbours=(),
)
TEXTS = ("late with rain", "two")


class Asked:
    """A dispute in a job with a model, and an expert who has seen what the model says of its first item."""

    def __init__(self, chat: Chat, eve: Someone, version_id: int, item_id: int) -> None:
        self.chat, self.eve, self.version_id, self.item_id = chat, eve, version_id, item_id

    def answers(self, **found: object) -> int:
        """What the trainer's job writes down."""
        with self.chat.writing() as session:
            return answer(session, self.item_id, self.version_id, found, now())

    def a_minute_later(self) -> None:
        """Everybody's minute is over."""
        with self.chat.writing() as session:
            session.execute(update(OutboxMessage).values(not_before=now() - timedelta(seconds=1)))

    async def heard(self) -> list[str]:
        """What is delivered now."""
        before = len(self.chat.surface.sent)
        await self.chat.deliver()
        return [message.plain() for _, message in self.chat.surface.sent[before:]]


@pytest.fixture
async def asked(chat: Chat) -> Asked:
    """The expert has the card with the model's opinion in hand."""
    job = await disputed(chat, TEXTS)
    version_id = crown(chat, job, {TEXTS[0]: ("b", 0.81)})
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    assert "Why?" not in eve.buttons(), "not before the opinion is asked for"
    await eve.taps("What does the model think?")
    with chat.writing() as session:
        item_id = session.scalars(select(Item.id).order_by(Item.id)).first()
    assert item_id is not None
    return Asked(chat, eve, version_id, item_id)


async def test_the_answer_comes_as_a_message_of_its_own(chat: Chat, asked: Asked, redis: Redis) -> None:
    assert await asked.eve.taps("Why?") == "(The explanation follows in a moment.)"
    assert queue(TRAINING, redis).job_ids == [f"explain-{asked.item_id}-{asked.version_id}"]
    assert await asked.heard() == [], "it is waited for a minute"
    assert asked.answers(**{ANSWER: FOUND.to_json()}) == 1
    (heard,) = await asked.heard()
    assert "Why model v3 says Bad" in heard
    assert "Spoke for it: late\n" in heard
    assert "Spoke against it: with" in heard
    assert "The model: Bad 81% · Good 19%\nPeople said: Good 1 · Bad 1\nPeople and the model differ here." in heard
    message = chat.surface.sent[-1][1]
    assert message.kind == "picture"
    assert message.attachment is not None
    assert Path(message.attachment.path).read_bytes().startswith(b"\x89PNG")
    assert message.attachment.alt.startswith("Spoke for it: late")
    assert asked.answers(**{ANSWER: FOUND.to_json()}) == 0, "nobody waits any more"
    assert await asked.heard() == []


async def test_what_was_explained_before_is_not_computed_again(chat: Chat, asked: Asked, redis: Redis) -> None:
    await asked.eve.taps("Why?")
    asked.answers(**{ANSWER: FOUND.to_json()})
    await asked.heard()
    queue(TRAINING, redis).empty()
    await asked.eve.taps("Why?")
    assert queue(TRAINING, redis).count == 0
    assert len(await asked.heard()) == 1, "sent once more at once"
    sam = await chat.member("Sam", "expert")
    await sam.says("/settle")
    await sam.taps("What does the model think?")
    await sam.taps("Why?")
    assert queue(TRAINING, redis).count == 1
    with chat.writing() as session:
        known = known_answer(session, asked.item_id, asked.version_id)
    assert known is not None
    assert Explanation.from_json(known) == FOUND
    assert asked.answers(**{ANSWER: known}) == 1, "Sam alone waits"


async def test_where_no_trainer_answers_a_sentence_says_so_and_a_late_answer_follows(asked: Asked) -> None:
    await asked.eve.taps("Why?")
    await asked.eve.taps("Why?")
    asked.a_minute_later()
    (heard,) = await asked.heard()
    assert heard.startswith("The trainer is busy or switched off.")
    assert asked.answers(**{ANSWER: FOUND.to_json()}) == 1
    (heard,) = await asked.heard()
    assert "Why model v3 says Bad" in heard


async def test_where_the_trainer_trains_it_is_said_what(chat: Chat, asked: Asked) -> None:
    await asked.eve.taps("Why?")
    with chat.writing() as session:
        workspace = session.scalars(select(Project)).one().workspace_id
        mails = make_project(session, ["one"], name="Mails")
        assert mails.workspace_id == workspace
        run = TrainingRun(project_id=mails.id, trigger="button", state="running", created_at=now(), heartbeat_at=now())
        run.snapshot = {"done": 0.4}
        session.add(run)
    asked.a_minute_later()
    (heard,) = await asked.heard()
    assert heard.startswith(
        "A model of “Mails” is being trained now (40% done); this comes after it. "
        "The explanation follows as soon as it is there"
    )


async def test_whoever_asks_again_waits_anew(chat: Chat, asked: Asked, redis: Redis) -> None:
    await asked.eve.taps("Why?")
    asked.a_minute_later()
    await asked.heard()
    queue(TRAINING, redis).empty()
    await asked.eve.taps("Why?")
    assert queue(TRAINING, redis).count == 1
    assert await asked.heard() == []
    with chat.writing() as session:
        assert [job.job_id for job in unanswered(session, now())] == [f"explain-{asked.item_id}-{asked.version_id}"]
    asked.a_minute_later()
    with chat.writing() as session:
        assert unanswered(session, now()) == [], "they were told, and may ask again"


async def test_what_cannot_be_explained_is_told_and_may_be_asked_again(asked: Asked, redis: Redis) -> None:
    await asked.eve.taps("Why?")
    asked.answers(**{ERROR: {"code": "artifact_missing", "params": {"artifact": "nowhere"}}})
    (heard,) = await asked.heard()
    assert heard.startswith("The model cannot be explained right now.")
    queue(TRAINING, redis).empty()
    await asked.eve.taps("Why?")
    assert queue(TRAINING, redis).count == 1
    asked.answers(**{ANSWER: FOUND.to_json()})
    (heard,) = await asked.heard()
    assert "Why model v3 says Bad" in heard


async def test_like_items_show_the_labels_of_now(chat: Chat, asked: Asked) -> None:
    with chat.writing() as session:
        project = session.scalars(select(Project)).first()
        assert project is not None
        item = session.scalars(select(Item).order_by(Item.id.desc())).first()
        assert item is not None
        item.state, item.label_id = "agreed", "a"
        like = (Neighbour(item.id, 0.9, 2), Neighbour(asked.item_id, 0.8), Neighbour(10**6, 0.7))
    found = Explanation(FOUND.label_id, FOUND.probabilities, FOUND.words, like)
    await asked.eve.taps("Why?")
    asked.answers(**{ANSWER: found.to_json()})
    (heard,) = await asked.heard()
    assert heard.count("\n– “") == 1, "what is not decided (any more) is left out"
    assert "– “two” is Good (2 that are nearly the same)" in heard


async def test_the_job_goes_before_what_waits(asked: Asked, redis: Redis) -> None:
    from core.effects import EnqueueJob
    from core.queue import RETRAIN

    enqueue(redis, EnqueueJob(TRAINING, RETRAIN, (1,), "retrain-1-1"))
    await asked.eve.taps("Why?")
    assert queue(TRAINING, redis).job_ids[0].startswith("explain-")


async def test_only_experts_of_this_workspace_may_ask(chat: Chat, asked: Asked) -> None:
    payload = asked.eve.button("Why?").payload
    ann = await chat.member("Wes")
    await ann.taps_payload(payload)
    assert ann.refused == "unknown_button"
    pat = await outsider(chat, "Pat", "owner")
    assert "That item does not exist here" in await pat.taps_payload(payload)
    with chat.writing() as session:
        assert session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "explanation")).all() == []


async def test_without_a_model_in_use_nothing_is_promised(chat: Chat, asked: Asked) -> None:
    from core.models import ModelVersion

    with chat.writing() as session:
        session.execute(update(ModelVersion).values(state="retired"))
    assert "has no model in use" in await asked.eve.taps("Why?")


async def test_why_on_the_card_of_an_audit(chat: Chat, asked: Asked, redis: Redis) -> None:
    await asked.eve.says("/audit")
    await asked.eve.taps("Why?")
    (job_id,) = queue(TRAINING, redis).job_ids
    with chat.writing() as session:
        (message,) = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "explanation")).all()
        assert job_id == f"explain-{message.dedupe_key.split('-')[1]}-{asked.version_id}"
        assert message.params["origin"] == "audit"
