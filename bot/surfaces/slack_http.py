"""Slack's requests over HTTP: signed, of the last five minutes, answered by Bolt, taps without a detour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from yarl import URL

from bot.surfaces.slack_taps import Take, is_tap
from core.log import get_logger

PATH = "/slack/events"

log = get_logger(__name__)


class Requests:
    """Answers requests to `PATH` while an app is there to take them.

    Args:
        signing_secret: what Slack signs with; without one every request is refused.
    """

    def __init__(self, signing_secret: str) -> None:
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        self._serving: tuple[AsyncApp, Take] | None = None

    def serve(self, app: AsyncApp, take: Take) -> None:
        """From now on `take` answers taps, and `app` all else."""
        self._serving = app, take

    def rest(self) -> None:
        """Nobody answers any more."""
        self._serving = None

    async def answer(self, request: web.Request) -> web.Response:
        """Returns 401 for what Slack has not signed, 503 (which Slack repeats) while nobody is there."""
        body = await request.read()
        if self._verifier is None or not _is_signed(self._verifier, body, request.headers):
            log.warning("slack.bad_signature", remote=request.remote)
            return web.Response(status=401)
        if self._serving is None:
            return web.Response(status=503)
        app, take = self._serving
        if (tap := _tap_in(body)) is not None:
            await take(tap)
            return web.Response()
        asked = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=dict(request.headers))
        return await to_aiohttp_response(await app.async_dispatch(asked))


def _tap_in(body: bytes) -> dict[str, Any] | None:
    """The tap that a request tells about; nothing where it tells about anything else."""
    if not body.startswith(b"payload="):
        return None
    try:
        # The parser of the HTTP client: that of the standard library takes twenty times as long for quoted JSON.
        payload = json.loads(URL.build(path="/", query_string=body.decode(), encoded=True).query["payload"])
    except (ValueError, KeyError):  # whatever it is, Bolt has an answer to it
        return None
    return payload if is_tap(payload) else None


def _is_signed(verifier: SignatureVerifier, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        return verifier.is_valid_request(body, dict(headers))
    except (TypeError, ValueError):  # a timestamp that is no number, a body or a signature beyond ASCII
        return False
