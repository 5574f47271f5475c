"""The bot process: builds everything once, injects dispatch into the surfaces, runs until told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from redis import Redis
from sqlalchemy import Engine

from bot.assembly import assemble
from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.keeping import Keeper
from bot.metered import Metered
from core.background import BackgroundEffects
from core.config import Settings, load_settings
from core.db import make_engine
from core.db.writer import make_writer
from core.embedded import redis_url
from core.errors import SettingsError
from core.log import get_logger, setup_logging
from core.monitoring import Monitor, monitored
from core.monitoring.readiness import needs
from core.pulse import beat
from core.queue import EffectRunner, connect
from core.starting import await_latch
from core.steady import keep_steady
from core.stopping import FINISH_SECONDS, leave_in_time, leave_now

BEAT_SECONDS = 1.0
LAST_SENDS_SECONDS = 1.5
"""How long what is being sent may go on; the rest of `FINISH_SECONDS` is for what people have just done."""

log = get_logger(__name__)


def main() -> None:
    """Run the bot; settings that cannot work end in one sentence and exit code 2."""
    try:
        settings = load_settings()
        setup_logging(settings.log_format, settings.secrets_to_hide())
        await_latch()
        asyncio.run(serve(settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    leave_now()


async def serve(settings: Settings) -> None:
    """Run all surfaces and delivery until SIGTERM or SIGINT; then take nothing new and finish what was begun.

    Raises:
        SettingsError: a setting cannot work, for example a port that is taken.
    """
    engine = make_engine(settings)
    url = redis_url(settings)
    redis = connect(url)
    runner = EffectRunner(redis)
    effects = BackgroundEffects(runner)
    writer = make_writer(engine, effects)
    dispatch = Metered(Dispatcher(settings, writer, redis, engine))
    assembly = assemble(settings, engine, writer, url)
    delivery = Delivery(engine, writer, {surface.name: surface for surface in assembly.surfaces})
    runner.wake_delivery = delivery.wake
    keeper = Keeper()
    parts = [*(keeper.keep(surface, dispatch) for surface in assembly.surfaces), delivery.run(), _beating()]
    if assembly.hooks is not None:
        parts.append(assembly.hooks.run())
    keep_steady()
    try:
        with monitored(settings, "bot", needs(engine, url) | {"surfaces": keeper.missing}) as monitor:
            await _run_until_stopped(parts, lambda: _stop_sending(monitor, delivery))
    finally:
        await assembly.close()
        await asyncio.to_thread(writer.close)
        await asyncio.to_thread(effects.close)
        _close(engine, redis)


async def _run_until_stopped(parts: list[Coroutine[Any, Any, None]], on_stop: Callable[[], Awaitable[None]]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    running = [asyncio.ensure_future(part) for part in parts]
    waiting = asyncio.ensure_future(stopped.wait())
    done, _ = await asyncio.wait([*running, waiting], return_when=asyncio.FIRST_COMPLETED)
    leave_in_time()
    with suppress(TimeoutError):
        async with asyncio.timeout(FINISH_SECONDS):
            await on_stop()
            for part in [*running, waiting]:
                part.cancel()
            await asyncio.gather(*running, waiting, return_exceptions=True)
    for part in done:
        if part is not waiting and not part.cancelled() and part.exception() is not None:
            part.result()


async def _stop_sending(monitor: Monitor, delivery: Delivery) -> None:
    """First of all, while the connections of the surfaces are there: they close them when they end."""
    monitor.readiness.stopping()
    await delivery.finish(LAST_SENDS_SECONDS)


async def _beating() -> None:
    while True:
        beat()
        await asyncio.sleep(BEAT_SECONDS)


def _close(engine: Engine, redis: Redis) -> None:
    engine.dispose()
    redis.close()


if __name__ == "__main__":
    main()
