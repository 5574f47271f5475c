"""`lightwork demo` in small, as people run it: report, journal, files, other surfaces, and Ctrl-C in the middle."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.journal import read_journal
from tests.processes import end, is_alive, start
from tests.waiting import eventually

SMALL = ("--items", "60", "--second", "20", "--people", "40", "--no-training", "--seed", "1")
SMALLEST = ("--items", "20", "--second", "10", "--people", "10", "--no-training", "--seed", "1")


def begin(home: Path) -> subprocess.Popen[bytes]:
    return start(home, "demo", *SMALL)


def printed(home: Path) -> str:
    return (home / "test-demo.log").read_text()


def pids(home: Path) -> list[int]:
    """Of all processes that the demo runs at this moment; none where it has not come up."""
    listed = home / "demo" / "processes.json"
    return [entry["pid"] for entry in json.loads(listed.read_text()).values()] if listed.exists() else []


@pytest.mark.timeout(180)
def test_a_small_demo_keeps_its_word(tmp_path: Path) -> None:
    process = begin(tmp_path)
    status = process.wait(170)
    said = printed(tmp_path)
    home = tmp_path / "demo"
    assert (home / "report.json").exists(), said
    report = json.loads((home / "report.json").read_text())
    # Of so few labels the accuracy is luck: it is measured and not promised.
    assert status == (0 if all(report["promises"].values()) else 1), said
    assert all(f"✓ {promise}" in said or f"✗ {promise}" in said for promise in report["promises"])
    assert len(report["promises"]) == 2
    assert "· at least 93% of the agreed labels right" in said
    assert re.search(r"Everybody meets in the web chat, at http://127\.0\.0\.1:\d+ while this runs\.", said)
    check_figures(report)
    check_files(home, report)
    assert pids(home) == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("surface", "place"), [("telegram", "Telegram"), ("slack", "Slack")])
def test_the_same_people_meet_on_a_chat_platform(tmp_path: Path, surface: str, place: str) -> None:
    process = start(tmp_path, "demo", *SMALLEST, "--surface", surface)
    status = process.wait(170)
    said = printed(tmp_path)
    home = tmp_path / "demo"
    assert (home / "report.json").exists(), said
    assert f"Everybody meets in {place}." in said
    report = json.loads((home / "report.json").read_text())
    assert status == (0 if all(report["promises"].values()) else 1), said
    journal = report["journal"]
    assert (report["items"], report["workers"]) == (30, 10)
    assert report["jobs_by_name"]["default: import_batch"] == 2
    assert journal["acknowledged"] == journal["found"] > 40
    assert (journal["lost"], journal["doubled"], journal["unacknowledged"]) == (0, 0, 0)
    check_files(home, report)
    assert pids(home) == []


def check_figures(report: dict[str, Any]) -> None:
    assert report["items"] == 80
    assert report["workers"] == 40
    assert report["agreed"] + report["adjudicated"] + report["disputed"] + report["open"] == 80
    assert report["agreed"] >= 40
    assert report["open"] <= 2
    assert report["agreed_accuracy"] >= 0.8
    assert 3 <= report["annotations_per_item"] < 8
    assert report["max_annotations_on_an_item"] <= 8
    journal = report["journal"]
    assert journal["acknowledged"] == journal["found"] == report["annotations"] + report["surplus_annotations"]
    assert (journal["lost"], journal["doubled"], journal["unacknowledged"]) == (0, 0, 0)
    assert report["model"] is None
    assert set(report["jobs"]) == {"assignments", "default", "training"}, "a diverse start needs no model"
    assert report["jobs_by_name"]["default: import_batch"] == 2
    assert report["jobs_by_name"]["assignments: reestimate"] >= 1
    assert report["jobs_failed"] == 0


def check_files(home: Path, report: dict[str, Any]) -> None:
    with (home / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        labels = list(csv.DictReader(file))
    assert len(labels) == report["agreed"] + report["adjudicated"]
    annotations = [json.loads(line) for line in (home / "annotations.jsonl").read_text().splitlines()]
    assert len(annotations) == len(list(read_journal(home / "journal.jsonl")))
    assert not {row["worker"] for row in annotations} & {f"w{number:05d}" for number in range(102)}


@pytest.mark.timeout(90)
def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    process = begin(tmp_path)
    journal = tmp_path / "demo" / "journal.jsonl"

    def answering() -> bool:
        assert process.poll() is None, printed(tmp_path)
        return journal.exists() and journal.stat().st_size > 0

    eventually(answering, 60, "the first answer")
    running = pids(tmp_path)
    assert len(running) == 5
    assert end(process, signal.SIGINT, seconds=60) == 130  # it gives its processes 40 s to stop in good order
    assert "Stopped." in printed(tmp_path)
    assert "Traceback" not in printed(tmp_path)
    assert not [pid for pid in running if is_alive(pid)]
