"""Where people and the model in use differ, as data: for one item, and over a job.

Compared are labels that people decided with what the model had said before. What it learned from is not among them:
a model speaks only of items that are open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.champions import champion
from core.consensus import counted_answers
from core.db.tables import table_of
from core.labels import item_text
from core.models import Item, Prediction, Project
from core.training import DECIDED

MOST_SHOWN = 20

ITEM, PREDICTION = table_of(Item), table_of(Prediction)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item that people decided otherwise than the model had said. Label ids; confidence: of the model, 0 to 1."""

    item_public_id: str
    text: str
    people: str
    model: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Disagreements:
    """People beside the model in use, over the items of a job that both have judged.

    version: its number. compared: items. confusion: (label of people, label of the model) to the number of items.
    most: those about which the model was surest, the surest first.
    """

    version: int
    compared: int
    confusion: Mapping[tuple[str, str], int]
    most: tuple[Disagreement, ...]

    @property
    def agreed(self) -> int:
        """Items on which they say the same."""
        return sum(count for (people, model), count in self.confusion.items() if people == model)


def disagreements(session: Session, project: Project, limit: int = MOST_SHOWN) -> Disagreements | None:
    """People beside the model in use; None where no model is."""
    version = champion(session, project.id)
    if version is None:
        return None
    both = (ITEM.c.label_id, PREDICTION.c.label_id)
    counted = _judged_by_both(project.id, version.id).with_only_columns(*both, func.count()).group_by(*both)
    confusion = {(people, model): count for people, model, count in session.execute(counted)}
    columns = (ITEM.c.public_id, ITEM.c.content, *both, PREDICTION.c.confidence)
    differing = _judged_by_both(project.id, version.id).with_only_columns(*columns)
    differing = differing.where(ITEM.c.label_id != PREDICTION.c.label_id)
    rows = session.execute(differing.order_by(PREDICTION.c.confidence.desc(), ITEM.c.id).limit(limit))
    most = tuple(
        Disagreement(public_id, item_text(content), people, model, confidence)
        for public_id, content, people, model, confidence in rows
    )
    return Disagreements(version.number, sum(confusion.values()), confusion, most)


def most_confused(found: Disagreements, limit: int = 3) -> list[tuple[str, str, int]]:
    """The pairs of labels that people and the model tell apart worst: (people, model, items), the most first."""
    apart = [(people, model, count) for (people, model), count in found.confusion.items() if people != model]
    return sorted(apart, key=lambda pair: (-pair[2], pair[0], pair[1]))[:limit]


def _judged_by_both(project_id: int, version_id: int) -> Select[Item]:
    return (
        select(Item)
        .join(Prediction, Prediction.item_id == ITEM.c.id)
        .where(PREDICTION.c.model_version_id == version_id, ITEM.c.project_id == project_id)
        .where(ITEM.c.state.in_(DECIDED), ITEM.c.purpose == "label", ITEM.c.label_id.is_not(None))
    )


def tallies(session: Session, project: Project, item_id: int) -> dict[str, int]:
    """Label id to number of counted answers of an item, the most frequent first: what people said, without names."""
    votes = Counter(answer for _, answer in counted_answers(session, project, item_id))
    labels = project.label_schema["labels"]
    return {str(labels[answer]["id"]): count for answer, count in votes.most_common()}
