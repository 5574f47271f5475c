"""64 threads in 4 processes claim and answer the same items, some people on two devices at once: overlap stays exact.

Rounds of 500 fresh items, until `LIGHTWORK_RACE_SECONDS` are over. `make race` plays for a minute on each database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.clock import now
from core.config import Settings
from core.db import reading, unit_of_work
from core.models import Annotation, Item
from tests.factories import make_member, make_project
from tests.integration.racing.racer import LABELS
from tests.invariants import check_redundancy
from tests.processes import ROOT, environment

SECONDS = float(os.environ.get("LIGHTWORK_RACE_SECONDS", "10"))
SEED = int(os.environ.get("LIGHTWORK_RACE_SEED", "1"))
PROCESSES, THREADS = 4, 16
PEOPLE = 40
"""Of 64 devices, so that most people have two, in different processes."""
ITEMS = 500
OVERLAP = 3

pytestmark = pytest.mark.timeout(600 + 2 * SECONDS)
Process = subprocess.Popen[str]


@pytest.fixture
def racers(settings: Settings, engine: Engine) -> Iterator[list[Process]]:
    """The processes, which wait for a round."""
    assert engine
    variables = environment(settings.home, DATABASE_URL=settings.database_url)
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.integration.racing.racer"],
                    env=variables,
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(PROCESSES)
        ]
        yield started
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(20) == 0


def play(racers: list[Process], project_id: int, people: list[int], number: int) -> Counter[tuple[int, int, str]]:
    """One round; returns how often each answer stands by the people's own journals."""
    devices = [people[device % PEOPLE] for device in range(PROCESSES * THREADS)]
    for place, process in enumerate(racers):
        workers = devices[place * THREADS : (place + 1) * THREADS]
        asked = {"project_id": project_id, "workers": workers, "seed": (SEED + number) * PROCESSES + place}
        assert process.stdin is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
    standing: Counter[tuple[int, int, str]] = Counter()
    for process in racers:
        assert process.stdout is not None
        for line in json.loads(process.stdout.readline()):
            standing[line["worker_id"], line["item_id"], line["label_id"]] += line["change"]
    return +standing


def check(session: Session, project_id: int, standing: Counter[tuple[int, int, str]]) -> None:
    """Every item has as many answers as were wanted; what people were told is what stands, once each."""
    submitted = Counter(session.scalars(select(Item.submitted).where(Item.project_id == project_id)))
    assert submitted == {OVERLAP: ITEMS}
    rows = session.execute(
        select(Annotation.worker_id, Annotation.item_id, Annotation.label_id).where(
            Annotation.project_id == project_id, Annotation.state.in_(("counted", "surplus"))
        )
    )
    assert Counter((worker, item, str(label)) for worker, item, label in rows) == standing
    check_redundancy(session)


def test_overlap_is_exact_whoever_is_first(engine: Engine, racers: list[Process]) -> None:
    with unit_of_work(engine, lambda _: None) as session:
        people = [make_member(session, f"Person {number}").id for number in range(PEOPLE)]
        owner = make_member(session, "Olga", "owner")
    end = time.monotonic() + SECONDS
    rounds = answers = 0
    while not rounds or time.monotonic() < end:
        rounds += 1
        with unit_of_work(engine, lambda _: None) as session:
            texts = [f"round {rounds}, item {number}" for number in range(ITEMS)]
            bounds = {"min_overlap": OVERLAP, "max_overlap": OVERLAP}
            project_id = make_project(session, texts, tuple(LABELS), now(), owner, **bounds).id
        standing = play(racers, project_id, people, rounds)
        answers += standing.total()
        with reading(engine) as session:
            check(session, project_id, standing)
    sys.stdout.write(f"{rounds} rounds, {answers} answers stand, seed {SEED}\n")
