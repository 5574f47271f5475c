"""The models of a job: which is in use, how good each is, and a way to use another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.cards.busy import Busy, busy_sentence
from bot.cards.buttons import render_rows
from bot.cards.gate import Reason, reason_sentence
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import moment, number, share
from bot.texts.units import in_a_row
from bot.tokens import make
from core.retired_models import LATEST, REIGNS
from core.training import MIN_DECIDED

Files = Literal["there", "cleared", "lost"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the learning of a job stands.

    champion: number of the model in use, right on `accuracy` of its holdout. newest: number of the last one made, in
    use or not. training: state of the unfinished run. threshold: decided items that start a run; 0 for none.
    items: of the job, None where that is not known. nightly: a run starts at certain times, too. busy: what the trainer
    does now.
    """

    champion: int | None
    accuracy: float | None
    newest: int | None
    training: str | None
    threshold: int
    items: int | None = None
    nightly: bool = False
    busy: Busy | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One model version in the list. state: champion, held or retired. items: those that it was measured on, if known.

    files: there, cleared to save room, or lost. reason: why it was held. drifted: it agrees less with new labels than
    it should. has_card: there is a report on it. silent: it is in use and has not been through the open items yet.
    left: somebody went back from it.
    """

    number: int
    state: str
    accuracy: float
    base_model: str
    created_at: datetime
    files: Files = "there"
    reason: Reason | None = None
    drifted: bool = False
    has_card: bool = False
    items: int | None = None
    silent: bool = False
    left: bool = False


@dataclass(frozen=True, slots=True)
class ModelsCard(View):
    """The newest versions of a job, the newest first. more: so many older ones are not shown.

    run: public id of the unfinished run that can be stopped; empty where there is none.
    """

    public_id: str
    name: str
    standing: Standing
    versions: tuple[Version, ...]
    time_zone: str
    now: datetime
    more: int = 0
    run: str = ""


def render(card: ModelsCard, locale: str) -> Message:
    """A paragraph for each version, a button for each that could be used instead."""
    if not card.versions:
        text = f"{model_sentence(card.standing, locale)}\n\n{say('models_none', locale)}"
    else:
        text = "\n\n".join(_version(version, card, locale) for version in card.versions)
        text += f"\n\n{say('models_more', locale, count=card.more)}" if card.more else ""
        text += f"\n\n{_training(card.standing, locale)}" if card.standing.training else ""
    return Message(
        heading=say("models_heading", locale, name=card.name),
        text=text,
        footer=say("models_footer", locale) if card.versions else "",
        buttons=render_rows(_rows(card), locale),
    )


def model_sentence(standing: Standing, locale: str) -> str:
    """Which model is in use, or what there will be one from, in one sentence or two."""
    if standing.champion is not None:
        right = share(standing.accuracy or 0.0, locale, 1)
        said = say("status_model", locale, version=standing.champion, accuracy=right)
    elif standing.newest is not None:
        said = say("status_model_held", locale, version=standing.newest)
    else:
        said = say(_none_yet(standing), locale, threshold=standing.threshold, least=MIN_DECIDED)
    return in_a_row(said, _training(standing, locale)) if standing.training else said


def _none_yet(standing: Standing) -> str:
    """The code of what brings the first model about, as far as this job can come to it."""
    if standing.items is not None and standing.items < MIN_DECIDED:
        return "status_no_model_small"
    if standing.threshold and (standing.items is None or standing.items >= standing.threshold):
        return "status_no_model"
    return "status_no_model_nightly" if standing.nightly else "status_no_model_off"


def _training(standing: Standing, locale: str) -> str:
    busy = standing.busy
    if busy is None:
        return say(f"status_training_{standing.training}", locale)
    if busy.whose != "own":
        return in_a_row(say("status_training_waits", locale), busy_sentence(busy, locale))
    if busy.done is None:
        return say("status_training_running", locale)
    return say("status_training_running_part", locale, done=share(busy.done, locale))


def _version(version: Version, card: ModelsCard, locale: str) -> str:
    said = say(
        f"models_{version.state}",
        locale,
        version=version.number,
        accuracy=_accuracy(version, locale),
        when=moment(version.created_at, card.time_zone, locale, card.now),
        base=version.base_model,
    )
    more = [
        say("models_drifted", locale) if version.drifted else "",
        reason_sentence(version.reason, locale) if version.reason else "",
        _without_files(version, locale),
        _silence(version, card, locale),
    ]
    return "\n".join((said, *filter(None, more)))


def _accuracy(version: Version, locale: str) -> str:
    accuracy = share(version.accuracy, locale, 1)
    if version.items is None:
        return accuracy
    said = number(version.items, locale)
    return say("models_accuracy", locale, accuracy=accuracy, count=version.items, items=said)


def _silence(version: Version, card: ModelsCard, locale: str) -> str:
    """What a model in use has still to say, and what that waits for; nothing where it has no files to say it with."""
    if not version.silent or version.files != "there":
        return ""
    busy = "" if card.standing.training else busy_sentence(card.standing.busy, locale)
    return in_a_row(say("models_silent", locale), busy)


def _without_files(version: Version, locale: str) -> str:
    """Why a version cannot be used; nothing where it can."""
    if version.files == "there":
        return ""
    if version.files == "cleared":
        return say("models_cleared", locale, reigns=REIGNS, latest=LATEST)
    return say("models_lost_champion" if version.state == "champion" else "models_lost", locale)


def _rows(card: ModelsCard) -> tuple[tuple[Choice, ...], ...]:
    choices = tuple(row for version in card.versions if (row := _row(version, card.public_id)))
    train = Choice(make("pick", card.public_id, "train"), "button_train", style="quiet")
    if card.standing.training:
        return (*choices, stop_row(card.public_id, card.run)) if card.run else choices
    return (*choices, (train,))


def _row(version: Version, job: str) -> tuple[Choice, ...]:
    """What can be done with a version: use it instead, see how good it is."""
    chosen = str(version.number)
    code = "button_go_back_to" if version.state == "retired" and not version.left else "button_use_model"
    use = Choice(make("model", job, chosen), code, f"v{chosen}")
    report = Choice(make("modelcard", job, chosen), "button_model_report", f"v{chosen}")
    usable = version.state != "champion" and version.files == "there"
    return (*((use,) if usable else ()), *((report,) if version.has_card else ()))


def stop_row(project: str, run: str) -> tuple[Choice, ...]:
    """The button that stops a run. project, run: their public ids."""
    return (Choice(make("stoptrain", project, run), "button_stop_training", style="danger"),)
