"""What coordinators are told about their models: after a run, and when they ask how good one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from bot import owed_learning
from bot.cards.model_report import Advice, ModelReport
from bot.cards.views import Notice, View
from core.champions import find_version
from core.models import Project


def training_done(session: Session, params: dict[str, Any], locale: str) -> View:
    """How good a new model is and whether it is used, with its picture and one piece of advice."""
    said = owed_learning.training_done(session, params, locale)
    project = session.get_one(Project, params["project_id"])
    version = find_version(session, project.id, params["version"])
    if not isinstance(said, Notice):
        return said
    return ModelReport(said, advice_of(version.metrics, project.label_schema), picture_at(params.get("picture")))


def advice_of(metrics: Mapping[str, Any], label_schema: Mapping[str, Any]) -> Advice | None:
    """What to label next, as a run found it; None for a version that was made before there was advice."""
    found = metrics.get("advice")
    if not found:
        return None
    names = {str(label["id"]): str(label["name"]) for label in label_schema["labels"]}
    label = names.get(found["label_id"], found["label_id"])
    return Advice(found["kind"], found["count"], label, found["gain"], found["rest"])


def picture_at(path: str | None) -> str:
    """The path, if a picture lies there; else nothing."""
    return path if path and Path(path).is_file() else ""


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {"training_done": training_done}
