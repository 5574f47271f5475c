"""The bot process: builds everything once, injects dispatch into the surfaces, runs until told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from redis import Redis
from sqlalchemy import Engine

from bot.assembly import assemble
from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.surface import Dispatch, Surface
from core.background import BackgroundEffects
from core.config import Settings, load_settings
from core.db import make_engine
from core.db.writer import make_writer
from core.embedded import redis_url
from core.errors import SettingsError
from core.log import get_logger, setup_logging
from core.queue import EffectRunner, connect

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
STOP_SECONDS = 8.0

log = get_logger(__name__)


def main() -> None:
    """Run the bot; settings that cannot work end in one sentence and exit code 2."""
    try:
        settings = load_settings()
        setup_logging(settings.log_format, settings.secrets_to_hide())
        asyncio.run(serve(settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


async def serve(settings: Settings) -> None:
    """Run all surfaces and delivery until SIGTERM or SIGINT.

    Raises:
        SettingsError: a setting cannot work, for example a port that is taken.
    """
    engine = make_engine(settings)
    url = redis_url(settings)
    redis = connect(url)
    runner = EffectRunner(redis)
    effects = BackgroundEffects(runner)
    writer = make_writer(engine, effects)
    dispatcher = Dispatcher(settings, writer, redis, engine)
    assembly = assemble(settings, engine, writer, url)
    delivery = Delivery(engine, writer, {surface.name: surface for surface in assembly.surfaces})
    runner.wake_delivery = delivery.wake
    parts = [*(_surface_loop(surface, dispatcher) for surface in assembly.surfaces), delivery.run()]
    if assembly.hooks is not None:
        parts.append(assembly.hooks.run())
    try:
        await _run_until_stopped(parts)
    finally:
        await assembly.close()
        await asyncio.to_thread(writer.close)
        await asyncio.to_thread(effects.close)
        _close(engine, redis)


async def _surface_loop(surface: Surface, dispatch: Dispatch) -> None:
    """Run a surface again and again with back-off; only settings that cannot work end the process."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await surface.run(dispatch)
        except SettingsError:
            raise
        except Exception:
            log.exception("surface_failed", surface=surface.name)
        if asyncio.get_running_loop().time() - started > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _run_until_stopped(parts: list[Coroutine[Any, Any, None]]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    running = [asyncio.ensure_future(part) for part in parts]
    waiting = asyncio.ensure_future(stopped.wait())
    done, _ = await asyncio.wait([*running, waiting], return_when=asyncio.FIRST_COMPLETED)
    for part in [*running, waiting]:
        part.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.gather(*running, waiting, return_exceptions=True)
    for part in done:
        if part is not waiting and not part.cancelled() and part.exception() is not None:
            part.result()


def _close(engine: Engine, redis: Redis) -> None:
    engine.dispose()
    redis.close()


if __name__ == "__main__":
    main()
