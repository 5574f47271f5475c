"""What docs/operations.md and docs/alerts.yml name is told by some process, and whatever is told is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # read in one place, and looked into here
from prometheus_client import REGISTRY, CollectorRegistry
from redis import Redis
from sqlalchemy import Engine

import core.metrics  # registers what processes count
from core.cli.up import PROGRAMS
from core.config import Settings
from core.monitoring import PROCESSES
from core.monitoring.figures import Installation
from tests.processes import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = ROOT / "docs" / "alerts.yml"
NAME = re.compile(r"\b(?:lightwork|process)_[a-z_]+\b")
OF_HISTOGRAMS = re.compile(r"_(?:bucket|count|sum)$")
OF_PROMETHEUS = {"up"}


@pytest.fixture
def told(sqlite_engine: Engine, redis: Redis, settings: Settings) -> set[str]:
    """The names of all figures that any process tells."""
    installation = CollectorRegistry()
    installation.register(Installation(sqlite_engine, redis, settings.home))
    families = [*REGISTRY.collect(), *installation.collect()]
    return {family.name + ("_total" if family.type == "counter" else "") for family in families}


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_metric_of_an_alert_exists(rules: list[dict[str, Any]], told: set[str]) -> None:
    for rule in rules:
        names = {OF_HISTOGRAMS.sub("", name) for name in NAME.findall(rule["expr"])}
        assert names or "up" in rule["expr"], rule
        assert names <= told, rule["alert"]


def test_every_metric_that_operations_names_exists(told: set[str]) -> None:
    assert set(documented()) <= told


def test_every_metric_of_ours_is_explained(told: set[str]) -> None:
    assert core.metrics.EVENTS
    assert {name for name in told if name.startswith("lightwork_")} <= set(documented())


def test_every_alert_says_in_one_sentence_what_to_do(rules: list[dict[str, Any]]) -> None:
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "warn")
        assert re.fullmatch(r"[A-Z][^\n]{30,160}\.", rule["annotations"]["do"]), rule["alert"]


def test_every_process_is_watched() -> None:
    assert {program.name for program in PROGRAMS} == PROCESSES.keys()
    for name, offset in PROCESSES.items():
        assert f'{{targets: ["127.0.0.1:{9464 + offset}"], labels: {{process: {name}}}}}' in OPERATIONS


def documented() -> Iterator[str]:
    """The names in the first column of the tables, and elsewhere in code."""
    for piece in re.findall(r"`([^`\n]+)`", OPERATIONS):
        yield from (name for name in NAME.findall(piece))
