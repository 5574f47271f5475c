"""What keeps the trainer busy, read for whoever asks about a job: names of other workspaces' jobs are not told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.cards.busy import Busy
from core.models import Project
from core.under_way import in_front


def busy_with(session: Session, project: Project, now: datetime) -> Busy | None:
    """The training run that this job, or what else is due for it, waits for; None where none is under way."""
    found = in_front(session, project.id, now)
    if found is None:
        return None
    if found.project_id == project.id:
        return Busy("own", done=found.done)
    if found.workspace_id == project.workspace_id:
        return Busy("other", found.name, found.done)
    return Busy("hidden", done=found.done)
