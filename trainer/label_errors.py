"""Looks for agreed labels that are likely wrong: by how well they fit what a plain model learns from all the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.arrays import Floats, Ints
from core.label_errors import Suspect
from core.labels import item_text
from core.models import Item, Project
from core.runtime import Runtime
from core.training import decided_items
from trainer import redaction
from trainer.confident import find_issues, out_of_sample
from trainer.embeddings import embed, load_encoder
from trainer.settings import base_model, choose_device

LEAST_LABELS = 50
"""From fewer labels no model learns enough to doubt any."""
LOOKED_AT = 3000
"""So many of the latest labels: two minutes on two cores."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Labels of a job, one entry per item in each column. people: P(label) from those who answered; equal: unknown.

    agreed: by people; what an expert has settled teaches, and is not doubted.
    """

    ids: Ints
    texts: tuple[str, ...]
    given: Ints
    people: Floats
    agreed: tuple[bool, ...]


def find_suspects(runtime: Runtime, project_id: int) -> tuple[int, list[Suspect]]:
    """How many labels of a project were looked at, and those that are likely wrong, the likeliest first.

    Raises:
        SettingsError: the encoder or the device is not there, or the redaction names what there is not.
        Conflict: `redaction_failed`.
    """
    with runtime.reading() as session:
        project = session.get_one(Project, project_id)
        decided = read_decided(session, project, LOOKED_AT)
    label_ids = [str(label["id"]) for label in project.label_schema["labels"]]
    if len(decided.ids) < LEAST_LABELS:
        return len(decided.ids), []
    redact, device = redaction.load(runtime.settings.redaction), choose_device(runtime.settings.device)
    model, tokenizer = load_encoder(base_model(runtime.settings), device)
    vectors = embed(model, tokenizer, [redact(text) for text in decided.texts], device)
    found = find_issues(out_of_sample(vectors, decided.given, len(label_ids)), decided.given, decided.people)
    return len(decided.ids), [
        Suspect(int(decided.ids[item]), label_ids[decided.given[item]], label_ids[likely], float(doubt))
        for item, likely, doubt in zip(found.items, found.likely, found.doubt, strict=True)
        if decided.agreed[item]
    ]


def read_decided(session: Session, project: Project, limit: int) -> Decided:
    """The labels that were decided last."""
    label_ids = [str(label["id"]) for label in project.label_schema["labels"]]
    columns = (Item.id, Item.content, Item.label_id, Item.state, Item.posterior)
    statement = select(*columns).where(decided_items(project.id), Item.label_id.in_(label_ids))
    rows = session.execute(statement.order_by(Item.decided_at.desc(), Item.id).limit(limit)).all()
    equal = [1.0 / len(label_ids)] * len(label_ids)
    known = [row.posterior if row.posterior and len(row.posterior) == len(label_ids) else equal for row in rows]
    return Decided(
        ids=np.array([row.id for row in rows], dtype=np.int64),
        texts=tuple(item_text(row.content) for row in rows),
        given=np.array([label_ids.index(str(row.label_id)) for row in rows], dtype=np.int64),
        people=np.array(known, dtype=np.float64).reshape(len(rows), len(label_ids)),
        agreed=tuple(row.state == "agreed" for row in rows),
    )
