"""Dialogues about what a card leaves out: the whole text of an item, the guidelines of its job."""

from __future__ import annotations

from sqlalchemy import update

from bot.cards.pieces import PieceCard
from bot.cards.views import Choice, FileCard, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.next_item import check_assignment, next_card
from bot.texts.units import pieces
from bot.tokens import Token, make
from core.errors import Conflict
from core.labels.content import item_text
from core.media import keep_text, media_path
from core.models import Item, Participation

PIECE_UNITS = 3500
"""UTF-16 code units of one message; with its heading it stays below what every platform takes."""
MAX_PIECES = 10
BACK = ((Choice(make("again"), "button_to_item", style="primary"),),)


def on_full(context: Context, token: Token) -> list[Show]:
    """The whole question and item, in as many messages as it takes; the card stays where it is."""
    assignment, project = check_assignment(context, token)
    item = context.session.get_one(Item, assignment.item_id)
    text = f"{project.question}\n\n{item_text(item.content)}"
    return whole_text(context, "full_heading", text, "item.txt", BACK)


def on_guidelines(context: Context, token: Token) -> list[Show]:
    """The guidelines of the job, noted as seen."""
    assignment, project = check_assignment(context, token)
    if not project.guidelines.strip():
        raise Conflict("no_guidelines")
    context.session.execute(
        update(Participation)
        .where(Participation.worker_id == assignment.worker_id, Participation.project_id == project.id)
        .values(guidelines_seen=project.guidelines_version)
    )
    return whole_text(context, "guidelines_heading", project.guidelines, "guidelines.txt", BACK)


def on_again(context: Context, token: Token) -> list[Show]:
    """The item in hand once more, below what has been read."""
    return [Show(next_card(context, token.subject))]


def whole_text(
    context: Context, heading_code: str, text: str, file_name: str, rows: tuple[tuple[Choice, ...], ...] = ()
) -> list[Show]:
    """A text in messages, the last one with buttons; or as a file where it would take more than `MAX_PIECES`."""
    found = pieces(text, PIECE_UNITS)
    if len(found) > MAX_PIECES:
        media = keep_text(context.settings, text)
        path = str(media_path(context.settings, media.sha256))
        return [Show(FileCard("long_text_file", {}, file_name, "text/plain", path))]
    return [
        Show(PieceCard(heading_code, piece, number, len(found), rows if number == len(found) else ()))
        for number, piece in enumerate(found, start=1)
    ]


TAPS = {
    "full": TapRoute("worker", on_full, reads=True),
    "guide": TapRoute("worker", on_guidelines),
    "again": TapRoute("worker", on_again),
}
