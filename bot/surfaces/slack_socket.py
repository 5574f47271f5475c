"""One Socket Mode connection, held until it goes silent; taps come past Bolt."""

from __future__ import annotations

import asyncio
import time

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.surfaces.slack_taps import Take, is_tap
from core.log import get_logger

CONNECT_SECONDS = 30.0
STALE_PINGS = 6

log = get_logger(__name__)


class _Handler(AsyncSocketModeHandler):
    """As Bolt's own, but taps go straight to `take`."""

    def __init__(self, app: AsyncApp, app_token: str, ping_interval: float, take: Take) -> None:
        super().__init__(app, app_token, ping_interval=ping_interval)
        self._take = take

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        if req.type != "interactive" or not is_tap(req.payload):
            await super().handle(client, req)
            return
        await self._take(req.payload)
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))


async def hold(app: AsyncApp, app_token: str, ping_interval: float, take: Take) -> None:
    """Connect `app` and stay; returns when no connection was made in 30 s, or the socket has gone silent.

    Slack's client replaces a closed socket after four pings without an answer. It has been seen deaf for hours all the
    same (bolt-python#417, #675); so the age of the last sign of life is watched from outside, and after six pings
    everything is built anew.

    Args:
        app: has the listeners.
        app_token: xapp-.
        ping_interval: seconds between pings.
        take: gets the taps, which are acknowledged when it returns.
    """
    handler = _Handler(app, app_token, ping_interval, take)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await handler.client.connect()  # type: ignore[no-untyped-call]
        await _watch(handler.client, ping_interval)
        log.warning("slack.socket_stale")
    except TimeoutError:
        log.warning("slack.connect_timed_out", seconds=CONNECT_SECONDS)
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _watch(client: SocketModeClient, ping_interval: float) -> None:
    heard = time.time()

    async def note(_: object) -> None:
        nonlocal heard
        heard = time.time()

    client.on_message_listeners.append(note)
    # The client notes its last pong in wall-clock time; a step of the clock costs one needless reconnection.
    while time.time() - max(heard, client.last_ping_pong_time or 0.0) < STALE_PINGS * ping_interval:
        await asyncio.sleep(ping_interval)
