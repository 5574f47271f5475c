"""A job of which nothing could be loaded, as a draft once more: what was set is kept, and can be changed."""

from __future__ import annotations

from bot.cards.views import Show
from bot.context import Context
from bot.post_draft import AIM, GOLD_USE, OPTIONS, SETTABLE, Draft, empty_draft, with_items
from bot.post_known import settle, upload_of
from bot.post_steps import go, next_step
from bot.tokens import Token
from core import quality
from core.errors import Conflict
from core.importing import received_before
from core.labels import load
from core.models import Batch, Project, Upload
from core.projects import find_project, is_withdrawn


def on_repost(context: Context, token: Token) -> list[Show]:
    """The button under the message that nothing was posted: the draft comes back.

    Raises:
        Conflict: stale_button, where the job has items now, or is open.
    """
    project = find_project(context.session, context.workspace_id, token.subject)
    if not is_withdrawn(context.session, project):
        raise Conflict("stale_button")
    draft = settle(context, _with_file(context, _settings(project), project))
    return go(context, next_step(context, draft), draft)


def _settings(project: Project) -> Draft:
    names = [label.name for label in load(project.label_schema).labels]
    columns = {name: getattr(project, name) for name in (*SETTABLE, *OPTIONS, *AIM)}
    if project.deadline is not None:
        columns["deadline"] = project.deadline.isoformat()
    said = {"question": project.question, "labels": names, "decided": True}
    answers = {"minimum": project.min_overlap, "maximum": project.max_overlap}
    return empty_draft() | columns | said | answers | {GOLD_USE: quality.load(project.quality).gold_use}


def _with_file(context: Context, draft: Draft, project: Project) -> Draft:
    """The draft with the file of the last batch; without one where it is gone, so that it is asked for."""
    batches = context.session.query(Batch).filter_by(project_id=project.id).order_by(Batch.id.desc())
    batch = batches.first()
    if batch is None or batch.upload_id is None or batch.error_code == "upload_missing":
        return draft
    upload = context.session.get_one(Upload, batch.upload_id)
    mapping = dict(batch.mapping)
    with_file = with_items(draft, received_before(upload), upload)
    known = mapping.get("known")
    name = upload_of(context, str(known["upload"])).name if known else ""
    return with_file | {"mapping": mapping, "unsure": False, "known_file": name}
