"""Dialogue of a worker who was warned or paused: where they stand, and what they say to it, once."""

from __future__ import annotations

from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute, leave, save
from bot.tokens import Token, make
from core.appeals import appeal, check_appealable, own_flag
from core.flags import standing_flags
from core.models import Dialogue

NAME = "appeal"
NO = "no"
MOST = 5


def disagree(flag_public_id: str) -> Choice:
    """The button under a warning or a pause."""
    return Choice(make(NAME, flag_public_id), "button_disagree", style="quiet")


def on_appeal(context: Context, token: Token) -> list[Show]:
    """Ask for the words; or leave it."""
    flag, project = own_flag(context.session, context.workspace_id, context.worker_id, token.subject)
    if token.argument == NO:
        dialogue = context.session.get(Dialogue, context.account.identity.id)
        if dialogue is not None and dialogue.name == NAME:
            leave(context)
        return [Show(Notice("appeal_dropped", {"project": project.name}, ((disagree(flag.public_id),),)), "edit")]
    check_appealable(flag)
    save(context, NAME, "words", {"flag": flag.public_id})
    back = Choice(make(NAME, flag.public_id, NO), "button_cancel", style="quiet")
    return [Show(Notice("appeal_ask", {"project": project.name}, ((back,),), kind="form"))]


def on_words(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """What they say: it goes to everybody who coordinates."""
    public_id = str(dialogue.data["flag"])
    appeal(context.session, context.workspace_id, context.worker_id, public_id, text, context.now)
    leave(context)
    return [Show(Notice("appeal_sent"))]


def standing(context: Context) -> list[Show]:
    """A sentence for each warning and pause that stands, below the person's jobs and numbers."""
    found = standing_flags(context.session, context.workspace_id, context.worker_id)
    shows = []
    for flag, project in found[:MOST]:
        rows = ((disagree(flag.public_id),),) if flag.appealed_at is None else ()
        said = {"project": project.name, "problem": f"flag_why_{flag.kind}"}
        code = "standing_appealed" if flag.state == "appealed" else f"standing_{flag.action}"
        shows.append(Show(Notice(code, said, rows)))
    return shows


TAPS = {NAME: TapRoute("worker", on_appeal)}
TEXTS = {NAME: on_words}
