"""One Socket Mode connection, held until it goes silent."""

from __future__ import annotations

import asyncio
import time

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from core.log import get_logger

CONNECT_SECONDS = 30.0
STALE_PINGS = 6

log = get_logger(__name__)


async def hold(app: AsyncApp, app_token: str, ping_interval: float) -> None:
    """Connect `app` and stay; returns when no connection was made in 30 s, or the socket has gone silent.

    Slack's client replaces a closed socket after four pings without an answer. It has been seen deaf for hours all the
    same (bolt-python#417, #675); so the age of the last sign of life is watched from outside, and after six pings
    everything is built anew.

    Args:
        app: has the listeners.
        app_token: xapp-.
        ping_interval: seconds between pings.
    """
    handler = AsyncSocketModeHandler(app, app_token, ping_interval=ping_interval)
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
