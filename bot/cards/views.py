"""What a dialogue wants shown: data read in its transaction, rendered only after the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.cards.lessons import Step, Told
from bot.surface import Button, Form
from core.views import LeaseView


@dataclass(frozen=True, slots=True)
class Choice:
    """A button before it has a language: `code` names its text, `text` replaces it where people gave it."""

    payload: str
    code: str = ""
    text: str = ""
    style: Literal["plain", "primary", "danger", "quiet"] = "plain"


class View:
    """Base of all that is shown; `bot.cards.RENDERERS` has one function for each kind."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Notice(View):
    """A sentence or two, with buttons."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    rows: tuple[tuple[Choice, ...], ...] = ()
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class ItemCard(View):
    """An item to answer. `undo` takes back the answer given before it.

    page: of the labels, from 0.
    skipping: the buttons ask why it is skipped.
    cheer: the answer before it was the last of the person's goal for the day.
    told: what is told about the answer before it, to who learns. step: of the practice or quiz that it is part of.
    """

    view: LeaseView
    undo: Choice | None = None
    page: int = 0
    skipping: bool = False
    cheer: bool = False
    told: Told | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """How the card of a label schema is answered: one page of buttons.

    listed: the labels of the page as text, where buttons cannot show them whole.
    page: from 0.
    """

    rows: tuple[tuple[Button, ...], ...]
    listed: str = ""
    page: int = 0
    pages: int = 1


@dataclass(frozen=True, slots=True)
class FileCard(View):
    """A file for the person, with a sentence."""

    code: str
    params: dict[str, Any]
    name: str
    media_type: str
    path: str


@dataclass(frozen=True, slots=True)
class FormCard(View):
    """A step of posting a job: a heading, what is known so far, what is asked, and ways on and back.

    text_code: empty where nothing is asked.
    """

    heading_code: str
    text_code: str
    params: dict[str, Any]
    rows: tuple[tuple[Choice, ...], ...]


@dataclass(frozen=True, slots=True)
class Show:
    """A view and how it appears: as a new message, in place of the tapped one, or as a short notice.

    form: a form that is opened; the view is sent where the platform would not open it.
    menu: whether the commands of the person have changed by this event, by role or by language.
    """

    view: View
    how: Literal["send", "edit", "toast"] = "send"
    form: Form | None = None
    menu: bool = False
