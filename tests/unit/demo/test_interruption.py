"""Ctrl-C in the demo: the first ends the play in order, the second ends the stopping."""

from __future__ import annotations

import asyncio
import signal

import pytest

from demo.run import Interruption


class Play:
    """Goes on until it is interrupted, and hears of a further signal while it stops."""

    def __init__(self, second: signal.Signals | None = None) -> None:
        self.stopped = False
        self._second = second

    async def __call__(self) -> None:
        """Play."""
        interruption = Interruption(asyncio.current_task())
        try:
            await self._act()
        finally:
            interruption.heeded()
            await asyncio.sleep(0)
            if self._second is not None:
                signal.raise_signal(self._second)
            self.stopped = True

    async def _act(self) -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()


class Deaf(Play):
    """Its first cancelling is swallowed, as by a wait that times out in that moment."""

    async def _act(self) -> None:
        try:
            await super()._act()
        except asyncio.CancelledError:
            await asyncio.Event().wait()


@pytest.mark.parametrize("play", [Play(), Deaf()], ids=["heard", "swallowed"])
def test_the_first_ends_the_play_in_order(play: Play) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(play(), 20))
    assert play.stopped


def test_the_second_ends_the_stopping() -> None:
    play = Play(second=signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(play())
    assert not play.stopped
