"""One event in one transaction: who speaks, may they, which dialogue answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy.orm import Session

from bot import notes, onboarding, posting, tokens, worker_chat
from bot.cards.views import Show
from bot.context import Context
from bot.jobs_chat import SeveralProjects
from bot.post_items import Looked
from bot.routes import COMMANDS, FORMS, STRANGER_TAPS, STRANGERS, TAPS, TEXTS, menu_of, reading_tap
from bot.surface import Command, Event, Filled, Left, MenuEntry, Person, Said, Tapped, Uploaded
from core.blocking import block
from core.config import Settings
from core.enrolment import Account, find_account
from core.errors import Conflict, InvalidInput, Refused
from core.held import Held, hold_with_account
from core.log import note_ids
from core.models import Dialogue

SEEN_EVERY = timedelta(minutes=5)
WHEN_BANNED = ("help", "forget", "erase", "noerase")
"""Commands, and verbs of their buttons, that are answered to everybody."""
WHEN_SUSPENDED = (*WHEN_BANNED, "stats", "language", "quiet", "link", "linkdo", "linknot", "workspace", "inws")
"""What is answered to somebody whom a coordinator has paused."""


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
    if isinstance(event, Left):
        return _left(session, person, now)
    if isinstance(event, Command) and event.argument and (welcome := STRANGERS.get(event.name)) is not None:
        person = replace(person, locale=person.locale or settings.default_locale)
        locale = _spoken(session, person)
        return _handled(session, person, welcome(session, person, event.argument, now), locale)
    if isinstance(event, Tapped) and (answer := _for_anybody(event)) is not None:
        locale = _spoken(session, replace(person, locale=person.locale or settings.default_locale))
        return _handled(session, person, answer(session, person, now), locale)
    account, held = _speaker(session, event)
    note_ids(worker=account.worker.public_id)
    if not is_reading(event):  # which must not wait for a writer
        _seen(account, person, now)
    locale = account.worker.locale
    context = Context(session, account, person, settings, now, held)
    shows = _before_consent(context, event) or _answer(context, event, looked)
    return _handled(session, person, shows, locale)


def handle_repeated(session: Session, person: Person, settings: Settings, now: datetime) -> Handled:
    """The present card of somebody who has tapped a button of an item that is dealt with.

    Raises:
        LightworkError: there is none for them.
    """
    account = known_account(session, person)
    context = Context(session, account, person, settings, now)
    return Handled(worker_chat.on_repeated(context), account.worker.locale)


def _spoken(session: Session, person: Person) -> str:
    """The language that somebody has chosen; that of their platform, where they are no member yet."""
    account = find_account(session, person.surface, person.tenant, person.external_id)
    return person.locale if account is None else account.worker.locale


def _for_anybody(event: Tapped) -> Callable[[Session, Person, datetime], list[Show]] | None:
    """The answer to a button that people have who are no members yet."""
    token = tokens.parse(event.payload)
    answer = STRANGER_TAPS.get(token.verb) if token is not None else None
    if token is None or answer is None:
        return None
    return lambda session, person, now: answer(session, person, token, now)


def _before_consent(context: Context, event: Event) -> list[Show]:
    """The question whether they agree to what is stored, for whoever has not; nothing where the event is answered.

    Raises:
        Refused: they are banned, or paused by a coordinator.
    """
    account = context.account
    name, early = _named(event)
    if account.banned and name not in WHEN_BANNED:
        raise Refused("banned")
    if account.suspended and name not in WHEN_SUSPENDED:
        raise Refused("suspended")
    if account.consented or account.banned or early:
        return []
    card = onboarding.consent_card(context.session, account)
    return [Show(card, "edit" if isinstance(event, Tapped) else "send")]


def _named(event: Event) -> tuple[str, bool]:
    """The command or verb of an event, and whether it is answered before consent."""
    if isinstance(event, Command):
        return event.name, event.name in COMMANDS and COMMANDS[event.name].early
    if isinstance(event, Tapped) and (token := tokens.parse(event.payload)) is not None:
        return token.verb, token.verb in TAPS and TAPS[token.verb].early
    return "", False


def _answer(context: Context, event: Command | Tapped | Said | Filled | Uploaded, looked: Looked | None) -> list[Show]:
    match event:
        case Command():
            return _command(context, event)
        case Tapped():
            return _tap(context, event)
        case Said():
            return _text(context, event)
        case Filled():
            return _form(context, event)
        case Uploaded():
            require(context.account, "coordinator")
            if looked is None:
                raise InvalidInput("upload_gone")
            return posting.on_upload(context, looked, event.caption)
        case _:
            assert_never(event)


def _left(session: Session, person: Person, now: datetime) -> Handled:
    """Nobody is there to read an answer."""
    account = find_account(session, person.surface, person.tenant, person.external_id)
    if account is not None:
        block(session, account.identity.id, now)
    return Handled([], person.locale)


def _handled(session: Session, person: Person, shows: list[Show], locale: str) -> Handled:
    if not any(show.menu for show in shows):
        return Handled(shows, locale)
    account = find_account(session, person.surface, person.tenant, person.external_id)
    if account is None:  # they have just left
        return Handled(shows, locale, ())
    return Handled(shows, account.worker.locale, menu_of(account, account.worker.locale))


def _speaker(session: Session, event: Event) -> tuple[Account, Held | None]:
    """Who speaks, with the assignment that they tap on where one statement finds both.

    Raises:
        Refused: as `known_account`.
    """
    person = event.person
    if isinstance(event, Tapped) and (token := tokens.parse(event.payload)) is not None and _holds(token):
        found = hold_with_account(session, person.surface, person.tenant, person.external_id, token.subject)
        if found is not None and found[1].assignment.state != "active":
            # Who was waited for may have shut them out, and the account was read before the wait.
            return known_account(session, person), found[1]
        if found is not None and found[0].role is not None:
            return found
    return known_account(session, person), None


def _holds(token: tokens.Token) -> bool:
    route = TAPS.get(token.verb)
    return route is not None and route.holds


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
        Refused: the account's role does not include it, or they are shut out.
    """
    if account.banned or account.suspended:
        raise Refused("banned" if account.banned else "suspended")
    if not account.may(role):
        raise Refused("needs_role", role=role)


