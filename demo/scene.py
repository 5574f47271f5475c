"""What the audience sees at a moment: plain data that the play writes and the progress display reads."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

RATE_SECONDS = 8.0
KEPT_LINES = 6


@dataclass(slots=True)
class Scene:
    """The present moment of the demo.

    act: what happens, in words. done, total: of the bar; 0 for total where there is no measure.
    chat: (who, what) of the last acts in the chat.
    """

    act: str = "Starting"
    done: int = 0
    total: int = 0
    answers: int = 0
    decided: int = 0
    disputed: int = 0
    model: str = "no model yet"
    chat: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    began: float = field(default_factory=time.monotonic)
    _counts: deque[tuple[float, int]] = field(default_factory=deque)

    def begin(self, act: str, total: int = 0) -> None:
        """The next act; the rate begins anew, because nobody may be answering in it."""
        self.act, self.done, self.total = act, 0, total
        self._counts.clear()

    def say(self, who: str, what: str) -> None:
        """Something was said in the chat."""
        self.chat.append((who, printable(what)))

    def count(self, answers: int, moment: float) -> None:
        """So many answers have been given until `moment`, in seconds of the monotonic clock."""
        self.answers = answers
        self._counts.append((moment, answers))
        while self._counts[0][0] < moment - RATE_SECONDS:
            self._counts.popleft()

    @property
    def rate(self) -> float:
        """Answers per second over the last seconds."""
        if len(self._counts) < 2:
            return 0.0
        (began, before), (ended, after) = self._counts[0], self._counts[-1]
        return (after - before) / (ended - began) if ended > began else 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self.began


def printable(text: str) -> str:
    """`text` as one line that cannot steer a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
