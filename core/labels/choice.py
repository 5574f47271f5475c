"""Choice of one label out of 2 to 100: the first kind of label schema."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from typing import Any

from core.errors import InvalidInput
from core.labels.schema import Label, LabelSchema, clean, loose, unknown_label

KIND = "choice"
MIN_LABELS = 2
MAX_LABELS = 100
MAX_NAME_LENGTH = 150


def make(names: Sequence[str]) -> LabelSchema:
    """A schema from the names that a coordinator gave, in their order.

    The ids "a" to "z", "aa" ... are given once and then belong to the label, whatever happens to its name or place.

    Raises:
        InvalidInput: too_few_labels, too_many_labels, empty_label, label_too_long or duplicate_label.
    """
    if len(names) > MAX_LABELS:
        raise InvalidInput("too_many_labels", count=len(names), limit=MAX_LABELS)
    schema = LabelSchema(KIND, tuple(Label(_short_id(number), clean(name)) for number, name in enumerate(names)))
    check(schema)
    return schema


def extend(schema: LabelSchema, names: Sequence[str]) -> LabelSchema:
    """`schema` with further labels at its end; the labels that there are keep their ids and their order.

    Raises:
        InvalidInput: as `make`.
    """
    first = len(schema.labels)
    added = (Label(_short_id(first + number), clean(name)) for number, name in enumerate(names))
    extended = LabelSchema(KIND, (*schema.labels, *added), schema.options)
    check(extended)
    return extended


def check(schema: LabelSchema) -> None:
    """Refuse a schema that people could not answer.

    Raises:
        InvalidInput: too_few_labels, too_many_labels, empty_label, label_too_long or duplicate_label.
    """
    count = len(schema.labels)
    if count > MAX_LABELS:
        raise InvalidInput("too_many_labels", count=count, limit=MAX_LABELS)
    seen: set[str] = set()
    for number, label in enumerate(schema.labels, start=1):
        if not _is_visible(label.name):
            raise InvalidInput("empty_label", number=number)
        if len(label.name) > MAX_NAME_LENGTH:
            raise InvalidInput("label_too_long", label=label.name[:40], length=len(label.name), limit=MAX_NAME_LENGTH)
        if loose(label.name) in seen:
            raise InvalidInput("duplicate_label", label=label.name)
        seen.add(loose(label.name))
    if count < MIN_LABELS:
        raise InvalidInput("too_few_labels", count=count, limit=MIN_LABELS)
    if len({label.id for label in schema.labels}) < count:
        raise InvalidInput("duplicate_label_id")


def parse(schema: LabelSchema, label_id: str) -> dict[str, Any]:
    """The value {"choice": id} of an annotation.

    Raises:
        InvalidInput: code unknown_label.
    """
    if all(label.id != label_id for label in schema.labels):
        raise unknown_label(schema, label_id)
    return {"choice": label_id}


def compare(value_a: Mapping[str, Any], value_b: Mapping[str, Any]) -> float:
    """1.0 for the same choice, else 0.0."""
    return float(value_a["choice"] == value_b["choice"])


def _short_id(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, len(ascii_lowercase))
        letters = ascii_lowercase[letter] + letters
    return letters


def _is_visible(name: str) -> bool:
    return any(unicodedata.category(char)[0] not in "CZ" for char in name)
