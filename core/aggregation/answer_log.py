"""A crowd's answers in the order in which they came, and what everybody else makes of each answered item.

Whoever judges a person by the crowd must leave that person's own answers out: else everybody agrees with themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.aggregation.confusion import DEFAULT_ACCURACY, FLOOR
from core.arrays import Floats, Ints

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class AnswerLog:
    """Answers, one entry each, in the order of arrival; items, workers and labels are indexes from 0.

    characters: of the item's text. known: for each item its known label, else `UNKNOWN`. seconds: from handing out to
    answer, NaN where unknown.
    """

    items: Ints
    workers: Ints
    answers: Ints
    shape: tuple[int, int, int]
    """Numbers of items, workers and labels."""
    known: Ints | None = None
    seconds: Floats | None = None
    characters: Floats | None = None


@dataclass(frozen=True, slots=True)
class Skills:
    """How each worker answers: P(answer | label) as (workers, labels, answers), or one coin each where labels are many.

    prior: P(label) over the project.
    """

    prior: Floats
    confusion: Floats | None = None
    accuracy: Floats | None = None

    def likelihood(self, workers: Ints, answers: Ints) -> Floats:
        """P(answer | label) of each answer for each label, as (answers, labels)."""
        if self.confusion is not None:
            return np.maximum(self.confusion[workers, :, answers], FLOOR)
        right = np.full(len(workers), DEFAULT_ACCURACY) if self.accuracy is None else self.accuracy[workers]
        classes = len(self.prior)
        table = np.repeat(((1.0 - right) / max(classes - 1, 1))[:, None], classes, axis=1)
        table[np.arange(len(workers)), answers] = right
        return np.maximum(table, FLOOR)


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What is believed of items, each kept as a sum of logarithms so that single answers can be taken out of it."""

    evidence: Floats
    """(items, labels): log prior and the log likelihoods of all answers."""
    own: Floats
    """(answers, labels): the log likelihood of each answer."""
    known: Ints
    counts: Ints
    """Answers of each item."""

    def without(self, items: Ints, *own: Floats) -> Floats:
        """P(label) of some items, (entries, labels), without the answers whose log likelihoods are given."""
        logs = self.evidence[items] - sum(own)
        logs -= logs.max(axis=1, keepdims=True)
        shares = np.exp(logs)
        shares /= shares.sum(axis=1, keepdims=True)
        given = self.known[items]
        shares[given >= 0] = np.eye(shares.shape[1])[given[given >= 0]]
        return shares


def believe(log: AnswerLog, skills: Skills) -> Beliefs:
    """Bayes over all answers of every item; known labels stand fast."""
    item_count, _, classes = log.shape
    own = np.log(skills.likelihood(log.workers, log.answers))
    evidence: Floats = np.stack(
        [np.bincount(log.items, weights=own[:, label], minlength=item_count) for label in range(classes)], axis=1
    )
    known = np.full(item_count, UNKNOWN) if log.known is None else log.known
    return Beliefs(evidence + np.log(skills.prior), own, known, np.bincount(log.items, minlength=item_count))


def earlier_leader(log: AnswerLog) -> Ints:
    """For each answer the label that led on its item before it came; `UNKNOWN` where none did, or two were level."""
    classes, size = log.shape[2], len(log.items)
    order = np.argsort(log.items, kind="stable")
    votes = np.eye(classes, dtype=np.int32)[log.answers[order]]
    before = np.cumsum(votes, axis=0) - votes
    starts = np.flatnonzero(np.r_[True, np.diff(log.items[order]) > 0])
    before -= np.repeat(before[starts], np.diff(np.r_[starts, size]), axis=0)
    most = before.max(axis=1)
    level = (before == most[:, None]).sum(axis=1) > 1
    leader = np.empty(size, dtype=np.int64)
    leader[order] = np.where((most > 0) & ~level, before.argmax(axis=1), UNKNOWN)
    return leader


def answer_before(log: AnswerLog) -> Ints:
    """For each answer the one that was given last on its item before it came; `UNKNOWN` where there was none."""
    order = np.argsort(log.items, kind="stable")
    items, answers = log.items[order], log.answers[order]
    before = np.full(len(items), UNKNOWN)
    before[1:][items[1:] == items[:-1]] = answers[:-1][items[1:] == items[:-1]]
    last = np.empty(len(items), dtype=np.int64)
    last[order] = before
    return last
