"""Which words of a text spoke for a label: integrated gradients (Sundararajan et al. 2017) over the word embeddings.

What is explained is the label's log-odds. The scores of all words add up to the difference between the text and the
same text with every word masked, so nothing is left over but an error of integration.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import LayerIntegratedGradients  # type: ignore[import-untyped]

from core.explanations import Word
from trainer.settings import Device

STEPS = 48
"""Points of the Gauss-Legendre rule."""
AT_ONCE = 16
"""Points computed together, so that a long text in a large model fits into memory."""
_UNSPACED = "぀-ヿ㐀-䶿一-鿿豈-﫿"
"""Kana and Chinese characters: each is a word of its own, as they are written without spaces."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’][^\W{_UNSPACED}]+)*|\S")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Words with their weights, in nats. difference: of the log-odds of the text and of the masked text."""

    words: tuple[Word, ...]
    difference: float


def attribute(
    model: Any, tokenizer: Any, text: str, target: int, max_length: int, device: Device, steps: int = STEPS
) -> Attribution:
    """How much each word of `text` spoke for the class `target`; what the model does not read has no weight.

    Args:
        model: a classifier of transformers; it is put into evaluation mode on `device`.
    """
    model.to(device.type).eval()
    encoded = tokenizer(
        text, truncation=True, max_length=max_length, return_offsets_mapping=True, return_special_tokens_mask=True
    )
    ids = torch.tensor([encoded["input_ids"]], device=device.type)
    attended = torch.ones_like(ids)
    special = torch.tensor([encoded["special_tokens_mask"]], device=device.type).bool()
    masked = torch.where(special, ids, torch.full_like(ids, _mask_id(tokenizer)))

    def odds(some_ids: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
        return log_odds(model(input_ids=some_ids, attention_mask=attention).logits.float(), target)

    explainer = LayerIntegratedGradients(odds, model.get_input_embeddings())
    given = explainer.attribute(
        ids,
        baselines=masked,
        additional_forward_args=(attended,),
        n_steps=steps,
        internal_batch_size=AT_ONCE,
    )
    with torch.inference_mode():
        difference = float((odds(ids, attended) - odds(masked, attended)).item())
    return Attribution(tuple(merge(text, encoded["offset_mapping"], given.sum(dim=-1)[0].tolist())), difference)


def log_odds(logits: torch.Tensor, target: int) -> torch.Tensor:
    """The log-odds of one class against all others, shape (n,), from logits of shape (n, classes)."""
    others = torch.cat([logits[:, :target], logits[:, target + 1 :]], dim=1)
    return logits[:, target] - torch.logsumexp(others, dim=1) if others.shape[1] else logits[:, target]


def word_spans(text: str) -> list[tuple[int, int]]:
    """From and to of each word of a text, in characters; signs are words of their own."""
    return [found.span() for found in _WORD.finditer(text)]


def merge(text: str, offsets: Sequence[tuple[int, int]], scores: Sequence[float]) -> list[Word]:
    """The words of `text` that any piece touches, each with its share of the pieces' scores.

    A piece over several words (some tokenizers join Chinese characters) gives each as much as it covers of it.

    Args:
        offsets: from and to of each piece, in characters; an empty one stands for nothing in the text.
    """
    spans = word_spans(text)
    ends = [end for _, end in spans]
    weights: dict[int, float] = {}
    for (start, end), score in zip(offsets, scores, strict=True):
        touched = {}
        for place in range(bisect_left(ends, start + 1), len(spans)):
            if spans[place][0] >= end:
                break
            touched[place] = min(end, spans[place][1]) - max(start, spans[place][0])
        covered = sum(touched.values())
        for place, length in touched.items():
            weights[place] = weights.get(place, 0.0) + score * length / covered
    return [Word(*spans[place], weights[place]) for place in sorted(weights)]


def _mask_id(tokenizer: Any) -> int:
    mask = tokenizer.mask_token_id
    return int(mask if mask is not None else tokenizer.pad_token_id)
