"""Integrated gradients: complete, signed, and merged from pieces to words."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.explanations import Word
from tests.unit.trainer.conftest import CPU
from trainer.attribution import attribute, log_odds, merge
from trainer.settings import BaseModel

TEXT = "the sun is very nice today and so warm"


@pytest.fixture(scope="module")
def classifier(tiny_base: BaseModel) -> tuple[Any, Any]:
    """A classifier of three labels whose head leans on what it reads."""
    torch.manual_seed(11)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_base.source, num_labels=3)
    return model, AutoTokenizer.from_pretrained(tiny_base.source)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_the_words_add_up_to_the_difference_that_they_make(classifier: tuple[Any, Any], target: int) -> None:
    found = attribute(*classifier, TEXT, target, 64, CPU, steps=200)
    total = sum(word.weight for word in found.words)
    assert abs(found.difference) > 1e-3, "there is something to explain"
    assert total == pytest.approx(found.difference, rel=0.05, abs=0.002)
    assert {word.weight > 0 for word in found.words} == {True, False}, "some speak for it, some against"


def test_every_word_stands_where_it_stands_in_the_text(classifier: tuple[Any, Any]) -> None:
    found = attribute(*classifier, TEXT, 0, 64, CPU)
    assert [TEXT[word.start : word.end] for word in found.words] == TEXT.split()


def test_what_is_not_read_has_no_weight(classifier: tuple[Any, Any]) -> None:
    found = attribute(*classifier, TEXT, 0, 6, CPU)
    assert [TEXT[word.start : word.end] for word in found.words] == ["the", "sun", "is", "very"]


@pytest.mark.parametrize("text", ["", "   ", "🙂🙂", "晴天"])
def test_texts_of_nothing_that_is_known_are_explained_too(classifier: tuple[Any, Any], text: str) -> None:
    found = attribute(*classifier, text, 0, 64, CPU)
    assert all(text[word.start : word.end].strip() for word in found.words)


def test_pieces_become_words_and_nothing_is_lost() -> None:
    text = "unbelievable, don't!"
    offsets = [(0, 0), (0, 2), (2, 12), (12, 13), (14, 17), (17, 18), (18, 19), (19, 20), (0, 0)]
    scores = [9.0, 0.5, 0.25, -0.1, 0.2, 0.1, 0.1, 0.05, 9.0]
    words = merge(text, offsets, scores)
    assert [(text[word.start : word.end], round(word.weight, 4)) for word in words] == [
        ("unbelievable", 0.75),
        (",", -0.1),
        ("don't", 0.4),
        ("!", 0.05),
    ]


def test_a_piece_over_several_words_is_shared_among_them() -> None:
    text = "很好 ok"
    assert merge(text, [(0, 2), (2, 5)], [0.6, 0.3]) == [Word(0, 1, 0.3), Word(1, 2, 0.3), Word(3, 5, 0.3)]


def test_the_log_odds_are_of_one_label_against_all_others() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    share = torch.softmax(logits, dim=1)[0, 1]
    assert log_odds(logits, 1).item() == pytest.approx(torch.log(share / (1 - share)).item(), rel=1e-5)
    assert log_odds(torch.tensor([[3.0]]), 0).item() == 3.0, "of one label alone"
