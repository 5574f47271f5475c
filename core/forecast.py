"""How many answers a job takes, what they cost, how long they last and how many labels will be right.

Before a job is posted this comes from what the workspace has seen so far, or else from real crowds; of a job that runs,
from its own items (`core.aggregation.forecasting`, `core.aggregation.correctness`). Every interval holds the truth in
80 of 100 cases. Where nothing is known, None says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import quality
from core.aggregation.correctness import Beliefs, accuracy, all_right, share_right, shared_mistakes
from core.aggregation.forecasting import INTERVAL, Rule, Simulated, Spread, answers_left, simulate, spread
from core.aims import information_wanted
from core.arrays import Floats
from core.budget import budget_of, has_budget
from core.budget import spent as budget_spent
from core.db.tables import table_of
from core.forecast_evidence import Tally, accepted_beliefs, crowd_matrices, job_mistakes, sample_beliefs, tally
from core.models import Item, Project
from core.pace import nobody_left, pace_at_work, pace_of_the_day
from core.skills import crowd_model

THROUGH = ("agreed", "adjudicated", "disputed")
"""States of items that ask for no more answers, whatever came of them."""
ANSWERS_TO_MINIMUM = Spread(1.45, 1.15, 1.9)
"""Answers per item, in minima, where a workspace has no history: what real crowds took."""
HISTORY_DOUBT = 0.15
"""How far a new job goes from the history of its workspace."""
USUAL_CONFIDENCE = 0.97
"""Mean posterior of decided items, where nothing is known yet."""
RECENT_PROJECTS = 10
SAMPLE_ITEMS = 2000
ENOUGH_ITEMS = 20
"""Fewer items that are through say too little about a job."""
PACE_DOUBT = 0.35
"""Standard deviation of the logarithm of a crowd's pace from one day to the next."""
SHARES = (0.8, 0.9, 0.95, 0.99)
"""Shares of right labels whose chance is told."""

ITEM = table_of(Item)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job that is not posted yet will take.

    answers: over all items, with `low` and `high`; cost: of them, in hundredths of the workspace's currency.
    seconds: of working time of the whole crowd; nights and pauses come on top. None where nobody has worked lately.
    accuracy: share of right labels to expect; None where there are no items.
    """

    answers: int
    cost: int
    seconds: float | None
    low: int = 0
    high: int = 0
    accuracy: Spread | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a job that runs will still take, and how right it will be.

    cost_left: of answers, audits and verdicts, in hundredths of the workspace's currency. per_hour: answers an hour
    over the last day at most. done_at: with `done_low` and `done_high`; None where nobody has answered in the last day,
    nobody is left who could, or a budget is used up. on_time: chance to be done by the deadline, None without one or
    without `done_at`. accuracy: of all labels in the end. all_right: chance that none is wrong; shares: (share, chance
    that at least so many are right). nobody: everybody here has had the items that are open. used_up: the budget, where
    nothing of it is left while items are open; else 0.
    """

    answers_left: int
    cost_left: int
    done_at: datetime | None
    per_hour: float
    answers_low: int = 0
    answers_high: int = 0
    done_low: datetime | None = None
    done_high: datetime | None = None
    on_time: float | None = None
    accuracy: Spread | None = None
    all_right: float | None = None
    shares: tuple[tuple[float, float], ...] = ()
    nobody: bool = False
    used_up: int = 0


NO_MORE = Forecast(answers_left=0, cost_left=0, done_at=None, per_hour=0.0)
"""Of a closed job: nothing is to come."""


def estimate_job(
    session: Session,
    workspace_id: int,
    items: int,
    min_overlap: int,
    max_overlap: int,
    price: int,
    lease_seconds: int,
    now: datetime,
) -> Estimate:
    """What `items` new items would take.

    Args:
        price: of an answer, in hundredths of the currency.
        lease_seconds: time for one item; a pause of the crowd longer than that is no work.
    """
    newest = select(Project.id).where(Project.workspace_id == workspace_id).order_by(Project.id.desc())
    project_ids = list(session.scalars(newest.limit(RECENT_PROJECTS)))
    minima = _minima_per_item(session, project_ids)
    middle, low, high = (
        round(items * min(max(min_overlap * times, min_overlap), max_overlap))
        for times in (minima.middle, minima.low, minima.high)
    )
    pace = pace_at_work(session, project_ids, lease_seconds, now)
    usual = Beliefs(np.array([USUAL_CONFIDENCE]), np.array([float(items)]))
    seconds = None if pace is None else middle / pace
    return Estimate(middle, middle * price, seconds, low, high, accuracy(usual, shared_mistakes()))


