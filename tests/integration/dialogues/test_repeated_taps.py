"""The same tap again and again, in any order, late, forged, on somebody else's card: one annotation, a clear answer."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import update

from bot.tokens import parse
from core.models import Annotation
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.work import assignments, expire, kept, post
from tests.invariants import check_redundancy


async def with_card(chat: Chat, *texts: str) -> tuple[int, Someone, str, str]:
    """A job, somebody with its first card, and what the two labels' buttons carry."""
    project_id = post(chat, *texts)
    ann = await chat.member("Ann")
    await ann.says("/next")
    return project_id, ann, ann.button("Good").payload, ann.button("Bad").payload


def check(chat: Chat, **expected: int) -> None:
    """How many annotations there are by state; counters and rows agree."""
    with chat.writing() as session:
        check_redundancy(session)
    assert {state: len(kept(chat, state)) for state in expected} == expected


def is_a_sentence(heard: str) -> bool:
    """Whether somebody is told something, and nothing of our insides."""
    return len(heard.split()) >= 3 and "Traceback" not in heard and "Error" not in heard


async def test_the_same_tap_five_times(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat)
    assert (await ann.taps_payload(good)).startswith("(✓ Good)")
    for _ in range(4):
        heard = await ann.taps_payload(good)
        assert heard.startswith("(You have already answered this one.)")
        assert "rain" in heard, "the card that followed comes again"
        assert ann.refused == "already_submitted"
        assert "Undo" in " ".join(ann.buttons())
    check(chat, counted=1)
    assert [row.state for row in assignments(chat)] == ["submitted", "active"]


async def test_a_repeated_tap_where_no_work_is_left_is_only_told_so(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat, "only")
    await ann.taps_payload(good)
    assert await ann.taps_payload(good) == "(You have already answered this one.)"
    check(chat, counted=1)


async def test_a_repeated_tap_brings_work_that_has_come_since(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat, "only")
    await ann.taps_payload(good)
    post(chat, "later")
    assert "later" in await ann.taps_payload(good)
    check(chat, counted=1)


@pytest.mark.parametrize("order", sorted(set(permutations("ggbgb", 5)))[::3])
async def test_two_answers_in_any_order_count_as_the_first(chat: Chat, order: tuple[str, ...]) -> None:
    _, ann, good, bad = await with_card(chat)
    heard = [await ann.taps_payload(good if one == "g" else bad) for one in order]
    assert heard[0].startswith("(✓")
    assert all(one.startswith("(You have already answered this one.)") for one in heard[1:])
    check(chat, counted=1)
    assert kept(chat)[0].label_id == ("a" if order[0] == "g" else "b")


@pytest.mark.parametrize("order", ["answer skip", "skip answer"])
async def test_an_answer_and_a_skip_of_one_card_in_two_orders(chat: Chat, order: str) -> None:
    _, ann, good, _ = await with_card(chat)
    payloads = {"answer": good, "skip": ann.button("Too hard").payload}
    first, second = (payloads[one] for one in order.split())
    await ann.taps_payload(first)
    heard = await ann.taps_payload(second)
    assert "already" in heard
    assert is_a_sentence(heard)
    check(chat, counted=int(order.startswith("answer")))


async def test_forged_data_changes_nothing(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat)
    token = parse(good)
    assert token is not None
    for forged in (
        f"answer.{token.subject}.zz.{token.version}",
        f"answer.{token.subject}..{token.version}",
        f"answer.{token.subject}.a.{token.version + 1}",
        f"answer.{'a' * 16}.a.1",
        f"answer.{token.subject[:-1]}.a.1",
        f"skip.{token.subject}.nonsense.{token.version}",
        f"page.{token.subject}.minus.{token.version}",
        f"full.{'b' * 16}..1",
        f"guide.{token.subject}..9",
        f"undo.{token.subject}..{token.version}",
        "note..add.1",
        good + ".more",
        good * 3,
        good.upper(),
    ):
        heard = await ann.taps_payload(forged)
        assert ann.refused is not None, forged
        assert is_a_sentence(heard), forged
    check(chat, counted=0, surplus=0, withdrawn=0)
    assert [row.state for row in assignments(chat)] == ["active"]
    assert (await ann.taps_payload(good)).startswith("(✓ Good)"), "the card itself works as before"


