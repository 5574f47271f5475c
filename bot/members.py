"""Dialogues of coordinators about people: who is there, what they may, who comes in, and who did what."""

from __future__ import annotations

from bot.cards.log import LogCard
from bot.cards.members import MemberCard, MembersCard
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, FormRoute, Stranger, TapRoute, Text
from bot.inviting import on_invite, on_invite_tap
from bot.tokens import Token, make
from core.acts import list_acts
from core.enrolment import ROLES
from core.errors import Conflict
from core.members import Member, find_member, list_members
from core.membership import ACTS, may_act_on, roles_to_give, set_role, set_status
from core.recollection import order_recollection

OFFERED = {
    "active": ("suspend", "ban", "reask"),
    "paused": ("suspend", "ban", "reask"),
    "suspended": ("resume", "ban", "reask"),
    "banned": ("unban", "reask"),
}
"""Buttons on somebody's card, by status."""
SURE = "-sure"
"""Follows an act that was asked about once more."""
MAX_NUMBER = 18


def on_workers(context: Context, argument: str) -> list[Show]:
    """`/workers` and `/role`: everybody, or `/workers ann`: those of that name."""
    return [Show(_list(context, 1, argument.strip()[:60]))]


def on_workers_tap(context: Context, token: Token) -> list[Show]:
    """Another page, or back to the list."""
    return [Show(_list(context, _number(token.argument) or 1), "edit")]


def on_member_tap(context: Context, token: Token) -> list[Show]:
    """One person."""
    return [Show(_card(context, _member(context, token)), "edit")]


def on_act_tap(context: Context, token: Token) -> list[Show]:
    """Pause, resume, ban, ask again, lift a ban. A ban is asked about once more."""
    act, sure = token.argument.removesuffix(SURE), token.argument.endswith(SURE)
    if act in ("ban", "reask") and not sure:
        member = _member(context, token)
        if act == "ban" and member.status == "banned":
            raise Conflict("member_already")
        return [Show(_asking(context, member, act), "edit")]
    if act == "reask":
        member = _reask(context, token)
    elif act in ACTS:
        member = set_status(context.session, context.account, token.subject, act, context.now)
    else:
        raise Conflict("unknown_button")
    return [Show(Notice(f"member_done_{act}"), "toast"), Show(_card(context, member), "edit")]


def on_role_tap(context: Context, token: Token) -> list[Show]:
    """The roles that somebody may be given; one of them, when it was tapped."""
    if not token.argument:
        member = _member(context, token)
        given = roles_to_give(context.account, member)
        rows = tuple((Choice(make("mrole", member.public_id, role), f"button_role_{role}"),) for role in given)
        return [Show(_card(context, member, rows, "member_which_role"), "edit")]
    if token.argument not in ROLES:
        raise Conflict("unknown_button")
    member = set_role(context.session, context.account, token.subject, token.argument, context.now)
    return [Show(Notice("member_done_role"), "toast"), Show(_card(context, member), "edit")]


def on_log(context: Context, _argument: str) -> list[Show]:
    """The newest privileged acts."""
    return [Show(_log(context, None))]


def on_log_tap(context: Context, token: Token) -> list[Show]:
    """Older ones, or the newest again."""
    return [Show(_log(context, _number(token.argument)), "edit")]


def _list(context: Context, number: int, searched: str = "") -> MembersCard:
    page = list_members(context.session, context.workspace_id, number, searched)
    return MembersCard(page, searched, context.account.worker.time_zone, context.now)


def _log(context: Context, before: int | None) -> LogCard:
    page = list_acts(context.session, context.workspace_id, before)
    return LogCard(page, before is None, context.account.worker.time_zone, context.now)


def _member(context: Context, token: Token) -> Member:
    return find_member(context.session, context.workspace_id, token.subject)


def _card(
    context: Context, member: Member, rows: tuple[tuple[Choice, ...], ...] | None = None, question: str = ""
) -> MemberCard:
    back = Choice(make("member", member.public_id) if question else make("workers"), "button_back", style="quiet")
    offered = _actions(context, member) if rows is None else rows
    return MemberCard(member, (*offered, (back,)), context.account.worker.time_zone, context.now, question)


def _actions(context: Context, member: Member) -> tuple[tuple[Choice, ...], ...]:
    if not may_act_on(context.account, member):
        return ()
    codes = {act: f"button_member_{act}" for act in OFFERED[member.status]}
    if member.status == "banned":
        codes["reask"] = "button_member_again"
    acts = tuple(
        (Choice(make("mact", member.public_id, act), code, style="danger" if act == "ban" else "plain"),)
        for act, code in codes.items()
    )
    return (*acts, (Choice(make("mrole", member.public_id), "button_role"),))


def _asking(context: Context, member: Member, act: str) -> MemberCard:
    sure = Choice(make("mact", member.public_id, f"{act}{SURE}"), f"button_member_{act}_sure", style="danger")
    return _card(context, member, ((sure,),) if may_act_on(context.account, member) else (), f"member_sure_{act}")


def _reask(context: Context, token: Token) -> Member:
    """Shut somebody out, unless they are, and have asked again what they alone decided."""
    member = _member(context, token)
    if member.status != "banned":
        member = set_status(context.session, context.account, token.subject, "ban", context.now)
    order_recollection(context.session, context.account, member, context.now)
    return member


def _number(argument: str) -> int | None:
    return int(argument) if argument.isdecimal() and argument.isascii() and len(argument) <= MAX_NUMBER else None


COMMANDS = {
    "workers": CommandRoute("coordinator", on_workers, reads=True),
    "role": CommandRoute("coordinator", on_workers, reads=True),
    "invite": CommandRoute("coordinator", on_invite),
    "log": CommandRoute("coordinator", on_log, reads=True),
}
TAPS = {
    "workers": TapRoute("coordinator", on_workers_tap, reads=True),
    "member": TapRoute("coordinator", on_member_tap, reads=True),
    "mact": TapRoute("coordinator", on_act_tap),
    "mrole": TapRoute("coordinator", on_role_tap),
    "invite": TapRoute("coordinator", on_invite_tap),
    "log": TapRoute("coordinator", on_log_tap, reads=True),
}
FORMS: dict[str, FormRoute] = {}
TEXTS: dict[str, Text] = {}
STRANGERS: dict[str, Stranger] = {}
