"""Known answers in /quality: what they are for, the lessons made of them, doubts, and people let in by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from bot.cards.goldset import DoubtCard, GoldsetCard, Preset
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.quality_chat import back_choice
from bot.tokens import Token, make
from core.disputes import find_item
from core.errors import Conflict, InvalidInput, NotFound
from core.gold_doubts import Doubt, correct, doubts, keep
from core.gold_pool import ask_like_others, change_gold, pool_of
from core.letting_in import let_in, pausing_flag
from core.models import Participation, Project, Worker
from core.projects import find_project
from core.quality import QualitySettings, load

PRESETS: Mapping[str, tuple[float, ...]] = {
    "gold_every": (0, 5, 8, 15, 30),
    "practice": (0, 3, 5, 10),
    "quiz": (0, 5, 10, 20),
    "quiz_pass": (0.6, 0.7, 0.8, 0.9),
    "quiz_attempts": (1, 2, 3),
    "qualification_days": (0, 30, 90, 365),
    "least_accuracy": (0.0, 0.5, 0.6, 0.7),
}
"""Settings that are numbers, and the values that can be chosen by button."""
OF_QUIZ = ("quiz_pass", "quiz_attempts", "qualification_days")
MOST_NAMED = 8
_CHOSEN = re.compile(r"([a-z_]+)-(\d)")


def on_goldset(context: Context, token: Token) -> list[Show]:
    """The section, one of its settings, a value that was chosen, the doubts, or the people who failed the quiz."""
    project = find_project(context.session, context.workspace_id, token.subject)
    argument = token.argument
    if argument == "doubt":
        return [_doubt_or_section(context, project)]
    if argument == "failed":
        return [_failed(context, project)]
    if argument in PRESETS:
        return [Show(_section(context, project, asked=argument), "edit")]
    if argument:
        change_gold(context.session, project, context.worker_id, context.now, **_values(argument))
        return [Show(Notice("goldset_saved"), "toast"), Show(_section(context, project), "edit")]
    return [Show(_section(context, project), "edit")]


def on_doubt(context: Context, token: Token) -> list[Show]:
    """What a coordinator says about a known answer that looks wrong.

    Raises:
        NotFound: no such item in this workspace.
        InvalidInput: the button says something else.
    """
    session, worker_id, now = context.session, context.worker_id, context.now
    _, project = find_item(session, context.workspace_id, token.subject)
    act, _, label_id = token.argument.partition("-")
    try:
        if act == "keep":
            keep(session, project, token.subject, worker_id, now)
        elif act == "fix":
            correct(session, project, token.subject, label_id, worker_id, now)
        elif act == "drop":
            ask_like_others(session, project, token.subject, worker_id, now)
        else:
            raise InvalidInput("unknown_button")
        said = f"doubt_{act}"
    except Conflict as late:
        said = late.code
    return [Show(Notice(said), "toast"), _doubt_or_section(context, project)]


def on_pass(context: Context, token: Token) -> list[Show]:
    """Let somebody in who has failed the quiz; they are told. What else keeps them out is shown with its button.

    Raises:
        NotFound: no such job, or nobody of that id has been there.
    """
    session = context.session
    project = find_project(session, context.workspace_id, token.subject)
    statement = select(Worker).join(Participation, Participation.worker_id == Worker.id)
    worker = session.scalars(
        statement.where(Worker.public_id == token.argument, Participation.project_id == project.id)
    ).one_or_none()
    if worker is None:
        raise NotFound("member_unknown")
    let_in(session, context.account, project, worker, context.now)
    if (flag := pausing_flag(session, project, worker)) is not None:
        look = Choice(make("flag", flag.public_id), "button_look_at_flag", style="primary")
        back = Choice(_payload(project, "failed"), "button_back", style="quiet")
        said = {"name": worker.name or worker.public_id, "project": project.name}
        return [Show(Notice("qualified_but_paused", said, ((look,), (back,)), "form"), "edit")]
    return [Show(Notice("qualified_by_hand", {"name": worker.name}), "toast"), _failed(context, project)]


def _values(argument: str) -> dict[str, Any]:
    """The setting and value that a button names.

    Raises:
        Conflict: it names none.
    """
    if argument in ("check", "measure"):
        return {"gold_use": argument}
    if argument in ("teach", "silent"):
        return {"teaches": argument == "teach"}
    match = _CHOSEN.fullmatch(argument)
    if match is None or match[1] not in PRESETS or int(match[2]) >= len(PRESETS[match[1]]):
        raise Conflict("unknown_button")
    return {match[1]: PRESETS[match[1]][int(match[2])]}


def _section(context: Context, project: Project, asked: str = "") -> GoldsetCard:
    settings = load(project.quality)
    presets = tuple(
        Preset(_payload(project, f"{asked}-{number}"), asked, value, getattr(settings, asked) == value)
        for number, value in enumerate(PRESETS.get(asked, ()))
    )
    waiting, shut_out = len(doubts(context.session, project)), _failed_count(context, project)
    back = Choice(_payload(project), "button_back", style="quiet") if asked else back_choice(project)
    rows = ((back,),) if asked else (*_buttons(project, settings, waiting, shut_out), (back,))
    pool = pool_of(context.session, project.id)
    return GoldsetCard(project.name, pool, settings, waiting, shut_out, rows, asked, presets)


def _buttons(project: Project, settings: QualitySettings, waiting: int, shut_out: int) -> list[tuple[Choice, ...]]:
    """What there is to decide first, then the settings that matter for what the known answers are for."""

    def button(argument: str, code: str, primary: bool = False) -> Choice:
        return Choice(_payload(project, argument), code, style="primary" if primary else "plain")

    checks = settings.gold_use == "check"
    use = button("measure", "button_gold_measure") if checks else button("check", "button_gold_check", primary=True)
    teach = ("silent", "button_gold_silent") if settings.teaches else ("teach", "button_gold_teach")
    rows: list[tuple[Choice, ...]] = [(button("doubt", "button_gold_doubts", primary=True),)] if waiting else []
    rows += [(button("failed", "button_gold_failed"),)] if shut_out else []
    rows += [(use, button(*teach))] if checks else [(use,)]
    names = [name for name in PRESETS if (checks or name != "gold_every") and (settings.quiz or name not in OF_QUIZ)]
    buttons = [button(name, f"setting_{name}") for name in names]
    return rows + [tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2)]


def _doubt_or_section(context: Context, project: Project) -> Show:
    waiting = doubts(context.session, project)
    if not waiting:
        return Show(_section(context, project), "edit")
    first = waiting[0]
    back = Choice(_payload(project), "button_back", style="quiet")
    return Show(DoubtCard(first, len(waiting) - 1, (*_decisions(first), (back,))), "edit")


def _decisions(doubt: Doubt) -> tuple[tuple[Choice, ...], ...]:
    def choice(argument: str, code: str, text: str = "") -> Choice:
        return Choice(make("golddoubt", doubt.item_public_id, argument), code, text)

    fix = choice(f"fix-{doubt.said_id}", "button_doubt_fix", doubt.said)
    return (fix,), (choice("keep", "button_doubt_keep", doubt.known),), (choice("drop", "button_doubt_drop"),)


def _failed(context: Context, project: Project) -> Show:
    """People who have failed the quiz, each with a button that lets them in."""
    statement = select(Worker).join(Participation, Participation.worker_id == Worker.id).where(*_has_failed(project))
    people = context.session.scalars(statement.order_by(Participation.qualified_at.desc()).limit(MOST_NAMED)).all()
    rows = tuple(
        (Choice(make("goldpass", project.public_id, one.public_id), "button_let_in", one.name or one.public_id),)
        for one in people
    )
    back = (Choice(_payload(project), "button_back", style="quiet"),)
    code = "goldset_who_failed" if people else "goldset_nobody_failed"
    return Show(Notice(code, {"project": project.name}, (*rows, back), "form"), "edit")


def _failed_count(context: Context, project: Project) -> int:
    statement = select(func.count()).select_from(Participation).where(*_has_failed(project))
    return context.session.scalar(statement) or 0


def _has_failed(project: Project) -> tuple[Any, ...]:
    return Participation.project_id == project.id, Participation.qualification == "failed"


def _payload(project: Project, argument: str = "") -> str:
    return make("goldset", project.public_id, argument)


TAPS = {
    "goldset": TapRoute("coordinator", on_goldset),
    "golddoubt": TapRoute("coordinator", on_doubt),
    "goldpass": TapRoute("coordinator", on_pass),
}
