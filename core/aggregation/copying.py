"""Who copies: somebody who agrees with another, with the majority so far, or with the answer before, too often.

However good a person is, they agree with somebody else about as often as that one is right. Agreement on answers that
the rest of the crowd contradicts is what no skill explains, and what copying explains (Dong, Berti-Equille &
Srivastava 2009, "Integrating conflicting data: the role of source dependence").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.aggregation.answer_log import AnswerLog, Beliefs, Skills, answer_before, earlier_leader
from core.aggregation.chance import tail
from core.aggregation.finding import Column, Finding
from core.arrays import Floats, Ints

MAJORITY, LAST = -1, -2
"""Whom somebody follows where it is no person: the majority so far, or whoever answered before."""
SURE = 2.0
"""Powers of ten; nobody in the real crowds of docs/filters.md comes to 1."""
LEAST_TOGETHER = 20
LEAST_WRONG = 4
LEAST_FOLLOWED = 30
CONTRADICTED = 0.5
"""A label that all others together believe less than this counts as wrong."""
MAX_ALIKE = 64
"""Among those who gave an item the same wrong label, each is compared with so many that followed."""
MAX_PAIRS = 5000
CHUNK = 200_000
"""Answers compared at a time."""
LATER = 0.3
"""Share of the shared wrong answers that somebody gave as the second of the two: from here on they copied."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A worker who copies. other: whom, as an index, or `MAJORITY` or `LAST`."""

    worker: int
    other: int
    score: float
    together: int
    same: int
    expected: float
    wrong: int
    """Of `same`, those that the rest of the crowd contradicts."""


def copied(log: AnswerLog, skills: Skills, beliefs: Beliefs) -> list[Finding]:
    """Everybody who copies, each with the strongest evidence; its `other` is an index, `MAJORITY` or `LAST`."""
    best: dict[int, Copied] = {}
    followers = (
        *_followers(log, skills, beliefs, earlier_leader(log), MAJORITY),
        *_followers(log, skills, beliefs, answer_before(log), LAST),
    )
    for one in (*_pairs(log, skills, beliefs), *followers):
        if one.worker not in best or best[one.worker].score < one.score:
            best[one.worker] = one
    return [_finding(one) for one in best.values()]


def _finding(one: Copied) -> Finding:
    counted = {"answers": one.together, "same": one.same, "wrong": one.wrong, "other": one.other}
    return Finding(one.worker, "copying", round(one.score, 2), {**counted, "expected": round(one.expected, 1)})


def _followers(log: AnswerLog, skills: Skills, beliefs: Beliefs, leaders: Ints, other: int) -> Iterator[Copied]:
    """Who agrees with what came before, one of `leaders` for each answer, more often than that is right."""
    count = log.shape[1]
    led = leaders >= 0
    workers, leader, answers = log.workers[led], leaders[led], log.answers[led]
    others = beliefs.without(log.items[led], beliefs.own[led])
    right = others[np.arange(len(leader)), leader]
    chance = np.maximum(right, (others * skills.likelihood(workers, leader)).sum(axis=1))
    same = answers == leader
    total, hits = np.bincount(workers, minlength=count), np.bincount(workers[same], minlength=count)
    expected = np.bincount(workers, weights=chance, minlength=count)
    wrong = np.bincount(workers[same & (right < CONTRADICTED)], minlength=count)
    scores = tail(hits, total, expected)
    for worker in np.flatnonzero((scores >= SURE) & (total >= LEAST_FOLLOWED) & (wrong >= LEAST_WRONG)):
        counted = (int(total[worker]), int(hits[worker]), float(expected[worker]), int(wrong[worker]))
        yield Copied(int(worker), other, float(scores[worker]), *counted)


