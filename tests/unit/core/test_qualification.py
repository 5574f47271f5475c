"""Where somebody stands before the items of a job, from its settings and what they have done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.qualification import attempts_left, stage_of
from core.quality import QualitySettings
from core.standing import Standing
from tests.factories import START

QUIZ = QualitySettings(quiz=5)
YEARLY = QualitySettings(quiz=5, qualification_days=365)


@pytest.mark.parametrize(
    ("settings", "standing", "stage"),
    [
        (QualitySettings(), Standing(), ""),
        (QUIZ, Standing(), "begin"),
        (QUIZ, Standing(annotation_count=3), ""),
        (QUIZ, Standing(annotation_count=3, qualification="quiz"), "quiz"),
        (QUIZ, Standing(qualification="failed"), "failed"),
        (QUIZ, Standing(qualification="passed", qualified_at=START), ""),
        (QualitySettings(practice=3), Standing(qualification="practice"), "practice"),
        (QualitySettings(practice=3), Standing(qualification="failed"), "begin"),
        (QualitySettings(practice=3), Standing(qualification="quiz"), "begin"),
    ],
)
def test_stages(settings: QualitySettings, standing: Standing, stage: str) -> None:
    assert stage_of(settings, standing, START) == stage


def test_what_was_passed_holds_for_as_long_as_the_job_says() -> None:
    standing = Standing(qualification="passed", qualified_at=START)
    assert stage_of(YEARLY, standing, START + timedelta(days=364)) == ""
    assert stage_of(YEARLY, standing, START + timedelta(days=365)) == "begin"
    assert stage_of(QUIZ, standing, START + timedelta(days=9999)) == ""


@pytest.mark.parametrize(("taken", "left"), [(0, 2), (1, 1), (2, 0), (5, 0)])
def test_attempts_run_out(taken: int, left: int) -> None:
    assert attempts_left(QUIZ, Standing(quiz_attempts=taken)) == left
