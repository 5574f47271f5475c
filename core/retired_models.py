"""Which models of a project keep their files: those that are in use or that somebody may go back to."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.champions import models, way_back
from core.models import ModelVersion, Project

LATEST = 5
"""So many of the youngest versions keep their files, whatever became of them."""
REIGNS = 2
"""The champion and the one before it."""


def kept_artifacts(session: Session, project_id: int) -> set[str]:
    """The artifacts of the champion, of the champion before it, of the one that going back comes to, of candidates and
    of the last five versions.

    The rows of the others stay; going back to one of them says that its files are gone. Holds the project's row, so
    that nobody goes back to a version in the same moment: whoever calls this moves the others away before the commit.
    """
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update())
    return {version.artifact for version in that_keep_files(models(session, project_id))}


def that_keep_files(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """Those of a project's versions, the oldest first, whose files are kept; some come twice."""
    standing = [version for version in versions if version.state in ("champion", "candidate")]
    back = way_back(versions)
    return [*standing, *last_reigns(versions), *((back,) if back is not None else ()), *versions[-LATEST:]]


def last_reigns(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """The champion and the one before it, of all that have been in use the last two; the oldest first."""
    crowned = {version.promoted_at: version for version in versions if version.promoted_at is not None}
    return [crowned[moment] for moment in sorted(crowned)[-REIGNS:]]
