"""`/learning`: what the model of a job may do by itself, in plain sentences; each setting by button, or all by a form.

A button carries the value that it sets, so no dialogue is needed, a second tap changes nothing more, and undo is the
button of the value before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.audit_chat import parse_share
from bot.cards.learning import SWITCHES, LearningCard, LearningSetting, share_words, value_words
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, FormProblems, FormRoute, TapRoute
from bot.jobs_chat import one_project
from bot.surface import Field, Form
from bot.texts import say
from bot.tokens import Token, make
from core.acceptance_report import model_report
from core.errors import Conflict, InvalidInput
from core.hints import hint_effect
from core.learning import METHODS, LearningSettings, change, load
from core.learning_changes import change_learning
from core.models import Project
from core.projects import find_project
from core.retreating import take_all_back
from core.training_times import COLUMNS, change_times, parse_time, times_of

PRESETS: Mapping[str, tuple[Any, ...]] = {
    "method": METHODS,
    "retrain_growth": (0.0, 0.1, 0.2, 0.5, 1.0),
    "blind_share": (0.05, 0.1, 0.15, 0.2),
    "hints": (True, False),
    "accept": (True, False),
    "accept_error": (0.01, 0.02, 0.03, 0.05, 0.1),
    "accept_audit": (0.02, 0.05, 0.1, 0.2),
    "prior": (True, False),
}
"""Settings in their order, and what each may be by button."""
ROWS = (("method", "retrain_growth"), ("blind_share", "hints"), ("accept", "accept_error", "accept_audit"), ("prior",))
SHORT = {"retrain_growth": "growth", "blind_share": "blind", "accept_error": "error", "accept_audit": "audit"}
"""Names as buttons carry them, where that is another one."""
LONG = {SHORT.get(name, name): name for name in PRESETS}
PARTS = 1000
"""A button carries a share in so many parts."""
SURE = "sure"


def on_learning(context: Context, argument: str) -> list[Show]:
    """`/learning JOB`: all settings in plain sentences."""
    return [Show(learning_card(context, one_project(context, "learning", argument.strip())))]


def on_learning_tap(context: Context, token: Token) -> list[Show]:
    """One of the settings, or the way back."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if not token.argument:
        return [Show(learning_card(context, project), "edit")]
    if token.argument not in LONG:
        raise Conflict("unknown_button")
    return [Show(_setting(project, LONG[token.argument]), "edit")]


def on_set_tap(context: Context, token: Token) -> list[Show]:
    """Another value for one setting."""
    project = find_project(context.session, context.workspace_id, token.subject)
    name, value = _parsed(token.argument)
    before = getattr(load(project.learning), name)
    changed = change_learning(context.session, project, context.worker_id, context.now, **{name: value})
    back = Choice(_payload(project, name, before), "button_learning_undo", style="quiet")
    return [Show(learning_card(context, project, (back,) if changed else (), saved=changed), "edit")]


def on_take_back(context: Context, token: Token) -> list[Show]:
    """Ask once whether all labels of models shall be taken back; with "sure", do it, and allow no more of them."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if token.argument != SURE:
        yes = Choice(make("untake", project.public_id, SURE), "button_take_back_sure", style="danger")
        no = Choice(make("learning", project.public_id), "button_back", style="quiet")
        return [Show(Notice("take_back_ask", {"project": project.name}, ((yes, no),)), "edit")]
    change_learning(context.session, project, context.worker_id, context.now, accept=False)
    taken = take_all_back(context.session, project, context.worker_id, context.now)
    said = Notice("take_back_ordered" if taken else "take_back_nothing")
    return [Show(said, "toast"), Show(learning_card(context, project), "edit")]


def on_form_tap(context: Context, token: Token) -> list[Show]:
    """All settings in one form; where the platform has none, the card takes its place."""
    project = find_project(context.session, context.workspace_id, token.subject)
    card = learning_card(context, project)
    if not context.person.forms:
        return [Show(card, "edit")]
    return [Show(card, form=_form(project, context.account.worker.locale))]


def on_form(context: Context, token: Token, values: Mapping[str, str]) -> list[Show]:
    """The form was sent off: all of it holds, or nothing."""
    project = find_project(context.session, context.workspace_id, token.subject)
    found, times = _read_form(load(project.learning), values)
    learning = change_learning(context.session, project, context.worker_id, context.now, **found)
    moved = change_times(context.session, project, context.worker_id, context.now, **times)
    return [Show(learning_card(context, project, saved=learning or moved))]


def _read_form(settings: LearningSettings, values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was filled in: settings, and columns of the project.

    Raises:
        FormProblems: with the error of each field.
    """
    found: dict[str, Any] = {}
    times: dict[str, Any] = {}
    problems: dict[str, InvalidInput] = {}
    for name in (name for name in PRESETS if name in values):
        text = values[name].strip()
        try:
            value = text == "1" if name in SWITCHES else text if name == "method" else parse_share(text)
            change(settings, **{name: value})
            found[name] = value
        except InvalidInput as error:
            problems[name] = error
    for name, column in ((name, column) for name, column in COLUMNS.items() if column in values):
        try:
            times |= parse_time(name, values[column])
        except InvalidInput as error:
            problems[column] = error
    if problems:
        raise FormProblems(problems)
    return found, times


