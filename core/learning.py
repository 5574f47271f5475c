"""The learning settings of a job: what its model may do and how it is trained, with defaults.

Stored in `project.learning` as what differs from the defaults, so that a better default reaches jobs that never chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.errors import InvalidInput

METHODS = ("auto", "full", "lora", "frozen")


@dataclass(frozen=True, slots=True)
class Usual:
    """What the trainer takes where a setting of the same name is 0."""

    epochs: int = 5
    encoder_lr: float = 1e-4
    head_lr: float = 1e-3
    batch_size: int = 16
    max_length: int = 128


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """What a job's model may do, and how it is trained."""

    method: str = "auto"
    """auto, full (fine-tuning), lora, or frozen (a linear head on the encoder as it is)."""
    soft: bool = True
    """Whether a model learns how sure people are of each label, or the label alone."""
    epochs: int = 0
    """Passes over the labels; 0, as with the next four: nobody has chosen, and `UNCHOSEN` holds."""
    encoder_lr: float = 0.0
    """Peak learning rate of the encoder, or of its adapters in proportion."""
    head_lr: float = 0.0
    """Peak learning rate of the head."""
    batch_size: int = 0
    """Texts per step."""
    max_length: int = 0
    """Tokens after which a text is cut."""
    early_stop: bool = True
    """Whether training may stop early, by a part of the training side, where there are labels enough."""
    adapt: bool = False
    """Whether the encoder first goes on learning the language of the job's own texts."""
    blind_share: float = 0.1
    """Share of items that people label without any influence of the model, for honest evaluation."""
    hints: bool = False
    """Whether cards show what the model thinks."""
    accept: bool = False
    """Whether the model may label items by itself where it is sure enough."""
    accept_error: float = 0.05
    """Largest share of wrong labels among those that it accepts."""
    accept_audit: float = 0.05
    """Share of the accepted items that people label blind, to see whether that holds."""
    prior: bool = False
    """Whether the model's calibrated prediction counts as the prior of an item's consensus."""
    retrain_growth: float = 0.2
    """A run is due after this share of new decided labels too, where that is more than the threshold."""
    second_look_of: int = 0
    """Id of the job whose doubtful labels this one asks again; 0: an ordinary job. Nobody sets it by hand."""


USUAL = Usual()
UNCHOSEN: Mapping[str, float] = asdict(USUAL)
"""The same, by name."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 50),
    "encoder_lr": (1e-6, 0.01),
    "head_lr": (1e-6, 0.1),
    "batch_size": (1, 256),
    "max_length": (8, 512),
    "blind_share": (0.0, 1.0),
    "accept_error": (0.001, 0.5),
    "accept_audit": (0.01, 1.0),
    "retrain_growth": (0.0, 10.0),
}
"""Least and largest value of each number; those of `UNCHOSEN` may be 0 besides."""


def load(stored: Mapping[str, Any] | None) -> LearningSettings:
    """From `project.learning`; what a later version stored and this one does not know is left out."""
    known = {one.name for one in fields(LearningSettings)}
    return LearningSettings(**{name: value for name, value in (stored or {}).items() if name in known})


def dump(settings: LearningSettings) -> dict[str, Any]:
    """As `project.learning` keeps it: only what differs from the defaults."""
    default = LearningSettings()
    names = (one.name for one in fields(LearningSettings))
    return {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(default, name)}


def change(settings: LearningSettings, **values: Any) -> LearningSettings:
    """Other values for some settings.

    Raises:
        InvalidInput: bad_learning, for a number out of its bounds or a method that there is not.
    """
    changed = replace(settings, **values)
    for name in BOUNDS.keys() & values.keys():
        if values[name] != 0 or name not in UNCHOSEN:
            check_bounds(name, values[name])
    if changed.method not in METHODS:
        raise InvalidInput("bad_learning", name="method", least=METHODS[0], most=METHODS[-1])
    return changed


def check_bounds(name: str, value: float) -> None:
    """That a number can be chosen for a setting.

    Raises:
        InvalidInput: bad_learning, for what is out of its bounds or no number.
    """
    least, most = BOUNDS[name]
    if not least <= value <= most:
        raise InvalidInput("bad_learning", name=name, least=least, most=most)
