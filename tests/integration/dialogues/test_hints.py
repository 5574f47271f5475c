"""A card shows what the model thinks where the job wants that, and the answer records it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select

from core.aggregation.model_prior import PriorGain
from core.blind import is_apart
from core.clock import now
from core.hints import hint_effect
from core.labels import content_hash, item_text, text_content
from core.models import Item, ModelVersion, Prediction, Project, TrainingRun
from core.priors import PRIOR
from tests.fakes.chat import Chat
from tests.integration.dialogues.work import change, kept, post

FREE = [
    text
    for text in (f"sky {number}" for number in range(60))
    if not is_apart(text, content_hash(text_content(text)), 0.1)
]
APART = [
    text for text in (f"sea {number}" for number in range(60)) if is_apart(text, content_hash(text_content(text)), 0.1)
]


def spoken(chat: Chat, project_id: int, sure: float = 0.9, helps: bool = True, said: int = 0, number: int = 1) -> None:
    """A champion that says the label of index `said` of every item."""
    gain = PriorGain(0.1, 0.01, 100) if helps else PriorGain(-0.1, 0.01, 100)
    with chat.writing() as session:
        run = TrainingRun(project_id=project_id, trigger="button", state="done", created_at=now())
        session.add(run)
        session.flush()
        version = ModelVersion(
            project_id=project_id,
            training_run_id=run.id,
            number=number,
            state="champion",
            base_model="tiny",
            artifact="x/1",
            snapshot_hash="0" * 64,
            metrics={"holdout": {"accuracy": 0.8}, PRIOR: {"helps": gain.helps}},
            created_at=now(),
        )
        session.add(version)
        session.flush()
        labels = session.get_one(Project, project_id).label_schema["labels"]
        for item_id in session.scalars(select(Item.id).where(Item.project_id == project_id)):
            probabilities = [1 - sure, 1 - sure]
            probabilities[said] = sure
            session.add(
                Prediction(
                    item_id=item_id,
                    model_version_id=version.id,
                    label_id=labels[said]["id"],
                    confidence=sure,
                    probabilities=probabilities,
                    created_at=now() - timedelta(minutes=1),
                )
            )


async def test_without_the_setting_cards_and_answers_know_of_no_model(chat: Chat) -> None:
    project_id = post(chat, *FREE[:3])
    spoken(chat, project_id)
    ann = await chat.member("Ann")
    assert "The model thinks" not in await ann.says("/next")
    await ann.taps("Good")
    assert [one.prediction_id for one in kept(chat)] == [None]


async def test_a_hint_is_shown_and_recorded(chat: Chat) -> None:
    project_id = post(chat, *FREE[:3])
    spoken(chat, project_id, 0.83)
    change(chat, project_id, learning={"hints": True})
    ann = await chat.member("Ann")
    assert "The model thinks: Good (83% sure)" in await ann.says("/next")
    await ann.taps("Bad")
    [given] = kept(chat)
    with chat.writing() as session:
        hint = session.get_one(Prediction, given.prediction_id)
        assert (hint.item_id, hint.label_id != given.label_id) == (given.item_id, True)
    assert "The model thinks" in await ann.taps("Undo")
    assert kept(chat) == []


async def test_what_was_shown_is_recorded_also_where_another_model_has_come_meanwhile(chat: Chat) -> None:
    project_id = post(chat, *FREE[:3])
    spoken(chat, project_id)
    change(chat, project_id, learning={"hints": True})
    ann = await chat.member("Ann")
    await ann.says("/next")
    with chat.writing() as session:
        session.scalars(select(ModelVersion)).one().state = "retired"
    spoken(chat, project_id, said=1, number=2)
    with chat.writing() as session:
        second = session.scalars(select(ModelVersion).where(ModelVersion.number == 2)).one()
        for one in session.scalars(select(Prediction).where(Prediction.model_version_id == second.id)):
            one.created_at = now() + timedelta(minutes=1)
    await ann.taps("Good")
    [given] = kept(chat)
    with chat.writing() as session:
        shown = session.get_one(Prediction, given.prediction_id)
        assert session.get_one(ModelVersion, shown.model_version_id).number == 1


async def test_blind_items_and_audits_have_no_hint(chat: Chat) -> None:
    project_id = post(chat, *APART[:3])
    spoken(chat, project_id)
    change(chat, project_id, learning={"hints": True})
    ann = await chat.member("Ann")
    assert "The model thinks" not in await ann.says("/next")
    other = post(chat, *FREE[:3])
    spoken(chat, other)
    change(chat, project_id, state="paused")
    change(chat, other, learning={"hints": True, "accept": True, "accept_audit": 1.0})
    assert "The model thinks" not in await ann.says("/next")
    await ann.taps("Good")
    assert [one.prediction_id for one in kept(chat)] == [None]


async def test_how_far_people_follow_hints_is_told_beside_how_far_they_agree_without(chat: Chat) -> None:
    project_id = post(chat, *FREE[:4], *APART[:4])
    spoken(chat, project_id, 0.8)
    change(chat, project_id, learning={"hints": True})
    with chat.writing() as session:
        assert hint_effect(session, project_id) is None
    ann = await chat.member("Ann")
    await ann.says("/next")
    for _ in range(8):
        await ann.taps("Good" if "The model thinks" in (ann.card.plain() if ann.card else "") else "Bad")
    with chat.writing() as session:
        effect = hint_effect(session, project_id)
    assert effect is not None
    seen, unseen = effect
    assert (seen.count, seen.agreed, unseen.count, unseen.agreed) == (4, 1.0, 4, 0.0)
    assert seen.above == pytest.approx(0.2)


async def test_jobs_without_hints_ask_the_database_nothing_more(chat: Chat, engine: Engine) -> None:
    project_id = post(chat, *FREE[:6])
    spoken(chat, project_id)
    ann = await chat.member("Ann")
    await ann.says("/next")
    asked: list[str] = []

    def listen(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        await ann.taps("Good")
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert asked
    assert not [statement for statement in asked if "FROM prediction" in statement or "JOIN prediction" in statement]


def state_of(chat: Chat, text: str) -> tuple[str, str | None, list[float] | None]:
    """State, label's name and posterior of the item with this text."""
    with chat.writing() as session:
        for item in session.scalars(select(Item)):
            if item_text(item.content) == text:
                labels = session.get_one(Project, item.project_id).label_schema["labels"]
                name = next((label["name"] for label in labels if label["id"] == item.label_id), None)
                return item.state, name, item.posterior
    raise AssertionError(text)


