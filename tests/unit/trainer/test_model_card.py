"""The card of a version: in words, and as a picture."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from trainer import card_picture, model_card
from trainer.card_picture import Figures, shown_labels
from trainer.model_card import Subject, licence_of
from trainer.settings import BaseModel


def of_class(support: int) -> dict[str, Any]:
    return {"precision": 0.8, "recall": 0.9, "recall_low": 0.7, "recall_high": 0.97, "f1": 0.85, "support": support}


METRICS: dict[str, Any] = {
    "gate": {"promote": True},
    "holdout": {
        "n": 50,
        "accuracy": 0.84,
        "accuracy_low": 0.71,
        "accuracy_high": 0.92,
        "macro_f1": 0.8,
        "log_loss": 0.4,
        "per_class": {"a": of_class(46), "b": of_class(4)},
    },
    "champion": {"version_id": 1, "number": 2, "accuracy": 0.8},
    "tfidf_logreg_accuracy": 0.7,
    "majority_class_accuracy": 0.6,
    "confusion": [[0, 0, 40], [0, 1, 6], [1, 1, 4]],
    "reliability": [{"confidence": 0.65, "right": 0.6, "n": 20}, {"confidence": 0.95, "right": 0.97, "n": 30}],
    "calibration": {"ece_before": 0.1, "ece_after": 0.04, "temperature": 1.4},
    "slices": {"state": [{"name": "agreed", "n": 40, "accuracy": 0.9, "low": 0.8, "high": 0.95}]},
    "forgetting": {
        "classes": [{"label_id": "a", "n": 46, "before": 0.8, "after": 0.85}],
        "periods": [
            {"until": 2, "n": 30, "before": 0.9, "after": 0.7},
            {"until": None, "n": 20, "before": 0.5, "after": 1},
        ],
    },
    "curve": {"points": [[50, 0.6], [100, 0.7]]},
    "start": {"way": "champion"},
    "holdout_coverage": 0.5,
}
SNAPSHOT: dict[str, Any] = {
    "hash": "f" * 64,
    "train": 200,
    "holdout": 50,
    "holdout_items": 100,
    "left_out": 3,
    "classes": {"a": {"train": 150, "holdout": 46}, "b": {"train": 50, "holdout": 4}},
    "states": {"agreed": 240, "adjudicated": 10},
    "consensus": {"min_overlap": 2, "max_overlap": 8},
    "guidelines_version": 3,
    "redaction": ["emails"],
}
SUBJECT = Subject(
    project="Tweets *about* rain",
    number=3,
    question="Is it\nraining?",
    base_model="tiny",
    licence="",
    labels={"a": "Yes", "b": "No | never"},
    snapshot=SNAPSHOT,
    metrics=METRICS,
    settings={"max_length": 128, "epochs": 5},
)
FIGURES = Figures("v3", (0.84, 0.71, 0.92), 0.8, 50, ("Yes", "No"), ((0, 0, 40), (0, 1, 6)), ((0.6, 0.5), (0.9, 1.0)))


@pytest.mark.parametrize(
    "said",
    [
        "84.0%** of 50 texts it never saw (95 % interval 71.0% to 92.0%). When it",
        "When it was trained it was found better than v2, then in use, so it could come into use.",
        "| left out, too much like a text that it is measured on | 3 |",
        "Guidelines: version 3. Redacted: emails.",
        "| the model that was in use (v2) | 80.0% |",
        "| Yes | No \\| never | 6 |",
        "divided by 1.4 wherever Lightwork asks it. Do the same elsewhere.",
        "| 65.0% | 60.0% | 20 |",
        "| until v2 | 30 | 90.0% | 70.0% |",
        "| since then | 20 | 50.0% | 100.0% |",
        "| 100 | 70.0% |",
        "Licence: not known here",
        "It started from the model that was in use, with old labels replayed beside the new ones, and",
        "learned more slowly and shorter than one from scratch: the settings below are those that it was trained with.",
        "Only 50.0% of the texts that are kept apart are decided.",
        "Little is known about: No \\| never",
        "It reads the first 128 tokens",
    ],
)
def test_what_the_card_says(said: str) -> None:
    assert said in model_card.write(SUBJECT)


def test_a_card_says_no_more_than_its_day_knew() -> None:
    card = model_card.write(replace(SUBJECT, metrics=METRICS | {"gate": {"promote": False}}))
    assert "When it was trained it was not shown to be better than v2, then in use, so it was held back for" in card
    assert "It was held back." not in card


def test_a_model_that_could_not_be_asked_is_no_measure() -> None:
    lost = METRICS | {"champion": {"version_id": 2, "number": 2}}
    assert "better than always saying the commonest label" in model_card.write(replace(SUBJECT, metrics=lost))


def test_a_label_that_was_not_measured_has_no_share() -> None:
    held = METRICS["holdout"] | {"per_class": {"a": of_class(50), "b": of_class(0)}}
    card = model_card.write(replace(SUBJECT, metrics=METRICS | {"holdout": held}))
    assert "| No \\| never | 50 | 0 | – | – |" in card


def test_scaling_that_measured_worse_is_not_advised() -> None:
    worse = METRICS["calibration"] | {"ece_after": 0.12}
    card = model_card.write(replace(SUBJECT, metrics=METRICS | {"calibration": worse}))
    assert "On these texts that was no better than leaving them as they are" in card
    assert "Do the same elsewhere" not in card


def test_what_people_wrote_is_no_markdown() -> None:
    card = model_card.write(SUBJECT)
    assert card.startswith("# Tweets \\*about\\* rain, model v3\n")
    assert "Is it raining?" in card


def test_what_is_not_known_is_left_out() -> None:
    first = METRICS | {"champion": None, "forgetting": None, "curve": None, "start": {"way": "scratch"}, "slices": {}}
    calibration = METRICS["calibration"] | {"temperature": None}
    card = model_card.write(replace(SUBJECT, metrics=first | {"calibration": calibration, "confusion": [[0, 0, 50]]}))
    assert not [part for part in ("Forgetting", "Learning curve", "in use (v", "started from", "None") if part in card]
    assert "Nothing, on these texts." in card
    assert "Too few texts to calibrate it" in card
    assert "found better than always saying the commonest label, so it could come into use" in card


def test_the_licence_is_that_of_the_base_models_own_card(tmp_path: Path) -> None:
    assert licence_of(BaseModel("sentence-transformers/all-MiniLM-L6-v2", "x")) == "Apache-2.0"
    assert licence_of(BaseModel("mine", str(tmp_path))) == ""
    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# Mine\n")
    assert licence_of(BaseModel("mine", str(tmp_path))) == "mit"


@pytest.mark.parametrize(
    "figures",
    [
        FIGURES,
        replace(FIGURES, before=None, curve=((10, 0.4), (20, 0.4)), reliability=()),
        replace(FIGURES, labels=tuple(f"label number {at}" for at in range(300)), confusion=((299, 0, 7),)),
        replace(FIGURES, accuracy=(0.0, 0.0, 0.3), labels=("one",), confusion=()),
    ],
)
def test_any_figures_make_a_picture(figures: Figures) -> None:
    image = Image.open(BytesIO(card_picture.draw(figures)))
    assert (image.format, image.size[0]) == ("PNG", 1000)
    assert len(image.convert("RGB").getcolors(100_000) or []) > 5


def test_the_picture_shows_what_is_wrong_in_orange() -> None:
    def orange(figures: Figures) -> int:
        colours = Image.open(BytesIO(card_picture.draw(figures))).convert("RGB").getcolors(100_000) or []
        pixels = [(count, colour) for count, colour in colours if isinstance(colour, tuple)]
        return sum(count for count, (red, _, blue) in pixels if red - blue > 60)

    assert orange(replace(FIGURES, confusion=((0, 1, 40),))) > 1000
    assert orange(replace(FIGURES, confusion=((0, 0, 40),))) == 0


def test_labels_that_the_font_lacks_are_shown_by_place() -> None:
    assert shown_labels(["Yes", "天气", "", "A very long label"]) == ["Yes", "#2", "#3", "A very l."]
