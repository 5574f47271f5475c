"""Messages owed to coordinators about what is learned from their jobs, read when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.gate import reason_of, reason_sentence
from bot.cards.views import Choice, Notice, View
from bot.texts import say
from bot.texts.measures import number, share
from bot.texts.units import in_a_row
from bot.tokens import make
from core.acceptance_evidence import accepted_count
from core.champions import champion, find_version
from core.models import ModelVersion, Project
from core.training_runs import unfinished_run

WHOLE = 0.995
"""From this coverage on, all of the holdout is decided."""
ANEW = 1
"""Version that the payload of a button carries whose answer shall not take the place of the message above it."""


def training_done(session: Session, params: dict[str, Any], locale: str) -> View:
    """How good a new model is, whether it is used and why, and what it was measured on."""
    project = session.get_one(Project, params["project_id"])
    version = find_version(session, project.id, params["version"])
    rival = params.get("champion_accuracy")
    compared = "" if rival is None else say("training_compared", locale, champion=share(rival, locale, 1))
    reason = reason_of(version.metrics, project.label_schema)
    verdict = in_a_row(reason_sentence(reason, locale) if reason else "", _basis(version, locale))
    said = {"version": version.number, "accuracy": share(params["accuracy"], locale, 1), "compared": compared}
    return Notice("training_done", {"project": project.name, "verdict": verdict, **said}, _ways(project, version))


def models_choice(project: Project) -> Choice:
    """The button that shows the list of models in a message of its own, so that the report above it stays."""
    return Choice(make("pick", project.public_id, "models"), "button_models")


def _basis(version: ModelVersion, locale: str) -> str:
    """On how many items it was measured. A holdout of which little is decided flatters: what is easy comes first."""
    items, coverage = version.metrics.get("holdout_items"), version.metrics.get("holdout_coverage", 1.0)
    if items is None:
        return ""
    code = "training_measured" if coverage >= WHOLE else "training_measured_part"
    return say(code, locale, count=items, coverage=share(coverage, locale))


def _ways(project: Project, version: ModelVersion) -> tuple[tuple[Choice, ...], ...]:
    versions = models_choice(project)
    if version.state != "held":
        return ((versions,),)
    use = Choice(make("model", project.public_id, str(version.number), ANEW), "button_use_model", f"v{version.number}")
    return ((use, versions),)


def training_cancelled(session: Session, params: dict[str, Any], _locale: str) -> View:
    """A run was stopped; nothing of it is left."""
    project = session.get_one(Project, params["project_id"])
    again = Choice(make("pick", project.public_id, "train"), "button_train")
    rows = () if unfinished_run(session, project.id) is not None else ((again,),)
    return Notice(cancelled(session, project), {"project": project.name}, rows)


def cancelled(session: Session, project: Project) -> str:
    """The code of the sentence that a run was stopped: where a model is in use, that one stays."""
    return "train_cancelled" if champion(session, project.id) is not None else "train_cancelled_first"


def model_drifted(session: Session, params: dict[str, Any], locale: str) -> View | None:
    """The model in use agrees less with people than it did; nothing where it is not in use any more."""
    project = session.get_one(Project, params["project_id"])
    version = find_version(session, project.id, params["version"])
    if version.state != "champion":
        return None
    said = {name: share(params[name], locale) for name in ("agreed", "expected")}
    code = "model_drifted_training" if params["training"] else "model_drifted"
    versions = models_choice(project)
    told = {"project": project.name, "version": version.number, "count": params["count"]}
    return Notice(code, told | said, ((versions,),))


def labels_accepted(session: Session, params: dict[str, Any], locale: str) -> View | None:
    """A model labels by itself; nothing where its labels are not there any more."""
    project = session.get_one(Project, params["project_id"])
    version = find_version(session, project.id, params["version"])
    count = accepted_count(session, version)
    if not count:
        return None
    settings = Choice(make("learning", project.public_id), "button_learning")
    back = Choice(make("untake", project.public_id), "button_take_back", style="danger")
    said = {"project": project.name, "version": version.number, "count": count, "items": number(count, locale)}
    return Notice("labels_accepted", said, ((settings, back),))


def labels_taken_back(session: Session, params: dict[str, Any], locale: str) -> View:
    """The labels of a model were taken back, and why."""
    project = session.get_one(Project, params["project_id"])
    settings = Choice(make("learning", project.public_id), "button_learning")
    reason = say(f"accept_back_{params['reason']}", locale, version=params["version"])
    count = params["count"]
    said = {"project": project.name, "reason": reason, "count": count, "items": number(count, locale)}
    return Notice("labels_taken_back", said, ((settings,),))


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "training_cancelled": training_cancelled,
    "labels_accepted": labels_accepted,
    "labels_taken_back": labels_taken_back,
    "model_drifted": model_drifted,
}
