"""What a model read in place of people's words is shown as those words, with what was read beside them."""

from __future__ import annotations

import pytest

from core.explanations import Word
from trainer.attribution import word_spans
from trainer.read_back import LOOKED_AT, MOST_READ, read_back
from trainer.redaction import load


def read_words(read: str) -> list[Word]:
    """Every word of what was read, with its number as weight."""
    return [Word(*span, float(place)) for place, span in enumerate(word_spans(read), start=1)]


def shown(text: str, read: str) -> list[tuple[str, str]]:
    """Each word as people see it, and what was read in its place."""
    return [(text[one.start : one.end], one.read_as) for one in read_back(text, read, read_words(read))]


def plain(*words: str) -> list[tuple[str, str]]:
    return [(word, "") for word in words]


@pytest.mark.parametrize(
    ("text", "setting", "expected"),
    [
        ("the sun is nice", "emails", plain("the", "sun", "is", "nice")),
        (
            "mail bob@example.com. Or ann.lee@example.org, now",
            "emails",
            [
                *plain("mail"),
                ("bob@example.com", "[email]"),
                *plain(".", "Or"),
                ("ann.lee@example.org", "[email]"),
                *plain(",", "now"),
            ],
        ),
        ("bob@example.com", "emails", [("bob@example.com", "[email]")]),
        ("@anna hi", "handles", [*plain("@"), ("anna", "user"), *plain("hi")]),
        ("hi @anna!", "handles", [*plain("hi", "@"), ("anna", "user"), *plain("!")]),
        ("联系13800138000吧", "phones", [*plain("联", "系"), ("13800138000", "[phone]"), *plain("吧")]),
        ("+1 555 123 4567 x@y.org", "emails,phones", [("+1 555 123 4567 x@y.org", "[phone] [email]")]),
    ],
)
def test_placeholders_stand_for_what_was_there(text: str, setting: str, expected: list[tuple[str, str]]) -> None:
    assert shown(text, load(setting)(text)) == expected


def test_the_weights_of_a_placeholder_are_added_up_and_nothing_is_lost() -> None:
    text, read = "mail bob@example.com now", "mail [email] now"
    found = read_back(text, read, read_words(read))
    assert [one.weight for one in found] == [1.0, 2.0 + 3.0 + 4.0, 5.0]
    assert found[1] == Word(5, 20, 9.0, "[email]")


@pytest.mark.parametrize(
    ("text", "read", "expected"),
    [
        ("Hello World", "hello world", plain("Hello", "World")),  # another case is the same word
        ("a b c", "[en] a b c", plain("a", "b", "c")),  # what was added stands for nothing
        ("a secret b", "a b", plain("a", "b")),  # what was taken out was not read
        ("all of it", "gone", [("all of it", "gone")]),
        ("all of it", "", []),
        ("", "nothing was said", []),
    ],
)
def test_any_function_may_have_redacted(text: str, read: str, expected: list[tuple[str, str]]) -> None:
    assert shown(text, read) == expected


def test_only_what_the_model_read_is_shown() -> None:
    text = "mail bob@example.com and then ann@example.com"
    read = load("emails")(text)
    found = read_back(text, read, read_words(read)[:5])
    assert [text[one.start : one.end] for one in found] == ["mail", "bob@example.com", "and"]


def test_a_long_text_costs_no_minutes_and_keeps_little(monkeypatch: pytest.MonkeyPatch) -> None:
    text, read = "so " * 50_000 + "end", "no " * 50_000 + "end"
    seen: list[int] = []

    class Matcher:
        def __init__(self, _junk: object, one: list[str], other: list[str], autojunk: bool) -> None:
            seen.extend((len(one), len(other)))

        def get_opcodes(self) -> list[tuple[str, int, int, int, int]]:
            return [("replace", 0, seen[0], 0, seen[1])]

    monkeypatch.setattr("trainer.read_back.SequenceMatcher", Matcher)
    (found,) = read_back(text, read, read_words(read)[:100])
    assert seen == [LOOKED_AT * 101, 100]
    assert len(found.read_as) == MOST_READ
