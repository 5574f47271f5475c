"""Dialogue of an invite: who, how many, for how long; one text with every way in comes back."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.cards.members import InviteCard
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.tokens import Token, make
from core.addresses import is_reachable, web_address
from core.config import Settings
from core.enrolment import ROLES, create_invite
from core.errors import InvalidInput, Refused

USUAL = (("worker", 20), ("expert", 5), ("coordinator", 1))
WEEK = timedelta(days=7)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": WEEK}
LONGEST = timedelta(days=90)
TELEGRAM_LINK = "https://t.me/{name}?start={code}"


def on_invite(context: Context, argument: str) -> list[Show]:
    """`/invite worker 20`, `/invite expert 5 3d`; alone it offers the usual ones."""
    words = argument.lower().split()
    if not words:
        rows = tuple(
            (Choice(make("invite", "", f"{role}-{uses}"), f"button_invite_{role}"),)
            for role, uses in USUAL
            if context.account.may(role)
        )
        return [Show(Notice("invite_whom", rows=rows))]
    role, *rest = words
    numbers = [word for word in rest if word.isdecimal()]
    lengths = [word for word in rest if re.fullmatch(r"\d{1,4}[hdw]", word)]
    if role not in ROLES or len(numbers) + len(lengths) != len(rest) or len(numbers) > 1 or len(lengths) > 1:
        raise InvalidInput("bad_invite")
    return [Show(_invite(context, role, int((numbers or ["1"])[0]), _length(lengths[0]) if lengths else WEEK))]


def on_invite_tap(context: Context, token: Token) -> list[Show]:
    """One of the usual ones; it takes the buttons' place."""
    usual = dict(USUAL)
    role = token.argument.partition("-")[0]
    if token.argument != f"{role}-{usual.get(role)}":
        raise InvalidInput("bad_invite")
    return [Show(_invite(context, role, usual[role], WEEK), "edit")]


def ways_in(settings: Settings, code: str) -> tuple[tuple[str, str], ...]:
    """The links and commands that a new member can use, each with the code of its sentence.

    A web chat that only this machine reaches is named where there is no other way.
    """
    ways = []
    if settings.telegram_bot_token.get_secret_value():
        link = TELEGRAM_LINK.format(name=settings.telegram_bot_name, code=code)
        ways.append(("invite_telegram", link) if settings.telegram_bot_name else ("invite_telegram_code", code))
    if settings.slack_bot_token.get_secret_value():
        ways.append(("invite_slack", code))
    address = web_address(settings)
    if not ways:
        return (("", f"{address}/join/{code}"),)
    if is_reachable(address):
        ways.append(("invite_web", f"{address}/join/{code}"))
    return tuple(ways)


def _invite(context: Context, role: str, uses: int, length: timedelta) -> InviteCard:
    if not context.account.may(role):
        raise Refused("needs_role", role=role)
    code = create_invite(context.session, context.workspace_id, role, uses, context.now, context.worker_id, length)
    until = context.now + length
    return InviteCard(role, uses, until, ways_in(context.settings, code), context.account.worker.time_zone, context.now)


def _length(word: str) -> timedelta:
    length = int(word[:-1]) * UNITS[word[-1]]
    if not timedelta(0) < length <= LONGEST:
        raise InvalidInput("invite_length", days=LONGEST.days)
    return length
