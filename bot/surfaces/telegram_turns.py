"""What Telegram says, read as events. Groups are answered with silence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from telegram import CallbackQuery, ChatMember, Document, Update
from telegram import Message as TelegramMessage

from bot.surface import Command, Event, Left, MessageRef, Person, Said, Tapped, Uploaded

Fetch = Callable[[Document], Awaitable[Path]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One update of a person: how to read it, and the tap that waits for an answer."""

    update_id: int
    person: Person
    read: Callable[[], Awaitable[Event]]
    query_id: str | None = None
    message: MessageRef | None = None


def turn_of(update: Update, fetch: Fetch) -> Turn | None:
    """None for what was not said in a private chat, and for what needs no answer.

    Args:
        fetch: puts a document into a file of ours.
    """
    chat, user = update.effective_chat, update.effective_user
    if chat is None or user is None or chat.type != chat.PRIVATE:
        return None
    locale = user.language_code or ""
    person = Person("telegram", "", str(user.id), str(chat.id), name=user.full_name, locale=locale)
    if update.callback_query is not None:
        return _tap(update.update_id, person, update.callback_query)
    if update.my_chat_member is not None:
        # Unblocking needs no event: it comes with /start, and any event shows that the person is back.
        gone = update.my_chat_member.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
        return Turn(update.update_id, person, partial(_known, Left(person))) if gone else None
    message = update.message
    if message is None:
        return None
    if message.document is not None:
        read = partial(_upload, person, message.document, message.caption or "", fetch)
        return Turn(update.update_id, person, read)
    event = _said(person, message)
    return None if event is None else Turn(update.update_id, person, partial(_known, event))


def tapped(update_id: int, person: Person, query_id: str, payload: str, ref: MessageRef | None) -> Turn:
    """A tap on a button of the message `ref`."""
    return Turn(update_id, person, partial(_known, Tapped(person, payload, ref)), query_id=query_id, message=ref)


def _tap(update_id: int, person: Person, query: CallbackQuery) -> Turn:
    ref = MessageRef(person.address, str(query.message.message_id)) if query.message is not None else None
    return tapped(update_id, person, query.id, query.data or "", ref)


def _said(person: Person, message: TelegramMessage) -> Event | None:
    """Text, a command, or what was sent instead of text (a sticker, a photo) with its caption; None for notices."""
    text = message.text
    if text is None:
        return Said(person, message.caption or "") if message.effective_attachment is not None else None
    if not text.startswith("/"):
        return Said(person, text)
    word, *rest = text[1:].split(maxsplit=1) or [""]
    return Command(person, word.partition("@")[0].lower(), "".join(rest).strip())


async def _upload(person: Person, document: Document, caption: str, fetch: Fetch) -> Event:
    return Uploaded(person, Path(document.file_name or "file").name or "file", await fetch(document), caption)


async def _known(event: Event) -> Event:
    return event
