"""Slack's requests over HTTP: signed, of the last five minutes, answered by Bolt."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

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
        self._app: AsyncApp | None = None

    def serve(self, app: AsyncApp | None) -> None:
        """From now on `app` answers; nobody does where it is None."""
        self._app = app

    async def answer(self, request: web.Request) -> web.Response:
        """Returns 401 for what Slack has not signed, 503 (which Slack repeats) while nobody is there."""
        body = await request.read()
        if self._verifier is None or not _is_signed(self._verifier, body, request.headers):
            log.warning("slack.bad_signature", remote=request.remote)
            return web.Response(status=401)
        if self._app is None:
            return web.Response(status=503)
        asked = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=dict(request.headers))
        return await to_aiohttp_response(await self._app.async_dispatch(asked))


def _is_signed(verifier: SignatureVerifier, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        return verifier.is_valid_request(body, dict(headers))
    except (TypeError, ValueError):  # a timestamp that is no number, a body or a signature beyond ASCII
        return False
