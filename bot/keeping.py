"""Keeping surfaces at work: each runs again and again, and who asks is told which one does not."""

from __future__ import annotations

import asyncio

from bot.surface import Dispatch, Surface
from core.errors import SettingsError
from core.log import get_logger

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0

log = get_logger(__name__)


class Keeper:
    """Runs the surfaces of one process."""

    def __init__(self) -> None:
        self._failed: dict[str, str] = {}

    async def keep(self, surface: Surface, dispatch: Dispatch) -> None:
        """Run a surface with back-off until cancelled.

        Raises:
            SettingsError: its settings cannot work, so trying again would not help.
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._failed.pop(surface.name, None)
            started = asyncio.get_running_loop().time()
            try:
                await surface.run(dispatch)
            except SettingsError:
                raise
            except Exception as error:
                log.exception("surface_failed", surface=surface.name)
                self._failed[surface.name] = type(error).__name__
            else:
                self._failed[surface.name] = "it ended"
            if asyncio.get_running_loop().time() - started > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def missing(self) -> str:
        """The surfaces that wait to be run again, and why; empty where all run. Callable from any thread."""
        return ", ".join(f"{name}: {reason}" for name, reason in sorted(self._failed.copy().items()))
