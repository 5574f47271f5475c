"""Dialogues in which people say how they want to be treated: languages, a daily goal, a pause."""

from __future__ import annotations

import re

from bot.cards.preferences import DONE, PER_ROW, AboutCard, ReadingCard, in_rows
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.quiet_hours import OFF, hours_of
from bot.texts import language_of
from bot.texts.catalogues import LANGUAGES
from bot.tokens import Token, make
from core.errors import Conflict, InvalidInput
from core.preferences import MAX_GOAL, pause, resume, set_goal, set_reading
from core.reminders import give_back

START = ((Choice(make("begin"), "button_start", style="primary"),),)
RESUME = ((Choice(make("resume"), "button_resume", style="primary"),),)
NEXT = ((Choice(make("next"), "button_next", style="primary"),),)
GOALS = (20, 40, 80)


def about_card(context: Context) -> AboutCard:
    """All that the person has chosen, with a button to change each."""
    worker = context.account.worker
    return AboutCard(tuple(worker.languages), hours_of(context), worker.daily_goal)


def on_about(context: Context, _argument: str) -> list[Show]:
    """`/settings`: everything at a glance."""
    return [Show(about_card(context))]


def on_about_tap(context: Context, _token: Token) -> list[Show]:
    """Back to everything at a glance."""
    return [Show(about_card(context), "edit")]


def on_language(context: Context, argument: str) -> list[Show]:
    """`/language`: which one the bot speaks; with a name or code it changes at once."""
    wanted = argument.casefold()
    named = [code for code, name in LANGUAGES.items() if wanted in (code, name.casefold())]
    if named:
        context.account.worker.locale = named[0]
    return [Show(_language_card(context), menu=bool(named))]


def on_speak(context: Context, token: Token) -> list[Show]:
    """A language was tapped."""
    if token.argument and token.argument not in LANGUAGES:
        raise Conflict("unknown_button")
    if token.argument:
        context.account.worker.locale = token.argument
    return [Show(_language_card(context), "edit", menu=bool(token.argument))]


def on_reads(context: Context, token: Token) -> list[Show]:
    """A language was marked as one that the person reads, or its mark taken away."""
    worker = context.account.worker
    if token.argument:
        set_reading(context.session, worker, token.argument, reads=bool(token.version), now=context.now)
    return [Show(ReadingCard(tuple(worker.languages)), "edit")]


def on_goal(context: Context, argument: str) -> list[Show]:
    """`/goal 40`: answers a day; 0 for none."""
    if argument:
        number = "0" if argument.casefold() in OFF else argument
        if not re.fullmatch(r"[0-9]{1,9}", number):
            raise InvalidInput("goal_unclear", limit=MAX_GOAL)
        set_goal(context.account.worker, int(number))
    return [Show(_goal_card(context))]


def on_goal_tap(context: Context, token: Token) -> list[Show]:
    """A goal was tapped."""
    if token.argument:
        if not re.fullmatch(r"[0-9]{1,9}", token.argument):
            raise Conflict("unknown_button")
        set_goal(context.account.worker, int(token.argument))
    return [Show(_goal_card(context), "edit")]


def on_pause(context: Context, _argument: str) -> list[Show]:
    """No more messages; what the person holds goes back at once."""
    pause(context.session, context.worker_id, context.workspace_id, context.now)
    return [Show(Notice("paused", rows=RESUME))]


def on_resume(context: Context, _argument: str) -> list[Show]:
    """Back again."""
    resume(context.session, context.worker_id, context.workspace_id, context.now)
    return [Show(Notice("resumed", rows=START))]


def on_resume_tap(context: Context, _token: Token) -> list[Show]:
    """Back again, in place of the word that they have paused."""
    return [Show(show.view, "edit") for show in on_resume(context, "")]


def on_give_back(context: Context, token: Token) -> list[Show]:
    """The item of a reminder goes to somebody else."""
    give_back(
        context.session,
        worker_id=context.worker_id,
        workspace_id=context.workspace_id,
        assignment_public_id=token.subject,
        now=context.now,
    )
    return [Show(Notice("given_back", rows=NEXT), "edit")]


def _language_card(context: Context) -> Notice:
    spoken = language_of(context.account.worker.locale)
    languages = tuple(
        Choice(make("speak", "", code), "button_marked" if code == spoken else "", name)
        for code, name in LANGUAGES.items()
    )
    rows = (languages, (Choice(make("reads"), "button_reads"),), DONE)
    return Notice("language_ask", {"language": LANGUAGES[spoken]}, rows, kind="form")


def _goal_card(context: Context) -> Notice:
    goal = context.account.worker.daily_goal
    choices = [Choice(make("goal", "", str(number)), text=str(number)) for number in GOALS]
    rows = (*in_rows([*choices, Choice(make("goal", "", "0"), "button_no_goal")], PER_ROW), DONE)
    return Notice("goal_set" if goal else "goal_off", {"count": goal} if goal else {}, rows, kind="form")


COMMANDS = {
    "settings": CommandRoute("worker", on_about),
    "language": CommandRoute("worker", on_language, early=True),
    "goal": CommandRoute("worker", on_goal),
    "pause": CommandRoute("worker", on_pause),
    "resume": CommandRoute("worker", on_resume),
}
TAPS = {
    "about": TapRoute("worker", on_about_tap),
    "speak": TapRoute("worker", on_speak, early=True),
    "reads": TapRoute("worker", on_reads),
    "goal": TapRoute("worker", on_goal_tap),
    "resume": TapRoute("worker", on_resume_tap),
    "giveback": TapRoute("worker", on_give_back),
}
