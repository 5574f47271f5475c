"""What Slack's client raises, as the three errors that delivery tells apart. No token is in their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.surface import Blocked, Rejected, RetryLater, SurfaceError
from core.log import hide
from core.metrics import PLATFORM_REFUSALS

BLOCKED = {"channel_not_found", "is_archived", "user_disabled", "user_not_found"}
AUTH_ERRORS = {
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "not_allowed_token_type",
}
"""About our own token, also account_inactive ("for a deleted user or workspace"): nobody has blocked us then."""
BUSY = {"ratelimited", "rate_limited"}
AWAY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
NETWORK = (aiohttp.ClientError, TimeoutError, ConnectionError)
NETWORK_PAUSE = 2.0
TOKEN_PAUSE = 60.0


class Throttled(RetryLater):
    """Slack says that this was one call too many."""


@contextmanager
def translated(secrets: Sequence[str]) -> Iterator[None]:
    """Raises `SurfaceError` where the library raises its own; `secrets` are hidden."""
    try:
        yield
    except SlackApiError as error:
        raise _refusal(error.response, secrets) from None
    except NETWORK:
        raise RetryLater(NETWORK_PAUSE) from None
    except (SlackClientError, ValueError) as error:
        raise Rejected(named(error, secrets)) from None


def named(error: Exception, secrets: Sequence[str]) -> str:
    """An error's class and text, fit for a log."""
    return f"{type(error).__name__}: {hide(str(error), list(secrets))}"


def code_of(response: Any) -> str:
    """The error that Slack names; an answer that is no JSON names none."""
    return str(response.get("error", "")) if hasattr(response, "get") else ""


def retry_after(headers: Any) -> float:
    """Seconds that a 429 asks to wait; 1 where it names none."""
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    return max(1.0, float(found)) if str(found).isdigit() else 1.0


def _refusal(response: Any, secrets: Sequence[str]) -> SurfaceError:
    code = code_of(response)
    status = int(getattr(response, "status_code", 0) or 0)
    if status == 429 or code in BUSY:
        PLATFORM_REFUSALS.labels("slack").inc()
        return Throttled(retry_after(getattr(response, "headers", {})))
    if code in AUTH_ERRORS:
        return RetryLater(TOKEN_PAUSE)
    if code in BLOCKED:
        return Blocked(code)
    if status >= 500 or code in AWAY:
        return RetryLater(NETWORK_PAUSE)
    return Rejected(hide(code, list(secrets)) or f"HTTP {status}")
