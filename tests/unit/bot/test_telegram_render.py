"""Rendering for Telegram keeps every limit of the Bot API, and never cuts in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surface import Button, Message, Part
from bot.surfaces.plain import SHORTENED, bar, cut
from bot.surfaces.telegram_render import broken, render, toast
from bot.texts.units import length
from tests.fakes.telegram_spec import ApiError, check

CARD = Message(
    kind="card",
    heading="What is the weather?",
    parts=(Part("text", "Rain in Spain 🌧"),),
    footer="3 of 10",
    progress=0.3,
    buttons=((Button("Rain", "tap.a.1.0"), Button("Sun", "tap.a.2.0")), (Button("Skip", "skip.a"),)),
)

texts = st.text(max_size=6000)
buttons = st.lists(
    st.lists(st.builds(Button, st.text(max_size=90), st.text("abc.0", min_size=1, max_size=64)), max_size=9),
    max_size=11,
)
messages = st.builds(
    Message,
    heading=texts,
    parts=st.lists(st.builds(Part, st.just("text"), texts), max_size=2).map(tuple),
    text=texts,
    footer=texts,
    progress=st.none() | st.floats(0, 1),
    buttons=buttons.map(lambda rows: tuple(tuple(row) for row in rows)),
)


@given(messages)
def test_whatever_is_rendered_the_specification_allows(message: Message) -> None:
    shown = render(message)
    fields = {"chat_id": "1", "text": shown.text}
    if shown.keyboard is not None:
        fields["reply_markup"] = shown.keyboard.to_json()
        rows = shown.keyboard.inline_keyboard
        assert max(len(row) for row in rows) <= 8
        assert sum(len(row) for row in rows) == sum(len(row) for row in message.buttons)
    parsed = check("sendMessage", dict(fields))
    assert parsed["text"] == shown.text
    for entity in shown.entities:
        assert entity.offset + entity.length <= length(shown.text)


def test_a_payload_above_64_bytes_is_refused_by_the_specification_and_by_us() -> None:
    long = "é" * 33
    with pytest.raises(ValueError, match="66 bytes"):
        broken([[Button("A", long)]])
    markup = f'{{"inline_keyboard": [[{{"text": "A", "callback_data": "{long}"}}]]}}'
    with pytest.raises(ApiError, match="BUTTON_DATA_INVALID"):
        check("sendMessage", {"chat_id": "1", "text": "x", "reply_markup": markup})


def test_an_empty_payload_and_too_many_buttons_are_refused() -> None:
    with pytest.raises(ValueError, match="0 bytes"):
        broken([[Button("A", "")]])
    with pytest.raises(ValueError, match="101 buttons"):
        broken([[Button("A", "a")] * 101])


def test_a_card_shows_heading_item_bar_and_footer_in_this_order() -> None:
    shown = render(CARD)
    assert shown.text == "What is the weather?\n\nRain in Spain 🌧\n\n███░░░░░░░ 30%\n3 of 10"
    assert [(entity.type, entity.offset, entity.length) for entity in shown.entities] == [("bold", 0, 20)]
    assert shown.keyboard is not None
    assert [[b.callback_data for b in row] for row in shown.keyboard.inline_keyboard] == [
        ["tap.a.1.0", "tap.a.2.0"],
        ["skip.a"],
    ]


def test_a_long_item_is_cut_with_a_marker_while_heading_and_footer_stay() -> None:
    item = "🌧" * 5000
    shown = render(Message(heading="Question " * 100, parts=(Part("text", item),), footer="Hint " * 100))
    assert length(shown.text) <= 4096
    assert shown.text.startswith(("Question " * 100).strip())
    assert shown.text.endswith(("Hint " * 100).strip())
    assert SHORTENED in shown.text
    assert "🌧" * 1000 in shown.text


def test_markup_in_a_text_stays_as_it_is() -> None:
    nasty = "<b>x</b> *y* [z](http://evil) `code` &amp; @everyone"
    assert render(Message(parts=(Part("text", nasty),))).text == nasty


def test_lone_surrogates_do_not_break_a_request() -> None:
    assert render(Message(text="a\ud800b")).text == "a?b"


@pytest.mark.parametrize(
    ("texts", "rows"), [("1 2 3 4 5 6 7 8 9", [8, 1]), ("Yes No", [2]), ("Rain Sun Snow Fog", [3, 1])]
)
def test_short_labels_share_a_row(texts: str, rows: list[int]) -> None:
    made = broken([[Button(text, text) for text in texts.split()]])
    assert [len(row) for row in made] == rows


def test_a_long_label_stands_alone() -> None:
    made = broken([[Button("Rather cloudy with some rain", "a"), Button("Sun", "b")]])
    assert [len(row) for row in made] == [1, 1]


@pytest.mark.parametrize("limit", [40, 200, 1024])
def test_cut_counts_utf16_and_leaves_no_half_character(limit: int) -> None:
    short = cut("a" + "🌧" * 2000, limit)
    assert length(short) <= limit
    assert short.endswith(SHORTENED)
    short.encode()


def test_a_toast_fits_and_a_bar_stays_within_its_cells() -> None:
    assert length(toast("x" * 500)) <= 200
    assert bar(-1) == "░" * 10 + " 0%"
    assert bar(2) == "█" * 10 + " 100%"
