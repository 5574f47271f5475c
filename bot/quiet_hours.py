"""Dialogues about when a person may be written to: quiet hours, and the clock by which they are meant."""

from __future__ import annotations

import re

from bot.cards.preferences import DONE, Hours, QuietCard, in_rows, wall_clock
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.tokens import Token, make
from core.attention import zone_of
from core.errors import Conflict, InvalidInput
from core.preferences import find_zone, parse_hours, set_quiet_hours, set_time_zone

OFF = ("off", "none", "no", "0", "关", "关闭")
ZONES = {
    **{str(hours): f"Etc/GMT{-hours:+d}" for hours in range(-10, 0)},
    "0": "UTC",
    **{str(hours): f"Etc/GMT{-hours:+d}" for hours in range(1, 6)},
    "india": "Asia/Kolkata",
    **{str(hours): f"Etc/GMT{-hours:+d}" for hours in range(6, 14)},
}
"""By the argument of a button: a zone for each time that a clock may show now, to the hour, and that of India."""
TIMES_PER_ROW = 4


def hours_of(context: Context) -> Hours:
    """The person's quiet hours, and the time by their clock."""
    worker = context.account.worker
    quiet = None if worker.quiet_from is None or worker.quiet_to is None else (worker.quiet_from, worker.quiet_to)
    return Hours(quiet, worker.time_zone, _clock_in(context, worker.time_zone))


def _clock_in(context: Context, time_zone: str) -> str:
    local = context.now.astimezone(zone_of(time_zone))
    return wall_clock(local.hour * 60 + local.minute)


def on_quiet(context: Context, argument: str) -> list[Show]:
    """`/quiet 22-8`, `/quiet off`, `/quiet Europe/Berlin`, or both: `/quiet 22-8 Europe/Berlin`."""
    if not argument:
        return [Show(QuietCard(hours_of(context)))]
    session, worker = context.session, context.account.worker
    if argument.casefold() in OFF:
        set_quiet_hours(session, worker, None, context.now)
        return [Show(QuietCard(hours_of(context)))]
    hours, zone = _understood(argument)
    if hours is None and zone is None:
        code = "zone_unknown" if "/" in argument else "quiet_unclear"
        raise InvalidInput(code, text=argument[:40])
    if zone is not None:
        set_time_zone(session, worker, zone, context.now)
    if hours is not None:
        set_quiet_hours(session, worker, hours, context.now)
    return [Show(_after_hours(context))]


def on_quiet_tap(context: Context, token: Token) -> list[Show]:
    """Hours were tapped, or that there be none."""
    session, worker = context.session, context.account.worker
    if token.argument == "off":
        set_quiet_hours(session, worker, None, context.now)
    elif token.argument:
        match = re.fullmatch(r"(\d{1,4})-(\d{1,4})", token.argument)
        if match is None:
            raise Conflict("unknown_button")
        set_quiet_hours(session, worker, (int(match[1]), int(match[2])), context.now)
        return [Show(_after_hours(context), "edit")]
    return [Show(QuietCard(hours_of(context)), "edit")]


def on_zone(context: Context, token: Token) -> list[Show]:
    """The time that it is for them was tapped."""
    if not token.argument:
        return [Show(_zone_card(context), "edit")]
    if token.argument not in ZONES:
        raise Conflict("unknown_button")
    set_time_zone(context.session, context.account.worker, ZONES[token.argument], context.now)
    return [Show(QuietCard(hours_of(context)), "edit")]


def _understood(text: str) -> tuple[tuple[int, int] | None, str | None]:
    """The hours and the zone in `text`, in whichever order."""
    words = text.split()
    for cut in range(len(words) + 1):
        left, right = " ".join(words[:cut]), " ".join(words[cut:])
        for said_hours, said_zone in ((left, right), (right, left)):
            hours, zone = parse_hours(said_hours), find_zone(said_zone)
            if (hours or not said_hours) and (zone or not said_zone):
                return hours, zone
    return None, None


def _after_hours(context: Context) -> QuietCard | Notice:
    """Hours mean nothing without a zone, so it is asked for where it is not known."""
    return QuietCard(hours_of(context)) if context.account.worker.time_zone else _zone_card(context)


def _zone_card(context: Context) -> Notice:
    # "quiet" is small: so many buttons flow on, where a platform can show them so.
    times = [Choice(make("zone", "", key), text=_clock_in(context, zone), style="quiet") for key, zone in ZONES.items()]
    return Notice("zone_ask", rows=(*in_rows(times, TIMES_PER_ROW), DONE), kind="form")


COMMANDS = {"quiet": CommandRoute("worker", on_quiet)}
TAPS = {"quiet": TapRoute("worker", on_quiet_tap), "zone": TapRoute("worker", on_zone)}
