"""The model card of a version in Markdown: what it learned from, how good it is and where not, what it must not be.

The parts are those of Mitchell et al. 2019, "Model cards for model reporting".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.settings import DEFAULT_NAME, BaseModel

NAME, PICTURE = "model-card.md", "model-card.png"
LICENCES = {DEFAULT_NAME: "Apache-2.0", "intfloat/multilingual-e5-small": "MIT"}
"""Of the base models that come in packages."""
MOST_CONFUSED = 12
LOW_COVERAGE = 0.8
UNKNOWN = "–"
SLICES = {"state": "How it was decided", "script": "Script", "length": "Length", "source": "Source"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about. labels: names by id. licence: of the base model; empty where nobody knows.

    snapshot: as `trainer.dataset.describe` gives it. metrics: of the version. settings: hyperparameters.
    """

    project: str
    number: int
    question: str
    base_model: str
    licence: str
    labels: Mapping[str, str]
    snapshot: Mapping[str, Any]
    metrics: Mapping[str, Any]
    settings: Mapping[str, Any]


def licence_of(base: BaseModel) -> str:
    """The licence of a base model: known, or as its own card says; empty where neither."""
    if base.name in LICENCES:
        return LICENCES[base.name]
    card = Path(base.source) / "README.md"
    lines = card.read_text(encoding="utf-8", errors="replace").splitlines()[:50] if card.is_file() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("license:"))
    return next(found, "")


def write(subject: Subject) -> str:
    """The card as Markdown."""
    parts = (
        _head,
        _data,
        _quality,
        _classes,
        _confusion,
        _calibration,
        _slices,
        _forgetting,
        _curve,
        _training,
        _limits,
    )
    return "\n".join(line for part in parts for line in (*part(subject), ""))


def _head(subject: Subject) -> Iterator[str]:
    metrics, held = subject.metrics, subject.metrics["holdout"]
    yield f"# {_plain(subject.project)}, model v{subject.number}"
    yield ""
    yield f"Says which label a text has. The question that people answered: {_plain(subject.question)}"
    yield ""
    yield (
        f"Right on **{_percent(held['accuracy'])}** of {held['n']} texts it never saw "
        f"(95 % interval {_percent(held['accuracy_low'])} to {_percent(held['accuracy_high'])}). "
        f"{_verdict(metrics)}"
    )
    yield ""
    yield f"![]({PICTURE})"


def _verdict(metrics: Mapping[str, Any]) -> str:
    """What the comparison of that day said; whether the version is in use now, nobody knows who writes the card."""
    promoted, rival = metrics["gate"]["promote"], metrics.get("champion") or {}
    said = "so it could come into use" if promoted else "so it was held back for the time being"
    better = "found better" if promoted else "not shown to be better"
    before = f"v{rival['number']}, then in use" if "accuracy" in rival else "always saying the commonest label"
    return f"When it was trained it was {better} than {before}, {said}."


def _data(subject: Subject) -> Iterator[str]:
    seen = subject.snapshot
    yield "## Data"
    yield ""
    yield from _table(
        ("what", "count"),
        [
            ("texts it learned from", seen["train"]),
            ("texts it is measured on, of all that are kept apart", f"{seen['holdout']} of {seen['holdout_items']}"),
            ("left out, too much like a text that it is measured on", seen["left_out"]),
            *((f"labels that are {state}", count) for state, count in sorted(seen["states"].items())),
        ],
    )
    yield ""
    yield f"Guidelines: version {seen['guidelines_version']}. Redacted: {', '.join(seen['redaction']) or 'nothing'}."
    yield f"Answers for an item: {seen['consensus']['min_overlap']} to {seen['consensus']['max_overlap']}."
    yield f"Snapshot: `{seen['hash']}`."


def _quality(subject: Subject) -> Iterator[str]:
    metrics, rival = subject.metrics, subject.metrics.get("champion") or {}
    rows = [("this model", _percent(metrics["holdout"]["accuracy"]))]
    rows += (
        [(f"the model that was in use (v{rival['number']})", _percent(rival["accuracy"]))]
        if "accuracy" in rival
        else []
    )
    rows += [
        ("TF-IDF with logistic regression", _percent(metrics["tfidf_logreg_accuracy"])),
        ("always the commonest label", _percent(metrics["majority_class_accuracy"])),
    ]
    yield "## Quality"
    yield ""
    yield from _table(("on the same texts", "right"), rows)
    yield ""
    held = metrics["holdout"]
    yield f"Macro F1 {held['macro_f1']:.3f}, log loss {held['log_loss']:.3f}."


def _classes(subject: Subject) -> Iterator[str]:
    counts = subject.snapshot["classes"]
    rows = [
        (
            _plain(subject.labels.get(label_id, label_id)),
            counts.get(label_id, {}).get("train", 0),
            one["support"],
            *_of_class(one),
        )
        for label_id, one in subject.metrics["holdout"]["per_class"].items()
    ]
    yield "## Labels"
    yield ""
    yield from _table(("label", "learned from", "measured on", "found (95 % interval)", "right where it says so"), rows)


def _of_class(one: Mapping[str, float]) -> tuple[str, str]:
    """What share of a label was found, and how often it was right where it was said; nothing measured is no zero."""
    if not one["support"]:
        return UNKNOWN, UNKNOWN
    low, high = _percent(one["recall_low"]), _percent(one["recall_high"])
    return f"{_percent(one['recall'])} ({low} to {high})", _percent(one["precision"])


