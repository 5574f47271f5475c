"""Sentences are complete, payloads are untrusted."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import tokens
from bot.routes import COMMANDS, TAPS
from bot.texts import NAMED, WORDS, Some, knows, listed, say
from bot.texts.catalogues import LANGUAGES, catalogue

SENTENCES = catalogue("en").codes()
ROOT = Path(__file__).parents[3]
ERRORS = {"InvalidInput", "Conflict", "NotFound", "Refused", "LightworkError", "WebRefusal", "BadRow", "fail_run"}


@cache
def nodes() -> tuple[ast.AST, ...]:
    """All that the sources say."""
    paths = (path for folder in ("core", "bot", "trainer") for path in sorted((ROOT / folder).rglob("*.py")))
    return tuple(node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def raised_codes() -> set[str]:
    """Codes that the sources name when they refuse something."""
    calls = (node for node in nodes() if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS)
    return {text for call in calls for argument in call.args if (text := literal(argument))}


def literal(node: ast.AST) -> str:
    """The text of a literal; empty for whatever else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def made_codes() -> list[re.Pattern[str]]:
    """Patterns of what the sources put together from words, as in f"state_{state}"."""
    texts = (node.values for node in nodes() if isinstance(node, ast.JoinedStr))
    named = (parts for parts in texts if any(re.fullmatch(r"[a-z_]*[a-z][a-z_]*", literal(part)) for part in parts))
    made = {"".join(re.escape(literal(part)) or "([a-z_]+)" for part in parts) for parts in named}
    return [re.compile(pattern) for pattern in sorted({*made, *(f"{name}_([a-z_]+)" for name in WORDS)})]


def shown_codes() -> set[str]:
    """Codes that dialogues and cards show."""
    found = set()
    for path in (ROOT / "bot").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"Notice\(\s*\"([a-z_]+)\"", source))
        found |= set(re.findall(r"\"((?:button|form)_[a-z_]+)\"", source))
    for path in (ROOT / "bot" / "cards").glob("*.py"):
        found |= set(re.findall(r"say\(\s*\"([a-z_]+)\"", path.read_text(encoding="utf-8")))
    return found


def test_every_code_that_is_raised_or_shown_has_a_sentence() -> None:
    codes = raised_codes() | shown_codes()
    assert len(codes) > 80, "the search finds the codes at all"
    assert sorted(code for code in codes if not knows(code)) == []


def test_no_sentence_is_left_that_nothing_shows() -> None:
    said = {text for node in nodes() if (text := literal(node))}
    said |= {
        node.target.id for node in nodes() if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    patterns = made_codes()
    assert len(patterns) > 40, "the search finds the codes at all"

    @cache
    def shown(word: str) -> bool:
        found = (match for pattern in patterns if (match := pattern.fullmatch(word)) is not None)
        return word in said or any(all(map(shown, match.groups())) for match in found)

    assert sorted(code for code in SENTENCES if not shown(code)) == []
    assert not shown("button_quality_sunshine"), "it takes more than the beginning of a code"


def test_sentences_end_and_name_their_parameters_plainly() -> None:
    for code, forms in SENTENCES.items():
        for sentence in forms:
            assert all(re.fullmatch(r"[a-z_]+", name) for name in named(sentence)), code
            assert sentence.strip(), code


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_no_sentence_is_missing_in_any_language(language: str) -> None:
    spoken = catalogue(language).codes()
    assert sorted(set(SENTENCES) - set(spoken)) == []
    assert sorted(set(spoken) - set(SENTENCES)) == [], "a sentence that no code names any more"
    for code, forms in SENTENCES.items():
        wanted = {name for form in forms for name in named(form)}
        assert {name for form in spoken[code] for name in named(form)} == wanted, code


def named(sentence: str) -> set[str]:
    """The parameters of a sentence."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_lists_are_named_and_problems_set_in() -> None:
    assert say("no_text_column", columns=["a", "b"]).endswith("The columns are: a, b.")
    assert "…" in say("no_text_column", columns=[str(number) for number in range(50)])
    heard = say("no_good_row", line=3, problem="wrong_column_count")
    assert heard.endswith("line 3: it has ? columns where the header has ?.")


def test_lists_have_the_comma_of_their_language() -> None:
    parts = ["a", "b", 3]
    assert (listed(parts, "en"), listed(parts, "zh-Hans"), listed(parts, "xx")) == ("a, b, 3", "a、b、3", "a, b, 3")
    assert (listed([], "zh"), listed(["a"], "zh", more=True)) == ("", "a …")
    assert listed(range(NAMED + 1), "zh").endswith("、15 …")
    assert "a、b" in say("no_text_column", "zh", columns=["a", "b"])
    assert "a、b …" in say("no_text_column", "zh", columns=Some(("a", "b"), more=True))
    assert "a, b。" not in say("no_text_column", "zh", columns=("a", "b"))


def test_an_unknown_language_falls_back_to_english() -> None:
    assert say("nothing_to_undo", "xx-YY") == say("nothing_to_undo", "en")


def test_payloads_round_trip() -> None:
    payload = tokens.make("answer", "abcdefghij234567", "zz", 12)
    assert tokens.parse(payload) == tokens.Token("answer", "abcdefghij234567", "zz", 12)


def test_payloads_never_exceed_64_bytes() -> None:
    with pytest.raises(ValueError, match="not a payload"):
        tokens.make("answer", "a" * 21)
    with pytest.raises(ValueError, match="not a payload"):
        tokens.make("answer", "no.dots")


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_without_an_error(payload: str) -> None:
    token = tokens.parse(payload)
    if token is not None:
        assert re.fullmatch(r"[a-z]{1,10}", token.verb)


def test_every_route_has_a_dialogue_and_a_role() -> None:
    from core.enrolment import ROLES

    assert {route.role for route in COMMANDS.values()} | {route.role for route in TAPS.values()} <= set(ROLES)
    assert [name for name, route in COMMANDS.items() if route.listed and not knows(f"menu_{name}")] == []
