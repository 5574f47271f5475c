"""What is learned from a job's labels: /train, /models, and the buttons that stop a run or use another model."""

from __future__ import annotations

import re

from bot.cards.gate import reason_of
from bot.cards.model_report import ModelReport
from bot.cards.models import ModelsCard, Version, stop_row
from bot.cards.views import Choice, FileCard, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.jobs_chat import one_project
from bot.owed_models import advice_of, picture_at
from bot.reports import standing
from bot.texts.measures import share
from bot.tokens import Token, make
from core.champions import accuracy, champion, compared, find_version, models, promote
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.models import ModelVersion, Project
from core.projects import find_project
from core.stats import project_stats
from core.training import request_training
from core.training_runs import cancel_run, find_run, unfinished_run

SHOWN = 8
"""Versions in the list."""
CARD, PICTURE = "model-card.md", "model-card.png"
"""Files that the trainer puts beside a model."""


def on_train(context: Context, argument: str) -> list[Show]:
    """Start a training run now."""
    project = one_project(context, "train", argument.strip())
    run = request_training(context.session, project.id, "button", context.now, context.worker_id)
    if run is not None:
        record_act(context.session, context.workspace_id, context.worker_id, "train", project.public_id, context.now)
        return [Show(Notice("train_started", {"project": project.name}, (stop_row(project.public_id, run.public_id),)))]
    going = unfinished_run(context.session, project.id)
    rows = (stop_row(project.public_id, going.public_id),) if going is not None else ()
    return [Show(Notice("train_running", {"project": project.name}, rows))]


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
    return [Show(Notice("train_cancelled", {"project": project.name}, ((again,),)), "edit")]


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
    number = reigning.number if reigning else 0
    yes = Choice(make("promote", project.public_id, str(version.number), number), "button_use_it", style="primary")
    no = Choice(make("models", project.public_id), "button_keep")
    return [Show(Notice(*_question(context, version, reigning), rows=((yes, no),)), "edit")]


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
    back = Choice(make("models", project.public_id), "button_models")
    notice = Notice("model_report", said, ((back,),))
    report = ModelReport(notice, advice_of(metrics, project.label_schema), picture_at(str(directory / PICTURE)))
    card = FileCard("model_card", {"version": version.number}, CARD, "text/markdown", str(directory / CARD))
    return [Show(report), Show(card)]


def _chosen(context: Context, token: Token) -> tuple[Project, ModelVersion]:
    project = find_project(context.session, context.workspace_id, token.subject)
    number = int(token.argument) if re.fullmatch(r"[0-9]{1,9}", token.argument) else 0
    return project, find_version(context.session, project.id, number)


def _question(context: Context, version: ModelVersion, reigning: ModelVersion | None) -> tuple[str, dict[str, object]]:
    locale = context.account.worker.locale
    if reigning is None:
        return "model_ask", {"version": version.number, "accuracy": share(accuracy(version), locale, 1)}
    mine, theirs = compared(version, reigning)
    said = {"version": version.number, "accuracy": share(mine, locale, 1)}
    return "model_ask_instead", said | {"other": reigning.number, "other_accuracy": share(theirs, locale, 1)}


def _card(context: Context, project: Project) -> ModelsCard:
    found = models(context.session, project.id)[::-1]
    directory = context.settings.model_directory
    run = unfinished_run(context.session, project.id)
    versions = tuple(
        Version(
            number=version.number,
            state=version.state,
            accuracy=accuracy(version),
            base_model=version.base_model,
            created_at=version.created_at,
            usable=(directory / version.artifact).is_dir(),
            reason=reason_of(version.metrics, project.label_schema) if _was_just_held(version, found) else None,
            drifted=version.state == "champion" and version.drifted_at is not None,
            has_card=(directory / version.artifact / CARD).is_file(),
        )
        for version in found[:SHOWN]
    )
    return ModelsCard(
        public_id=project.public_id,
        name=project.name,
        standing=standing(project, project_stats(context.session, project)),
        versions=versions,
        time_zone=context.account.worker.time_zone,
        now=context.now,
        more=max(0, len(found) - SHOWN),
        run=run.public_id if run is not None else "",
    )


def _was_just_held(version: ModelVersion, newest_first: list[ModelVersion]) -> bool:
    return version.state == "held" and version is newest_first[0]


COMMANDS = {
    "train": CommandRoute("coordinator", on_train),
    "models": CommandRoute("coordinator", on_models, reads=True),
}
TAPS = {
    "models": TapRoute("coordinator", on_models_tap, reads=True),
    "stoptrain": TapRoute("coordinator", on_stop_tap),
    "model": TapRoute("coordinator", on_model_tap, reads=True),
    "modelcard": TapRoute("coordinator", on_report_tap, reads=True),
    "promote": TapRoute("coordinator", on_promote_tap),
}
