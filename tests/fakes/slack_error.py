"""What the Slack fake answers a call with that it refuses."""

from __future__ import annotations


class SlackError(Exception):
    """An answer with ok: false."""

    def __init__(self, code: str, status: int = 200, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after = retry_after
