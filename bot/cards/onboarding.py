"""What newcomers read first: what is stored about them, and the question whether they agree."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import language_of, say
from bot.texts.catalogues import LANGUAGES
from bot.tokens import make
from core.enrolment import CONSENT_VERSION


@dataclass(frozen=True, slots=True)
class ConsentCard(View):
    """What is stored, who sees it, how it goes again; with the question whether they agree."""

    workspace: str


@dataclass(frozen=True, slots=True)
class OperatorCard(View):
    """The welcome of who runs the workspace, with what is stored of everybody there."""

    workspace: str
    role: str


def render_consent(card: ConsentCard, locale: str) -> Message:
    """Plain words, yes and no, and a way to read it in another language."""
    spoken = language_of(locale)
    others = tuple(
        Choice(make("locale", "", code), text=name, style="quiet") for code, name in LANGUAGES.items() if code != spoken
    )
    rows = (
        (Choice(make("agree"), "button_agree", style="primary"), Choice(make("decline"), "button_decline")),
        others,
    )
    return Message(
        kind="form",
        heading=say("consent_heading", locale, workspace=card.workspace),
        text=f"{_stored(card.workspace, locale)}\n\n" + say("consent_ask", locale),
        footer=say("consent_version", locale, version=CONSENT_VERSION),
        buttons=render_rows(rows, locale),
    )


def render_operator(card: OperatorCard, locale: str) -> Message:
    """What they can do here, and what is stored."""
    welcome = say("welcome_coordinator", locale, workspace=card.workspace, role=card.role)
    return Message(
        text=f"{welcome}\n\n{_stored(card.workspace, locale)}",
        footer=say("consent_version", locale, version=CONSENT_VERSION),
    )


def _stored(workspace: str, locale: str) -> str:
    return say("consent_stored", locale, workspace=workspace)
