"""Whether one revision of the database can be used by the version of the code before it.

While a release runs, and after it was rolled back, old code works on the new schema: what it reads has to be there as
it was, and every row that it inserts has to be accepted. So two schemas are compared as the database itself describes
them, however a revision was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, inspect

BOOKKEEPING = "alembic_version"
Rule = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """What of a column matters to code that does not know of a change."""

    type: str
    nullable: bool
    has_default: bool
    """The database fills it in: a default, an identity, or a computed value."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name; rules are what may refuse a row."""

    columns: dict[str, Column]
    rules: frozenset[Rule]


Schema = dict[str, Table]


def schema_of(engine: Engine) -> Schema:
    """The tables of a database as it describes them."""
    found = inspect(engine)
    return {
        name: Table(
            {str(column["name"]): _column(dict(column)) for column in found.get_columns(name)},
            frozenset(_rules(found, name)),
        )
        for name in found.get_table_names()
        if name != BOOKKEEPING
    }


def breaks(before: Schema, after: Schema) -> list[str]:
    """What the code that was written for `before` cannot do on `after`, a sentence each; empty where it works on."""
    sentences = [f"table {name} is gone" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        sentences += [f"{name}: {problem}" for problem in _table_breaks(before[name], after[name])]
    return sorted(sentences)


def _table_breaks(before: Table, after: Table) -> Iterator[str]:
    for name, old in before.columns.items():
        new = after.columns.get(name)
        if new is None:
            yield f"column {name} is gone"
            continue
        if new.type != old.type:
            yield f"column {name} was {old.type} and is {new.type}"
        if old.nullable and not new.nullable:
            yield f"column {name} may not be null any more"
        if old.has_default and not new.has_default and not new.nullable:
            yield f"column {name} has lost its default"
    for name in after.columns.keys() - before.columns.keys():
        if not (after.columns[name].nullable or after.columns[name].has_default):
            yield f"new column {name} has neither null nor a default, so old code cannot insert"
    for rule in after.rules - before.rules:
        yield f"new rule {' '.join(rule)} may refuse what old code writes"


def _column(column: dict[str, Any]) -> Column:
    filled = column.get("default") is not None or column.get("identity") or column.get("computed")
    autoincrement = column.get("autoincrement") is True or bool(column.get("primary_key"))
    return Column(str(column["type"]), bool(column["nullable"]), bool(filled) or autoincrement)


def _rules(found: Any, table: str) -> Iterator[Rule]:
    for index in found.get_indexes(table):
        if index["unique"]:
            options = index.get("dialect_options") or {}
            where = next((str(value) for name, value in options.items() if name.endswith("_where")), "")
            # Each database writes a condition in its own way; the values that it names are what it is about.
            values = sorted(re.findall(r"'(\w+)'", where)) or [where] * bool(where)
            yield ("unique", *sorted(map(str, index["column_names"])), *(["where", *values] if values else []))
    for unique in found.get_unique_constraints(table):
        yield ("unique", *sorted(unique["column_names"]))
    for check in found.get_check_constraints(table):
        yield ("check", " ".join(str(check["sqltext"]).split()))
    for key in found.get_foreign_keys(table):
        yield ("foreign key", *key["constrained_columns"], "to", key["referred_table"])
