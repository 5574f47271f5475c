"""Explanations: the words that are named, the picture, and what fits every platform."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from bot.cards import highlight, render
from bot.cards.doubts import DoubtsCard
from bot.cards.explanation import ExplanationCard, telling
from bot.pictures import with_highlights
from bot.surfaces import telegram_render
from bot.texts.units import length
from core.disagreements import Disagreements
from core.explanations import Word
from core.label_errors import DoubtfulLabels
from tests.unit.bot.explain_samples import of_explanations, words_of
from tests.unit.bot.sentence_samples import JOB, SAID

LOCALES = ("en", "zh")


def explained(locale: str = "en") -> ExplanationCard:
    """The fullest sample."""
    view = of_explanations(SAID[locale])["explained"]
    assert isinstance(view, ExplanationCard)
    return view


def test_the_strongest_words_are_named_first_and_weak_ones_not_at_all() -> None:
    text = "late and rude but warm"
    words = [Word(0, 4, 1.0), Word(5, 8, 0.05), Word(9, 13, 1.4), Word(14, 17, -0.6), Word(18, 22, -0.9)]
    assert telling(text, words, 1) == ["rude", "late"]
    assert telling(text, words, -1) == ["warm", "but"]
    assert telling(text, [Word(0, 4, 0.0)], 1) == telling(text, [], 1) == []


def test_chinese_characters_that_touch_are_one_word_and_signs_are_none() -> None:
    text = "服务很差！"
    words = [Word(place, place + 1, weight) for place, weight in enumerate((0.1, 0.0, 0.8, 1.0, 2.0))]
    assert telling(text, words, 1) == ["很差"]


def test_a_word_that_comes_twice_is_named_once_with_both_its_weights() -> None:
    assert telling("bad, worse, bad", [Word(0, 3, 0.6), Word(5, 10, 1.0), Word(12, 15, 0.6)], 1) == ["bad", "worse"]


def test_what_was_redacted_is_shown_with_what_the_model_read() -> None:
    text = "联系bob@example.com或ann@example.com吧"
    first, second = (text.index(name) for name in ("bob", "ann"))
    words = [
        Word(0, 1, 1.0),
        Word(1, 2, 1.0),
        Word(first, first + 15, 1.5, "[email]"),
        Word(first + 15, first + 16, 0.9),
        Word(second, second + 15, 1.4, "[email]"),
    ]
    assert telling(text, words, 1) == ["联系", "bob@example.com → [email]", "ann@example.com → [email]", "或"]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_arrow_is_explained_where_there_is_one(locale: str) -> None:
    card = explained(locale)
    redacted = replace(card, words=(replace(card.words[0], read_as="[name]"), *card.words[1:]))
    sentence = {"en": "→ marks what the model read", "zh": "→ 后面是模型实际读到的内容"}[locale]
    assert sentence not in render(card, locale).text
    said = render(redacted, locale).text
    assert sentence in said
    assert f"{card.text[card.words[0].start : card.words[0].end]} → [name]" in said


@pytest.mark.parametrize("locale", LOCALES)
def test_people_and_model_are_said_to_differ_only_where_they_do(locale: str) -> None:
    card = explained(locale)
    leader = card.probabilities[0][0]
    differ = render(card, locale).text
    same = render(replace(card, tallies=((leader, 3), ("other", 1))), locale).text
    tied = render(replace(card, tallies=((leader, 2), ("other", 2))), locale).text
    sentence = {"en": "People and the model differ here.", "zh": "这里大家和模型看法不同。"}[locale]
    assert sentence in differ
    assert sentence not in same
    assert sentence in tied


def test_the_longest_explanation_fits_a_message() -> None:
    card = explained()
    long = "x" * 300
    full = replace(
        card,
        text=f"{long} " * 40,
        content=[{"type": "text", "text": f"{long} " * 40}],
        words=tuple(Word(at * 301, at * 301 + 300, 1.0) for at in range(40)),
        probabilities=tuple((f"{long}{at}", 0.01) for at in range(300)),
        tallies=tuple((f"{long}{at}", 1) for at in range(300)),
        similar=tuple(replace(card.similar[0], text=long, label=long) for _ in range(5)),
    )
    shown = telegram_render.render(render(full, "en"))
    assert length(shown.text) <= telegram_render.TEXT_LIMIT


def test_the_picture_shows_for_and_against_by_colour_and_by_line() -> None:
    text = "late but warm"
    found = highlight.draw(text, [Word(0, 4, 1.0), Word(5, 8, 0.01), Word(9, 13, -1.0)])
    assert found is not None
    image = Image.open(BytesIO(found))
    assert image.width == highlight.WIDTH
    colours = {colour for _, colour in image.getcolors(1 << 20) or []}
    for weight in (1.0, -1.0):
        assert highlight.tint(weight) in colours
    assert {ImageColor.getrgb(highlight.FOR), ImageColor.getrgb(highlight.AGAINST)} <= colours
    assert highlight.tint(0.01) is None, "a weak word stays white"


def test_ink_is_legible_on_the_deepest_colour() -> None:
    for weight in (1.0, -1.0):
        ground = highlight.tint(weight)
        assert ground is not None
        assert contrast(ground, ImageColor.getrgb(highlight.INK)) >= 4.5


def contrast(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """The contrast of two colours by WCAG 2."""

    def luminance(colour: tuple[int, ...]) -> float:
        parts = [part / 255 for part in colour[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_long_text_ends_in_a_mark_and_nothing_leaves_the_picture() -> None:
    text = "word " * 400 + "y" * 500
    font = highlight._fonts()[0]
    pieces = list(highlight.place(text, words_of(text), font))
    assert pieces[-1].text == "…"
    assert max(piece.line for piece in pieces) == highlight.MOST_LINES - 1
    assert max(piece.x + piece.width for piece in pieces) <= highlight.WIDTH
    wide = list(highlight.place("y" * 90, [Word(0, 90, 1.0)], font))
    assert len({piece.line for piece in wide}) > 1, "a word longer than a line is broken"
    assert "".join(piece.text for piece in wide) == "y" * 90


def test_letters_that_no_font_has_are_left_to_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(highlight, "FONTS", ())
    highlight._fonts.cache_clear()
    highlight._font_for.cache_clear()
    card = replace(explained("zh"), directory=str(tmp_path))
    try:
        assert with_highlights(card) == card
        assert list(tmp_path.iterdir()) == []
        assert render(card, "zh").kind == "text"
    finally:
        highlight._fonts.cache_clear()
        highlight._font_for.cache_clear()


def test_a_picture_is_drawn_once_and_kept(tmp_path: Path) -> None:
    card = replace(explained(), directory=str(tmp_path / "pictures"))
    first, second = with_highlights(card), with_highlights(card)
    assert isinstance(first, ExplanationCard)
    assert first == second
    assert [str(path) for path in (tmp_path / "pictures").iterdir()] == [first.picture]
    assert with_highlights(replace(card, directory="")).picture == ""  # type: ignore[attr-defined]


def test_a_home_that_cannot_be_written_costs_the_picture_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    card = replace(explained(), directory=str(tmp_path / "file" / "pictures"))
    assert with_highlights(card) == card


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_alike_was_judged_nothing_is_said(locale: str) -> None:
    empty = Disagreements(2, 0, {}, ())
    card = DoubtsCard(JOB, "Tweets", {}, DoubtfulLabels(60), 3, empty)
    assert "v2" not in render(card, locale).plain()
