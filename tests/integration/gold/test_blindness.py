"""Whoever watches the order of their cards, their times and what they carry learns nothing of what is known."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from random import Random

import pytest
from scipy.stats import binomtest, chi2_contingency
from sqlalchemy import Engine, select

from core import gold_serving
from core.effects import Effect
from core.leases import Lease
from core.models import Assignment, Item, Project, Worker
from core.views import view_lease
from tests.integration.gold.job import GoldJob

CARDS = 400
"""Of one person; enough to tell one card in eight from chance."""


@pytest.fixture
def long_job(engine: Engine, effects: list[Effect], monkeypatch: pytest.MonkeyPatch) -> GoldJob:
    """Work for so many cards, of which about every eighth is a known one; the same ones in each run."""
    monkeypatch.setattr(gold_serving, "_random", Random(7))
    job = GoldJob(engine, effects, ordinary=CARDS - 80, known=100)
    job.change(gold_every=8, gold_rarest=8)
    return job


def test_nothing_but_the_items_themselves_tells_known_ones_from_others(long_job: GoldJob) -> None:
    job, worker = long_job, long_job.person()
    leases = _work_through(job, worker)
    known = [job_purpose != "label" for job_purpose in _purposes(job, leases)]
    assert 25 < sum(known) < 90, "about one in eight"
    _check_order(known)
    _check_ids(leases, known)
    _check_cards(job, worker, leases, known)


def _work_through(job: GoldJob, worker: int) -> list[Lease]:
    leases: list[Lease] = []
    with job.quiet():
        while len(leases) < CARDS and (lease := job.next(worker)) is not None:
            leases.append(lease)
            job.answer(worker, lease, "ab"[len(leases) % 2])
    return leases


def _purposes(job: GoldJob, leases: list[Lease]) -> list[str]:
    with job.writing() as session:
        purposes = {item_id: purpose for item_id, purpose in session.execute(select(Item.id, Item.purpose))}
    return [purposes[lease.item_id] for lease in leases]


def _check_order(known: list[bool]) -> None:
    """The chance of a known item is the same after a known one as after another, and in each half of the work."""
    after = Counter(itertools.pairwise(known))
    table = [[after[(False, False)] + 1, after[(False, True)] + 1], [after[(True, False)] + 1, after[(True, True)] + 1]]
    assert chi2_contingency(table).pvalue > 0.0005
    half = len(known) // 2
    assert binomtest(sum(known[:half]), sum(known), 0.5).pvalue > 0.0005
    for period in (5, 8, 10):
        by_phase = [sum(known[phase::period]) for phase in range(period)]
        share = sum(known) / len(known)
        assert all(
            binomtest(count, len(known[phase::period]), share).pvalue > 1e-5 for phase, count in enumerate(by_phase)
        )


def _check_ids(leases: list[Lease], known: list[bool]) -> None:
    """Public ids are random, versions all the same."""
    assert {lease.version for lease in leases} == {1}
    assert all(re.fullmatch(r"[a-z2-7]{16}", lease.public_id) for lease in leases)
    low = [lease.public_id < "m" for lease in leases]
    of_known = sum(one for one, is_known in zip(low, known, strict=True) if is_known)
    assert binomtest(of_known, sum(known), sum(low) / len(low)).pvalue > 1e-6  # these are drawn anew in each run


def _check_cards(job: GoldJob, worker: int, leases: list[Lease], known: list[bool]) -> None:
    """What a card shows besides the item, and what the row of its lease says, is alike for both."""
    facts: dict[bool, set[object]] = {True: set(), False: set()}
    with job.writing() as session:
        project, person = session.get_one(Project, job.project_id), session.get_one(Worker, worker)
        for lease, is_known in zip(leases, known, strict=True):
            view = view_lease(session, project, lease, person, job.clock())
            row = session.get_one(Assignment, lease.assignment_id)
            length = (row.expires_at - row.leased_at).total_seconds()
            kinds = tuple(part["type"] for part in view.content)
            facts[is_known].add(
                (view.question, view.total, view.done, view.goal, kinds, length, row.state, row.surface)
            )
    assert facts[True] == facts[False]
    assert len(facts[True]) == 1


def test_saying_always_the_same_is_right_half_of_the_time(long_job: GoldJob) -> None:
    job, worker = long_job, long_job.person()
    with job.quiet():
        for _ in range(CARDS // 2):
            lease = job.next(worker)
            assert lease is not None
            job.answer(worker, lease, "a")
    standing = job.standing(worker)
    assert standing.gold_count >= 10
    assert binomtest(standing.gold_right, standing.gold_count, 0.5).pvalue > 0.0005


def test_known_items_are_worn_out_evenly(long_job: GoldJob) -> None:
    job = long_job
    job.change(gold_every=1, gold_rarest=1)
    with job.quiet():
        for name in ("Ann", "Bob", "Cid", "Dan"):
            worker = job.person(name)
            for _ in range(30):
                lease = job.next(worker)
                assert lease is not None
                job.answer(worker, lease)
    served = Counter(annotation.item_id for annotation in job.annotations())
    assert sum(served.values()) >= 100
    assert max(served.values()) <= 3
