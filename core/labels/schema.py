"""The labels of a project as data, and the look-ups that are alike for every kind of label schema."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Label:
    """One label: a short id that buttons and rows carry for ever, and the name that people read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What may be answered in a project. Stored as the JSON of `Project.label_schema`."""

    kind: str
    """Name of the module of `core.labels` that parses and compares answers."""
    labels: tuple[Label, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """What a kind keeps besides its labels; empty for choice."""


class LabelKind(Protocol):
    """What a module `core/labels/<kind>.py` provides."""

    KIND: str

    def check(self, schema: LabelSchema) -> None:
        """Raise InvalidInput where `schema` is not a valid one of this kind."""

    def parse(self, schema: LabelSchema, label_id: str) -> dict[str, Any]:
        """The value of an annotation from what a button says; raises InvalidInput("unknown_label")."""

    def compare(self, value_a: Mapping[str, Any], value_b: Mapping[str, Any]) -> float:
        """Agreement of two values, from 0.0 (nothing in common) to 1.0 (the same)."""


def label_ids(schema: LabelSchema) -> tuple[str, ...]:
    """Ids in the order of the schema: the order of every posterior, confusion matrix and logit."""
    return tuple(label.id for label in schema.labels)


def index_of(schema: LabelSchema, label_id: str) -> int:
    """Position of `label_id` in `label_ids`.

    Raises:
        InvalidInput: code unknown_label.
    """
    for index, label in enumerate(schema.labels):
        if label.id == label_id:
            return index
    raise unknown_label(schema, label_id)


def name_of(schema: LabelSchema, label_id: str) -> str:
    """What people read for `label_id`.

    Raises:
        InvalidInput: code unknown_label.
    """
    return schema.labels[index_of(schema, label_id)].name


def id_of_name(schema: LabelSchema, name: str) -> str:
    """The id of a label as a person or a file writes it: exact, else without regard to case and spacing.

    Raises:
        InvalidInput: code unknown_label.
    """
    for label in schema.labels:
        if label.name == name:
            return label.id
    wanted = loose(name)
    for label in schema.labels:
        if loose(label.name) == wanted:
            return label.id
    raise unknown_label(schema, name)


def loose(name: str) -> str:
    """The form in which two names are the same to a reader: casefolded, NFC, single spaces."""
    return clean(clean(name).casefold())


def clean(name: str) -> str:
    """`name` in NFC on one line with single spaces; control characters count as spaces."""
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in name)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def unknown_label(schema: LabelSchema, given: str) -> InvalidInput:
    """The error for a label that the schema does not have, with the names it has."""
    return InvalidInput("unknown_label", label=clean(given)[:100], labels=[label.name for label in schema.labels][:20])
