"""What `/status` knows, for the progress bar and for waiting: read from the demo's database, which is never written."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import make_engine, reading
from core.models import Batch, Item, ModelVersion, Project, TrainingRun
from core.predictions import unfinished_prelabels
from core.reestimation import is_due
from core.stats import project_stats


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the project.

    runs: training runs ever requested; training: whether one is unfinished; versions: models made.
    settling: whether re-estimation has not yet seen what people answered last.
    """

    items: int
    decided: int
    open: int
    disputed: int
    annotations: int
    champion: int | None
    accuracy: float | None
    runs: int
    training: bool
    versions: int
    settling: bool


class Watch:
    """Looks at one project."""

    def __init__(self, settings: Settings, project_public_id: str) -> None:
        self._engine = make_engine(settings)
        self._public_id = project_public_id

    def look(self) -> Look:
        """How far things are."""
        with reading(self._engine) as session:
            project = self._project(session)
            stats = project_stats(session, project)
            runs = select(func.count()).select_from(TrainingRun).where(TrainingRun.project_id == project.id)
            versions = select(func.count()).select_from(ModelVersion).where(ModelVersion.project_id == project.id)
            return Look(
                items=stats.items,
                decided=stats.decided,
                open=stats.states.get("open", 0),
                disputed=stats.states.get("disputed", 0),
                annotations=stats.annotations,
                champion=stats.champion,
                accuracy=stats.champion_accuracy,
                runs=session.scalar(runs) or 0,
                training=stats.training is not None,
                versions=session.scalar(versions) or 0,
                settling=is_due(session, project),
            )

    def predictions_due(self) -> bool:
        """Whether a champion has not yet spoken on every open item."""
        with reading(self._engine) as session:
            return bool(unfinished_prelabels(session))

    def newest_uncertainties(self) -> dict[int, float]:
        """Item id to the uncertainty of the champion's prediction, 0 to 1, for the open items of the last upload."""
        with reading(self._engine) as session:
            newest = select(func.max(Batch.id)).where(Batch.project_id == self._project(session).id)
            rows = session.execute(
                select(Item.id, Item.uncertainty).where(Item.batch_id == newest.scalar_subquery(), Item.state == "open")
            )
            return {item_id: uncertainty for item_id, uncertainty in rows if uncertainty is not None}

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _project(self, session: Session) -> Project:
        return session.scalars(select(Project).where(Project.public_id == self._public_id)).one()
