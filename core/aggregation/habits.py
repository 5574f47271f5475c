"""Habits that honest work does not have: too fast to have read, one label always, a pattern."""

from __future__ import annotations

import numpy as np

from core.aggregation.answer_log import AnswerLog
from core.aggregation.chance import tail
from core.aggregation.finding import Finding, findings
from core.arrays import Floats, Ints

SURE = 4.0
"""A score from here on is a finding: in ten thousand honest people one."""
READING_SPEED = 60.0
"""Characters a second that nobody reads: about 700 words a minute, beyond skimming (Rayner et al. 2016)."""
REACTION = 0.3
"""Seconds from seeing to tapping, at the least."""
LOOK = 20.0
"""Characters that looking at any item is worth; so the usual time does not vanish with the text."""
FAST_FROM, ONE_LABEL_FROM, PATTERN_FROM = 20, 20, 30
"""Answers before anything is said about somebody."""
LEAST_QUICK = 0.5
ORDINARY_SHARE = 0.05
"""Share of quick answers that is usual anywhere."""
MUCH_FASTER = 3.0
FEWEST_OTHERS = 3
"""Other people with enough answers that it takes to know what is usual."""
ONE_LABEL, REGULAR = 0.98, 0.95
"""Share of answers that are alike, or that repeat what came some answers before."""
LAGS = range(1, 13)


def too_fast(log: AnswerLog) -> list[Finding]:
    """Answers that came before the text could be read, far more often than the others' and in far less time."""
    if log.seconds is None or log.characters is None:
        return []
    timed = ~np.isnan(log.seconds)
    workers, count = log.workers[timed], log.shape[1]
    seconds = np.maximum(log.seconds[timed], 0.05)
    characters = log.characters[log.items[timed]]
    quick = seconds < REACTION + characters / READING_SPEED
    total, hits = np.bincount(workers, minlength=count), np.bincount(workers[quick], minlength=count)
    pace = _group_median(np.log(seconds / (LOOK + characters)), workers, count)
    known = total >= FAST_FROM
    if known.sum() <= FEWEST_OTHERS:
        return []
    usual_pace = float(np.median(pace[known]))
    usual_share = max(ORDINARY_SHARE, float(np.median(hits[known] / total[known])))
    scores = tail(hits, total, total * usual_share)
    hit = known & (scores >= SURE) & (hits >= LEAST_QUICK * total) & (pace <= usual_pace - np.log(MUCH_FASTER))
    median = _group_median(seconds, workers, count)
    usual = median * np.exp(usual_pace - pace)
    return findings("fast", hit, scores, answers=total, quick=hits, seconds=median, usual=usual)


def one_label(log: AnswerLog, usual: Floats) -> list[Finding]:
    """The same label always, where an honest person would have given others as well."""
    _, count, classes = log.shape
    given = np.bincount(log.workers * classes + log.answers, minlength=count * classes).reshape(count, classes)
    expected = np.stack(
        [np.bincount(log.workers, weights=usual[:, c], minlength=count) for c in range(classes)], axis=1
    )
    total, label = given.sum(axis=1), given.argmax(axis=1)
    rows = np.arange(count)
    same = given[rows, label]
    scores = tail(same, total, expected[rows, label])
    hit = (total >= ONE_LABEL_FROM) & (same >= ONE_LABEL * total) & (scores >= SURE)
    return findings("one_label", hit, scores, answers=total, same=same, label=label, expected=expected[rows, label])


def pattern(log: AnswerLog, usual: Floats, others: Floats) -> list[Finding]:
    """Answers that repeat with a period (ABABAB, AAAABBBB), which neither the items nor the person's habits explain.

    Args:
        usual, others: what a typical worker would say to each item, and what it is, as far as the others know.
    """
    _, count, classes = log.shape
    order = np.argsort(log.workers, kind="stable")
    workers, answers = log.workers[order], log.answers[order]
    typical, ideal = usual[order], others[order]
    given = np.bincount(workers * classes + answers, minlength=count * classes).reshape(count, classes)
    total = given.sum(axis=1)
    shares = given / np.maximum(total, 1)[:, None]
    habit = (shares**2).sum(axis=1)
    best = {name: np.zeros(count) for name in ("score", "lag", "matches", "compared", "expected")}
    for lag in LAGS:
        both = workers[lag:] == workers[:-lag]
        who = workers[lag:][both]
        matches = np.bincount(who, weights=(answers[lag:] == answers[:-lag])[both], minlength=count)
        items = np.maximum((typical[lag:] * typical[:-lag]).sum(axis=1), (ideal[lag:] * ideal[:-lag]).sum(axis=1))
        alike = np.maximum(items[both], habit[who])
        compared, expected = np.bincount(who, minlength=count), np.bincount(who, weights=alike, minlength=count)
        score = tail(matches, compared, expected) - np.log10(len(LAGS))
        better = (score > best["score"]) & (matches >= REGULAR * compared)
        values = {"score": score, "lag": lag, "matches": matches, "compared": compared, "expected": expected}
        best = {name: np.where(better, values[name], best[name]) for name in best}
    varied = shares.max(axis=1) < ONE_LABEL
    scores = best.pop("score")
    return findings("pattern", (total >= PATTERN_FROM) & varied & (scores >= SURE), scores, answers=total, **best)


def _group_median(values: Floats, groups: Ints, count: int) -> Floats:
    """The median of each group; infinite where a group is empty."""
    order = np.lexsort((values, groups))
    sizes = np.bincount(groups, minlength=count)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    medians = np.full(count, np.inf)
    filled = sizes > 0
    medians[filled] = values[order][(starts + sizes // 2)[filled]]
    return medians
