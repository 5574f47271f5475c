"""How a dialogue says what it answers, and where it keeps how far it has come.

Each dialogue module ends in its own `COMMANDS`, `TAPS`, `FORMS`, `TEXTS` and `STRANGERS`; `bot/routes.py` puts them
together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.views import Show
from bot.context import Context
from bot.surface import Person
from bot.tokens import Token
from core.errors import Conflict, InvalidInput
from core.models import Dialogue

MAX_VERSION = 999_999
Text = Callable[[Context, Dialogue, str], list[Show]]
"""Answers plain words while the person stands in the dialogue of that name."""
Stranger = Callable[[Session, Person, str, datetime], list[Show]]
"""Answers a command with an argument from anybody, member or not."""
StrangerTap = Callable[[Session, Person, Token, datetime], list[Show]]
"""Answers a button from anybody, member or not."""


@dataclass(frozen=True, slots=True)
class CommandRoute:
    """A command: the role it takes, and who answers.

    reads: changes nothing and may look at much; it does not wait for a writer.
    listed: stands in the menu and in /help, under the code `menu_<name>`.
    early: is answered before the person has agreed to what is stored.
    """

    role: str
    answer: Callable[[Context, str], list[Show]]
    reads: bool = False
    listed: bool = True
    early: bool = False


@dataclass(frozen=True, slots=True)
class TapRoute:
    """A button verb: the role it takes, and who answers. `early` and `reads` as of a command.

    holds: its subject is an assignment, which is read and held together with the account: `Context.held`.
    """

    role: str
    answer: Callable[[Context, Token], list[Show]]
    early: bool = False
    reads: bool = False
    holds: bool = False


@dataclass(frozen=True, slots=True)
class FormRoute:
    """The verb of a form's payload: the role it takes, and who answers what was filled in."""

    role: str
    answer: Callable[[Context, Token, Mapping[str, str]], list[Show]]


class FormProblems(InvalidInput):
    """Fields of a form that cannot be used: the error of each by the field's name."""

    def __init__(self, fields: Mapping[str, InvalidInput]) -> None:
        self.fields = fields
        first = next(iter(fields.values()))
        super().__init__(first.code, **first.params)


def current(context: Context, name: str) -> Dialogue:
    """The dialogue of this name that the account stands in.

    Raises:
        Conflict: it stands in none, or in another.
    """
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is None or dialogue.name != name:
        raise Conflict("no_dialogue")
    return dialogue


def checked(context: Context, name: str, token: Token) -> Dialogue:
    """As `current`; a button of an earlier step is refused.

    Raises:
        Conflict: as `current`, or the button is stale.
    """
    dialogue = current(context, name)
    if token.version != dialogue.version:
        raise Conflict("stale_button")
    return dialogue


def save(context: Context, name: str, step: str, data: Mapping[str, Any]) -> Dialogue:
    """Stand at `step`; its buttons carry the new version."""
    identity_id = context.account.identity.id
    dialogue = context.session.get(Dialogue, identity_id)
    if dialogue is None:
        dialogue = Dialogue(
            identity_id=identity_id, name=name, step=step, data=dict(data), version=1, updated_at=context.now
        )
        context.session.add(dialogue)
    else:
        dialogue.name, dialogue.step, dialogue.data = name, step, dict(data)
        dialogue.version, dialogue.updated_at = dialogue.version % MAX_VERSION + 1, context.now
    context.session.flush()
    return dialogue


def leave(context: Context) -> None:
    """Stand in no dialogue any more."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None:
        context.session.delete(dialogue)
        context.session.flush()