def _confusion(subject: Subject) -> Iterator[str]:
    names = [_plain(name) for name in subject.labels.values()]
    wrong = [one for one in subject.metrics["confusion"] if one[0] != one[1]][:MOST_CONFUSED]
    yield "## What it mixes up"
    yield ""
    if not wrong:
        yield "Nothing, on these texts."
        return
    yield from _table(("is", "it says", "times"), [(names[truth], names[said], count) for truth, said, count in wrong])


def _calibration(subject: Subject) -> Iterator[str]:
    found = subject.metrics["calibration"]
    yield "## Calibration"
    yield ""
    yield f"Expected calibration error {found['ece_before']:.3f} as trained, {found['ece_after']:.3f} after scaling."
    if found["temperature"] is None:
        yield "Too few texts to calibrate it: its confidences are as they were trained."
    else:
        yield f"Its logits are divided by {found['temperature']:g} wherever Lightwork asks it. {_elsewhere(found)}"
    yield ""
    bins = subject.metrics["reliability"]
    rows = [(_percent(one["confidence"]), _percent(one["right"]), one["n"]) for one in bins]
    yield from _table(("confidence", "right", "texts"), rows)


def _elsewhere(found: Mapping[str, float]) -> str:
    if found["ece_after"] < found["ece_before"]:
        return "Do the same elsewhere."
    return "On these texts that was no better than leaving them as they are, so it is not needed elsewhere."


def _slices(subject: Subject) -> Iterator[str]:
    yield "## Slices"
    yield ""
    if not subject.metrics["slices"]:
        yield "The texts are all of one kind."
    for kind, some in subject.metrics["slices"].items():
        rows = [(_plain(one["name"]) or "-", one["n"], _interval(one)) for one in some]
        yield from _table((SLICES[kind], "texts", "right (95 % interval)"), rows)
        yield ""


def _forgetting(subject: Subject) -> Iterator[str]:
    found = subject.metrics.get("forgetting")
    if not found:
        return
    yield "## Forgetting"
    yield ""
    yield "The same texts, asked of the model that was in use (before) and of this one (after)."
    yield ""
    classes = [(_plain(subject.labels.get(one["label_id"], one["label_id"])), one) for one in found["classes"]]
    periods = [(f"until v{one['until']}" if one["until"] else "since then", one) for one in found["periods"]]
    for heading, some in (("label", classes), ("decided", periods)):
        rows = [(name, one["n"], _percent(one["before"]), _percent(one["after"])) for name, one in some]
        yield from _table((heading, "texts", "before", "after"), rows)
        yield ""


def _curve(subject: Subject) -> Iterator[str]:
    points = (subject.metrics.get("curve") or {}).get("points")
    if not points:
        return
    yield "## Learning curve"
    yield ""
    yield "Logistic regression on the encoder as it came, on parts of the same labels:"
    yield ""
    yield from _table(("labels", "right"), [(labels, _percent(share)) for labels, share in points])


def _training(subject: Subject) -> Iterator[str]:
    yield "## Training"
    yield ""
    yield f"Base model: {subject.base_model}. Licence: {subject.licence or 'not known here; see the base model'}."
    way = (subject.metrics.get("start") or {}).get("way")
    if way == "champion":
        yield (
            "It started from the model that was in use, with old labels replayed beside the new ones, and learned more "
            "slowly and shorter than one from scratch: the settings below are those that it was trained with."
        )
    yield ""
    yield from _table(("setting", "value"), [(name, f"`{value}`") for name, value in subject.settings.items()])


def _limits(subject: Subject) -> Iterator[str]:
    coverage = subject.metrics["holdout_coverage"]
    yield "## Limits"
    yield ""
    yield "- It learned from what this crowd decided under these guidelines, its mistakes and habits included."
    yield "- It knows these labels only, and gives one of them to any text, also to one of another kind or language."
    yield f"- It reads the first {subject.settings['max_length']} tokens of a text."
    if coverage < LOW_COVERAGE:
        said = f"- Only {_percent(coverage)} of the texts that are kept apart are decided. Easy ones are decided first,"
        yield f"{said} so it may be less right on the others."
    rare = [name for label_id, name in subject.labels.items() if _is_rare(subject, label_id)]
    if rare:
        yield f"- Little is known about: {', '.join(map(_plain, rare))} (fewer than ten texts to measure on)."
    yield "- Let nothing depend on a single answer of it that matters to a person."


def _is_rare(subject: Subject, label_id: str) -> bool:
    return bool(subject.metrics["holdout"]["per_class"].get(label_id, {"support": 0})["support"] < 10)


def _interval(one: Mapping[str, float]) -> str:
    return f"{_percent(one['accuracy'])} ({_percent(one['low'])} to {_percent(one['high'])})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in (heads, ["---"] * len(heads), *rows):
        yield "| " + " | ".join(map(str, row)) + " |"


def _plain(text: str) -> str:
    """What people wrote, as words of a line: nothing in it is Markdown."""
    return " ".join("".join(f"\\{char}" if char in "\\`*_{}[]<>#|!" else char for char in text).split())


def _percent(share: float) -> str:
    return f"{share:.1%}"
