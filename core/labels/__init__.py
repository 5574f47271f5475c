"""Label schemas by kind. A new kind is one new file `core/labels/<kind>.py` that provides a `LabelKind`."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from core.errors import InvalidInput
from core.labels.content import content_hash, item_text, stored_text, text_content
from core.labels.schema import Label, LabelKind, LabelSchema, id_of_name, index_of, label_ids, name_of

__all__ = [
    "Label",
    "LabelKind",
    "LabelSchema",
    "compare",
    "content_hash",
    "dump",
    "id_of_name",
    "index_of",
    "item_text",
    "kind_of",
    "label_ids",
    "load",
    "name_of",
    "parse",
    "stored_text",
    "text_content",
]


@cache
def kind_of(kind: str) -> LabelKind:
    """The module that parses and compares answers of `kind`.

    Raises:
        InvalidInput: code unknown_label_kind.
    """
    name = f"{__name__}.{kind}"
    if re.fullmatch(r"[a-z][a-z_]{0,39}", kind) is None or importlib.util.find_spec(name) is None:
        raise InvalidInput("unknown_label_kind", kind=kind[:40])
    module = importlib.import_module(name)
    if getattr(module, "KIND", None) != kind:
        raise InvalidInput("unknown_label_kind", kind=kind[:40])
    return cast(LabelKind, module)


def load(data: Mapping[str, Any]) -> LabelSchema:
    """The schema in the JSON of `Project.label_schema`. It was checked when it was made; every tap comes by here.

    Raises:
        InvalidInput: code unknown_label_kind.
        KeyError: the JSON is not that of a label schema.
    """
    kind = str(data["kind"])
    kind_of(kind)
    labels = tuple(Label(label["id"], label["name"]) for label in data["labels"])
    return LabelSchema(kind, labels, {key: data[key] for key in data if key not in ("kind", "labels")})


def dump(schema: LabelSchema) -> dict[str, Any]:
    """The JSON of `schema`, as `load` reads it: {"kind": "choice", "labels": [{"id": "a", "name": "Positive"}]}."""
    labels = [{"id": label.id, "name": label.name} for label in schema.labels]
    return {**schema.options, "kind": schema.kind, "labels": labels}


def parse(schema: LabelSchema, label_id: str) -> dict[str, Any]:
    """The value of an annotation from the label id that a button carries.

    Raises:
        InvalidInput: code unknown_label.
    """
    return kind_of(schema.kind).parse(schema, label_id)


def compare(schema: LabelSchema, value_a: Mapping[str, Any], value_b: Mapping[str, Any]) -> float:
    """Agreement of two values of one schema, from 0.0 to 1.0."""
    return kind_of(schema.kind).compare(value_a, value_b)
