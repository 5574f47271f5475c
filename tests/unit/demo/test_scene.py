"""What the audience is shown: rates, and texts of strangers that cannot steer a terminal."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from demo.progress import line, render
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


def test_the_summary_names_what_was_missed() -> None:
    report = {
        "seconds": {"total": 100.0},
        "workers": 2,
        "annotations": 30,
        "items": 10,
        "annotations_per_item": 3.0,
        "max_annotations_on_an_item": 3,
        "agreed": 9,
        "adjudicated": 1,
        "disputed": 0,
        "agreed_accuracy": None,
        "agreed_with_gold": 0,
        "model": None,
        "order_of_asking": None,
        "predictions": 0,
        "jobs": {"default": 2},
        "journal": {"acknowledged": 30, "lost": 0, "doubled": 0},
    }
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    show(console, report, {"everything": True, "one more thing": False}, Path("var/demo"))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "✓ everything" in said
    assert "✗ one more thing" in said
    assert "gave 30 answers to 10 tweets. It took 1:40 minutes." in " ".join(said.split())
