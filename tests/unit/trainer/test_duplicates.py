"""Texts that resemble each other are found, others are not."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.duplicates import LIKE, SAME, resemblance, signatures, too_alike

STORM = "Storm over the coast tonight, stay inside everyone, it will be bad"


def alike(one: str, other: str) -> float:
    return float(resemblance(signatures([one]), signatures(["something else entirely", other]))[0])


@pytest.mark.parametrize(
    "near",
    [
        STORM,
        "Storm over the coast tonight, stay inside everybody, it will be bad",
        "STORM over the coast tonight - stay inside everyone! It will be bad https://t.example/x",
    ],
)
def test_near_duplicates_are_found(near: str) -> None:
    assert alike(near, STORM) >= LIKE


@pytest.mark.parametrize(
    "far", ["Sunny day in the park with my dog", "The coast was calm tonight, and nobody stayed in", ""]
)
def test_other_texts_are_not(far: str) -> None:
    assert alike(far, STORM) < LIKE


def test_scripts_without_spaces() -> None:
    assert alike("今天天气很好我们去公园散步吧", "今天天气很好我们去公园散步啦") >= LIKE
    assert alike("今天天气很好我们去公园散步吧", "昨天的电影一点也不好看真失望") < LIKE


def test_texts_without_words_are_told_apart() -> None:
    assert alike("😀😀", "😀😀") == 1.0
    assert alike("😀😀", "🌧🌧") < LIKE


def test_the_estimate_is_near_the_truth() -> None:
    words = np.random.default_rng(3).integers(0, 5000, (40, 30))
    for row in words:
        one = " ".join(map(str, row))
        other = " ".join(map(str, [*row[:25], *(row[25:] + 5000)]))
        pieces = [{text[at : at + 3] for at in range(len(text) - 2)} for text in (f" {one} ", f" {other} ")]
        truth = len(pieces[0] & pieces[1]) / len(pieces[0] | pieces[1])
        estimate = (signatures([one]) == signatures([other])).mean()
        assert abs(estimate - truth) < 0.2


def test_a_long_text_takes_no_time_to_speak_of() -> None:
    assert signatures(["x" * 100_000 + "y"]).shape == signatures(["z"]).shape


def test_nothing_resembles_nothing() -> None:
    assert resemblance(signatures([]), signatures([STORM])).shape == (0,)
    assert resemblance(signatures([STORM]), signatures([])).tolist() == [0.0]


def test_a_job_of_forms_loses_only_what_is_all_but_the_same() -> None:
    out, like = too_alike(np.array([0.8, 0.8, 0.9, 0.1]))
    assert (out.tolist(), like) == ([False] * 4, SAME)
    out, like = too_alike(np.array([0.8, 0.2, 0.1, 0.1]))
    assert (out.tolist(), like) == ([True, False, False, False], LIKE)
    out, like = too_alike(np.array([1.0, 1.0, 0.1]))
    assert not out.any()
    assert like == 1.0
