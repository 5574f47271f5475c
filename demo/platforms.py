"""The chat platforms on which the demo can be played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from demo.chat import Chat
from demo.processes import Up
from demo.slack_chat import SlackPlatform
from demo.telegram_chat import TelegramPlatform
from demo.web_chat import WebChat, new_transport

CONNECTIONS = 128


class Platform(Protocol):
    """Where everybody meets. Start it before Lightwork, and stop it after."""

    name: str
    seats: int
    """How many people deal with cards at the same moment."""
    stage_seconds: float
    """How long people may take until all items of a stage are decided."""

    async def start(self) -> Mapping[str, str]:
        """Make it reachable; returns the settings with which Lightwork finds it."""
        ...

    def reached(self, up: Up) -> None:
        """Lightwork is running."""
        ...

    def chat(self) -> Chat:
        """The chat of one more person."""
        ...

    async def stop(self) -> None:
        """Close all connections."""
        ...


class WebPlatform:
    """The web chat, which Lightwork itself serves."""

    name = "the web chat"
    seats = 12
    stage_seconds = 300.0

    def __init__(self) -> None:
        self._transport = new_transport(CONNECTIONS)
        self._base_url = ""

    async def start(self) -> Mapping[str, str]:
        """Nothing has to be set."""
        return {}

    def reached(self, up: Up) -> None:
        """Its address is known now."""
        self._base_url = up.base_url

    def chat(self) -> WebChat:
        """The session of one more person."""
        return WebChat(self._base_url, self._transport)

    async def stop(self) -> None:
        """Close the connections that all sessions share."""
        await self._transport.aclose()


PLATFORMS: Mapping[str, type[Platform]] = {"web": WebPlatform, "telegram": TelegramPlatform, "slack": SlackPlatform}
