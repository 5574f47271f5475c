"""Jobs that change while they run: `/edit`, and closed and opened again. What cannot change, the card says why."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.cards.edit import EditCard
from bot.cards.settings import JobSettings, Preset, SettingCard
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute, checked, leave, save
from bot.job_settings import SETTINGS, parse_guidelines
from bot.jobs_chat import PICK, one_project
from bot.post_options import split_labels
from bot.post_steps import clock, reading
from bot.surface import Style
from bot.tokens import Token, make
from core.aims import aim_of
from core.changes import add_labels, change_overlap, change_settings
from core.errors import Conflict
from core.learning import load as load_learning
from core.models import Dialogue, Project
from core.projects import count_open_items, find_project, set_state

NAME = "edit"
STEPS = ("name", "overlap", "labels", "price", "time", "deadline", "priority", "who", "language", "guidelines")
"""What may be changed, in the order of the buttons."""
FIXED = ("name", "overlap", "labels")
"""What cannot be changed of a second look: it follows the job whose labels it asks again."""
STATES = {"pause": "paused", "resume": "open", "open": "open", "closenow": "closed"}
"""Buttons that change the state of a job, and to what."""
_NUMBERED = re.compile(r"v(\d{1,3})")


def on_edit(context: Context, argument: str) -> list[Show]:
    """`/edit JOB`: all that can be changed about it."""
    return [Show(_card(context, one_project(context, "edit", argument.strip())))]


def on_close(context: Context, argument: str) -> list[Show]:
    """`/close JOB` asks first: nothing more would be handed out."""
    return [Show(_ask_to_close(context, one_project(context, "close", argument.strip())))]


def on_open(context: Context, argument: str) -> list[Show]:
    """`/open JOB`: hand out items again."""
    project = one_project(context, "open", argument.strip())
    set_state(context.session, project, "open", context.worker_id, context.now)
    return [Show(Notice("opened", {"project": project.name}, _change(project)))]


def on_edit_tap(context: Context, token: Token) -> list[Show]:
    """A button of the card or of one of its steps; those of a step carry its version."""
    project, argument = find_project(context.session, context.workspace_id, token.subject), token.argument
    if argument == "":
        leave_edit(context)
        return [Show(_card(context, project), "edit")]
    if argument == "close":
        return [Show(_ask_to_close(context, project), "edit")]
    if argument in STATES:
        return _into_state(context, project, STATES[argument])
    if argument in _steps(project):
        data = {"project": project.public_id, "guidelines": project.guidelines, "writing": False}
        return [Show(_step(context, project, save(context, NAME, argument, data)), "edit")]
    dialogue = checked(context, NAME, token)
    if dialogue.data["project"] != project.public_id:
        raise Conflict("stale_button")
    return [Show(_change_by_button(context, project, dialogue, argument), "edit")]


def on_text(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """Plain words: the new value of the setting that is asked for."""
    if not context.account.may("coordinator"):
        return [Show(Notice("say_hint"))]
    project = find_project(context.session, context.workspace_id, dialogue.data["project"])
    if dialogue.step != "guidelines":
        return [Show(_apply(context, project, dialogue.step, text))]
    # The first message takes their place, those after it are put behind: apps split long ones.
    whole = f"{dialogue.data['guidelines']}\n{text}" if dialogue.data["writing"] else text
    data = dialogue.data | parse_guidelines(whole, clock(context)) | {"writing": True}
    return [Show(_step(context, project, save(context, NAME, "guidelines", data)))]


def leave_edit(context: Context) -> None:
    """Stand in no step of this dialogue any more; another one is left alone."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None and dialogue.name == NAME:
        leave(context)


def _change_by_button(context: Context, project: Project, dialogue: Dialogue, argument: str) -> EditCard:
    if dialogue.step == "guidelines" and argument in ("done", "none"):
        text = dialogue.data["guidelines"] if argument == "done" else ""
        changed = change_settings(context.session, project, context.worker_id, context.now, guidelines=text)
        leave(context)
        return _card(context, project, saved=changed)
    presets = SETTINGS[dialogue.step].presets if dialogue.step in SETTINGS else ()
    match = _NUMBERED.fullmatch(argument)
    if match is None or int(match[1]) >= len(presets):
        raise Conflict("stale_button")
    return _apply(context, project, dialogue.step, presets[int(match[1])])


def _apply(context: Context, project: Project, step: str, text: str) -> EditCard:
    session, worker_id, now = context.session, context.worker_id, context.now
    if step == "labels":
        add_labels(session, project, [name for name in split_labels(text) if name], worker_id, now)
        changed = True
    elif step == "overlap":
        values = SETTINGS[step].parse(text, clock(context))
        changed = change_overlap(session, project, values["minimum"], values["maximum"], worker_id, now)
    else:
        changed = change_settings(session, project, worker_id, now, **SETTINGS[step].parse(text, clock(context)))
    leave(context)
    return _card(context, project, saved=changed)


