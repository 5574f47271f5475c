"""`/flags`: whose answers need a look, why, and what a coordinator decides about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.cards.flags import FlagCard, FlagsCard, Origin
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute, leave, save
from bot.jobs_chat import job_or_all
from bot.surface import Style
from bot.tokens import Token, make
from core.appeals import ACTS, answer, settle
from core.errors import Conflict, Refused
from core.flags import UNSETTLED, FlagReport, find_flag, list_flags, report
from core.members import find_member
from core.membership import may_act_on
from core.models import Dialogue, Project
from core.projects import find_project

DIALOGUE = "flagreply"
SURE = "ban-sure"


def on_flags(context: Context, argument: str) -> list[Show]:
    """`/flags`: of all jobs, or of the named one."""
    return [Show(_list(context, job_or_all(context, "flags", argument.strip()), 1))]


def on_flags_tap(context: Context, token: Token) -> list[Show]:
    """Another page, or back to the list."""
    project = find_project(context.session, context.workspace_id, token.subject) if token.subject else None
    page = int(token.argument) if token.argument.isdecimal() and len(token.argument) < 9 else 1
    return [Show(_list(context, project, page), "edit")]


def on_flag_tap(context: Context, token: Token) -> list[Show]:
    """One flag; the way back from writing an answer, too."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None and dialogue.name == DIALOGUE:
        leave(context)
    return [Show(_card(context, token.subject, token.version), "edit")]


def on_flag_act(context: Context, token: Token) -> list[Show]:
    """Lift, uphold, pause, ban, or write an answer first. A ban is asked about once more."""
    prepare = PREPARING.get(token.argument)
    if prepare is not None:
        return prepare(context, token)
    act = "ban" if token.argument == SURE else token.argument
    if act not in ACTS:
        raise Conflict("unknown_button")
    try:
        settle(context.session, context.account, context.workspace_id, token.subject, act, context.now)
        said = Notice(f"flag_done_{act}")
    except Conflict as late:  # somebody else was faster, or it is the same tap again
        said = Notice(late.code, late.params)
    return [Show(said, "toast"), Show(_card(context, token.subject, token.version), "edit")]


def on_reply(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """What the coordinator says to the worker; it goes out with the decision."""
    if not context.account.may("coordinator"):
        raise Refused("needs_role", role="coordinator")
    public_id = str(dialogue.data["flag"])
    answer(context.session, context.workspace_id, public_id, text)
    leave(context)
    return [
        Show(Notice("flag_reply_kept"), "send"),
        Show(_card(context, public_id, int(dialogue.data.get("origin", 0)))),
    ]


def _ask_ban(context: Context, token: Token) -> list[Show]:
    found = report(context.session, context.workspace_id, token.subject)
    row = (
        Choice(make("flagdo", token.subject, SURE, token.version), "button_member_ban_sure", style="danger"),
        Choice(make("flag", token.subject, version=token.version), "button_back", style="quiet"),
    )
    return [Show(FlagCard(found, (row,), "member_sure_ban"), "edit")]


def _ask_words(context: Context, token: Token) -> list[Show]:
    flag, _, _ = find_flag(context.session, context.workspace_id, token.subject)
    if flag.state not in UNSETTLED:
        raise Conflict("flag_settled")
    save(context, DIALOGUE, "words", {"flag": token.subject, "origin": token.version})
    back = Choice(make("flag", token.subject, version=token.version), "button_back", style="quiet")
    return [Show(Notice("flag_reply_ask", rows=((back,),), kind="form"), "edit")]


def _list(context: Context, project: Project | None, page: int) -> FlagsCard:
    found = list_flags(context.session, context.workspace_id, project.id if project else None, page)
    return FlagsCard(found, project.public_id, project.name) if project else FlagsCard(found)


def _card(context: Context, public_id: str, version: int) -> FlagCard:
    """One flag; the way back leads to the list from which the reader came, as the button's version says."""
    found = report(context.session, context.workspace_id, public_id)
    origin = Origin.of(version)
    scope = found.project_public_id if origin.of_job else ""
    back = Choice(make("flags", scope, str(origin.page)), "button_back", style="quiet")
    return FlagCard(found, (*_actions(context, found, version), (back,)))


def _actions(context: Context, found: FlagReport, version: int) -> tuple[tuple[Choice, ...], ...]:
    """What is left to decide: nothing once it is lifted; a pause or a ban only by who stands above the worker."""
    line = found.line
    if line.state == "lifted":
        return ()
    unsettled = line.state in UNSETTLED
    above = may_act_on(context.account, find_member(context.session, context.workspace_id, found.worker_public_id))
    settling = [_act(found, version, "lift", "primary" if line.state == "appealed" else "plain")]
    settling += [_act(found, version, "uphold")] if unsettled else []
    stricter = [_act(found, version, "pause")] if above and line.action not in ("pause", "ban") else []
    stricter += [_act(found, version, "ban", "danger")] if above and line.action != "ban" else []
    writing = [_act(found, version, "answer", "quiet")] if line.state == "appealed" else []
    return tuple(tuple(row) for row in (settling, stricter, writing) if row)


def _act(found: FlagReport, version: int, act: str, style: Style = "plain") -> Choice:
    return Choice(make("flagdo", found.line.public_id, act, version), f"button_flag_{act}", style=style)


PREPARING: Mapping[str, Callable[[Context, Token], list[Show]]] = {"ban": _ask_ban, "answer": _ask_words}
COMMANDS = {"flags": CommandRoute("coordinator", on_flags, reads=True)}
TAPS = {
    "flags": TapRoute("coordinator", on_flags_tap, reads=True),
    "flag": TapRoute("coordinator", on_flag_tap),
    "flagdo": TapRoute("coordinator", on_flag_act),
}
TEXTS = {DIALOGUE: on_reply}
