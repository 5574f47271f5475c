"""Posting a job: a file, a question, labels; each step with a way back, the whole of it kept in the database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cards.views import Choice, FormCard, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute, checked, leave, save
from bot.post_options import parse_overlap, split_options
from bot.tokens import Token, make
from core.errors import Conflict, InvalidInput
from core.importing import Received, create_batch, store
from core.labels import choice
from core.media import Media
from core.models import Dialogue, Project, Upload
from core.projects import (
    DEFAULT_MAX_OVERLAP,
    DEFAULT_MIN_OVERLAP,
    create_project,
    find_project,
    list_projects,
)

NAME = "post"
MAX_TARGETS = 6
MAX_COLUMNS = 12
PROJECT_OPTIONS = ("retrain_threshold", "retrain_cron", "lease_seconds", "error_cost")


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that was looked at and stored before the transaction began."""

    received: Received
    media: Media
    path: Path


def on_post(_context: Context, _argument: str) -> list[Show]:
    """`/post` without a file: how it is done."""
    return [Show(Notice("post_how"))]


def on_upload(context: Context, looked: Looked, caption: str) -> list[Show]:
    """A file came. With a whole caption it is posted at once, else the form begins."""
    received = looked.received
    upload = store(
        context.session,
        context.settings,
        context.workspace_id,
        context.worker_id,
        looked.path,
        received,
        context.now,
        looked.media,
    )
    mapping = {"text": received.text_column, "id": received.id_column, "gold": received.gold_column}
    command, _, rest = caption.strip().partition(" ")
    if command.lower() == "/add":
        project = find_project(context.session, context.workspace_id, rest.strip())
        return [_append(context, project, upload, mapping)]
    if command.lower() == "/post" and "|" in rest:
        return [_post_caption(context, upload, mapping, rest)]
    data = {
        "upload": upload.public_id,
        "mapping": mapping,
        "rows": received.rows,
        "columns": list(received.columns),
        "bad": [row.to_json() for row in received.bad_rows[:5]],
        "bad_count": received.bad_row_count,
        "preview": [row.get(received.text_column, "") for row in received.preview[:1]],
        "name": received.name,
        "labels": list(received.gold_values),
        "minimum": DEFAULT_MIN_OVERLAP,
        "maximum": DEFAULT_MAX_OVERLAP,
    }
    if command.lower() == "/post" and rest.strip():
        data["question"] = rest.strip()
    step = "columns" if len(received.text_candidates) > 1 and _unsure(received) else "target"
    dialogue = _save(context, step, data)
    return [Show(_form(context, dialogue))]


def on_post_tap(context: Context, token: Token) -> list[Show]:
    """A button of the form. Its version makes a button of an earlier step harmless."""
    dialogue = checked(context, NAME, token)
    if token.argument == "cancel":
        leave(context)
        return [Show(Notice("post_cancelled"), "edit")]
    if token.argument == "back":
        step = {"question": "target", "labels": "question", "confirm": "labels", "target": "columns"}[dialogue.step]
        return [Show(_form(context, _save(context, step, dialogue.data)), "edit")]
    if dialogue.step == "columns" and token.argument.startswith("c"):
        return [Show(_form(context, _choose_column(context, dialogue, token.argument)), "edit")]
    if dialogue.step == "target" and token.argument == "new":
        # A caption without labels has asked the question already.
        step = "labels" if dialogue.data.get("question") else "question"
        return [Show(_form(context, _save(context, step, dialogue.data)), "edit")]
    if dialogue.step == "target" and token.argument == "add":
        project = find_project(context.session, context.workspace_id, token.subject)
        shown = _append(context, project, _upload(context, dialogue.data), dialogue.data["mapping"])
        leave(context)
        return [Show(shown.view, "edit")]
    if dialogue.step == "confirm" and token.argument == "post":
        shown = _post(context, dialogue.data)
        leave(context)
        return [Show(shown.view, "edit")]
    raise Conflict("stale_button")


