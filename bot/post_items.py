"""The items of a job that is posted: kept as they came, and sent on their way with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.cards.views import Choice, Notice
from bot.context import Context
from bot.post_draft import Draft, columns_of, with_items
from bot.tokens import make
from core.errors import Conflict, InvalidInput
from core.importing import Received, create_batch, match_known, receive_pasted, store
from core.labels import choice, id_of_name
from core.media import Media
from core.models import Project, Upload
from core.projects import create_project


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that was looked at and stored before the transaction began."""

    received: Received
    media: Media
    path: Path


def with_file(context: Context, draft: Draft, looked: Looked) -> Draft:
    """The draft with the items of a file.

    Raises:
        InvalidInput: as `with_items`.
    """
    return with_items(draft, looked.received, _keep(context, looked))


def with_lines(context: Context, draft: Draft, text: str) -> Draft:
    """The draft with an item for each pasted line.

    Raises:
        InvalidInput: as `with_items` and `core.importing.receive_pasted`.
    """
    received, media = receive_pasted(context.settings, text)
    return with_file(context, draft, Looked(received, media, Path(received.name)))


def with_known_file(context: Context, draft: Draft, looked: Looked) -> Draft:
    """The draft with the known labels of a file of their own, in place of a column's.

    Raises:
        InvalidInput: known_file_unclear, or known_label_unknown where it names other labels than the job has.
    """
    upload = _keep(context, looked)
    known = match_known(looked.received, upload.public_id, draft["mapping"])
    schema = choice.make(draft["labels"])
    for name in looked.received.gold_values:
        try:
            id_of_name(schema, name)
        except InvalidInput as error:
            raise InvalidInput("known_label_unknown", **error.params) from error
    mapping = draft["mapping"] | {"gold": None, "known": known.to_json()}
    return draft | {"mapping": mapping, "known_file": looked.received.name}


def publish(context: Context, draft: Draft) -> Notice:
    """Make the job, and load its items in the background.

    Raises:
        InvalidInput: question, labels or settings cannot be as they are.
    """
    project = create_project(
        context.session,
        workspace_id=context.workspace_id,
        worker_id=context.worker_id,
        question=draft["question"],
        schema=choice.make(draft["labels"]),
        now=context.now,
        **columns_of(draft),
    )
    _load(context, project, draft)
    params = {"name": project.name, "rows": draft["rows"], "project": project.public_id, "count": project.pilot_size}
    change = Choice(make("edit", project.public_id), "button_change", style="quiet")
    return Notice("posted_pilot" if project.pilot_size else "posted", params, ((change,),))


def append(context: Context, project: Project, draft: Draft) -> Notice:
    """Load the items into a job that is there."""
    _load(context, project, draft)
    return Notice("appended", {"name": project.name, "rows": draft["rows"]})


def _load(context: Context, project: Project, draft: Draft) -> None:
    upload = (
        context.session.query(Upload)
        .filter_by(workspace_id=context.workspace_id, public_id=str(draft["upload"]))
        .one_or_none()
    )
    if upload is None:
        raise Conflict("upload_gone")
    create_batch(context.session, project, upload, draft["mapping"], context.worker_id, context.now)


def _keep(context: Context, looked: Looked) -> Upload:
    return store(
        context.session,
        context.settings,
        context.workspace_id,
        context.worker_id,
        looked.path,
        looked.received,
        context.now,
        looked.media,
    )
