"""Whether a version's prior would have helped in its own job: replayed on the answers of people to the holdout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import labels
from core.aggregation.model_prior import PriorGain, measure_gain
from core.aggregation.online import replay
from core.blind import is_held_out
from core.consensus import DECIDED
from core.db.tables import table_of
from core.models import Annotation, Item, ModelVersion, Prediction, Project
from core.skills import crowd_model, load_many

MOST_ITEMS = 2000
"""So many of the newest labels are looked at."""

ITEM, PREDICTION, ANNOTATION = table_of(Item), table_of(Prediction), table_of(Annotation)


def measured_prior(session: Session, project: Project, version: ModelVersion) -> PriorGain:
    """What the prior gains on decided items that it had no part in, after as many answers as an item gets at least."""
    schema, crowd = labels.load(project.label_schema), crowd_model(project)
    items = _items(session, project, version, crowd.classes)
    answers = _answers(session, project, list(items))
    counts = load_many(session, {who for given in answers.values() for who, _ in given}, project.id, crowd.classes)
    rows = []
    for item_id, (said, label_id) in items.items():
        first = answers[item_id][: project.min_overlap]
        posterior = replay(crowd.prior, ((counts[who], answer) for who, answer in first), crowd.pooled)
        rows.append((posterior, said, labels.index_of(schema, label_id)))
    return measure_gain(rows, crowd.prior)


def _items(
    session: Session, project: Project, version: ModelVersion, classes: int
) -> dict[int, tuple[Sequence[float], str]]:
    """What the version said of each item, and the label that people gave it."""
    columns = [ITEM.c[name] for name in ("id", "content", "content_hash", "label_id")]
    statement = (
        select(*columns, PREDICTION.c.probabilities)
        .join(PREDICTION, PREDICTION.c.item_id == ITEM.c.id)
        .where(PREDICTION.c.model_version_id == version.id, ITEM.c.purpose == "label")
        .where(ITEM.c.state.in_(DECIDED), ITEM.c.submitted >= project.min_overlap)
        .order_by(ITEM.c.decided_at.desc(), ITEM.c.id)
    )
    found: dict[int, tuple[Sequence[float], str]] = {}
    for row in session.execute(statement):
        if len(row.probabilities) == classes and is_held_out(labels.item_text(row.content), row.content_hash):
            found[row.id] = (row.probabilities, row.label_id)
        if len(found) == MOST_ITEMS:
            break
    return found


def _answers(session: Session, project: Project, item_ids: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """(worker id, label index) of the counted annotations of items, in order of arrival."""
    index = {label["id"]: position for position, label in enumerate(project.label_schema["labels"])}
    given: dict[int, list[tuple[int, int]]] = defaultdict(list)
    counted = ANNOTATION.c.state == "counted", ANNOTATION.c.audit_state != "rejected"
    for start in range(0, len(item_ids), 500):
        some = ANNOTATION.c.item_id.in_(item_ids[start : start + 500])
        rows = select(ANNOTATION.c.item_id, ANNOTATION.c.worker_id, ANNOTATION.c.label_id).where(some, *counted)
        for item_id, worker_id, label_id in session.execute(rows.order_by(ANNOTATION.c.id)):
            given[item_id].append((worker_id, index[label_id]))
    return given
