"""Whose answers tell nothing: no better than chance, by known answers or by what the others say."""

from __future__ import annotations

import numpy as np

from core.aggregation.answer_log import AnswerLog, Beliefs
from core.aggregation.chance import tail
from core.aggregation.finding import Finding, findings
from core.arrays import Bools, Floats

KNOWN_FROM, CROWD_FROM = 8, 30
"""Answers to known items, or to items that at least two others answered, before anything is said about somebody."""
LEAST_ANSWERS = 30
"""Answers of whatever kind before that: a few known items in a row at the start are no reason to judge anybody."""
FEWEST_OTHERS = 3
"""Other people with enough answers that it takes to know what is usual."""
USELESS = 0.3
"""Below this part of what a typical worker's answers tell, somebody's answers tell next to nothing."""
SURE = 1.3
"""A score from here on says so. Lower than for the other kinds: it is held against a limit that few come near."""
SURE_BELOW = 2.0
"""A score from here on says that somebody's share of right answers is below what the job asks for."""
DEFAULT_GAIN = 0.5
"""What a typical worker reaches, where too few have met known items to tell."""
HABIT = 4.0
"""Answers that the crowd's mix of labels is worth in a worker's own."""


def uninformed(log: AnswerLog, beliefs: Beliefs, others: Floats, least_accuracy: float) -> list[Finding]:
    """No better than chance on known answers, or by the others' answers; or surely below what the job asks for."""
    known = beliefs.known[log.items] >= 0
    judged = ~known & (beliefs.counts[log.items] > 2)
    found: dict[int, Finding] = {}
    for chosen, least, measure in ((known, KNOWN_FROM, 1), (judged, CROWD_FROM, 0)):
        for one in _no_better_than_chance(log, others, chosen, least, measure):
            found.setdefault(one.worker, one)
    if least_accuracy > 0.0:
        for one in _below(log, others, known, least_accuracy):
            found.setdefault(one.worker, one)
    given = np.bincount(log.workers, minlength=log.shape[1])
    return [one for one in found.values() if given[one.worker] >= LEAST_ANSWERS]


def _no_better_than_chance(log: AnswerLog, others: Floats, chosen: Bools, least: int, measure: int) -> list[Finding]:
    """Agreement beyond chance (Cohen 1960), as a part of what knowing the label would reach, with an upper limit."""
    _, count, classes = log.shape
    workers, answers, beliefs = log.workers[chosen], log.answers[chosen], others[chosen]
    total = np.bincount(workers, minlength=count)
    given = np.bincount(workers * classes + answers, minlength=count * classes).reshape(count, classes)
    overall = given.sum(axis=0) / max(1, given.sum())
    habit = (given + HABIT * overall) / (total + HABIT)[:, None]
    right = np.bincount(workers, weights=beliefs[np.arange(len(answers)), answers], minlength=count)
    mean = (habit[workers] * beliefs).sum(axis=1)
    chance = np.bincount(workers, weights=mean, minlength=count)
    spread = np.bincount(workers, weights=(habit[workers] * beliefs**2).sum(axis=1) - mean**2, minlength=count)
    room = np.bincount(workers, weights=(beliefs**2).sum(axis=1), minlength=count) - chance
    enough = (total >= least) & (room > 1.0)
    gain, error = (right - chance) / np.maximum(room, 1e-9), np.sqrt(spread) / np.maximum(room, 1e-9)
    crowd = enough.sum() > FEWEST_OTHERS
    if not crowd and not measure:
        return []
    typical = float(np.median(gain[enough])) if crowd else DEFAULT_GAIN
    scores = np.maximum(0.0, USELESS * typical - gain) ** 2 / np.maximum(error, 1e-9) ** 2 / 2.0 / np.log(10.0)
    hit = enough & (scores >= SURE)
    evidence = {"answers": total, "right": right, "chance": chance, "known": np.full(count, measure)}
    return findings("gold", hit, scores, **evidence, usual=chance + typical * room)


def _below(log: AnswerLog, others: Floats, known: Bools, least_accuracy: float) -> list[Finding]:
    workers, answers, count = log.workers[known], log.answers[known], log.shape[1]
    total = np.bincount(workers, minlength=count)
    right = np.bincount(workers, weights=others[known][np.arange(len(answers)), answers], minlength=count)
    scores = tail(total - right, total, total * (1.0 - least_accuracy))
    hit = (total >= KNOWN_FROM) & (scores >= SURE_BELOW)
    evidence = {"answers": total, "right": right, "chance": total * least_accuracy, "known": np.full(count, 2)}
    return findings("gold", hit, scores, **evidence)
