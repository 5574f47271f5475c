"""What Telegram sends us, parsed: taps by ourselves, since there are so many of them, and the rest by the library."""

from __future__ import annotations

from typing import Any

from telegram import Bot, Update

from bot.surface import MessageRef, Person
from bot.surfaces.telegram_turns import Turn, tapped

Incoming = Update | Turn


def incoming(raw: Any, bot: Bot) -> Incoming:
    """An update as it was sent.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    return tap_of(raw) or Update.de_json(raw, bot)


def tap_of(raw: Any) -> Turn | None:
    """A tap on a button in a private chat; None for everything else, and for what is in any way unusual."""
    match raw:
        case {
            "update_id": int(update_id),
            "callback_query": {
                "id": str(query_id),
                "from": {"id": int(user_id), "first_name": str(first), **sender},
                "message": {"message_id": int(message_id), "chat": {"id": int(chat_id), "type": "private"}},
                "data": str(data),
            },
            **more,
        } if not more:
            last, locale = sender.get("last_name", ""), sender.get("language_code", "")
        case _:
            return None
    numbers = (update_id, user_id, message_id, chat_id)
    if any(type(number) is not int for number in numbers) or type(last) is not str or type(locale) is not str:
        return None
    name = f"{first} {last}" if last else first
    person = Person("telegram", "", str(user_id), str(chat_id), name=name, locale=locale)
    return tapped(update_id, person, query_id, data, MessageRef(person.address, str(message_id)))
