"""Why a model says what it says of an item: asked for by an expert, answered by the trainer, kept for a week.

A request is a message that is owed to the expert and falls due after a minute: it brings the answer if there is one by
then, else the sentence that no trainer has answered. An answer that comes later is sent when it comes. What is kept
are ids and numbers, in the message itself, so it goes when old messages go; texts are read when it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.champions import champion
from core.disputes import find_item
from core.effects import EnqueueJob, WakeDelivery, add_effect
from core.errors import Conflict
from core.labels import item_text
from core.lanes import Lane
from core.models import Item, OutboxMessage
from core.outbox import owe
from core.queue import EXPLAIN, TRAINING
from core.training import decided_items

KIND = "explanation"
PATIENCE = timedelta(minutes=1)
"""So long somebody waits before they hear that no trainer has answered."""
KEPT = timedelta(days=1)
"""How long a message with an answer is tried to be sent."""
ANSWER, ERROR = "answer", "error"
"""Keys in the message's params, once there is the one or the other."""
MOST_WORDS = 400
"""More words of a text than a model reads."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an item's text: where it begins and ends, in characters, and how much it spoke for the label.

    weight: in nats of the label's log-odds; below zero it spoke against.
    read_as: what the model read in its place, where the text was redacted; empty where it read the word itself.
    """

    start: int
    end: int
    weight: float
    read_as: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A decided item that is like the one explained. similarity: cosine, up to 1. copies: near duplicates and
    itself.
    """

    item_id: int
    similarity: float
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a model version says of an item, and why.

    probabilities: P(label) by label id, the likeliest first. words: in the order of the text, of those that the model
    reads. neighbours: the most alike first.
    """

    label_id: str
    probabilities: Mapping[str, float]
    words: tuple[Word, ...]
    neighbours: tuple[Neighbour, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is kept: ids and numbers, and placeholders."""
        kept = asdict(self)
        words = self.words[:MOST_WORDS]
        kept["words"] = [[one.start, one.end, round(one.weight, 4)] for one in words]
        kept["read_as"] = {str(place): one.read_as for place, one in enumerate(words) if one.read_as}
        kept["neighbours"] = [[one.item_id, round(one.similarity, 4), one.copies] for one in self.neighbours]
        kept["probabilities"] = [[label_id, round(share, 4)] for label_id, share in self.probabilities.items()]
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Explanation:
        """What `to_json` made."""
        instead = kept.get("read_as", {})
        return cls(
            label_id=str(kept["label_id"]),
            probabilities={str(label_id): float(share) for label_id, share in kept["probabilities"]},
            words=tuple(
                Word(start, end, weight, instead.get(str(place), ""))
                for place, (start, end, weight) in enumerate(kept["words"])
            ),
            neighbours=tuple(Neighbour(*one) for one in kept["neighbours"]),
        )


def request(
    session: Session, workspace_id: int, worker_id: int, item_public_id: str, now: datetime, **extra: Any
) -> bool:
    """Have an item explained to somebody; what is known already is sent at once. True where it has to be computed.

    Args:
        extra: goes with the message, for whoever renders it.

    Raises:
        NotFound: no such item in this workspace.
        Conflict: `explain_no_model`, the item's job has no model in use.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    version = champion(session, project.id)
    if version is None:
        raise Conflict("explain_no_model", project=project.name)
    key = f"{_prefix(item.id, version.id)}{worker_id}"
    params = {"item_public_id": item.public_id, "version_id": version.id, "version": version.number} | extra
    created = owe(
        session,
        worker_id=worker_id,
        workspace_id=workspace_id,
        kind=KIND,
        params=params,
        dedupe_key=key,
        now=now,
        lane=Lane.REPLY,
        not_before=now + PATIENCE,
        expires_after=KEPT,
    )
    if not created and _send_again(session, key, now):
        return False
    add_effect(session, explain_effect(item.id, version.id))
    return True


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """A neighbour with what is known of it now. copies: as of `Neighbour`."""

    text: str
    label_id: str
    copies: int


def similar_items(session: Session, project_id: int, found: Explanation) -> list[SimilarItem]:
    """The neighbours that are still decided, with their labels of now; the most alike first."""
    wanted = [one.item_id for one in found.neighbours]
    rows = session.execute(
        select(Item.id, Item.content, Item.label_id).where(Item.id.in_(wanted), decided_items(project_id))
    )
    known = {item_id: (item_text(content), str(label_id)) for item_id, content, label_id in rows}
    return [SimilarItem(*known[one.item_id], one.copies) for one in found.neighbours if one.item_id in known]


def explain_effect(item_id: int, version_id: int) -> EnqueueJob:
    """The job that explains what a version says of an item."""
    return EnqueueJob(TRAINING, EXPLAIN, (item_id, version_id), f"explain-{item_id}-{version_id}")


def known_answer(session: Session, item_id: int, version_id: int) -> Mapping[str, Any] | None:
    """An answer that was given to anybody before, as it is kept; None where there is none (any more)."""
    rows = session.scalars(_messages(item_id, version_id))
    return next((row.params[ANSWER] for row in rows if ANSWER in row.params), None)


def answer(session: Session, item_id: int, version_id: int, found: Mapping[str, Any], now: datetime) -> int:
    """Give everybody who waits what came of it, or heard that no trainer has answered; returns how many.

    Args:
        found: `ANSWER` to an explanation as it is kept, or `ERROR` to a code with its params.
    """
    waiting = [row for row in session.scalars(_messages(item_id, version_id)) if not _is_answered(row.params)]
    for row in waiting:
        _owe_again(session, row, now, {**row.params, **found})
    return len(waiting)


def unanswered(session: Session, now: datetime) -> list[EnqueueJob]:
    """Jobs of the requests that still wait for their minute, for the sweep."""
    statement = select(OutboxMessage).where(
        OutboxMessage.state == "pending", OutboxMessage.kind == KIND, OutboxMessage.not_before > now
    )
    jobs = []
    for row in session.scalars(statement.order_by(OutboxMessage.id)):
        if not _is_answered(row.params):
            item_id = int(row.dedupe_key.split("-")[1])
            jobs.append(explain_effect(item_id, int(row.params["version_id"])))
    return jobs


def _send_again(session: Session, key: str, now: datetime) -> bool:
    """Send what somebody was sent before once more; true where it holds the answer. Else they wait anew."""
    row = session.scalars(select(OutboxMessage).where(OutboxMessage.dedupe_key == key).with_for_update()).one()
    if ANSWER in row.params:
        _owe_again(session, row, now, row.params)
        return True
    waits = row.state == "pending" and row.not_before > now
    if not waits:
        asked = {name: value for name, value in row.params.items() if name != ERROR}
        _owe_again(session, row, now + PATIENCE, asked)
    return False


def _owe_again(session: Session, row: OutboxMessage, moment: datetime, params: dict[str, Any]) -> None:
    statement = update(OutboxMessage).where(OutboxMessage.id == row.id)
    owed = {"state": "pending", "attempts": 0, "not_before": moment, "expires_at": moment + KEPT, "sent_at": None}
    session.execute(statement.values(params=params, **owed).execution_options(synchronize_session=False))
    session.expire(row)
    add_effect(session, WakeDelivery())


def _is_answered(params: Mapping[str, Any]) -> bool:
    return ANSWER in params or ERROR in params


def _messages(item_id: int, version_id: int) -> Select[OutboxMessage]:
    """The messages of all who have asked, held."""
    mine = OutboxMessage.dedupe_key.startswith(_prefix(item_id, version_id))
    return select(OutboxMessage).where(OutboxMessage.kind == KIND, mine).order_by(OutboxMessage.id).with_for_update()


def _prefix(item_id: int, version_id: int) -> str:
    return f"explain-{item_id}-{version_id}-"
