"""`lightwork explain`: where people and the model in use differ, or why the model says what it says of an item."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from core import labels
from core.champions import champion
from core.cli.counting import counted
from core.cli.forecast import find
from core.cli.migrate import require_database
from core.config import Settings
from core.db import make_engine, reading
from core.disagreements import MOST_SHOWN, Disagreements, disagreements, tallies
from core.errors import SettingsError
from core.explanations import Explanation, similar_items
from core.label_errors import doubtful_labels
from core.models import Item, Project
from core.texts import beginning

EXPLAIN = "trainer.explain"
"""Module of the trainer that explains an item; imported by name, for it takes long and needs an extra."""
TEXT_CHARACTERS = 160
"""Of a text that is shown to tell an item from others."""


def look(settings: Settings, wanted: str, item: str | None, limit: int | None = None) -> dict[str, Any]:
    """What is known of a job, or of one of its items, by the names that `--json` gives it. Labels are named.

    Args:
        wanted: id or name of the job. item: its id, or the id that its file gave it; None: the whole job.
        limit: so many items of each list about a job; None: the first few.

    Raises:
        SettingsError: there is no such job or item, no model in use, a limit for an item, or the trainer is not
            installed.
    """
    if item is not None and limit is not None:
        raise SettingsError("--limit is for the lists about a whole job; leave it out where you name an item.")
    require_database(settings)
    engine = make_engine(settings)
    try:
        with reading(engine) as session:
            project = find(session, wanted.strip())
            if item is None:
                return of_project(session, project, limit or MOST_SHOWN)
            found = _find_item(session, project, item.strip())
        return _of_item(settings, engine, project, found)
    finally:
        engine.dispose()


def of_project(session: Session, project: Project, limit: int = MOST_SHOWN) -> dict[str, Any]:
    """Where people and the model in use differ, and the labels that look wrong.

    Args:
        limit: so many items of either list; `differ` and `look_wrong` say how many there are.

    Raises:
        SettingsError: no model is in use.
    """
    apart = disagreements(session, project, limit)
    if apart is None:
        raise SettingsError(f"{project.name!r} has no model in use yet, so there is nothing to compare.")
    name = _names(project)
    doubts = doubtful_labels(session, project)
    return {
        "project": project.public_id,
        "name": project.name,
        "version": apart.version,
        "compared": apart.compared,
        "agreed": apart.agreed,
        "differ": apart.compared - apart.agreed,
        "confusion": _confusion(apart, name),
        "disagreements": [
            {"item": one.item_public_id, "text": one.text, "people": name[one.people], "model": name[one.model]}
            | {"confidence": round(one.confidence, 4)}
            for one in apart.most
        ],
        "looked_at": doubts.looked_at,
        "look_wrong": len(doubts.labels),
        "doubtful": [
            {"item": one.item_public_id, "text": one.text, "given": name[one.given], "likely": name[one.likely]}
            | {"doubt": one.doubt}
            for one in doubts.labels[:limit]
        ],
    }


def describe(found: dict[str, Any]) -> str:
    """The same for a person."""
    return _describe_item(found) if "words" in found else _describe_project(found)


def _of_item(settings: Settings, engine: Engine, project: Project, item: Item) -> dict[str, Any]:
    with reading(engine) as session:
        version = champion(session, project.id)
    if version is None:
        raise SettingsError(f"{project.name!r} has no model in use yet, so there is nothing to explain.")
    try:
        explain_item = import_module(EXPLAIN).explain_item
    except ImportError as error:
        raise SettingsError(f"Explaining needs {error.name}; install lightwork[train].") from error
    found: Explanation = explain_item(settings, engine, item.id, version.id)
    name, text = _names(project), labels.item_text(item.content)
    with reading(engine) as session:
        similar = similar_items(session, project.id, found)
        votes = tallies(session, project, item.id)
    return {
        "project": project.public_id,
        "item": item.public_id,
        "text": text,
        "version": version.number,
        "label": name[found.label_id],
        "probabilities": {name[label_id]: round(value, 4) for label_id, value in found.probabilities.items()},
        "people": {name[label_id]: count for label_id, count in votes.items()},
        "words": [
            {"word": text[one.start : one.end], "from": one.start, "to": one.end, "weight": round(one.weight, 4)}
            | ({"read_as": one.read_as} if one.read_as else {})
            for one in found.words
        ],
        "similar": [{"text": one.text, "label": name[one.label_id], "copies": one.copies} for one in similar],
    }


def _find_item(session: Session, project: Project, wanted: str) -> Item:
    named = or_(Item.public_id == wanted, Item.external_id == wanted)
    statement = select(Item).where(Item.project_id == project.id, named)
    item = session.scalars(statement.order_by(Item.public_id != wanted, Item.id).limit(1)).first()
    if item is None:
        raise SettingsError(f"{project.name!r} has no item {wanted!r}; an export has the ids of all items.")
    return item


def _names(project: Project) -> dict[str, str]:
    return {label.id: label.name for label in labels.load(project.label_schema).labels}


def _confusion(apart: Disagreements, name: dict[str, str]) -> list[dict[str, Any]]:
    pairs = sorted(apart.confusion.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"people": name[people], "model": name[model], "items": count} for (people, model), count in pairs]


def _describe_project(found: dict[str, Any]) -> str:
    agreed, compared = f"{found['agreed']:,}", counted(found["compared"], "item")
    lines = [f"People agreed with model v{found['version']} on {agreed} of {compared}."]
    lines[0] += f" On {found['differ']:,} they differ." if found["differ"] else ""
    lines += _shown_of(len(found["disagreements"]), found["differ"], "about which the model was surest")
    for one in found["disagreements"]:
        said = f"people say {one['people']}, the model {one['model']} ({one['confidence']:.0%})"
        lines.append(f"  {one['item']}  {said}: {_short(one['text'])!r}")
    if found["looked_at"] is not None:
        wrong = found["look_wrong"]
        verb = "looks" if wrong == 1 else "look"
        lines += ["", f"Of {counted(found['looked_at'], 'label')} {wrong:,} {verb} wrong."]
        lines += _shown_of(len(found["doubtful"]), wrong, "that are most doubtful")
        for one in found["doubtful"]:
            lines.append(f"  {one['item']}  {one['given']}, looks like {one['likely']}: {_short(one['text'])!r}")
    return "\n".join(lines)


def _shown_of(shown: int, there: int, which: str) -> list[str]:
    """That a list does not name all that there is, and how it does."""
    if shown >= there:
        return []
    return [f"Of these {there:,}, the {shown:,} {which}; --limit {there} lists all:"]


def _short(text: str) -> str:
    return beginning(text, TEXT_CHARACTERS)


def _describe_item(found: dict[str, Any]) -> str:
    shares = ", ".join(f"{label} {value:.0%}" for label, value in found["probabilities"].items())
    people = ", ".join(f"{label} {count}" for label, count in found["people"].items()) or "nobody yet"
    words = sorted(found["words"], key=lambda one: -abs(one["weight"]))
    lines = [
        f"{found['item']}: {_short(found['text'])!r}",
        "",
        f"Model v{found['version']}: {shares}",
        f"People: {people}",
        "",
        f"Words for and against {found['label']}:",
    ]
    lines += [f"  {one['weight']:+.3f}  {one['word']}{_read_as(one)}" for one in words[:12]]
    lines += ["", "Most like it among what is decided:"] if found["similar"] else []
    lines += [f"  {one['label']}: {_short(one['text'])!r}" for one in found["similar"]]
    return "\n".join(lines)


def _read_as(word: dict[str, Any]) -> str:
    return f" (read as {word['read_as']})" if "read_as" in word else ""