def on_text(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """Plain words: an answer to the form's question."""
    if not context.account.may("coordinator"):
        return [Show(Notice("say_hint"))]
    data = dict(dialogue.data)
    if dialogue.step in ("target", "question"):
        if not text.strip():
            raise InvalidInput("empty_question")
        data["question"] = text.strip()
        return [Show(_form(context, _save(context, "labels", data)))]
    if dialogue.step == "labels":
        names = split_labels(text)
        choice.make(names)
        data["labels"] = names
        return [Show(_form(context, _save(context, "confirm", data)))]
    if dialogue.step == "confirm":
        data["minimum"], data["maximum"] = parse_overlap(text)
        return [Show(_form(context, _save(context, "confirm", data)))]
    return [Show(_form(context, dialogue))]


def split_labels(text: str) -> list[str]:
    """Labels from one message: one per line, or separated by |, or by commas where there is nothing else."""
    for separator in ("\n", "|", ","):
        if separator in text.strip():
            return [part.strip() for part in text.strip().split(separator) if part.strip()]
    return [text.strip()]


def _post_caption(context: Context, upload: Upload, mapping: dict[str, Any], text: str) -> Show:
    """`/post Question? | Label | Label`, with options between further bars."""
    parts, options = split_options([part.strip() for part in text.split("|")])
    data = {"question": parts[0], "labels": parts[1:], "mapping": mapping, "rows": upload.dialect["rows"]}
    data |= {"minimum": DEFAULT_MIN_OVERLAP, "maximum": DEFAULT_MAX_OVERLAP, "upload": upload.public_id, **options}
    return _post(context, data)


def _post(context: Context, data: dict[str, Any]) -> Show:
    upload = _upload(context, data)
    project = create_project(
        context.session,
        workspace_id=context.workspace_id,
        worker_id=context.worker_id,
        question=data["question"],
        schema=choice.make(data["labels"]),
        now=context.now,
        min_overlap=data["minimum"],
        max_overlap=data["maximum"],
        **{name: data[name] for name in PROJECT_OPTIONS if name in data},
    )
    create_batch(context.session, project, upload, data["mapping"], context.worker_id, context.now)
    params = {"name": project.name, "rows": data["rows"], "project": project.public_id}
    return Show(Notice("posted", params))


def _append(context: Context, project: Project, upload: Upload, mapping: dict[str, Any]) -> Show:
    create_batch(context.session, project, upload, mapping, context.worker_id, context.now)
    return Show(Notice("appended", {"name": project.name, "rows": upload.dialect["rows"]}))


def _form(context: Context, dialogue: Dialogue) -> FormCard:
    data, version = dialogue.data, dialogue.version
    params = data | {"text": data["mapping"]["text"], "gold_column": data["mapping"]["gold"]}

    def button(argument: str, code: str, style: Any = "plain", subject: str = "", text: str = "") -> Choice:
        return Choice(make("post", subject, argument, version), code, text, style)

    cancel, back = button("cancel", "button_cancel", "quiet"), button("back", "button_back", "quiet")
    if dialogue.step == "columns":
        rows = tuple(
            (button(f"c{number}", "", text=column),) for number, column in enumerate(data["columns"][:MAX_COLUMNS])
        )
        return FormCard("form_file", "form_columns", params, (*rows, (cancel,)))
    if dialogue.step == "target":
        open_projects = list_projects(context.session, context.workspace_id, only_open=True, limit=MAX_TARGETS)
        targets = tuple((button("add", "button_add", "plain", p.public_id, p.name),) for p in open_projects)
        ways = (back, cancel) if len(data["columns"]) > 1 else (cancel,)
        return FormCard("form_file", "form_target", params, ((button("new", "button_new", "primary"),), *targets, ways))
    if dialogue.step == "question":
        return FormCard("form_file", "form_question", params, ((back, cancel),))
    if dialogue.step == "labels":
        return FormCard("form_file", "form_labels", params, ((back, cancel),))
    post = button("post", "button_post", "primary")
    return FormCard("form_file", "form_confirm", params, ((post,), (back, cancel)), tuple(data["preview"]))


def _choose_column(context: Context, dialogue: Dialogue, argument: str) -> Dialogue:
    columns = dialogue.data["columns"]
    if not argument[1:].isdecimal() or int(argument[1:]) >= len(columns):
        raise Conflict("stale_button")
    mapping = dialogue.data["mapping"] | {"text": columns[int(argument[1:])]}
    for role in ("id", "gold"):
        if mapping[role] == mapping["text"]:
            mapping[role] = None
    return _save(context, "target", dialogue.data | {"mapping": mapping, "bad": [], "bad_count": 0, "preview": []})


def _unsure(received: Received) -> bool:
    return received.text_candidates[0][1] not in ("only_column", "name")


def _upload(context: Context, data: dict[str, Any]) -> Upload:
    found = (
        context.session.query(Upload)
        .filter_by(workspace_id=context.workspace_id, public_id=str(data["upload"]))
        .one_or_none()
    )
    if found is None:
        raise Conflict("upload_gone")
    return found


def _save(context: Context, step: str, data: dict[str, Any]) -> Dialogue:
    return save(context, NAME, step, data)


COMMANDS = {"post": CommandRoute("coordinator", on_post, reads=True)}
TAPS = {"post": TapRoute("coordinator", on_post_tap)}
TEXTS = {NAME: on_text}
