"""How many answers experts are asked to audit, by risk, and what audits say about all answers. Pure: numbers alone.

Risk sampling finds mistakes sooner and would overstate them if it were taken for the whole. So every audit keeps the
risk level that its answer had when it was drawn, and each level counts by its size (`estimate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.aggregation.interval import wilson_interval

LOWEST, HIGHEST = -1, 4
"""Bounds of a risk level."""
MOST = 0.5
"""The largest share that risk alone leads to."""
SURE = 0.9
"""Confidence of a decided item from which its label counts as sure."""
NEW = 20
"""Fewer answers than these make somebody new in a job."""
WEAK = 0.6
"""Somebody whose estimated accuracy is below this is weak."""
FAULTY = 0.1
"""Share of rejected answers from which somebody's other answers are looked at more often."""
PROVEN = 10
"""So many audits without a rejection, and somebody's answers are looked at less often."""
ENOUGH = 10
"""Fewer audits than these say nothing about all answers of a job, and nothing follows from them for the whole of it."""
BAD_JOB, GOOD_JOB = 0.1, 0.05
"""Error rates of a job: surely above the first it is audited twice as much, surely below the second half as much."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What is known about an answer before it is audited.

    contrary: its item was decided otherwise. confidence: of the decided label, None where nothing is decided.
    accuracy: estimated, of its worker; None where unknown. answers: of theirs in the job. audited, rejected: of these.
    """

    contrary: bool = False
    confidence: float | None = None
    accuracy: float | None = None
    answers: int = NEW
    audited: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Audits at one risk level, and the rejected ones among them."""

    audited: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Share of wrong answers in a job, with its 95 % interval."""

    rate: float
    low: float
    high: float


def level(risk: Risk) -> int:
    """How risky an answer is, from -1 to 4; each level is twice as likely to be audited as the one below.

        level = 3 [contrary] + 1 [agreed, but less than 90 % sure]
              + 2 [worker's accuracy below 60 %] + 1 [worker has given fewer than 20 answers]
              + 2 [at least a tenth of the worker's audited answers were rejected]
              - 1 [ten or more of them were audited, and none was rejected]

    >>> level(Risk())
    0
    >>> level(Risk(contrary=True, answers=3))
    4
    """
    points = 3 * risk.contrary + 1 * (not risk.contrary and risk.confidence is not None and risk.confidence < SURE)
    points += 2 * (risk.accuracy is not None and risk.accuracy < WEAK) + 1 * (risk.answers < NEW)
    points += 2 * (risk.rejected > 0 and risk.rejected >= FAULTY * risk.audited)
    points -= 1 * (risk.audited >= PROVEN and risk.rejected == 0)
    return min(max(points, LOWEST), HIGHEST)


def chance(base: float, risk_level: int, shift: int = 0) -> float:
    """The share of answers at a risk level that experts are asked to audit.

        chance = min(base * 2^(level + shift), max(base, 1/2))

    Args:
        base: the coordinator's share, for answers of which nothing speaks for or against.
        shift: of the whole job, see `shift_of`.

    >>> [chance(0.02, level) for level in (-1, 0, 3)]
    [0.01, 0.02, 0.16]
    """
    return float(min(base * 2.0 ** (risk_level + shift), max(base, MOST)))


def shift_of(found: Estimate | None) -> int:
    """1 where the job surely has many mistakes, -1 where it surely has few, else 0."""
    if found is None:
        return 0
    return int(found.low > BAD_JOB) - int(found.high < GOOD_JOB)


def owed(base: float, audits: Mapping[int, Tally], unaudited: Mapping[int, float]) -> int:
    """How many audits are due now: what the chances of all answers add up to, less what was audited.

    Args:
        audits: by risk level at the time of the audit.
        unaudited: answers that were not audited, by present risk level.
    """
    if base <= 0.0:
        return 0
    enough = sum(tally.audited for tally in audits.values()) >= ENOUGH
    shift = shift_of(estimate(audits, unaudited)) if enough else 0
    due = sum(count * chance(base, risk_level, shift) for risk_level, count in unaudited.items())
    due += sum(tally.audited * chance(base, risk_level, shift) for risk_level, tally in audits.items())
    return max(0, round(due) - sum(tally.audited for tally in audits.values()))


def estimate(audits: Mapping[int, Tally], unaudited: Mapping[int, float]) -> Estimate | None:
    """The share of wrong answers among all, from a sample that prefers risky ones; None without an audit.

    Hajek's estimator with realised inclusion probabilities: at risk level h, n_h of N_h answers were audited, so each
    audited one stands for N_h / n_h:

        rate = sum_h N_h * (rejected_h / n_h) / sum_h N_h

    (Sarndal, Swensson & Wretman, "Model Assisted Survey Sampling", 1992, sections 5.7 and 7.6). A level of which
    nothing was audited is counted to the nearest that was, the riskier of two. The interval is Wilson's for the
    effective number of audits, (sum of weights)^2 / sum of squared weights (Kish 1965).

    >>> estimate({0: Tally(10, 0), 3: Tally(10, 5)}, {0: 890.0, 3: 90.0}).rate
    0.05
    """
    taken = {risk_level: tally for risk_level, tally in audits.items() if tally.audited}
    if not taken:
        return None
    sizes = {risk_level: float(tally.audited) for risk_level, tally in taken.items()}
    for risk_level, count in unaudited.items():
        sizes[min(taken, key=lambda known: (abs(known - risk_level), -known))] += count
    everything = sum(sizes.values())
    rate = sum(sizes[one] * tally.rejected / tally.audited for one, tally in taken.items()) / everything
    effective = everything**2 / sum(sizes[one] ** 2 / tally.audited for one, tally in taken.items())
    low, high = wilson_interval(rate * effective, effective)
    return Estimate(rate, low, high)
