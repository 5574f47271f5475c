"""Who talks to the Telegram surface under test, and how it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.assembly import sentence
from bot.surface import Leadership, Limiter, MenuEntry, Offsets, Rate
from bot.surfaces.telegram import TelegramSurface
from bot.surfaces.telegram_webhook import Webhook
from core.lanes import Lane
from tests.fakes.telegram_server import TelegramServer

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456"
ANN, BEN = 7, 8


class Open:
    """A limiter that lets everybody through and remembers whom it was told to keep out."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, Lane]] = []
        self.closed: list[tuple[str, float]] = []

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """At once."""
        self.admitted.append((rates[0].name, lane))

    async def close(self, rate: Rate, seconds: float) -> None:
        """Remember it."""
        self.closed.append((rate.name, seconds))


class Throne:
    """The right to poll, in memory, for several surfaces: `taken_by` has it until it gives it back or is deposed."""

    def __init__(self) -> None:
        self.taken_by: object = None
        self.fence = 0

    def claimant(self, renew_seconds: float = 0.02) -> Claimant:
        """Somebody who wants it."""
        return Claimant(self, renew_seconds)


class Claimant:
    """A `bot.surface.Leadership` on a throne."""

    def __init__(self, throne: Throne, renew_seconds: float) -> None:
        self._throne = throne
        self.renew_seconds = renew_seconds
        self.asked = 0

    async def take(self) -> int | None:
        """Take or keep it."""
        self.asked += 1
        if self._throne.taken_by is None:
            self._throne.taken_by = self
            self._throne.fence += 1
        return self._throne.fence if self._throne.taken_by is self else None

    async def give_back(self) -> None:
        """Let another one take it."""
        if self._throne.taken_by is self:
            self._throne.taken_by = None


def make(
    server: TelegramServer,
    offsets: Offsets,
    directory: Path,
    *,
    token: str = TOKEN,
    leadership: Leadership | None = None,
    limiter: Limiter | None = None,
    webhook: Webhook | None = None,
    menus: Mapping[str, Sequence[MenuEntry]] | None = None,
) -> TelegramSurface:
    """A surface that does not wait long."""
    return TelegramSurface(
        token,
        server.url,
        offsets=offsets,
        leadership=leadership or Throne().claimant(),
        limiter=limiter or Open(),
        fetch_directory=directory / "fetched",
        sentence=sentence,
        webhook=webhook,
        menus=menus,
        poll_seconds=5,
        first_pause=0.01,
    )
