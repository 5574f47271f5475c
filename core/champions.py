"""Which model of a project is in use: the better one by itself, or the one that a coordinator chooses.

Every change takes the project's row first, so that a run that promotes and a person who does leave one champion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.config import Settings
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.models import Item, ModelVersion, Project, TrainingRun
from core.predictions import LABEL_ERRORS, PRELABELED, prelabel_effect
from core.retreating import order_retreat
from core.training import decided_items
from core.training_runs import tell_owner

LEFT = "left"
"""Key in the metrics of a version that people went back from: going back once more does not come to it again."""
MANIFEST = "training.json"
"""The file of an artifact that says what it is and how it was made."""


def models(session: Session, project_id: int) -> list[ModelVersion]:
    """All model versions of a project, the oldest first."""
    statement = select(ModelVersion).where(ModelVersion.project_id == project_id).order_by(ModelVersion.number)
    return list(session.scalars(statement))


def champion(session: Session, project_id: int) -> ModelVersion | None:
    """The model whose predictions order what is asked next, if there is one."""
    statement = select(ModelVersion).where(ModelVersion.project_id == project_id, ModelVersion.state == "champion")
    return session.scalars(statement).first()


def find_version(session: Session, project_id: int, number: int) -> ModelVersion:
    """A version of a project by its number.

    Raises:
        NotFound: there is none.
    """
    statement = select(ModelVersion).where(ModelVersion.project_id == project_id, ModelVersion.number == number)
    version = session.scalars(statement).one_or_none()
    if version is None:
        raise NotFound("model_unknown", number=number)
    return version


def next_number(session: Session, project_id: int) -> int:
    """The number that the next version of a project gets. While a run is unfinished nobody else takes it."""
    last = select(func.coalesce(func.max(ModelVersion.number), 0)).where(ModelVersion.project_id == project_id)
    return session.execute(last).scalar_one() + 1


def add_version(
    session: Session,
    run: TrainingRun,
    *,
    base_model: str,
    artifact: str,
    snapshot_hash: str,
    metrics: dict[str, Any],
    temperature: float | None = None,
    now: datetime,
) -> ModelVersion:
    """Record what a run has made, as a candidate with the next number of its project.

    Args:
        artifact: directory relative to the home's models.
        metrics: as `promote_if_better` reads them.
        temperature: divides its logits; None where it is used as it is.
    """
    version = ModelVersion(
        project_id=run.project_id,
        training_run_id=run.id,
        number=next_number(session, run.project_id),
        state="candidate",
        base_model=base_model,
        artifact=artifact,
        snapshot_hash=snapshot_hash,
        metrics=metrics,
        temperature=temperature,
        created_at=now,
    )
    session.add(version)
    session.flush()
    return version


def promote_if_better(
    session: Session, run: TrainingRun, version: ModelVersion, now: datetime, picture: str = ""
) -> bool:
    """Make a candidate the champion if the gate let it through, else hold it; tell the coordinator.

    Reads of `version.metrics`: `gate` (promote; reason, a code, and its params), `holdout` (the candidate's scores)
    and `champion` (the champion's scores on the same holdout in the same run, with its `version_id`; None where there
    was none; without `accuracy` where it could not be asked). A candidate that was compared with another model than
    the one that reigns now is held.

    Args:
        picture: path of the PNG file that goes with the message, where there is one.
    """
    _hold_project(session, version.project_id)
    reigning = champion(session, version.project_id)
    if not _met(version.metrics, reigning):
        version.metrics = version.metrics | {"gate": {"promote": False, "reason": "held_replaced", "params": {}}}
    promoted = bool(version.metrics["gate"]["promote"])
    if promoted:
        _crown(session, version, reigning, now)
    else:
        version.state = "held"
        session.flush()
    rival = version.metrics["champion"]
    message = {
        "project_id": version.project_id,
        "version": version.number,
        "accuracy": version.metrics["holdout"]["accuracy"],
        "champion_accuracy": rival.get("accuracy") if rival else None,
        "promoted": promoted,
        "picture": picture,
    }
    tell_owner(session, run, "training_done", message, now)
    return promoted


def promote(
    session: Session,
    settings: Settings,
    project: Project,
    number: int,
    instead_of: int,
    worker_id: int | None,
    now: datetime,
) -> ModelVersion:
    """Use the version of this number, because a coordinator says so; recorded as "promote", or "rollback".

    It is a rollback where the version was in use before, and nobody has gone back from it; then the labels that the one
    in use has given are taken back. The next training run compares its candidate with the version.

    Args:
        instead_of: number of the champion that the coordinator compared it with, 0 for none.
        worker_id: who says so; None from the command line.

    Raises:
        NotFound: the project has no such version.
        Conflict: model_in_use, model_changed (another champion reigns meanwhile) or model_gone (its files are).
    """
    _hold_project(session, project.id)
    version, reigning = find_version(session, project.id, number), champion(session, project.id)
    if version.state == "champion":
        raise Conflict("model_in_use", number=number)
    if (reigning.number if reigning else 0) != instead_of:
        raise Conflict("model_changed")
    require_files(settings, version)
    back = version.state == "retired" and LEFT not in version.metrics
    if back and reigning is not None:
        order_retreat(session, reigning, "rollback", now)
        _leave(session, version, reigning)
    _crown(session, version, reigning, now)
    act = "rollback" if back else "promote"
    record_act(session, project.workspace_id, worker_id, act, f"{project.public_id} v{number}", now)
    return version


def way_back(versions: Sequence[ModelVersion]) -> ModelVersion | None:
    """The one of a project's versions that was in use before the one that is, and that nobody has gone back from."""
    used = [one for one in versions if one.state == "retired" and one.promoted_at is not None]
    return max((one for one in used if LEFT not in one.metrics), key=_came_into_use, default=None)


def _leave(session: Session, version: ModelVersion, reigning: ModelVersion) -> None:
    """Going back to a version leaves the one in use, and those that came between both."""
    between = (one for one in models(session, version.project_id) if one.state == "retired" and one.promoted_at)
    for one in (reigning, *(one for one in between if _came_into_use(one) > _came_into_use(version))):
        one.metrics = one.metrics | {LEFT: True}


def _came_into_use(version: ModelVersion) -> tuple[datetime, int]:
    """When, the last time, and its number; of a version that is in use, or was."""
    return cast(datetime, version.promoted_at), version.number


def has_files(settings: Settings, version: ModelVersion) -> bool:
    """Whether a version's artifact is there, weights and all."""
    directory = settings.model_directory / version.artifact
    return (directory / MANIFEST).is_file() and any(directory.glob("*.safetensors"))


def require_files(settings: Settings, version: ModelVersion) -> None:
    """Let only a version pass that could be used.

    Raises:
        Conflict: model_gone, its files are not there.
    """
    if not has_files(settings, version):
        raise Conflict("model_gone", number=version.number)


def unseen_labels(session: Session, version: ModelVersion) -> frozenset[str]:
    """Public ids of the decided items whose labels a run used first after `version` was made: it knew none of them."""
    later = select(Item.public_id).where(decided_items(version.project_id), Item.trained_at > version.created_at)
    return frozenset(session.scalars(later))


def compared(version: ModelVersion, other: ModelVersion) -> tuple[float, float] | None:
    """What share two versions got right of the same holdout; None where no run scored both."""
    for newer, older in ((version, other), (other, version)):
        rival = newer.metrics.get("champion") or {}
        if rival.get("version_id") == older.id and "accuracy" in rival:
            scores = {newer.id: accuracy(newer), older.id: float(rival["accuracy"])}
            return scores[version.id], scores[other.id]
    return None


def accuracy(version: ModelVersion) -> float:
    """Share of its holdout that a version got right."""
    return float(version.metrics["holdout"]["accuracy"])


def _crown(session: Session, version: ModelVersion, reigning: ModelVersion | None, now: datetime) -> None:
    """The version speaks on all open items from now on, and labels are looked at: anew where it has reigned before."""
    if reigning is not None:
        reigning.state = "retired"
    version.state, version.promoted_at, version.drifted_at = "champion", now, None
    due = (PRELABELED, LABEL_ERRORS, LEFT)
    version.metrics = {key: value for key, value in version.metrics.items() if key not in due}
    session.flush()
    add_effect(session, prelabel_effect(version))


def _hold_project(session: Session, project_id: int) -> None:
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update())


def _met(metrics: Mapping[str, Any], reigning: ModelVersion | None) -> bool:
    """Whether a candidate was compared with the model that reigns now."""
    rival = metrics["champion"]
    return (rival["version_id"] if rival else None) == (reigning.id if reigning else None)
