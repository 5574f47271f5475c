"""Commands in sentences read as Slack has them, and nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.routes import COMMANDS, STRANGERS
from bot.surfaces.slack_words import Words, caption_of, command_of, spoken
from bot.texts.catalogues import LANGUAGES, catalogue
from core.errors import LightworkError

NAMES = frozenset({"start", "next", "help", "post", "link", "export"})
ALL = frozenset({*COMMANDS, *STRANGERS})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/next – your next item", "/lightwork next – your next item"),
        ("Send /next for more, or /help.", "Send /lightwork next for more, or /lightwork help."),
        ("Send /start followed by your code", "Send /lightwork join followed by your code"),
        ("Caption “/post Question? | A”", "Caption “/lightwork post Question? | A”"),
        ("(also: /export annotations)", "(also: /lightwork export annotations)"),
        ("发送/next即可，或/help。", "发送/lightwork next即可，或/lightwork help。"),
        ("https://example.org/help and and/or a/next", "https://example.org/help and and/or a/next"),
        ("/nextday /next/help /unknown /", "/nextday /next/help /unknown /"),
        ("In Telegram: /start abc\nor /help", "In Telegram: /start abc\nor /lightwork help"),
        ("In the other chat: /link C (in Slack: /lightwork link C)",) * 2,
        ("", ""),
    ],
)
def test_commands_in_sentences(text: str, expected: str) -> None:
    assert spoken(text, NAMES) == expected


@given(st.text(alphabet="/ ab.next\n送", max_size=60))
def test_only_slashes_before_known_names_change(text: str) -> None:
    said = spoken(text, NAMES)
    assert said.replace("/lightwork next", "/next") == text
    assert spoken(said, NAMES) == said, "twice is once"
    assert spoken(text, ()) == text


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_sentence_of_ours_names_a_command_that_slack_does_not_have(language: str) -> None:
    for code, forms in catalogue(language).codes().items():
        for line in spoken("\n".join(forms), ALL).split("\n"):
            if "Telegram" in line or "/lightwork" in line:
                continue
            assert not set(re.findall(r"(?<![A-Za-z0-9_/.])/([a-z]+)", line)) & ALL, code


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ("help", "")),
        ("  ", ("help", "")),
        ("help", ("help", "")),
        ("join ABC", ("start", "ABC")),
        ("/NEXT", ("next", "")),
        ("post  Which?\nA | B ", ("post", "Which?\nA | B")),
    ],
)
def test_what_stands_behind_the_slash_command(typed: str, expected: tuple[str, str]) -> None:
    assert command_of(typed) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("post Weather?", "/post Weather?"),
        ("/lightwork post Weather?", "/post Weather?"),
        ("lightwork add JOB", "/add JOB"),
        ("/post Weather?", "/post Weather?"),
        ("poster of a band", "poster of a band"),
        ("", ""),
    ],
)
def test_what_stands_beside_a_file(text: str, expected: str) -> None:
    assert caption_of(text) == expected


def test_the_surfaces_own_sentences_take_the_default_language() -> None:
    words = Words(lambda error, locale: f"{error.code} in {locale}: /help", NAMES, "zh")
    assert words.say(LightworkError("slow"), "") == "slow in zh: /lightwork help"
    assert words.say(LightworkError("slow"), "en-US") == "slow in en-US: /lightwork help"