def _form(project: Project, locale: str) -> Form:
    settings = load(project.learning)
    times = tuple(_time_field(project, column, locale) for column in COLUMNS.values())
    fields = (*times, *(_field(name, getattr(settings, name), locale) for name in PRESETS))
    title, submit = say("learning_form_title", locale), say("learning_form_submit", locale)
    return Form(make("learnform", project.public_id), title, submit, fields)


def _field(name: str, value: Any, locale: str) -> Field:
    label = say(f"field_{name}", locale)
    if name in SWITCHES:
        options = tuple((str(int(one)), value_words(name, one, locale)) for one in (True, False))
        return Field(name, label, "choice", str(int(value)), "", options)
    if name == "method":
        options = tuple((one, value_words(name, one, locale)) for one in METHODS)
        return Field(name, label, "choice", value, "", options)
    return Field(name, label, "text", share_words(value, "en"), "")


def _time_field(project: Project, column: str, locale: str) -> Field:
    value = getattr(project, column)
    return Field(column, say(f"field_{column}", locale), "text", str(value) if value else "off", "")


def learning_card(
    context: Context, project: Project, further: tuple[Choice, ...] = (), *, saved: bool = False
) -> LearningCard:
    """All settings. further: buttons below them."""
    job, report = project.public_id, model_report(context.session, project)
    settings = tuple(
        tuple(Choice(make("learning", job, SHORT.get(name, name)), f"button_learning_{name}") for name in row)
        for row in ROWS
    )
    labeled = any(one.count and not one.reason for one in report.labeled)
    take = (Choice(make("untake", job), "button_take_back", style="danger"),) if labeled else ()
    form = (Choice(make("learnform", job), "button_learning_form"),) if context.person.forms else ()
    models = Choice(make("models", job), "button_models", style="quiet")
    return LearningCard(
        name=project.name,
        settings=load(project.learning),
        times=times_of(project),
        report=report,
        hints=hint_effect(context.session, project.id),
        rows=(settings[0], times_row(job), *settings[1:], form, take, (*further, models)),
        saved=saved,
    )


def times_row(job: str) -> tuple[Choice, ...]:
    """The buttons that lead to when the model is trained by itself. job: public id."""
    return tuple(Choice(make("learnwhen", job, name), f"button_learning_{column}") for name, column in COLUMNS.items())


def _setting(project: Project, name: str) -> LearningSetting:
    value = getattr(load(project.learning), name)
    presets = tuple((_payload(project, name, one), one) for one in PRESETS[name])
    back = Choice(make("learning", project.public_id), "button_back", style="quiet")
    return LearningSetting(name, value, presets, ((back,),))


def _payload(project: Project, name: str, value: Any) -> str:
    said = value if name == "method" else int(value) if name in SWITCHES else round(value * PARTS)
    return make("learnset", project.public_id, f"{SHORT.get(name, name)}-{said}")


def _parsed(argument: str) -> tuple[str, Any]:
    """The setting and the value that a button carries; the bounds are checked where it is changed."""
    short, _, said = argument.partition("-")
    if short not in LONG:
        raise Conflict("unknown_button")
    name = LONG[short]
    if name == "method":
        return name, said
    if not (said.isdecimal() and said.isascii()):
        raise Conflict("unknown_button")
    return name, said == "1" if name in SWITCHES else int(said) / PARTS


COMMANDS = {"learning": CommandRoute("coordinator", on_learning, reads=True)}
TAPS = {
    "learning": TapRoute("coordinator", on_learning_tap, reads=True),
    "learnset": TapRoute("coordinator", on_set_tap),
    "untake": TapRoute("coordinator", on_take_back),
    "learnform": TapRoute("coordinator", on_form_tap, reads=True),
}
FORMS = {"learnform": FormRoute("coordinator", on_form)}
