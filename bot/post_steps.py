"""The steps of posting a job: which comes next, what is asked in each, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bot.cards.post import HubCard, PriceCard, SampleCard
from bot.cards.settings import Preset, Reading, SettingCard
from bot.cards.views import Choice, FormCard, Show, View
from bot.context import Context
from bot.dialogue import save
from bot.job_settings import SETTINGS, Clock
from bot.post_draft import Draft, item_count, known_columns, labeled_count, sample_view, settings_of, with_settings
from bot.post_known import priced_remarks, remarks, undecided, usable
from bot.texts import say
from bot.texts.units import shorten
from bot.tokens import make
from core.forecast import estimate_job
from core.models import Dialogue, Project, Workspace
from core.pilot import pays
from core.projects import growing_projects
from core.quality import GOLD_USES

NAME = "post"
SET = "set_"
"""Begins the name of a step that asks for one setting."""
HUB_SETTINGS = ("overlap", "price", "time", "deadline", "who", "language", "known", "guidelines")
ORDER = ("columns", "target", "question", "labels", "misfits", "hub")
MAX_TARGETS = 6
MAX_COLUMN_BUTTONS = 12
BUTTON_UNITS = 60
"""UTF-16 code units of a proposal on its button; the whole of it is taken."""
Rows = tuple[tuple[Choice, ...], ...]


def next_step(context: Context, draft: Draft) -> str:
    """The first step whose answer is not there yet; with all of them, the card of all settings or the price."""
    if not draft["upload"]:
        return "items"
    if draft["unsure"]:
        return "columns"
    if not draft.get("decided") and not draft["question"] and open_projects(context):
        return "target"
    for step in ("question", "labels"):
        if not draft[step]:
            return step
    if undecided(draft):
        return "misfits"
    return "preview" if draft.get("form") else "hub"


def step_before(context: Context, step: str, draft: Draft) -> str | None:
    """Where [Back] leads; nothing from the first step."""
    if step not in ORDER:
        return "hub"
    there = {"columns": len(draft.get("columns", ())) > 1, "target": bool(open_projects(context))}
    there["misfits"] = undecided(draft)
    earlier = [name for name in ORDER[: ORDER.index(step)] if there.get(name, True)]
    return earlier[-1] if earlier else None


def open_projects(context: Context) -> list[Project]:
    """Jobs to which the items could be added."""
    return growing_projects(context.session, context.workspace_id, MAX_TARGETS)


def go_on(context: Context, draft: Draft) -> list[Show]:
    """The items have come: what they are, and the next step."""
    step = next_step(context, draft)
    first, *more = go(context, step, draft)
    if isinstance(first.view, FormCard):
        return [replace(first, view=replace(first.view, params=first.view.params | {"with_facts": True})), *more]
    return [Show(FormCard("form_file", "", draft | {"with_facts": True}, ())), first, *more]


def go(context: Context, step: str, draft: Draft, how: Literal["send", "edit"] = "send") -> list[Show]:
    """Stand at `step` and show it. The preview is two messages: the worker's card, and what it costs."""
    dialogue = save(context, NAME, step, draft)
    if step != "preview":
        return [Show(_card(context, dialogue), how)]
    sample = sample_view(draft, context.now)
    price = _price(context, dialogue, shown=sample is not None)
    return [Show(price, how)] if sample is None else [Show(SampleCard(sample), how), Show(price)]


def reading(context: Context) -> Reading:
    """How amounts and moments are shown to who speaks."""
    currency = context.session.get_one(Workspace, context.workspace_id).currency
    return Reading(currency, context.account.worker.time_zone, context.now)


def clock(context: Context) -> Clock:
    """When and by which clock something is said."""
    return Clock(context.now, context.account.worker.time_zone)


def proposal(context: Context, step: str, draft: Draft) -> list[str]:
    """What is taken at the step of the question or the labels where nothing else is typed."""
    locale = context.account.worker.locale
    if step == "question":
        return [draft["question"] or say("default_question", locale)]
    usual = [say("default_yes", locale), say("default_no", locale)]
    return list(draft["labels"] or draft["proposed"] or usual)


def _card(context: Context, dialogue: Dialogue) -> View:
    if dialogue.step.startswith(SET):
        return _setting(context, dialogue)
    if dialogue.step == "hub":
        return _hub(context, dialogue)
    rows = _rows(context, dialogue)
    params = dialogue.data | {"with_facts": _first(context, dialogue)}
    heading = "form_file" if dialogue.data["upload"] else "form_new"
    return FormCard(heading, _asked(dialogue), params, rows)


def _asked(dialogue: Dialogue) -> str:
    """The code of what the step asks."""
    if dialogue.step == "items" and dialogue.data.get("form"):
        return "form_await"
    if dialogue.step == "misfits" and not usable(dialogue.data):
        return "form_misfits_none"
    return "form_items_for" if dialogue.step == "items" and dialogue.data["question"] else f"form_{dialogue.step}"


