"""What to ask next: which items teach the model most, in which order, and how many are left to chance. Pure.

Before there is a model the first items are spread over what the texts are about (`diverse_order`). Then come those that
the champion is in doubt about, spread likewise, because the most doubtful ones resemble each other (`doubtful_order`,
after Zhdanov 2019, "Diverse mini-batch active learning"). Between them stand items that no model chose (`interleave`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from core.arrays import Floats, Ints

FIRST_CLUSTERS = 25
"""Of the coarsest look at the texts; each further one has twice as many, up to what is asked for."""
PREFILTER = 10
"""So many times the wanted items, the most doubtful ones, are looked at for being different from each other."""
CHANCE = 0.125
"""Share of the labels to learn from that no model chooses: what it is sure of by mistake comes to light there."""
BEGUN = 0.5
"""What a further answer tells, against the model's doubt: begun items of the same doubt go before fresh ones."""
SEED = 20

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BandPlan:
    """Item ids to move: `promote` in the order in which they shall be asked, `demote` in their old order."""

    promote: tuple[int, ...]
    demote: tuple[int, ...]


def diverse_order(vectors: Vectors, count: int, weights: Floats | None = None, seed: int = SEED) -> Ints:
    """Indices of up to `count` items that cover what there is, the commonest first; any beginning covers it coarsely.

    k-means with more and more clusters; each one that has no item yet gives the one nearest to its centre.

    Args:
        vectors: shape (n, width), of length 1. weights: how much each item draws the centres to itself.
    """
    chosen: list[int] = []
    clusters = min(FIRST_CLUSTERS, count)
    while len(chosen) < count and clusters < len(vectors):
        chosen += _one_of_each(vectors, clusters, weights, chosen, seed)
        clusters *= 2
    left = np.setdiff1d(np.arange(len(vectors)), chosen)
    drawn = np.random.default_rng(seed).permutation(left)
    return np.array([*chosen, *drawn.tolist()][:count], dtype=np.int64)


def _one_of_each(
    vectors: Vectors, clusters: int, weights: Floats | None, chosen: Sequence[int], seed: int
) -> list[int]:
    """For each cluster without a chosen item the one nearest to its centre, that of the largest cluster first."""
    means = MiniBatchKMeans(clusters, random_state=seed, n_init=1, max_iter=20, batch_size=1024)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different texts than clusters
        means.fit(vectors, sample_weight=weights)
    groups = means.labels_
    distance = ((vectors - means.cluster_centers_[groups]) ** 2).sum(axis=1)
    size = np.bincount(groups, weights=weights, minlength=clusters)
    nearest = np.lexsort((distance, groups))
    first = nearest[np.unique(groups[nearest], return_index=True)[1]]
    covered = set(groups[list(chosen)].tolist())
    fresh = [int(index) for index in first if groups[index] not in covered]
    return sorted(fresh, key=lambda index: (-size[groups[index]], index))


def doubtful_order(doubt: Floats, vectors: Vectors, count: int, seed: int = SEED) -> Ints:
    """Indices of `count` items, as doubtful and as different from each other as they can be had together.

    Args:
        doubt: shape (n,), 0 or more. vectors: shape (n, width).
    """
    near = shortlist(doubt, count)
    return near[spread(doubt[near], vectors[near], count, seed)]


def shortlist(doubt: Floats, count: int) -> Ints:
    """Indices of the most doubtful items, the most doubtful first, from which `count` are to be taken."""
    return np.argsort(-doubt, kind="stable")[: min(PREFILTER * count, max(count, len(doubt) // 2))]


def spread(doubt: Floats, vectors: Vectors, count: int, seed: int = SEED) -> Ints:
    """Indices of `count` of the shortlisted items, as different from each other as they can be had."""
    if len(doubt) <= count:
        return np.arange(len(doubt))
    return diverse_order(vectors, count, doubt + 1e-6, seed)


def margin_doubt(said: Floats) -> Floats:
    """1 - the best probability + the second best, of rows of shape (n, classes): 0 sure to 1 undecided."""
    if said.shape[1] < 2:
        return np.zeros(len(said))
    best = np.sort(said, axis=1)
    doubt: Floats = 1.0 - (best[:, -1] - best[:, -2])
    return doubt


def priority(doubt: Floats, told: Floats) -> Floats:
    """How much the next answer about each item is worth to the model, 0 to 1.5; not a number where it is not known.

    Doubt is what a label would teach. An item that people have begun needs fewer answers until it has a label, and the
    more a further answer tells, the less they agree: that counts half as much.

    Args:
        doubt: of the champion, 0 to 1. told: what a further answer tells, as a share of what it tells about a fresh
            item, not a number where nobody has answered.
    """
    return doubt + BEGUN * np.nan_to_num(told, nan=0.0)


def by_chance(lots: Floats, share: float) -> Ints:
    """Indices of the items that no model chooses, in an order that no model knows: by their lot.

    Args:
        lots: `core.blind.lot` of each item. share: of all items.
    """
    order = np.argsort(lots, kind="stable")
    return order[lots[order] < share]


def interleave(chosen: Sequence[int], drawn: Sequence[int], share: float) -> list[int]:
    """Both in one row, each in its order: every `1 / share`-th place is of `drawn`, while there are any.

    >>> interleave([1, 2, 3, 4], [10, 20], 0.25)
    [1, 2, 3, 10, 4, 20]
    """
    row: list[int] = []
    left, right = list(chosen)[::-1], list(drawn)[::-1]
    while left or right:
        turn = int((len(row) + 1) * share + 1e-9) > int(len(row) * share + 1e-9)
        row.append((right if (turn and right) or not left else left).pop())
    return row


def plan(ids: Ints, chosen: Ints, drawn: Ints, ahead: NDArray[np.bool_], share: float, limit: int) -> BandPlan:
    """Which items go ahead of the others, and which of those that stood ahead go back.

    Args:
        ids: of all items that may be reordered, in their present order. chosen, drawn: indices, as above.
        ahead: which of them stand ahead now. limit: how many may.
    """
    promote = tuple(int(ids[index]) for index in interleave(chosen.tolist(), drawn.tolist(), share)[:limit])
    stay = set(promote)
    return BandPlan(promote, tuple(int(one) for one in ids[ahead] if int(one) not in stay))
