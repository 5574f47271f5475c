"""The bot process: builds everything once, injects dispatch into the surfaces, runs until told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable
from contextlib import suppress

from redis import Redis
from sqlalchemy import Engine

from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.mailbox import DatabaseMailbox
from bot.offsets import DatabaseOffsets
from bot.surface import Dispatch, Surface
from bot.texts import FALLBACK, knows, say
from core.background import BackgroundEffects
from core.config import Settings, load_settings
from core.db import make_engine
from core.db.writer import Writer, make_writer
from core.embedded import redis_url
from core.errors import LightworkError, SettingsError
from core.ids import hash_code
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
    redis = connect(redis_url(settings))
    runner = EffectRunner(redis)
    effects = BackgroundEffects(runner)
    writer = make_writer(engine, effects)
    dispatcher = Dispatcher(settings, writer, redis, engine)
    surfaces = build_surfaces(settings, engine, writer)
    delivery = Delivery(engine, writer, {surface.name: surface for surface in surfaces})
    runner.wake_delivery = delivery.wake
    try:
        await _run_until_stopped([*(_surface_loop(surface, dispatcher) for surface in surfaces), delivery.run()])
    finally:
        await asyncio.to_thread(writer.close)
        await asyncio.to_thread(effects.close)
        _close(engine, redis)


def build_surfaces(settings: Settings, engine: Engine, writer: Writer) -> list[Surface]:
    """The web chat, and the platforms whose tokens are set."""
    from bot.surfaces.web import WebSurface

    surfaces: list[Surface] = [
        WebSurface(
            DatabaseMailbox(engine, writer),
            _sentence,
            signing_key=settings.signing_key,
            host=settings.web_host,
            port=settings.web_port,
            origin=settings.web_origin,
            max_upload_bytes=settings.max_upload_bytes,
        )
    ]
    incoming = settings.home / "incoming"
    incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
    if token := settings.telegram_bot_token.get_secret_value():
        from bot.surfaces.telegram import TelegramSurface

        offsets = DatabaseOffsets(engine, writer, f"telegram-{hash_code(token)[:16]}")
        surfaces.append(TelegramSurface(token, settings.telegram_api_url, offsets, incoming))
    if bot_token := settings.slack_bot_token.get_secret_value():
        from bot.surfaces.slack import SlackSurface

        app_token = settings.slack_app_token.get_secret_value()
        surfaces.append(SlackSurface(bot_token, app_token, settings.slack_api_url, incoming))
    return surfaces


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


async def _run_until_stopped(parts: list[Awaitable[None]]) -> None:
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


def _sentence(error: LightworkError, locale: str) -> str:
    return say(error.code, locale, **error.params) if knows(error.code) else say(FALLBACK, locale)


if __name__ == "__main__":
    main()
