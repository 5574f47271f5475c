"""One request to a platform; what can go wrong in it is data, and no token ever stands in what it returns."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

SECONDS = 8.0
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What a platform answered. body: empty where it was no JSON object; date: its clock, where it said so."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody answered; the reason in a word or two."""

    reason: str


def ask(url: str, headers: Mapping[str, str] | None = None) -> Reply | Unreachable:
    """POST to `url` without a body. Never raises for what the network does."""
    request = urllib.request.Request(url, data=b"", headers=dict(headers or {}), method="POST")  # noqa: S310 - http(s), see settings
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            return _reply(response.status, response.headers, response.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return _reply(error.code, dict(error.headers), error.read(MOST_BYTES))
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Unreachable(type(reason).__name__ if not isinstance(reason, str) else reason)


def _reply(status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    known = {name.lower(): value for name, value in headers.items()}
    try:
        body = json.loads(content)
    except ValueError:
        body = {}
    return Reply(status, body if isinstance(body, dict) else {}, known, _date(known.get("date", "")))


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