def _into_state(context: Context, project: Project, state: str) -> list[Show]:
    set_state(context.session, project, state, context.worker_id, context.now)
    leave_edit(context)
    if state == "closed":
        again = ((_button(project, "open", "button_open_job"),),)
        return [Show(Notice("closed", {"project": project.name}, again), "edit")]
    return [Show(Notice(f"now_{state}"), "toast"), Show(_card(context, project), "edit")]


def _ask_to_close(context: Context, project: Project) -> Notice:
    if project.state == "closed":
        again = ((_button(project, "open", "button_open_job"),),)
        return Notice("closed_already", {"project": project.name}, again)
    close = _button(project, "closenow", "button_close_job", "danger")
    keep = _button(project, "", "button_keep_open")
    count = count_open_items(context.session, project.id)
    return Notice(
        "close_ask" if count else "close_ask_done", {"project": project.name, "count": count}, ((close, keep),)
    )


def _card(context: Context, project: Project, *, saved: bool = False) -> EditCard:
    buttons = [_button(project, name, f"setting_{name}") for name in _steps(project)]
    pairs = tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))
    return EditCard(
        public_id=project.public_id,
        state=project.state,
        question=project.question,
        labels=tuple(label["name"] for label in project.label_schema["labels"]),
        settings=settings_of(project),
        reading=reading(context),
        rows=(*pairs, _learning_button(project), _state_buttons(project)),
        saved=saved,
    )


def _steps(project: Project) -> tuple[str, ...]:
    """What may be changed of this job."""
    is_second_look = bool(load_learning(project.learning).second_look_of)
    return tuple(name for name in STEPS if not (is_second_look and name in FIXED))


def _learning_button(project: Project) -> tuple[Choice, ...]:
    """The way to when a model trains and what it may do; none of a second look, from which nothing is learned."""
    if load_learning(project.learning).second_look_of:
        return ()
    return (Choice(make(PICK, project.public_id, "learning"), "button_job_learning"),)


def settings_of(project: Project) -> JobSettings:
    """The settings of a job as cards show them."""
    return JobSettings(
        minimum=project.min_overlap,
        maximum=project.max_overlap,
        price=project.price,
        lease_seconds=project.lease_seconds,
        deadline=project.deadline,
        audience=project.audience,
        language=project.language,
        guidelines=project.guidelines,
        priority=project.priority,
        name=project.name,
        aim=aim_of(project),
    )


def _state_buttons(project: Project) -> tuple[Choice, ...]:
    if project.state == "closed":
        return (_button(project, "open", "button_open_job"),)
    running = project.state == "open"
    pause = _button(project, "pause", "button_pause_job")
    resume = _button(project, "resume", "button_resume_job", "primary")
    return (pause if running else resume, _button(project, "close", "button_close_job", "danger"))


def _step(context: Context, project: Project, dialogue: Dialogue) -> SettingCard:
    name = dialogue.step
    settings = settings_of(project)
    presets: tuple[Preset, ...] = ()
    back = (_button(project, "", "button_back", "quiet"),)
    rows: tuple[tuple[Choice, ...], ...] = (back,)
    if name == "guidelines":
        settings = replace(settings, guidelines=dialogue.data["guidelines"])
        done = _button(project, "done", "button_done", "primary", dialogue.version)
        rows = ((done, _button(project, "none", "button_clear", "plain", dialogue.version)), back)
    elif name in SETTINGS:
        presets = tuple(
            Preset(
                make("edit", project.public_id, f"v{number}", dialogue.version),
                replace(settings, **SETTINGS[name].parse(words, clock(context))),
            )
            for number, words in enumerate(SETTINGS[name].presets)
        )
    if name == "overlap":
        rows = ((Choice(make("aim", project.public_id), "button_quality_aim"),), back)
    return SettingCard(name, settings, reading(context), presets, rows)


def _change(project: Project) -> tuple[tuple[Choice, ...], ...]:
    return ((_button(project, "", "button_change", "quiet"),),)


def _button(project: Project, argument: str, code: str, style: Style = "plain", version: int = 0) -> Choice:
    return Choice(make("edit", project.public_id, argument, version), code, style=style)


COMMANDS = {
    "edit": CommandRoute("coordinator", on_edit, reads=True),
    "close": CommandRoute("coordinator", on_close, reads=True),
    "open": CommandRoute("coordinator", on_open),
}
TAPS = {"edit": TapRoute("coordinator", on_edit_tap)}
TEXTS = {NAME: on_text}
