"""The items of a job that is posted: kept as they came, and sent on their way with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cards.views import Choice, Notice
from bot.context import Context
from bot.jobs_chat import PICK
from bot.post_draft import Draft, columns_of, with_items
from bot.post_known import for_project, matched_in, settle, upload_of
from bot.post_steps import NAME, SET
from bot.tokens import make
from core.config import Settings
from core.enrolment import Account
from core.errors import Conflict, InvalidInput
from core.importing import Dialect, ItemsFile, Matched, Received, create_batch, receive_pasted, store
from core.labels import choice
from core.media import Media, media_path
from core.models import Dialogue, Project, Upload
from core.projects import create_project


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that was looked at and stored before the transaction began."""

    received: Received
    media: Media
    path: Path
    known: Matched | None = None
    """Where known labels were asked for: how the file fits the items."""


def with_file(context: Context, draft: Draft, looked: Looked) -> Draft:
    """The draft with the items of a file.

    Raises:
        InvalidInput: as `with_items`.
    """
    return settle(context, with_items(draft, looked.received, _keep(context, looked)))


def with_lines(context: Context, draft: Draft, text: str) -> Draft:
    """The draft with an item for each pasted line.

    Raises:
        InvalidInput: as `with_items` and `core.importing.receive_pasted`.
    """
    received, media = receive_pasted(context.settings, text)
    return with_file(context, draft, Looked(received, media, Path(received.name)))


def asked_items(session: Session, settings: Settings, account: Account) -> ItemsFile | None:
    """The file of items for which somebody is asked for known labels; nothing where they are not.

    Raises:
        InvalidInput: upload_missing, where it is gone.
    """
    dialogue = session.get(Dialogue, account.identity.id)
    if dialogue is None or (dialogue.name, dialogue.step) != (NAME, f"{SET}known"):
        return None
    draft = dialogue.data
    kept = select(Upload).where(Upload.workspace_id == account.workspace_id, Upload.public_id == draft["upload"])
    upload = session.scalars(kept).one_or_none()
    path = None if upload is None else media_path(settings, upload.sha256)
    if upload is None or path is None or not path.exists():
        raise InvalidInput("upload_missing")
    dialect = Dialect.from_json(upload.dialect)
    return ItemsFile(path, upload.format, dialect, draft["mapping"], choice.make(draft["labels"]))


def with_known_file(context: Context, draft: Draft, looked: Looked) -> Draft:
    """The draft with the known labels of a file of their own, in place of a column's.

    Raises:
        Conflict: stale_button, where they were not asked for when the file was looked at.
    """
    if looked.known is None:
        raise Conflict("stale_button")
    known = replace(looked.known.file, upload=_keep(context, looked).public_id)
    mapping = draft["mapping"] | {"gold": None, "known": known.to_json()}
    seen = {"matched": matched_in(looked.known), "known_file": looked.received.name, "chosen_gold": "", "let_go": ""}
    return settle(context, draft | {"mapping": mapping} | seen)


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
    learning = Choice(make(PICK, project.public_id, "learning"), "button_job_learning", style="quiet")
    return Notice("posted_pilot" if project.pilot_size else "posted", params, ((change, learning),))


def append(context: Context, project: Project, draft: Draft) -> Notice:
    """Load the items into a job that is there."""
    _load(context, project, for_project(context, draft, project))
    return Notice("appended", {"name": project.name, "rows": draft["rows"]})


def _load(context: Context, project: Project, draft: Draft) -> None:
    upload = upload_of(context, str(draft["upload"]))
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
