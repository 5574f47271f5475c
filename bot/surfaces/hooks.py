"""One small HTTP server for the platforms that call us: webhooks of Telegram, events of Slack. See docs/settings.md.

It speaks plain HTTP and is meant to stand behind a proxy that ends TLS. Who calls is checked by each handler.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from core.errors import SettingsError
from core.log import get_logger

BODY_BYTES = 1024 * 1024
BODY_SECONDS = 5.0
HANDLER_SECONDS = 30.0
KEEPALIVE_SECONDS = 75.0
STOP_SECONDS = 2.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = get_logger(__name__)


class HookServer:
    """POST requests by path. Handlers may be added before and while it runs; everything else is answered with 404."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._handlers: dict[str, Handler] = {}
        self._listening = asyncio.Event()
        self.url = ""
        """Where it listens, once it does; for tests with port 0."""

    def add(self, path: str, handler: Handler) -> None:
        """Answer POST requests to `path` with `handler`; a second handler for it replaces the first.

        The body is on this machine when the handler is called, so `await request.read()` does not wait.
        """
        self._handlers[path] = handler

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            SettingsError: the address cannot be used.
        """
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_response_prepare.append(_without_server_name)
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self._host, self._port).start()
            except OSError as error:
                raise SettingsError(
                    f"LIGHTWORK_HOOKS_HOST and LIGHTWORK_HOOKS_PORT: cannot listen on {self._host}:{self._port} "
                    f"({error.strerror}); choose another port."
                ) from None
            self.url = "http://{}:{}".format(*runner.addresses[0][:2])
            self._listening.set()
            log.info("hooks.listening", host=self._host, port=runner.addresses[0][1])
            await asyncio.Event().wait()
        finally:
            self._listening.clear()
            await runner.cleanup()

    async def ready(self) -> None:
        """Wait until it listens."""
        await self._listening.wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        handler = self._handlers.get(request.path)
        if handler is None or request.method != hdrs.METH_POST:
            raise web.HTTPNotFound
        try:
            async with asyncio.timeout(BODY_SECONDS):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:  # a traceback in the answer would tell strangers about us
            log.exception("hooks.failed", path=request.path, error=type(error).__name__)
            raise web.HTTPInternalServerError from None


async def _without_server_name(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop(hdrs.SERVER, None)