def _pairs(log: AnswerLog, skills: Skills, beliefs: Beliefs) -> Iterator[Copied]:
    """Two of whom one agrees with the other more often than that other is right."""
    firsts, seconds = _suspects(log, beliefs)
    if not len(firsts):
        return
    tried = np.log10(len(firsts)) + 1.0
    for pair, one, other in _answered_together(log, firsts, seconds):
        found = np.unique(pair)
        place = np.searchsorted(found, pair)
        others = beliefs.without(log.items[one], beliefs.own[one], beliefs.own[other])
        same = log.answers[one] == log.answers[other]
        rows = np.arange(len(one))
        wrong = same & (others[rows, log.answers[one]] < CONTRADICTED)
        total, hits, amiss = (np.bincount(place[chosen], minlength=len(found)) for chosen in (rows >= 0, same, wrong))
        expected = np.maximum(
            _expected(log, skills, others, one, other, place), _expected(log, skills, others, other, one, place)
        )
        scores = tail(hits, total, expected) - tried
        later = np.bincount(place[wrong & (one > other)], minlength=len(found)) / np.maximum(amiss, 1)
        for at in np.flatnonzero((scores >= SURE) & (total >= LEAST_TOGETHER) & (amiss >= LEAST_WRONG)):
            counted = (float(scores[at]), int(total[at]), int(hits[at]), float(expected[at]), int(amiss[at]))
            first, second = int(firsts[found[at]]), int(seconds[found[at]])
            if later[at] >= LATER:
                yield Copied(first, second, *counted)
            if 1.0 - later[at] >= LATER:
                yield Copied(second, first, *counted)


def _expected(log: AnswerLog, skills: Skills, others: Floats, one: Ints, other: Ints, place: Ints) -> Column:
    """How often the first would agree with the second of each pair: as often as that is right, or as their own
    habits bring it about, whichever is more."""
    given = log.answers[other]
    right = others[np.arange(len(given)), given]
    chance = np.maximum(right, (others * skills.likelihood(log.workers[one], given)).sum(axis=1))
    sums: Column = np.bincount(place, weights=chance)
    return sums


def _suspects(log: AnswerLog, beliefs: Beliefs) -> tuple[Ints, Ints]:
    """Pairs of workers who share wrong answers: found by the wrong answers, never by trying all pairs."""
    others = beliefs.without(log.items, beliefs.own)
    wrong = np.flatnonzero(others[np.arange(len(log.items)), log.answers] < CONTRADICTED)
    alike = log.items[wrong] * log.shape[2] + log.answers[wrong]
    order = np.argsort(alike, kind="stable")
    alike, workers = alike[order], log.workers[wrong][order]
    keys = []
    for shift in range(1, MAX_ALIKE):
        both = alike[shift:] == alike[:-shift]
        if not both.any():
            break
        one, other = workers[shift:][both], workers[:-shift][both]
        keys.append(np.minimum(one, other) * log.shape[1] + np.maximum(one, other))
    if not keys:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    pairs, shared = np.unique(np.concatenate(keys), return_counts=True)
    kept = np.argsort(-shared, kind="stable")[:MAX_PAIRS]
    pairs = pairs[kept][shared[kept] >= LEAST_WRONG]
    return pairs // log.shape[1], pairs % log.shape[1]


def _answered_together(log: AnswerLog, firsts: Ints, seconds: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Pair by pair the answers that both gave to the same item, as positions in the log, `CHUNK` at a time."""
    order = np.argsort(log.workers, kind="stable")
    sizes = np.bincount(log.workers, minlength=log.shape[1])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    keys = log.workers * log.shape[0] + log.items
    by_key = np.argsort(keys, kind="stable")
    sorted_keys = keys[by_key]
    cuts = np.searchsorted(np.cumsum(sizes[firsts]), np.arange(CHUNK, sizes[firsts].sum() + 1, CHUNK))
    for pairs in np.split(np.arange(len(firsts)), np.unique(cuts)):
        lengths = sizes[firsts[pairs]]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        one = order[np.repeat(starts[firsts[pairs]], lengths) + within]
        pair = np.repeat(pairs, lengths)
        wanted = seconds[pair] * log.shape[0] + log.items[one]
        at = np.minimum(np.searchsorted(sorted_keys, wanted), len(keys) - 1)
        found = sorted_keys[at] == wanted
        if found.any():
            yield pair[found], one[found], by_key[at[found]]
