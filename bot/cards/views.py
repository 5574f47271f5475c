"""What a dialogue wants shown: data read in its transaction, rendered only after the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.surface import Form
from core.adjudication import Dispute
from core.stats import ProjectStats, WorkerStats
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
    """An item to answer. `undo` takes back the answer given before it."""

    view: LeaseView
    undo: Choice | None = None


@dataclass(frozen=True, slots=True)
class DisputeCard(View):
    """A disputed item for an expert, with what it was settled before."""

    dispute: Dispute


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project in a status."""

    name: str
    public_id: str
    state: str
    max_overlap: int
    retrain_threshold: int
    project_id: int
    stats: ProjectStats


@dataclass(frozen=True, slots=True)
class StatusCard(View):
    """How the projects of a workspace stand. The counts of Redis are filled in after the transaction."""

    projects: tuple[ProjectLine, ...]
    queues: dict[str, dict[str, int]] | None = None
    buckets: dict[int, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatsCard(View):
    """What a worker has done."""

    stats: WorkerStats


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
    """A step of posting a job: a heading, what is known so far, what is asked, and ways on and back."""

    heading_code: str
    text_code: str
    params: dict[str, Any]
    rows: tuple[tuple[Choice, ...], ...]
    preview: tuple[str, ...] = ()


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
