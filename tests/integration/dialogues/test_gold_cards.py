"""Known items in the chat: nobody can tell them from others, unless the job teaches."""

from __future__ import annotations

import re
from pathlib import Path

from core.models import Annotation
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.known import (
    answers_rightly,
    item_text,
    make_due,
    never_due,
    posted,
    right_label,
    rows,
)
from tests.integration.dialogues.work import kept


def shape(person: Someone) -> list[tuple[str, str, str]]:
    """The buttons of the newest card: text, style, and payload without ids."""
    assert person.card is not None
    buttons = [button for row in person.card.buttons for button in row]
    return [(one.text, one.style, re.sub(r"\.[a-z2-7]{16}\.", ".ID.", one.payload)) for one in buttons]


async def at_a_known_item(chat: Chat, person: Someone) -> None:
    """They answer an ordinary item, and then hold a known one."""
    await person.says("/next")
    make_due(chat, person)
    await person.taps("Good")


async def test_the_import_says_what_only_checks_people(chat: Chat, tmp_path: Path) -> None:
    olga, _ = await posted(chat, tmp_path)
    await chat.deliver()
    told = [message.plain() for _, message in chat.surface.sent]
    assert any("12 items are open" in one and "8 further items have known answers" in one for one in told)
    assert "8 further items only check people" in await olga.says("/status")


async def test_a_known_item_looks_and_is_answered_like_any_other(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path)
    ann = await chat.member("Ann")
    await ann.says("/next")
    never_due(chat)
    ordinary = [await ann.taps("Good"), await ann.taps("Good")]
    plain, footer = shape(ann), ann.card.footer if ann.card else ""
    make_due(chat, ann)
    before = await ann.taps("Good")
    known_card, known_footer = shape(ann), ann.card.footer if ann.card else ""
    assert right_label(chat, item_text(ann)) is not None
    after = await ann.taps("Good")
    assert plain == known_card
    numbers = re.compile(r"\d+")
    assert numbers.sub("#", footer) == numbers.sub("#", known_footer)
    words = [re.sub(r"item \d+|known \d+|\d+", "#", one) for one in (*ordinary, before, after)]
    assert len(set(words)) == 1, "not a word tells them apart"
    assert [one.state for one in _answers(chat)] == ["counted"] * 3 + ["control"]


async def test_undo_and_skip_are_the_same_for_both(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path)
    ann = await chat.member("Ann")
    await at_a_known_item(chat, ann)
    known = item_text(ann)
    await ann.taps("Bad")
    assert "Taken back" in await ann.taps("Undo “Bad”")
    assert item_text(ann) == known
    await ann.taps("Too hard")
    assert "Taken back" in await ann.taps("Undo skip")
    assert item_text(ann) == known
    await ann.taps("Good")
    assert "Taken back" in await ann.says("/undo")
    assert item_text(ann) == known
    assert kept(chat, "control") == []


async def test_a_job_that_teaches_says_what_is_right_and_why(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, teaches=True)
    ann = await chat.member("Ann")
    await at_a_known_item(chat, ann)
    number = item_text(ann).split()[-1]
    heard = await answers_rightly(chat, ann, wrong=True)
    assert f"Just before: “known {number}” is “" in heard
    assert f"see rule {number}" in heard
    assert f"known {number}" not in item_text(ann), "the next item is not taken for the old one"
    assert not any(text.startswith("Undo") for text in ann.buttons()), "what was told is not taken back"
    await ann.says("/undo")
    assert ann.refused == "too_late_to_undo"
    make_due(chat, ann)
    await ann.taps("Good")
    text = item_text(ann)
    assert f"✓ “{text}”: right, “" in await answers_rightly(chat, ann)


async def test_what_is_told_is_not_lost_where_no_item_follows(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, rows(known=2, others=3), "/post How is it? | Good | Bad | overlap=1", teaches=True)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await at_a_known_item(chat, ann)
    heard = await bob.says("/next")
    while "Nothing left" not in heard:
        never_due(chat)
        heard = await bob.taps("Good")
    heard = await answers_rightly(chat, ann, wrong=True)
    assert heard.index("Just before") < heard.index("Nothing left")


async def test_only_compared_items_are_labeled_like_all_others(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, caption="/post How is it? | Good | Bad | overlap=1 | gold=measure")
    ann = await chat.member("Ann")
    await ann.says("/next")
    for _ in range(20):
        make_due(chat, ann)
        await ann.taps("Good")
    assert len(kept(chat)) == 20
    assert kept(chat, "control") == []


def _answers(chat: Chat) -> list[Annotation]:
    return sorted([*kept(chat), *kept(chat, "control")], key=lambda one: one.id)
