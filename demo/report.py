"""The figures of a run, read from its database when everything has stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.labels import item_text, load, name_of
from core.models import Assignment, Item, Membership, ModelVersion, Prediction, Project, TrainingRun
from core.stats import project_stats
from core.tally import tallies
from demo.journal import read_journal
from demo.journal_check import check

ENDS = 50
"""How many items are compared at each end of the order of asking."""
MAX_PER_ITEM = 6.0
MIN_AGREED_ACCURACY = 0.93


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that was measured, in words.

    kept: whether it is as the whole demo promises it. binding: whether it is promised of this run, too.
    """

    says: str
    measured: str
    kept: bool
    binding: bool = True


def figures(
    session: Session,
    project: Project,
    gold: Mapping[str, str],
    journal: Path,
    doubts: Mapping[int, float],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """All figures, as JSON.

    Args:
        gold: text of a tweet to the label that is known to be right.
        doubts: item id to the model's uncertainty when the second stage began; empty where there was no model.
        seconds: of each stage.
    """
    stats = project_stats(session, project)
    states = Counter(stats.states)
    return {
        "items": stats.items,
        "workers": _joined(session, project),
        "workers_who_answered": stats.workers,
        "annotations": stats.annotations,
        "annotations_per_item": round(stats.annotations_per_item, 3),
        "max_annotations_on_an_item": stats.max_annotations,
        "max_overlap": project.max_overlap,
        "surplus_annotations": stats.surplus,
        "agreed": states["agreed"],
        "adjudicated": states["adjudicated"],
        "disputed": states["disputed"],
        "open": states["open"],
        **_accuracy(session, project, gold),
        "models_trained": _models_trained(session, project),
        "model": _model(session, project),
        "predictions": _predictions(session, project),
        "order_of_asking": order_of_asking(_asked(session, doubts), doubts),
        "seconds": dict(seconds),
        **_jobs(session),
        "journal": check(session, project, read_journal(journal)).as_dict(),
    }


def promises(report: Mapping[str, Any], *, whole: bool, models: int) -> list[Promise]:
    """What the demo promises, and what was measured.

    Args:
        whole: all tweets and all people take part. What is a matter of chance with few of them is promised only then.
        models: how many models were to be trained, 0 to 2.
    """
    mean, most, limit = (report[key] for key in ("annotations_per_item", "max_annotations_on_an_item", "max_overlap"))
    share, journal = report["agreed_accuracy"], report["journal"]
    return [
        Promise(f"at most {MAX_PER_ITEM:.0f} answers a tweet on average", f"{mean:.2f}", mean <= MAX_PER_ITEM, whole),
        Promise(f"no tweet with more than the maximum of {limit} answers", f"{most}", most <= limit),
        Promise(
            f"at least {MIN_AGREED_ACCURACY:.0%} of the agreed labels right, where that is known",
            "not known of any" if share is None else f"{share:.1%}",
            share is not None and share >= MIN_AGREED_ACCURACY,
            whole,
        ),
        Promise(
            "every answer that was acknowledged is stored exactly once",
            f"{journal['found']} of {journal['acknowledged']}",
            journal["found"] == journal["acknowledged"],
        ),
        *(_about_the_model(report, whole=whole, models=models) if models else ()),
    ]


def _about_the_model(report: Mapping[str, Any], *, whole: bool, models: int) -> list[Promise]:
    model, trained = report["model"], report["models_trained"]
    right, better = "no model is in use", False
    if model is not None:
        baseline = max(model["majority_class_accuracy"], model["tfidf_logreg_accuracy"])
        better = model["holdout_accuracy"] > baseline
        right = f"{model['holdout_accuracy']:.1%} right, the better baseline {baseline:.1%}"
    found = [Promise("a model in use that beats both baselines", right, better, whole)]
    if models > 1:
        found.append(Promise("a model trained again after the second upload", f"{trained} trained", trained >= models))
    return found


def order_of_asking(asked: list[int], doubts: Mapping[int, float]) -> dict[str, Any] | None:
    """How the order in which items were first handed out follows the model's doubt.

    Args:
        asked: item ids, the first one asked first, all of them keys of `doubts`.

    Returns:
        asked_first, asked_last: mean uncertainty (0 to 1) of the items at both ends; rank_correlation: Spearman's, 1
        where the most doubtful is asked first. None where there are fewer than two items.
    """
    if len(asked) < 2:
        return None
    ends = min(ENDS, len(asked) // 2)
    by_doubt = {item: rank for rank, item in enumerate(sorted(asked, key=lambda item: (-doubts[item], item)))}
    distance = sum((place - by_doubt[item]) ** 2 for place, item in enumerate(asked))
    count = len(asked)
    return {
        "items": count,
        "ends": ends,
        "asked_first": round(sum(doubts[item] for item in asked[:ends]) / ends, 4),
        "asked_last": round(sum(doubts[item] for item in asked[-ends:]) / ends, 4),
        "rank_correlation": round(1 - 6 * distance / (count * (count**2 - 1)), 4),
    }


def _joined(session: Session, project: Project) -> int:
    statement = select(func.count()).select_from(Membership)
    mine = statement.where(Membership.workspace_id == project.workspace_id, Membership.role == "worker")
    return session.scalar(mine) or 0


def _accuracy(session: Session, project: Project, gold: Mapping[str, str]) -> dict[str, Any]:
    schema = load(project.label_schema)
    statement = select(Item.content, Item.label_id).where(Item.project_id == project.id, Item.state == "agreed")
    rights = [
        name_of(schema, str(label)) == gold[text]
        for content, label in session.execute(statement)
        if (text := item_text(content)) in gold
    ]
    share = round(sum(rights) / len(rights), 4) if rights else None
    return {"agreed_with_gold": len(rights), "agreed_accuracy": share}


def _model(session: Session, project: Project) -> dict[str, Any] | None:
    statement = (
        select(ModelVersion, TrainingRun)
        .join(TrainingRun, TrainingRun.id == ModelVersion.training_run_id)
        .where(ModelVersion.project_id == project.id)
        .order_by(ModelVersion.number)
    )
    versions = list(session.execute(statement))
    champion = next((version for version, _ in versions if version.state == "champion"), None)
    if champion is None:
        return None
    metrics = champion.metrics
    return {
        "base": champion.base_model,
        "version": champion.number,
        "versions_trained": len(versions),
        "holdout_accuracy": metrics["accuracy"],
        **{name: metrics[name] for name in ("holdout_items", "holdout_coverage", "train_items")},
        "majority_class_accuracy": metrics["majority_class_accuracy"],
        "tfidf_logreg_accuracy": metrics["tfidf_logreg_accuracy"],
        "versions": [_version(version, run) for version, run in versions],
    }


def _models_trained(session: Session, project: Project) -> int:
    versions = select(func.count()).select_from(ModelVersion).where(ModelVersion.project_id == project.id)
    return session.scalar(versions) or 0


def _version(version: ModelVersion, run: TrainingRun) -> dict[str, Any]:
    return {
        "number": version.number,
        "state": version.state,
        "trigger": run.trigger,
        "labels": run.label_count,
        "holdout_accuracy": version.metrics["accuracy"],
        "holdout_items": version.metrics["holdout_items"],
        "seconds": version.metrics.get("seconds"),
    }


def _predictions(session: Session, project: Project) -> int:
    statement = (
        select(func.count())
        .select_from(Prediction)
        .join(ModelVersion, ModelVersion.id == Prediction.model_version_id)
        .where(ModelVersion.project_id == project.id)
    )
    return session.scalar(statement) or 0


def _asked(session: Session, doubts: Mapping[int, float]) -> list[int]:
    first = func.min(Assignment.id)
    statement = select(Assignment.item_id).group_by(Assignment.item_id).order_by(first)
    return [item_id for item_id in session.scalars(statement) if item_id in doubts]


def _jobs(session: Session) -> dict[str, Any]:
    by_queue: Counter[str] = Counter()
    rows = tallies(session)
    for row in rows:
        by_queue[row.queue] += row.runs
    named = {f"{row.queue}: {row.name}": row.runs for row in rows}
    return {"jobs": dict(by_queue), "jobs_by_name": named, "jobs_failed": sum(row.failures for row in rows)}
