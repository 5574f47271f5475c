"""Audits in a random order, and several at once: items, workers and counts are exactly as the rows say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adjudication import adjudicate, rule_unanswerable
from core.auditing import REASONS, accept, find_annotation, reject
from core.disputes import next_dispute
from core.errors import Conflict, LightworkError
from core.models import Adjudication, Assignment, Item
from core.reestimation import reestimate
from core.runtime import Runtime
from tests.factories import items_of
from tests.integration.auditing.bench import Bench, draw, take_back

EVENTS = 220


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_invariants_hold_after_every_audit(runtime: Runtime, seed: int) -> None:
    bench = Bench(runtime, seed)
    rejected: set[tuple[int, int]] = set()
    for _ in range(EVENTS):
        bench.clock.forward(1)
        act = bench.random.choices(["answer", "audit", "settle", "undo", "reestimate"], [60, 20, 6, 6, 2])[0]
        worker = bench.random.choice(bench.workers)
        if act == "answer":
            bench.answer(worker, bench.random.choice("aaabc"))
        elif act == "audit":
            rejected |= audit(bench)
        elif act == "settle":
            settle(bench)
        elif act == "undo":
            with suppress(Conflict):  # settled or audited meanwhile
                take_back(bench, worker)
        else:
            reestimate(bench.runtime.engine, bench.project_id, bench.runtime.run_effects, bench.clock)
        bench.check()
        with bench.runtime.reading() as session:
            nobody_is_asked_again(session, rejected)
    assert rejected


def audit(bench: Bench) -> set[tuple[int, int]]:
    """One audit by an expert; the (item, worker) of a rejected annotation."""
    expert = bench.random.choice(bench.experts)
    with bench.runtime.writing() as session:
        case = draw(session, bench.workspace_id, expert)
        if case is None:
            return set()
        if bench.random.random() < 0.3:
            accept(session, bench.workspace_id, expert, case.annotation_public_id, bench.clock())
            return set()
        reason = bench.random.choice([*REASONS, "because"])
        reject(session, bench.workspace_id, expert, case.annotation_public_id, reason, bench.clock())
        annotation, _ = find_annotation(session, bench.workspace_id, case.annotation_public_id)
        return {(annotation.item_id, annotation.worker_id)}


def settle(bench: Bench) -> None:
    """One dispute is settled, in one way or the other."""
    expert = bench.random.choice(bench.experts)
    with bench.runtime.writing() as session:
        dispute = next_dispute(session, bench.workspace_id, expert, bench.clock())
        if dispute is None:
            return
        workspace_id, public_id, now = bench.workspace_id, dispute.item_public_id, bench.clock()
        if bench.random.random() < 0.3:
            rule_unanswerable(session, workspace_id=workspace_id, worker_id=expert, item_public_id=public_id, now=now)
        else:
            adjudicate(
                session,
                workspace_id=workspace_id,
                worker_id=expert,
                item_public_id=public_id,
                label_id="a",
                now=now,
            )


def nobody_is_asked_again(session: Session, rejected: set[tuple[int, int]]) -> None:
    """Who had an answer rejected never holds that item again."""
    held = select(Assignment.item_id, Assignment.worker_id).where(Assignment.state == "active")
    assert not rejected & {(item, worker) for item, worker in session.execute(held)}


def at_once(*works: Callable[[], None]) -> list[str]:
    """Everything at the same time; "done", or the code with which it was refused."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> str:
        barrier.wait(10)
        try:
            work()
        except LightworkError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_of_two_audits_and_an_undo_at_once_one_wins(bench: Bench) -> None:
    worker = bench.workers[0]
    for _ in range(5):
        public_id = bench.answer(worker, "a")
        assert public_id is not None
        outcomes = at_once(
            partial(bench.reject, public_id, 0),
            partial(bench.reject, public_id, 1),
            partial(take_back, bench, worker),
        )
        assert outcomes.count("done") == 1, outcomes
        assert set(outcomes) <= {"done", "audit_rejected_before", "audit_gone", "too_late_to_undo"}
        bench.check()


def test_of_two_verdicts_at_once_one_stands(single: Bench) -> None:
    single.answer(single.workers[0], "a")
    with single.runtime.writing() as session:
        item = session.scalars(select(Item)).one()
        item.state, public_id = "disputed", item.public_id

    def decide(expert: int, label_id: str) -> None:
        with single.runtime.writing() as session:
            adjudicate(
                session,
                workspace_id=single.workspace_id,
                worker_id=expert,
                item_public_id=public_id,
                label_id=label_id,
                now=single.clock(),
            )

    first, second = single.experts
    outcomes = at_once(partial(decide, first, "a"), partial(decide, second, "b"))
    assert sorted(outcomes) == ["already_settled", "done"]
    with single.runtime.reading() as session:
        [verdict] = session.scalars(select(Adjudication))
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id) == ("adjudicated", verdict.label_id)
