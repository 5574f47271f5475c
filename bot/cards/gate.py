"""Why a model is in use or held back, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.texts import say
from bot.texts.measures import share

SHARES = ("majority", "before", "after", "seen", "expected")
"""Parameters that are shares from 0 to 1."""
MAX_LABEL = 40


@dataclass(frozen=True, slots=True)
class Reason:
    """What the gate said: the code of a sentence, and its numbers and names."""

    code: str
    params: tuple[tuple[str, Any], ...]


def reason_of(metrics: Mapping[str, Any], label_schema: Mapping[str, Any]) -> Reason | None:
    """Why a version came into use or was held; None for one that was made before reasons were kept."""
    gate = metrics.get("gate")
    if not gate:
        return None
    params = dict(gate["params"])
    code = "training_promoted" if gate["promote"] else gate["reason"]
    if code == "held_unproven" and not params["won"] and not params["lost"]:
        code = "held_equal"
    if (label_id := params.pop("label_id", None)) is not None:
        names = {str(label["id"]): str(label["name"]) for label in label_schema["labels"]}
        params["label"] = names.get(str(label_id), str(label_id))[:MAX_LABEL]
    return Reason(code, tuple(params.items()))


def reason_sentence(reason: Reason, locale: str) -> str:
    """The reason in the person's language."""
    said = {name: share(value, locale) if name in SHARES else value for name, value in reason.params}
    return say(reason.code, locale, **said)
