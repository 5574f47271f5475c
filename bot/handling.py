"""One event in one transaction: who speaks, may they, which dialogue answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy.orm import Session

from bot import posting, tokens
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.posting import Looked
from bot.routes import COMMANDS, FORMS, STRANGERS, TAPS, TEXTS, menu_of
from bot.surface import Command, Event, Filled, MenuEntry, Person, Said, Tapped, Uploaded
from core.config import Settings
from core.enrolment import Account, find_account
from core.errors import Conflict, InvalidInput, Refused
from core.models import Dialogue

SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Handled:
    """What is shown for an event, in which language, and the person's commands where they have changed."""

    shows: list[Show]
    locale: str
    menu: tuple[MenuEntry, ...] | None = None


def handle(session: Session, event: Event, settings: Settings, now: datetime, looked: Looked | None = None) -> Handled:
    """What is shown for `event`.

    Args:
        looked: the file of an `Uploaded`, looked at before the transaction.

    Raises:
        LightworkError: refused; the transaction is rolled back, the code names the sentence.
    """
    person = event.person
    if isinstance(event, Command) and event.argument and (welcome := STRANGERS.get(event.name)) is not None:
        return _handled(session, person, welcome(session, person, event.argument, now), person.locale)
    account = known_account(session, person)
    if not is_reading(event):  # which must not wait for a writer
        _seen(account, person, now)
    context = Context(session, account, person, settings, now)
    match event:
        case Command():
            shows = _command(context, event)
        case Tapped():
            shows = _tap(context, event)
        case Said():
            shows = _text(context, event)
        case Filled():
            shows = _form(context, event)
        case Uploaded():
            require(account, "coordinator")
            if looked is None:
                raise InvalidInput("upload_gone")
            shows = posting.on_upload(context, looked, event.caption)
        case _:
            assert_never(event)
    return _handled(session, person, shows, account.worker.locale)


def _handled(session: Session, person: Person, shows: list[Show], locale: str) -> Handled:
    if not any(show.menu for show in shows):
        return Handled(shows, locale)
    account = find_account(session, person.surface, person.tenant, person.external_id)
    if account is None:  # they have just left
        return Handled(shows, locale, ())
    return Handled(shows, account.worker.locale, menu_of(account, account.worker.locale))


def known_account(session: Session, person: Person) -> Account:
    """The account of who speaks.

    Raises:
        Refused: they never joined, or are no member of any workspace now.
    """
    account = find_account(session, person.surface, person.tenant, person.external_id)
    if account is None or account.role is None:
        raise Refused("not_enrolled")
    return account


def require(account: Account, role: str) -> None:
    """Check a role.

    Raises:
        Refused: the account's role does not include it.
    """
    if not account.may(role):
        raise Refused("needs_role", role=role)


def is_reading(event: Event) -> bool:
    """Whether the event changes nothing, so that it need not wait for a writer."""
    return isinstance(event, Command) and event.name in COMMANDS and COMMANDS[event.name].reads


def _command(context: Context, event: Command) -> list[Show]:
    route = COMMANDS.get(event.name)
    if route is None or not context.account.may(route.role):
        # Somebody without the role sees neither the command nor that it exists.
        raise InvalidInput("unknown_command", command=event.name[:40])
    return route.answer(context, event.argument.strip())


def _tap(context: Context, event: Tapped) -> list[Show]:
    token = tokens.parse(event.payload)
    route = TAPS.get(token.verb) if token is not None else None
    if token is None or route is None or not context.account.may(route.role):
        raise Conflict("unknown_button")
    return route.answer(context, token)


def _text(context: Context, event: Said) -> list[Show]:
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    answer = TEXTS.get(dialogue.name) if dialogue is not None else None
    if dialogue is None or answer is None:
        return [Show(Notice("say_hint"))]
    return answer(context, dialogue, event.text)


def _form(context: Context, event: Filled) -> list[Show]:
    token = tokens.parse(event.payload)
    route = FORMS.get(token.verb) if token is not None else None
    if token is None or route is None or not context.account.may(route.role):
        raise Conflict("unknown_button")
    return route.answer(context, token, event.values)


def _seen(account: Account, person: Person, now: datetime) -> None:
    identity = account.identity
    if identity.last_seen_at < now - SEEN_EVERY or identity.address != person.address or identity.blocked_at:
        identity.last_seen_at, identity.address, identity.blocked_at = now, person.address, None
