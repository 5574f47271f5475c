"""The card of an item: what it shows, and that it fits every platform whatever a coordinator has written."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards import render
from bot.cards.choice import PAGE, answers
from bot.cards.item import CONTENT_UNITS
from bot.cards.views import Choice, ItemCard
from bot.surface import Message
from bot.surfaces import slack_render, telegram_render
from bot.surfaces.plain import SHORTENED
from bot.texts.catalogues import LANGUAGES
from bot.texts.units import length
from bot.tokens import make, parse
from core.labels import choice, text_content
from core.labels.choice import MAX_LABELS, MAX_NAME_LENGTH
from core.leases import Lease
from core.projects import MAX_QUESTION
from core.views import LeaseView

ID = "abcdefghij234567"
LEASE = Lease(1, ID, 3, 1, 1, datetime(2026, 3, 2, tzinfo=UTC))
WIDE = "中é😀a"


def view(labels: list[str], text: str = "sun", **changes: Any) -> LeaseView:
    """An item to answer."""
    schema = [{"id": label.id, "name": label.name} for label in choice.make(labels).labels]
    values: dict[str, Any] = {
        "lease": LEASE,
        "question": "Is it?",
        "label_schema": {"kind": "choice", "labels": schema},
        "content": text_content(text),
        "guidelines": "",
        "guidelines_changed": False,
        "today": 12,
        "goal": 40,
        "done": 3,
        "total": 9,
    }
    return LeaseView(**(values | changes))


def texts(message: Message) -> list[list[str]]:
    """Texts of the buttons, by row."""
    return [[button.text for button in row] for row in message.buttons]


def names(count: int, size: int = 0) -> list[str]:
    """Different names of labels, padded to `size` characters."""
    return [f"{number} {WIDE * size}"[:size] if size else f"L{number}" for number in range(count)]


def test_the_plain_card() -> None:
    message = render(ItemCard(view(["Good", "Bad"])), "en")
    assert (message.kind, message.heading, message.parts[0].text, message.text) == ("card", "Is it?", "sun", "")
    assert message.footer == "12 of 40 today · 3 of 9 items done"
    assert texts(message) == [["Good", "Bad"], ["Skip", "Too hard"]]


def test_without_a_goal_the_day_is_not_counted() -> None:
    assert render(ItemCard(view(["Good", "Bad"], goal=0)), "en").footer == "3 of 9 items done"


def test_a_goal_that_was_reached_is_cheered_on_the_card_and_the_labels_stay() -> None:
    message = render(ItemCard(view(["Good", "Bad"], today=40), cheer=True), "en")
    assert "40 answers today: you have reached your goal." in message.text
    assert texts(message)[0] == ["Good", "Bad"]


def test_undo_guidelines_and_the_whole_text_have_buttons() -> None:
    card = ItemCard(view(["Good", "Bad"], "x" * 1501, guidelines="g" * 201), Choice("undo", "button_undo", "Bad"))
    message = render(card, "en")
    assert texts(message)[1:] == [["Show all", "Guidelines"], ["Undo “Bad”"], ["Skip", "Too hard"]]
    assert message.text == "", "guidelines as long as these do not stand in the card"
    assert message.parts[0].text == "x" * 1499 + "…"


def test_short_guidelines_stand_in_the_card_and_new_ones_are_announced() -> None:
    message = render(ItemCard(view(["Good", "Bad"], guidelines="Look twice.", guidelines_changed=True)), "en")
    assert message.text == "Look twice."
    assert ["New guidelines"] in texts(message)


def test_reasons_take_the_place_of_the_answers() -> None:
    message = render(ItemCard(view(["Good", "Bad"]), skipping=True), "en")
    assert [row[0] for row in texts(message)] == [
        "Too hard",
        "Question unclear",
        "Broken item",
        "Not my language",
        "Other reason",
        "Back",
    ]
    reasons = [parse(row[0].payload) for row in message.buttons]
    assert [token and (token.verb, token.argument) for token in reasons] == [
        ("skip", "hard"),
        ("skip", "unclear"),
        ("skip", "broken"),
        ("skip", "language"),
        ("skip", "other"),
        ("page", "0"),
    ]
    assert "Why" in message.text


def test_many_labels_come_in_pages_that_lead_on_and_back() -> None:
    many = view(names(MAX_LABELS))
    first, last = render(ItemCard(many), "en"), render(ItemCard(many, page=2), "en")
    assert "page 1 of 3" in first.footer
    assert [button.text for row in first.buttons[: PAGE // 2] for button in row] == names(PAGE)
    assert texts(first)[PAGE // 2] == ["›"]
    assert ["‹"] in texts(last)
    assert [button.text for button in last.buttons[0]] == ["L96", "L97"]
    on = first.buttons[PAGE // 2][0]
    assert on.payload == make("page", ID, "1", 3)


@pytest.mark.parametrize("page", [99, 3])
def test_a_page_that_is_not_there_is_the_last_one(page: int) -> None:
    assert "page 3 of 3" in render(ItemCard(view(names(MAX_LABELS)), page=page), "en").footer


def test_long_labels_are_listed_whole_and_numbered_on_their_buttons() -> None:
    long = "Somebody complains about a delivery that came too late"
    message = render(ItemCard(view(["Praise", long])), "en")
    assert message.text == f"1. Praise\n2. {long}"
    assert texts(message)[:2] == [["1 · Praise"], ["2 · Somebody complains abou…"]]


@given(
    count=st.integers(min_value=2, max_value=MAX_LABELS),
    size=st.integers(min_value=8, max_value=MAX_NAME_LENGTH),
)
@settings(max_examples=40, deadline=None)
def test_every_label_is_on_exactly_one_page(count: int, size: int) -> None:
    shown = view(names(count, size))
    pages = [answers(shown, number) for number in range(answers(shown, 0).pages)]
    found = [button.payload for page in pages for row in page.rows for button in row]
    assert found == [make("answer", ID, label["id"], 3) for label in shown.label_schema["labels"]]
    if pages[0].listed:
        listed = list(chain.from_iterable(page.listed.split("\n") for page in pages))
        assert listed == [f"{at + 1}. {label['name']}" for at, label in enumerate(shown.label_schema["labels"])]


@given(
    question=st.integers(min_value=1, max_value=MAX_QUESTION),
    text=st.integers(min_value=0, max_value=3 * CONTENT_UNITS),
    guidelines=st.integers(min_value=0, max_value=400),
    labels=st.integers(min_value=2, max_value=MAX_LABELS),
    size=st.integers(min_value=8, max_value=MAX_NAME_LENGTH),
    page=st.integers(min_value=0, max_value=30),
    skipping=st.booleans(),
    locale=st.sampled_from(sorted(LANGUAGES)),
)
@settings(max_examples=150, deadline=None)
def test_no_platform_has_to_cut_a_card(
    question: int, text: int, guidelines: int, labels: int, size: int, page: int, skipping: bool, locale: str
) -> None:
    shown = view(
        names(labels, size),
        (WIDE * text)[:text],
        question=(WIDE * question)[:question],
        guidelines=(WIDE * guidelines)[:guidelines],
        today=99_999,
        goal=99_999,
        done=10**7,
        total=10**7,
    )
    undo = Choice(make("undo", ID, version=3), "button_undo", "中" * 24)
    message = render(ItemCard(shown, undo, page, skipping, cheer=True), locale)
    telegram = telegram_render.render(message)
    assert length(telegram.text) <= telegram_render.TEXT_LIMIT
    assert SHORTENED not in telegram.text
    assert SHORTENED not in str(slack_render.blocks(message))
    on_phones = (
        [button.text for row in telegram.keyboard.inline_keyboard for button in row] if telegram.keyboard else []
    )
    assert on_phones == [button.text for row in message.buttons for button in row]