def forecast(session: Session, project: Project, now: datetime, *, behind_pilot: bool = False) -> Forecast:
    """What the open items of `project` will still take; several aggregates and samples, never on the path of a tap.

    Nothing is foretold of a closed one.

    Args:
        behind_pilot: count the items, too, that wait for the end of a pilot.
    """
    if project.state == "closed":
        return NO_MORE
    counted = tally(session, project, behind_pilot=behind_pilot)
    crowd = crowd_model(project)
    rule = Rule(project.min_overlap, project.max_overlap, information_wanted(project))
    played = simulate(np.array(crowd.prior), np.array(crowd.pooled), crowd_matrices(session, project, crowd), rule)
    draws = answers_left(counted.open_at, counted.stopped_at, played.chances, rule, least=counted.least)
    is_open, used_up = bool(counted.open_at.sum()), 0
    if has_budget(project):
        afforded = max(0, budget_of(project) - budget_spent(session, project.id).used)
        draws = np.minimum(draws, afforded)
        used_up = budget_of(project) if is_open and not afforded else 0
    left, per_hour = spread(draws), pace_of_the_day(session, project.id, now)
    ahead = Forecast(
        answers_left=round(left.middle),
        cost_left=_cost(project, left.middle),
        done_at=None,
        per_hour=per_hour,
        answers_low=round(left.low),
        answers_high=round(left.high),
        nobody=is_open and not used_up and nobody_left(session, project),
        used_up=used_up,
    )
    ahead = _with_correctness(session, project, ahead, counted, played)
    return ahead if ahead.nobody or ahead.used_up else _with_end(project, ahead, draws, now)


def _with_end(project: Project, ahead: Forecast, draws: Floats, now: datetime) -> Forecast:
    """The forecast with its end, where the pace is known or nothing is left."""
    if not draws.any():
        return replace(ahead, done_at=now, done_low=now, done_high=now, on_time=_chance(project, now, 0.0 * draws))
    if not ahead.per_hour:
        return ahead
    doubt = np.random.default_rng(0).standard_normal(len(draws))
    hours = draws / (ahead.per_hour * np.exp(PACE_DOUBT * doubt))
    low, high = (now + timedelta(hours=float(end)) for end in np.quantile(hours, INTERVAL))
    done_at = now + timedelta(hours=ahead.answers_left / ahead.per_hour)
    return replace(ahead, done_at=done_at, done_low=low, done_high=high, on_time=_chance(project, now, hours))


def _chance(project: Project, now: datetime, hours: Floats) -> float | None:
    """The share of draws that end by the deadline."""
    if project.deadline is None:
        return None
    return float((hours <= (project.deadline - now).total_seconds() / 3600).mean())


def _with_correctness(
    session: Session, project: Project, ahead: Forecast, counted: Tally, played: Simulated
) -> Forecast:
    beliefs = _beliefs(session, project, counted, played)
    if not beliefs.items:
        return ahead
    mistakes = job_mistakes(session, project)
    return replace(
        ahead,
        accuracy=accuracy(beliefs, mistakes),
        all_right=all_right(beliefs, mistakes),
        shares=tuple((share, share_right(beliefs, mistakes, share)) for share in SHARES),
    )


def _beliefs(session: Session, project: Project, counted: Tally, played: Simulated) -> Beliefs:
    """How sure items are: a sample stands for those that ask for no more, simulated ones for those that are open."""
    sure = sample_beliefs(session, project, crowd_model(project))
    stopped, open_items = float(counted.stopped_at.sum()), float(counted.open_at.sum())
    sampled = np.full(len(sure), stopped / max(1, len(sure)))
    simulated = np.full(len(played.confidences), open_items / len(played.confidences))
    by_model, count = accepted_beliefs(session, project)
    labeled = np.full(len(by_model), count / max(1, len(by_model)))
    there = np.concatenate([sure, played.confidences, by_model]), np.concatenate([sampled, simulated, labeled])
    return Beliefs(there[0][there[1] > 0], there[1][there[1] > 0], counted.settled)


def _cost(project: Project, answers: float) -> int:
    """Of so many answers, with the audits of them, in hundredths."""
    prices = quality.load(project.quality)
    return round(answers * (project.price + prices.audit_share * prices.audit_price))


def _minima_per_item(session: Session, project_ids: Sequence[int]) -> Spread:
    """Answers per item that is through, in minima of its project: at least 1."""
    sample = (
        select(ITEM.c.submitted, Project.min_overlap)
        .join(Project, Project.id == ITEM.c.project_id)
        .where(ITEM.c.project_id.in_(project_ids), ITEM.c.state.in_(THROUGH), ITEM.c.submitted > 0)
        .limit(SAMPLE_ITEMS)
    )
    rows = session.execute(sample).all()
    if len(rows) < ENOUGH_ITEMS:
        return ANSWERS_TO_MINIMUM
    mean = max(1.0, fmean(submitted / minimum for submitted, minimum in rows))
    return Spread(mean, mean * (1.0 - HISTORY_DOUBT), mean * (1.0 + HISTORY_DOUBT))
