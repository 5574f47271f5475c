"""How much each text counts in the loss, and each class of it.

A text counts as much as its decision is sure (`trainer.dataset.Example.weight`): a label that people hardly agree on
is wrong more often, and teaches less. After Sheng, Provost and Ipeirotis 2008, "Get another label? Improving data
quality and data mining using multiple, noisy labelers", KDD, whose weighted examples stand for their labels, and Plank,
Hovy and Søgaard 2014, "Learning part-of-speech taggers with inter-annotator agreement loss", EACL. Weights are 1 in the
mean, so that learning rates and the strength of a regularisation mean the same for weighted and for plain texts.

What is measured knows no weights: a holdout's accuracy is a share of items, and so are its interval and its test.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from trainer.heads import Head


def of_texts(weights: Sequence[float] | None, count: int) -> torch.Tensor:
    """The weights of `count` texts with a mean of 1, shape (count,), in double precision; None: all alike.

    Raises:
        ValueError: they are not as many, one is below 0 or not a number, or all are 0.
    """
    if weights is None:
        return torch.ones(count, dtype=torch.float64)
    given = torch.tensor(list(weights), dtype=torch.float64)
    if len(given) != count or not bool((given >= 0).all()) or not 0 < float(given.sum()) < float("inf"):
        raise ValueError(f"{count} texts need as many weights from 0 up, one of them above 0")
    return given / given.mean()


def of_texts_and_classes(
    head: Head, wanted: torch.Tensor, weights: Sequence[float] | None, balance: float
) -> torch.Tensor:
    """Each text's weight times each class's, shape (n, classes).

    A class is as frequent as its texts weigh, so what a text counts for with all its classes is 1 in the mean, too.

    Args:
        wanted: P(label), shape (n, classes). weights: of the texts; None: all alike.
        balance: exponent of the class weights.
    """
    texts = of_texts(weights, len(wanted)).to(wanted.dtype).unsqueeze(1)
    return texts * head.class_weights(wanted * texts, balance)
