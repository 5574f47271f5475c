"""A coordinator changes what the model of a job may do; what follows from it is done in the background."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import learning
from core.champions import champion
from core.effects import add_effect
from core.enrolment import record_act
from core.models import Project
from core.predictions import accept_effect
from core.retreating import forgive


def change_learning(session: Session, project: Project, worker_id: int | None, now: datetime, **values: Any) -> bool:
    """Change any of `core.learning.LearningSettings`; false where nothing is other than before. In the log.

    Args:
        worker_id: who says so; None from the command line.

    Raises:
        InvalidInput: as `core.learning.change`.
    """
    locked = session.get_one(Project, project.id, with_for_update=True, populate_existing=True)
    before = learning.load(locked.learning)
    after = learning.change(before, **values)
    if after == before:
        return False
    locked.learning = learning.dump(after)
    changed = (f"{name} {getattr(after, name)}" for name in values if getattr(after, name) != getattr(before, name))
    record_act(
        session, locked.workspace_id, worker_id, "edit", f"{locked.public_id} learning {', '.join(changed)}", now
    )
    session.flush()
    if after.accept and not before.accept:
        forgive(session, locked)
    if (version := champion(session, locked.id)) is not None:
        add_effect(session, accept_effect(version))
    return True
