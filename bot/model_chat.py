"""What is learned from a job's labels: /train, /models, and the buttons that stop a run or use another model."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from bot.busy import busy_with
from bot.cards.busy import Busy, busy_sentence
from bot.cards.gate import reason_of
from bot.cards.model_report import ModelReport
from bot.cards.models import Files, ModelsCard, Version, stop_row
from bot.cards.views import Choice, FileCard, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.jobs_chat import one_project
from bot.owed_learning import ANEW, cancelled, models_choice
from bot.owed_models import advice_of, picture_at
from bot.reports import standing
from bot.texts.measures import share
from bot.tokens import Token, make
from core.champions import (
    LEFT,
    accuracy,
    champion,
    compared,
    find_version,
    has_files,
    models,
    promote,
    require_files,
)
from core.config import Settings
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.models import ModelVersion, Project
from core.predictions import PRELABELED
from core.projects import find_project
from core.retired_models import that_keep_files
from core.stats import project_stats
from core.training import MIN_DECIDED, labels_since, request_training
from core.training_runs import cancel_run, find_run, unfinished_run

SHOWN = 8
"""Versions in the list."""
CARD, PICTURE = "model-card.md", "model-card.png"
"""Files that the trainer puts beside a model."""


def on_train(context: Context, argument: str) -> list[Show]:
    """Start a training run now; where hardly anything is new since the last model, ask first."""
    project = one_project(context, "train", argument.strip())
    since = labels_since(context.session, project.id)
    if since is None or since[1] >= MIN_DECIDED or unfinished_run(context.session, project.id) is not None:
        return _train(context, project)
    yes = Choice(make("trainnow", project.public_id), "button_train_anyway")
    no = Choice(make("models", project.public_id), "button_train_no", style="quiet")
    said = {"project": project.name, "version": since[0], "count": since[1]}
    return [Show(Notice("train_ask" if since[1] else "train_ask_nothing_new", said, ((yes, no),)))]


def on_train_tap(context: Context, token: Token) -> list[Show]:
    """Start it all the same."""
    found = _train(context, find_project(context.session, context.workspace_id, token.subject))
    return [replace(show, how="edit") for show in found]


def _train(context: Context, project: Project) -> list[Show]:
    run = request_training(context.session, project.id, "button", context.now, context.worker_id)
    if run is not None:
        record_act(context.session, context.workspace_id, context.worker_id, "train", project.public_id, context.now)
    going = run or unfinished_run(context.session, project.id)
    rows = (stop_row(project.public_id, going.public_id),) if going is not None else ()
    code, said = _how_far(context, project, started=run is not None)
    return [Show(Notice(code, {"project": project.name, **said}, rows))]


def _how_far(context: Context, project: Project, *, started: bool) -> tuple[str, dict[str, str]]:
    """The code of what becomes of a run, and what it says of how far that is. started: it was asked for just now."""
    busy, locale = _busy(context, project), context.account.worker.locale
    if busy is not None and busy.whose != "own":
        return "train_started_waits" if started else "train_waits", {"busy": busy_sentence(busy, locale)}
    if busy is not None and busy.done is not None:
        return "train_running_part", {"done": share(busy.done, locale)}
    return "train_started" if started else "train_running", {}


def _busy(context: Context, project: Project) -> Busy | None:
    return busy_with(context.session, project, context.now)


def on_stop_tap(context: Context, token: Token) -> list[Show]:
    """Stop a training run: at once where it has not begun, else within seconds."""
    project = find_project(context.session, context.workspace_id, token.subject)
    run = find_run(context.session, project.id, token.argument)
    asked = run.cancel_requested_at is not None
    outcome = cancel_run(context.session, run, context.worker_id, context.now)
    if not asked:
        record_act(context.session, context.workspace_id, context.worker_id, "untrain", project.public_id, context.now)
    if outcome == "stopping":
        return [Show(Notice("train_stopping", {"project": project.name}), "edit")]
    again = Choice(make("pick", project.public_id, "train"), "button_train")
    return [Show(Notice(cancelled(context.session, project), {"project": project.name}, ((again,),)), "edit")]


def on_models(context: Context, argument: str) -> list[Show]:
    """The models of a job, the newest first."""
    return [Show(_card(context, one_project(context, "models", argument.strip())))]


def on_models_tap(context: Context, token: Token) -> list[Show]:
    """Back to the list."""
    return [Show(_card(context, find_project(context.session, context.workspace_id, token.subject)), "edit")]


def on_model_tap(context: Context, token: Token) -> list[Show]:
    """Ask once whether this version shall be used from now on."""
    project, version = _chosen(context, token)
    reigning = champion(context.session, project.id)
    if reigning is not None and reigning.id == version.id:
        raise Conflict("model_in_use", number=version.number)
    require_files(context.settings, version)
    number = reigning.number if reigning else 0
    yes = Choice(make("promote", project.public_id, str(version.number), number), "button_use_it", style="primary")
    no = Choice(make("models", project.public_id), "button_keep")
    how: Literal["send", "edit"] = "send" if token.version == ANEW else "edit"
    return [Show(Notice(*_question(context, version, reigning), rows=((yes, no),)), how)]


def on_promote_tap(context: Context, token: Token) -> list[Show]:
    """Use it; the list shows it."""
    project, version = _chosen(context, token)
    number = version.number
    promote(context.session, context.settings, project, number, token.version, context.worker_id, context.now)
    return [Show(Notice("model_used", {"version": number}), "toast"), Show(_card(context, project), "edit")]


def on_report_tap(context: Context, token: Token) -> list[Show]:
    """How good a version is: the picture of its card with what to label next, and the card as a file."""
    project, version = _chosen(context, token)
    directory = (context.settings.model_directory / version.artifact).resolve()
    metrics, locale = version.metrics, context.account.worker.locale
    low, high = (metrics["holdout"].get(f"accuracy_{bound}") for bound in ("low", "high"))
    if low is None or not (directory / CARD).is_file():
        raise NotFound("model_card_gone", number=version.number)
    said = {
        "project": project.name,
        "version": version.number,
        "accuracy": share(accuracy(version), locale, 1),
        "low": share(low, locale),
        "high": share(high, locale),
        "count": metrics["holdout"]["n"],
    }
    notice = Notice("model_report", said, ((models_choice(project),),))
    advice, picture = advice_of(metrics, project.label_schema), picture_at(str(directory / PICTURE))
    report = ModelReport(notice, advice, picture, _use_now(context, version))
    card = FileCard("model_card", {"version": version.number}, CARD, "text/markdown", str(directory / CARD))
    return [Show(report), Show(card)]


def _chosen(context: Context, token: Token) -> tuple[Project, ModelVersion]:
    project = find_project(context.session, context.workspace_id, token.subject)
    number = int(token.argument) if re.fullmatch(r"[0-9]{1,9}", token.argument) else 0
    return project, find_version(context.session, project.id, number)


def _use_now(context: Context, version: ModelVersion) -> Notice:
    """Whether a version is in use: its report is of the day it was trained."""
    if version.state == "champion":
        chosen = not (version.metrics.get("gate") or {"promote": True})["promote"]
        return Notice("report_chosen" if chosen else "report_in_use")
    reigning = champion(context.session, version.project_id)
    return Notice("report_other_in_use", {"other": reigning.number}) if reigning else Notice("report_none_in_use")


def _question(context: Context, version: ModelVersion, reigning: ModelVersion | None) -> tuple[str, dict[str, object]]:
    locale = context.account.worker.locale
    if reigning is None:
        return "model_ask", {"version": version.number, "accuracy": share(accuracy(version), locale, 1)}
    scores = compared(version, reigning)
    mine, theirs = scores or (accuracy(version), accuracy(reigning))
    said = {"version": version.number, "accuracy": share(mine, locale, 1)}
    other = {"other": reigning.number, "other_accuracy": share(theirs, locale, 1)}
    return "model_ask_instead" if scores else "model_ask_apart", said | other


def _card(context: Context, project: Project) -> ModelsCard:
    found = models(context.session, project.id)[::-1]
    run = unfinished_run(context.session, project.id)
    kept = {version.id for version in that_keep_files(found[::-1])}
    versions = tuple(_row(context.settings, project, version, found[0], kept) for version in found[:SHOWN])
    return ModelsCard(
        public_id=project.public_id,
        name=project.name,
        standing=standing(project, project_stats(context.session, project), _busy(context, project)),
        versions=versions,
        time_zone=context.account.worker.time_zone,
        now=context.now,
        more=max(0, len(found) - SHOWN),
        run=run.public_id if run is not None else "",
    )


def _row(
    settings: Settings, project: Project, version: ModelVersion, newest: ModelVersion, kept: Collection[int]
) -> Version:
    just_held = version.state == "held" and version is newest
    return Version(
        number=version.number,
        state=version.state,
        accuracy=accuracy(version),
        base_model=version.base_model,
        created_at=version.created_at,
        files=_files(settings, version, kept),
        reason=reason_of(version.metrics, project.label_schema) if just_held else None,
        drifted=version.state == "champion" and version.drifted_at is not None,
        items=version.metrics["holdout"].get("n"),
        left=LEFT in version.metrics,
        silent=version.state == "champion" and PRELABELED not in version.metrics,
        has_card=(settings.model_directory / version.artifact / CARD).is_file(),
    )


def _files(settings: Settings, version: ModelVersion, kept: Collection[int]) -> Files:
    """What became of a version's files. kept: ids of those that keep theirs by the rule."""
    if has_files(settings, version):
        return "there"
    return "lost" if version.id in kept else "cleared"


COMMANDS = {
    "train": CommandRoute("coordinator", on_train),
    "models": CommandRoute("coordinator", on_models, reads=True),
}
TAPS = {
    "models": TapRoute("coordinator", on_models_tap, reads=True),
    "trainnow": TapRoute("coordinator", on_train_tap),
    "stoptrain": TapRoute("coordinator", on_stop_tap),
    "model": TapRoute("coordinator", on_model_tap, reads=True),
    "modelcard": TapRoute("coordinator", on_report_tap, reads=True),
    "promote": TapRoute("coordinator", on_promote_tap),
}
