"""Rows of an export, streamed by id in bounded memory: what was agreed, and every single annotation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from core.acceptance_evidence import author
from core.dispute_order import CONFIRMED, CORRECTED
from core.labels import item_text, load, name_of
from core.models import Adjudication, Annotation, Batch, Gold, Item, ModelVersion, Participation, Prediction, Project

CHUNK_ROWS = 1_000
DECIDED = ("agreed", "adjudicated", "accepted")
CONTROL = Item.purpose != "label"
"""An item that only checks people: its label was known beforehand."""
SECOND_LOOK = (
    select(func.max(Adjudication.reason))
    .where(Adjudication.item_id == Item.id, Adjudication.reason.in_((CONFIRMED, CORRECTED)))
    .scalar_subquery()
)


class LabelRow(NamedTuple):
    """An item with its decided label."""

    item: str
    """The id that the file gave, else the public id."""
    item_public_id: str
    text: str
    label: str
    """Name of the label, as people read it."""
    confidence: float | None
    """P(label), 0 to 1."""
    state: str
    """agreed by workers, adjudicated by an expert, accepted from a model, or known beforehand."""
    annotations: int
    """Counted annotations of the item."""
    decided_at: str
    """ISO 8601 in UTC; empty where unknown."""
    model: str
    """The model version that an accepted label is from, for example v3; empty where people gave it."""
    second_look: str
    """confirmed or corrected, by other people who were asked a doubtful label again; else empty."""


class AnnotationRow(NamedTuple):
    """One answer of one worker."""

    item: str
    item_public_id: str
    worker: str
    """Pseudonym, random for this project: it leads to no account, and not to the same person in another project."""
    label: str
    state: str
    """counted, surplus, control (of a known item), withdrawn, superseded or rejected."""
    audit: str
    """unaudited, accepted or rejected."""
    created_at: str
    duration_ms: int
    """From lease to answer."""
    hint: str
    """Name of the label that the model proposed on the card, right or not; empty where no hint was shown."""


def agreed(session: Session, project: Project) -> Iterator[LabelRow]:
    """All decided items of published batches, and those whose label was known, by id.

    The project is one of the caller's workspace.
    """
    schema = load(project.label_schema)
    statement = (
        select(
            Item.external_id,
            Item.public_id,
            Item.content,
            Item.purpose,
            case((CONTROL, Gold.label_id), else_=Item.label_id).label("label_id"),
            Item.confidence,
            Item.state,
            Item.submitted,
            Item.decided_at,
            ModelVersion.number.label("version"),
            SECOND_LOOK.label("second_look"),
        )
        .join(Batch, Batch.id == Item.batch_id)
        .outerjoin(ModelVersion, (Item.state == "accepted") & (ModelVersion.id == author()))
        .outerjoin(Gold, Gold.item_id == Item.id)
        .where(Item.project_id == project.id, Batch.state == "published")
        .where(or_(and_(Item.state.in_(DECIDED), Item.label_id.is_not(None)), and_(CONTROL, Gold.id.is_not(None))))
    )
    for row in _stream(session, statement.order_by(Item.id)):
        known = row.purpose != "label"
        yield LabelRow(
            item=row.external_id or row.public_id,
            item_public_id=row.public_id,
            text=item_text(row.content),
            label=name_of(schema, row.label_id),
            confidence=1.0 if known else None if row.confidence is None else round(row.confidence, 6),
            state="known" if known else row.state,
            annotations=row.submitted,
            decided_at=_moment(row.decided_at),
            model="" if row.version is None else f"v{row.version}",
            second_look=row.second_look or "",
        )


def all_annotations(session: Session, project: Project) -> Iterator[AnnotationRow]:
    """All annotations of the project, withdrawn ones too, by id, with pseudonyms in place of workers."""
    schema = load(project.label_schema)
    statement = (
        select(
            Item.external_id,
            Item.public_id,
            Participation.pseudonym,
            Annotation.label_id,
            Annotation.state,
            Annotation.audit_state,
            Annotation.created_at,
            Annotation.duration_ms,
            Prediction.label_id.label("hint_id"),
        )
        .join(Item, Item.id == Annotation.item_id)
        .outerjoin(Prediction, Prediction.id == Annotation.prediction_id)
        .outerjoin(Participation, _same_participation())
        .where(Annotation.project_id == project.id)
    )
    for row in _stream(session, statement.order_by(Annotation.id)):
        yield AnnotationRow(
            item=row.external_id or row.public_id,
            item_public_id=row.public_id,
            worker=row.pseudonym or "",
            label=name_of(schema, row.label_id) if row.label_id is not None else "",
            state=row.state,
            audit=row.audit_state,
            created_at=_moment(row.created_at),
            duration_ms=row.duration_ms,
            hint=name_of(schema, row.hint_id) if row.hint_id is not None else "",
        )


KINDS: dict[str, tuple[type[Any], Callable[[Session, Project], Iterator[Any]]]] = {
    "labels": (LabelRow, agreed),
    "annotations": (AnnotationRow, all_annotations),
}
"""What can be exported: the row, whose fields are the columns, and the stream of it."""


def _same_participation() -> Any:
    return and_(Participation.worker_id == Annotation.worker_id, Participation.project_id == Annotation.project_id)


def _stream(session: Session, statement: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    """Rows of one statement, and so of one moment, fetched in chunks by a cursor on the server's side."""
    yield from session.execute(statement, execution_options={"yield_per": CHUNK_ROWS})


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
