"""Ban, dynamic overlap and gold at once: exact redundancy after each of many random events.

`LIGHTWORK_INVARIANTS_EVENTS` says how many events on each database, `LIGHTWORK_INVARIANTS_SEED` where they start from;
`make invariants` plays ten thousand. What fails is printed with its seed and with the steps that lead to it.
"""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from core.runtime import Runtime
from tests.integration.composition.machine import Composition
from tests.integration.composition.stage import Stage

LONG = "LIGHTWORK_INVARIANTS_EVENTS"
EVENTS = int(os.environ.get(LONG, "150"))
SEED = int(os.environ.get("LIGHTWORK_INVARIANTS_SEED", "1"))
STEPS = 40 if LONG in os.environ else 12
"""Rules in one story; each is one to a dozen events."""
STORIES = 4
"""Between two seeds. Hypothesis begins with the plainest one it can think of; the interesting ones come after it."""
HOW = settings(
    max_examples=STORIES,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    phases=(Phase.generate,),  # a story is played in seconds: looking for a shorter one takes longer than reading it
    suppress_health_check=list(HealthCheck),
)


def test_everything_holds_after_every_event(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Story(Composition):
        stage = Stage(runtime, monkeypatch)

    number = SEED
    while Story.stage.events < EVENTS:
        sys.stdout.write(f"LIGHTWORK_INVARIANTS_SEED={number} after {Story.stage.events} events\n")
        run_state_machine_as_test(seed(number)(Story), settings=HOW)
        number += 1