async def test_another_persons_card(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat)
    bob = await chat.member("Bob")
    for payload in [button.payload for row in (ann.card.buttons if ann.card else ()) for button in row]:
        heard = await bob.taps_payload(payload)
        assert heard == "(This item is not assigned to you. Send /next to get one of your own.)"
    check(chat, counted=0)
    assert (await ann.taps_payload(good)).startswith("(✓ Good)")


async def test_five_taps_after_the_lease_count_once(chat: Chat) -> None:
    project_id, ann, good, bad = await with_card(chat)
    expire(chat, project_id)
    assert (await ann.taps_payload(good)).startswith("(✓ Good)")
    for payload in (good, bad, good, bad):
        assert "already answered" in await ann.taps_payload(payload)
    check(chat, counted=1)


async def test_taps_long_after_the_lease_are_refused_each_time(chat: Chat) -> None:
    project_id, ann, good, bad = await with_card(chat)
    expire(chat, project_id, timedelta(seconds=700))
    for payload in (good, bad, good):
        assert "Time ran out" in await ann.taps_payload(payload)
    check(chat, counted=0)


async def test_taps_from_before_an_undo_are_known_as_old(chat: Chat) -> None:
    _, ann, good, bad = await with_card(chat)
    await ann.taps_payload(good)
    undo = ann.button("Undo").payload
    await ann.taps_payload(undo)
    for payload in (good, bad, undo, good):
        assert "from before" in await ann.taps_payload(payload)
    check(chat, counted=0, withdrawn=1)
    await ann.taps("Bad")
    check(chat, counted=1, withdrawn=1)
    assert kept(chat)[0].label_id == "b"


async def test_undo_again_takes_back_the_answer_before(chat: Chat) -> None:
    _, ann, _, _ = await with_card(chat)
    await ann.taps("Good")
    await ann.taps("Bad")
    assert "rain" in await ann.says("/undo")
    assert "sun" in await ann.says("/undo")
    assert "nothing to undo" in await ann.says("/undo")
    check(chat, counted=0, withdrawn=2)
    await ann.taps("Good")
    await ann.taps("Good")
    check(chat, counted=2, withdrawn=2)


async def test_undo_finds_the_last_answer_among_many_jobs(chat: Chat) -> None:
    _, ann, _, _ = await with_card(chat, "first")
    await ann.taps("Good")
    for _ in range(25):
        post(chat, "later")
    assert "first" in await ann.says("/undo")


async def test_a_rejected_answer_does_not_come_back_and_is_not_undone(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat, "only")
    await ann.taps("Good")
    undo = ann.button("Undo").payload
    with chat.writing() as session:
        session.execute(update(Annotation).values(state="rejected", audit_state="rejected"))
    for heard in (await ann.taps_payload(undo), await ann.says("/undo")):
        assert "cannot be taken back" in heard
    assert "already answered" in await ann.taps_payload(good)
    assert "Nothing left for you" in await ann.says("/next")
    assert len(kept(chat, "rejected")) == 1


async def test_after_a_pause_every_old_button_still_gets_a_sentence(chat: Chat) -> None:
    _, ann, good, _ = await with_card(chat)
    buttons = [button.payload for row in (ann.card.buttons if ann.card else ()) for button in row]
    await ann.says("/pause")
    for payload in (*buttons[1:], good, good, f"next.{'a' * 16}..0", "again...0"):
        assert is_a_sentence(await ann.taps_payload(payload))
    with chat.writing() as session:
        check_redundancy(session)
    assert len(kept(chat)) <= 1