def _first(context: Context, dialogue: Dialogue) -> bool:
    """Whether this is the first step, which also says what the file holds."""
    return dialogue.step != "items" and step_before(context, dialogue.step, dialogue.data) in (None, "columns")


def _rows(context: Context, dialogue: Dialogue) -> Rows:
    draft = dialogue.data
    ways = _ways(context, dialogue)
    if dialogue.step == "columns":
        return (*_columns(dialogue, draft["columns"]), ways)
    if dialogue.step == "target":
        targets = tuple(
            (_button(dialogue, "add", "button_add", subject=one.public_id, text=one.name),)
            for one in open_projects(context)
        )
        return ((_button(dialogue, "new", "button_new", "primary"),), *targets, ways)
    if dialogue.step in ("question", "labels"):
        proposed = shorten(" | ".join(proposal(context, dialogue.step, draft)), BUTTON_UNITS)
        return ((_button(dialogue, "keep", "button_use", "primary", text=proposed),), ways)
    if dialogue.step == "misfits":
        others = ((_button(dialogue, "use", "button_use_others", "primary"),),) if usable(draft) else ()
        return (*others, (_button(dialogue, "none", "button_no_known"),), ways)
    return (ways,)


def _ways(context: Context, dialogue: Dialogue) -> tuple[Choice, ...]:
    cancel = _button(dialogue, "cancel", "button_cancel", "quiet")
    if dialogue.step == "items" or step_before(context, dialogue.step, dialogue.data) is None:
        return (cancel,)
    return (_button(dialogue, "back", "button_back", "quiet"), cancel)


def _columns(dialogue: Dialogue, columns: Sequence[str]) -> Rows:
    return tuple(
        (_button(dialogue, f"c{number}", text=column),) for number, column in enumerate(columns[:MAX_COLUMN_BUTTONS])
    )


def _hub(context: Context, dialogue: Dialogue) -> HubCard:
    draft = dialogue.data
    buttons = [_button(dialogue, f"{SET}{name}", f"setting_{name}") for name in HUB_SETTINGS]
    pairs = tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))
    preview = _button(dialogue, "preview", "button_preview", "primary")
    return HubCard(
        name=draft["file"],
        items=item_count(draft),
        question=draft["question"],
        labels=tuple(draft["labels"]),
        settings=settings_of(draft),
        reading=reading(context),
        remarks=remarks(draft),
        rows=((preview,), *pairs, _ways(context, dialogue)),
    )


def _setting(context: Context, dialogue: Dialogue) -> SettingCard:
    name, draft = dialogue.step.removeprefix(SET), dialogue.data
    rows: list[tuple[Choice, ...]] = []
    presets: tuple[Preset, ...] = ()
    if name == "known":
        rows = [*_columns(dialogue, known_columns(draft))]
        rows.append((_button(dialogue, "none", "button_none"),))
        if draft["mapping"]["gold"] or draft["known_file"]:
            rows += [(_button(dialogue, use, f"button_known_{use}"),) for use in GOLD_USES]
    elif name == "guidelines":
        rows = [(_button(dialogue, "done", "button_done", "primary"), _button(dialogue, "none", "button_clear"))]
    else:
        setting = SETTINGS[name]
        presets = tuple(
            Preset(
                make("post", "", f"v{number}", dialogue.version),
                settings_of(with_settings(draft, setting.parse(words, clock(context)))),
            )
            for number, words in enumerate(setting.presets)
        )
    if name == "overlap":
        rows.append((_button(dialogue, f"{SET}aim", "button_quality_aim"),))
    return SettingCard(name, settings_of(draft), reading(context), presets, (*rows, _ways(context, dialogue)))


def _price(context: Context, dialogue: Dialogue, *, shown: bool) -> PriceCard:
    draft, settings, (items, _) = dialogue.data, settings_of(dialogue.data), labeled_count(dialogue.data)
    estimate = estimate_job(
        context.session,
        context.workspace_id,
        items,
        settings.minimum,
        settings.maximum,
        settings.price,
        settings.lease_seconds,
        context.now,
    )
    post = _button(dialogue, "post", "button_post", "primary")
    pilot = (_button(dialogue, "pilot", "button_post_pilot"),) if pays(items) else ()
    change = _button(dialogue, "back", "button_change" if draft.get("form") else "button_back", "quiet")
    cancel = _button(dialogue, "cancel", "button_cancel", "quiet")
    rows = ((post,), pilot, (change, cancel))
    return PriceCard(items, settings, reading(context), estimate, shown, rows, priced_remarks(draft))


def _button(
    dialogue: Dialogue, argument: str, code: str = "", style: str = "plain", *, subject: str = "", text: str = ""
) -> Choice:
    return Choice(make("post", subject, argument, dialogue.version), code, text, style)  # type: ignore[arg-type]
