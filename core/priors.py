"""The model as the prior of an item's consensus: read where a job allows it, and where it was measured to help.

It changes when an item is decided, never how: `item.posterior`, label and confidence stay those of people alone, and
only they teach workers' skills and the next model. Nothing is agreed without a human answer, and no label that people's
own answers do not favour; at the project's maximum of answers people alone decide. Items that measure a model (blind,
holdout, drawn for an audit) have no prior.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core.aggregation.model_prior import believed
from core.blind import is_left_to_people
from core.db.tables import table_of
from core.learning import load
from core.models import Item, ModelVersion, Prediction, Project

PRIOR = "prior"
"""Key in a version's metrics: what its prior was measured to do."""

ITEM, PREDICTION, VERSION = table_of(Item), table_of(Prediction), table_of(ModelVersion)
# Built once: jobs that allow a prior run it with every answer that could decide an item.
SAID = (
    select(
        ITEM.c.public_id,
        ITEM.c.content,
        ITEM.c.content_hash,
        PREDICTION.c.probabilities,
        VERSION.c.public_id.label("version"),
        VERSION.c.metrics[PRIOR].label("measured"),
    )
    .join(PREDICTION, PREDICTION.c.item_id == ITEM.c.id)
    .join(VERSION, VERSION.c.id == PREDICTION.c.model_version_id)
    .where(ITEM.c.id == bindparam("item_id"), VERSION.c.state.in_(("champion", "retired")))
    .order_by(PREDICTION.c.created_at.desc(), PREDICTION.c.id.desc())
    .limit(1)
)


def with_prior(
    session: Session, project: Project, item_id: int, posterior: Sequence[float], prior: Sequence[float]
) -> Sequence[float]:
    """What is believed of an item: P(label) from people, and from the model that spoke last where that may count.

    Args:
        posterior: from people alone. prior: P(label) over the project, as in `core.skills.CrowdModel`.
    """
    if not project.learning.get(PRIOR):
        return posterior
    row = session.execute(SAID, {"item_id": item_id}).one_or_none()
    if row is None or not (row.measured or {}).get("helps") or len(row.probabilities) != len(posterior):
        return posterior
    if is_left_to_people(row, load(project.learning)):
        return posterior
    return believed(posterior, row.probabilities, prior)
