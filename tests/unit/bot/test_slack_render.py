"""Rendering for Slack keeps every documented limit of blocks, and never cuts in silence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surface import Button, Message, Part
from bot.surfaces.plain import SHORTENED
from bot.surfaces.slack_render import blocks, comment, escape, fallback
from tests.fakes.slack_blocks import check_blocks, texts
from tests.fakes.slack_error import SlackError

CARD = Message(
    kind="card",
    heading="What is the weather?",
    parts=(Part("text", "Rain in Spain"),),
    footer="3 of 10",
    progress=0.3,
    buttons=(
        (Button("Rain", "tap.a.1.0", "primary"), Button("Sun", "tap.a.2.0")),
        (Button("Skip", "skip.a", "quiet"),),
    ),
)
styles = st.sampled_from(["plain", "primary", "danger", "quiet"])
rows = st.lists(
    st.lists(st.builds(Button, st.text(max_size=120), st.text("abc.0", min_size=1, max_size=64), styles), max_size=30),
    max_size=60,
)
messages = st.builds(
    Message,
    heading=st.text(max_size=4000),
    parts=st.lists(st.builds(Part, st.just("text"), st.text(max_size=7000)), max_size=3).map(tuple),
    text=st.text(max_size=4000),
    footer=st.text(max_size=1200),
    progress=st.none() | st.floats(0, 1),
    buttons=rows.map(lambda rows: tuple(tuple(row) for row in rows)),
)


@given(messages, st.text(max_size=1500))
def test_whatever_is_rendered_the_documentation_allows(message: Message, notice: str) -> None:
    made = blocks(message, notice)
    check_blocks(made)
    assert sum(len(block["elements"]) for block in made if block["type"] == "actions") == sum(map(len, message.buttons))
    shown = "".join(text["text"] for text in _every_text(made))
    item = "".join(part.text for part in message.parts).strip()
    assert SHORTENED in shown or len(item) < 9000
    assert {text["type"] for text in _every_text(made)} <= {"plain_text"}
    assert not any(text["emoji"] for text in _every_text(made))


def _every_text(made: list[dict[str, object]]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for block in made:
        nested = [block, *(block.get("elements") or [])]  # type: ignore[misc]
        for one in nested:
            assert isinstance(one, dict)
            found += [one] if one.get("type") == "plain_text" else []
            found += [one["text"]] if isinstance(one.get("text"), dict) else []
    return found


def test_a_card_shows_notice_heading_item_and_footer_in_this_order() -> None:
    made = blocks(CARD, "Saved: Sun")
    assert texts({"blocks": made}) == [
        "Saved: Sun",
        "What is the weather?",
        "Rain in Spain",
        "███░░░░░░░ 30%\n3 of 10",
    ]
    actions = [block["elements"] for block in made if block["type"] == "actions"]
    assert [[(one["value"], one.get("style")) for one in row] for row in actions] == [
        [("tap.a.1.0", "primary"), ("tap.a.2.0", None)],
        [("skip.a", None)],
    ]


def test_a_long_item_is_spread_over_sections_and_then_cut_with_a_marker() -> None:
    whole = blocks(Message(parts=(Part("text", "🌧" * 4000),)))
    assert "".join(block["text"]["text"] for block in whole) == "🌧" * 4000
    cut = blocks(Message(heading="Question", parts=(Part("text", "🌧" * 6000),), footer="Hint"))
    shown = texts({"blocks": cut})
    assert (shown[0], shown[-1]) == ("Question", "Hint")
    assert shown[-2].endswith(SHORTENED)


def test_a_heading_too_long_for_a_header_stays_whole() -> None:
    assert texts({"blocks": blocks(Message(heading="Question " * 30))}) == [("Question " * 30).strip()]


def test_what_a_notification_shows_holds_no_mention_and_no_link() -> None:
    nasty = Message(parts=(Part("text", "<!channel> <@U1> <https://evil|x> & *b*"),))
    assert fallback(nasty) == "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|x&gt; &amp; *b*"
    assert escape("a&lt;") == "a&amp;lt;"
    assert fallback(Message()) == "…"


@given(st.text(alphabet="a*_~`:<>& \n", max_size=40))
def test_what_stands_beside_a_file_is_not_read_as_markup(text: str) -> None:
    made = comment(Message(text=text))
    assert made.replace("\u2060", "") == escape(text.strip())
    assert not re.search(r"(?<!\u2060)[*_~`]|:[a-z0-9_+'-]+:", made)
    assert comment(Message()) == ""


def test_a_page_of_labels_fits_whatever_their_rows_are() -> None:
    quiet = tuple(Button(f"Quiet {number}", f"quiet.{number}") for number in range(5))
    for size in (1, 2, 48):
        labels = [Button(f"Label {number}", f"answer.a.{number}.1") for number in range(48)]
        rows = tuple(tuple(labels[start : start + size]) for start in range(0, 48, size))
        made = blocks(Message(heading="Which?", parts=(Part("text", "x" * 9000),), footer="1", buttons=(*rows, quiet)))
        check_blocks(made)
        assert sum(len(block["elements"]) for block in made if block["type"] == "actions") == 53


def test_more_buttons_than_blocks_hold_are_refused() -> None:
    many = tuple((Button("A", "a"),) * 25 for _ in range(51))
    with pytest.raises(ValueError, match="51 blocks"):
        blocks(Message(buttons=many))
    with pytest.raises(ValueError, match="0 bytes"):
        blocks(Message(buttons=((Button("A", ""),),)))


@pytest.mark.parametrize(
    "bad",
    [
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "section", "text": {"type": "plain_text", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "plain_text", "text": ""}}],
        [{"type": "divided"}],
        [{"type": "actions", "elements": []}],
        [{"type": "section", "text": {"type": "plain_text", "text": "x"}}] * 51,
    ],
)
def test_the_fake_refuses_what_slack_refuses(bad: list[dict[str, object]]) -> None:
    with pytest.raises(SlackError, match="invalid_blocks"):
        check_blocks(bad)
