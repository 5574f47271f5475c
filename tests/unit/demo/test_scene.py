"""What the audience is shown: rates, and texts of strangers that cannot steer a terminal."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo.progress import line, render
from demo.report import Promise
from demo.scene import Scene, printable
from demo.summary import show

EVIL = "\x1b[2J\x1b]0;title\x07 [bold]not markup[/bold]\nsecond line \u202e"


def drawn(scene: Scene) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(render(scene))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_texts_of_strangers_are_one_harmless_line() -> None:
    said = printable(EVIL)
    assert said == "[2J ]0;title [bold]not markup[/bold] second line"
    scene = Scene()
    scene.begin("People answer", 10)
    scene.say("w00001", EVIL)
    assert "[bold]not markup[/bold]" in drawn(scene)
    assert "0 answers · 0/s · 0 decided" in drawn(scene)
    assert "\x1b" not in drawn(scene)


def test_the_rate_counts_the_last_seconds_only() -> None:
    scene = Scene()
    for moment, answers in ((100.0, 0), (102.0, 10), (104.0, 40), (111.0, 110)):
        scene.count(answers, moment)
    assert scene.rate == pytest.approx(10)  # from 104 to 111 seconds; what was before is forgotten


def test_a_line_for_a_log() -> None:
    scene = Scene(began=time.monotonic() - 65)
    scene.begin("People answer", 700)
    scene.done, scene.decided, scene.disputed, scene.model = 12, 10, 2, "model v1, 80% right"
    assert line(scene) == "1:05  People answer 12/700  (0 answers, 0/s, 10 decided, 2 disputed; model v1, 80% right)"


def test_the_rate_begins_anew_with_each_act() -> None:
    scene = Scene()
    scene.count(0, 100.0)
    scene.count(40, 104.0)
    scene.begin("A model learns")
    assert (scene.rate, scene.answers) == (0.0, 40)


REPORT: dict[str, Any] = {
    "seconds": {"total": 100.0},
    "tweets_posted": 10,
    "workers": 2,
    "workers_who_answered": 1,
    "annotations": 30,
    "items": 10,
    "annotations_per_item": 3.0,
    "max_annotations_on_an_item": 3,
    "agreed": 9,
    "adjudicated": 1,
    "disputed": 0,
    "open": 0,
    "agreed_accuracy": None,
    "agreed_with_gold": 0,
    "models_trained": 0,
    "model": None,
    "order_of_asking": None,
    "predictions": 0,
    "jobs": {"default": 2},
    "journal": {"acknowledged": 30, "lost": 0, "doubled": 0},
}
KEPT = Promise("everything", "1 of 1", kept=True)
MISSED = Promise("one more thing", "0 of 1", kept=False)
LUCK = Promise("good luck", "none", kept=False, binding=False)


def summed_up(report: dict[str, Any], promised: list[Promise], home: Path = Path("var/demo")) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    show(console, report, promised, home)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_summary_says_what_happened() -> None:
    said = " ".join(summed_up(REPORT, [KEPT]).split())
    assert "1 of them gave 30 answers to 10 tweets. It took 1 min 40 s." in said
    assert "Promised and kept ✓ everything: 1 of 1" in said
    assert not [word for word in ("posted", "Still open", "learned", "trained models") if word in said]


def test_nothing_that_was_missed_stands_below_kept() -> None:
    said = summed_up(REPORT, [KEPT, MISSED, LUCK])
    assert "Promised and kept" not in said
    assert "Promised, and not all of it kept" in said
    assert "✗ one more thing: 0 of 1" in said
    assert "· good luck: none" in said[said.index("Promised of the whole demo only") :]


def test_the_summary_names_what_is_left_and_what_was_left_out() -> None:
    model = {
        "version": 2,
        "holdout_items": 8,
        "holdout_coverage": 0.8,
        "majority_class_accuracy": 0.25,
        "tfidf_logreg_accuracy": 0.5,
        "holdout_accuracy": 0.75,
    }
    order = {"items": 4, "ends": 2, "asked_first": 0.74, "asked_last": 0.01, "rank_correlation": 1.0}
    changed = {"tweets_posted": 11, "open": 2, "models_trained": 2, "model": model, "order_of_asking": order}
    said = " ".join(summed_up({**REPORT, **changed}, [KEPT]).split())
    assert "Of 11 posted, 1 had a text that was there already." in said
    assert "nobody here could say more: 2." in said
    assert "2 models learned from the labels; version 2 is in use." in said
    assert "0.74 on average for the 2 asked first, 0.01 for the 2 asked last." in said
    assert "8 tweets that were set aside; 80% of those set aside were decided." in said
    assert "none was good enough to be used" in summed_up({**REPORT, "models_trained": 1}, [KEPT])


def test_a_summary_for_a_file_has_no_blanks_at_the_ends_and_whole_paths(tmp_path: Path) -> None:
    home = tmp_path / ("a-long-name-" * 12)
    home.mkdir()
    (home / "annotations.jsonl").touch()
    said = summed_up(REPORT, [KEPT], home)
    assert str(home) in said
    assert "annotations.jsonl" in said
    assert "labels.csv" not in said
    assert [line for line in said.splitlines() if line != line.rstrip()] == []