def is_answer(event: Event) -> bool:
    """Whether the event answers an item: short work, of which there is much."""
    token = tokens.parse(event.payload) if isinstance(event, Tapped) else None
    return token is not None and _holds(token)


def is_reading(event: Event) -> bool:
    """Whether the event changes nothing, so that it need not wait for a writer."""
    if isinstance(event, Tapped):
        token = tokens.parse(event.payload)
        return token is not None and reading_tap(token)
    return isinstance(event, Command) and event.name in COMMANDS and COMMANDS[event.name].reads


def _command(context: Context, event: Command) -> list[Show]:
    route = COMMANDS.get(event.name)
    if route is None or not context.account.may(route.role):
        # Somebody without the role sees neither the command nor that it exists.
        raise InvalidInput("unknown_command", command=event.name[:40])
    try:
        return route.answer(context, event.argument.strip())
    except SeveralProjects as several:
        if event.argument.strip():  # which a button could not carry
            raise
        return several.shown


def _tap(context: Context, event: Tapped) -> list[Show]:
    token = tokens.parse(event.payload)
    route = TAPS.get(token.verb) if token is not None else None
    if token is None or route is None or not context.account.may(route.role):
        raise Conflict("unknown_button")
    if token.verb in worker_chat.TAPS and token.subject:
        note_ids(assignment=token.subject)
    return route.answer(context, token)


def _text(context: Context, event: Said) -> list[Show]:
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    answer = TEXTS.get(dialogue.name) if dialogue is not None else None
    if dialogue is None or answer is None:
        return notes.on_words(context, event.text)
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