async def answered(
    chat: Chat, text: str, answer: str, **learning: object
) -> tuple[str, str | None, list[float] | None]:
    """An item on which the model is sure of "Good", after one answer."""
    project_id = post(chat, text, min_overlap=1, max_overlap=5, error_cost=5.0)
    helps = bool(learning.pop("helps", True))
    spoken(chat, project_id, 0.97, helps=helps)
    change(chat, project_id, learning=learning)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps(answer)
    return state_of(chat, text)


async def test_the_prior_brings_agreement_sooner_and_leaves_the_posterior_to_people(chat: Chat) -> None:
    state, label, posterior = await answered(chat, FREE[0], "Good", prior=True)
    assert (state, label) == ("agreed", "Good")
    assert posterior == [0.7, 0.3]
    with chat.writing() as session:
        assert session.scalars(select(Item.confidence)).one() == 0.7


@pytest.mark.parametrize(
    ("text", "answer", "learning"),
    [
        (FREE[0], "Good", {}),
        (FREE[0], "Good", {"prior": True, "helps": False}),
        (FREE[0], "Bad", {"prior": True}),
        (APART[0], "Good", {"prior": True}),
        (FREE[0], "Good", {"prior": True, "accept": True, "accept_audit": 1.0}),
    ],
    ids=["not allowed", "no help", "against people", "blind", "audit"],
)
async def test_where_it_has_no_say_one_answer_is_not_enough(
    chat: Chat, text: str, answer: str, learning: dict[str, object]
) -> None:
    state, label, posterior = await answered(chat, text, answer, **learning)
    assert (state, label) == ("open", None)
    assert posterior is not None
    assert max(posterior) == 0.7


async def test_no_item_is_agreed_without_an_answer(chat: Chat) -> None:
    project_id = post(chat, *FREE[:3], min_overlap=1, max_overlap=5)
    spoken(chat, project_id, 0.99)
    change(chat, project_id, learning={"prior": True})
    assert {state_of(chat, text)[0] for text in FREE[:3]} == {"open"}
