"""HTTP for python-telegram-bot on aiohttp: its default client costs most of the time of a tap."""

from __future__ import annotations

import json
from functools import lru_cache
from http import HTTPStatus

import aiohttp
from telegram._utils.defaultvalue import DefaultValue
from telegram._utils.types import ODVInput
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

from core.metrics import PLATFORM_REFUSALS

JSON_TYPE = "application/json"
READ_SECONDS = 10.0
UPLOAD_SECONDS = 120.0
CONNECT_SECONDS = 10.0
ANSWER_LIMIT = 32 * 1024 * 1024


class TooManyRequests(TelegramError):
    """The server answered 429. The library's own `RetryAfter` warns of its deprecation when it is made."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"flood control, retry after {seconds:g} s")
        self.seconds = seconds


class AiohttpRequest(BaseRequest):
    """One pooled `ClientSession` for all requests of a bot, opened with the first of them.

    Errors carry the class of what went wrong, never its text: a URL of the Bot API holds the token.
    """

    __slots__ = ("_connections", "_session")

    def __init__(self, connections: int = 128) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds without a byte after which an answer is given up; long polling adds its own timeout."""
        return READ_SECONDS

    async def initialize(self) -> None:
        """Open the session; needs a running event loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),  # the Bot API sets none, and looking for them is work
                headers={"User-Agent": self.USER_AGENT},
            )

    async def shutdown(self) -> None:
        """Close the session. A later request opens a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - aiohttp has none
        connect_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One request; returns the status and the body.

        Raises:
            TimedOut: no connection, or no byte, in time.
            NetworkError: the server could not be reached, broke off, or answered with too much.
            TooManyRequests: 429; says how long to wait.
        """
        await self.initialize()
        assert self._session is not None  # noqa: S101 - opened one line above
        patience = UPLOAD_SECONDS if request_data is not None and request_data.contains_files else READ_SECONDS
        pool, connect = (_seconds(given, CONNECT_SECONDS) for given in (pool_timeout, connect_timeout))
        timeout = _timeout(pool, connect, _seconds(read_timeout, patience))
        try:
            # A redirect would carry the token in the URL to a place that nobody configured.
            async with self._session.request(
                method,
                _address(url),
                data=_body(request_data),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                payload = await _limited(response)
        except TimeoutError:
            raise TimedOut from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"{type(error).__name__} in the HTTP client") from None
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            PLATFORM_REFUSALS.labels("telegram").inc()
            raise TooManyRequests(_retry_after(payload))
        return response.status, payload


def _seconds(given: ODVInput[float], default: float) -> float | None:
    if isinstance(given, DefaultValue):
        return default
    return None if given is None else float(given)


@lru_cache(maxsize=64)
def _timeout(pool: float | None, connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=pool, sock_connect=connect, sock_read=read)


@lru_cache(maxsize=64)
def _address(url: str) -> URL:
    """Parsed once for each method; the addresses of files, which are all different, fall out by themselves."""
    return URL(url, encoded=True)


def _body(request_data: RequestData | None) -> aiohttp.Payload | aiohttp.FormData | None:
    """As JSON wherever it can be: encoding a form costs more than all the rest of a request."""
    if request_data is None:
        return None
    if not request_data.contains_files:
        # Not `json_payload`, in which what is nested is encoded twice.
        return aiohttp.BytesPayload(json.dumps(request_data.parameters).encode(), content_type=JSON_TYPE)
    form = aiohttp.FormData(quote_fields=False)
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, media_type) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=media_type)
    return form


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    while piece := await response.content.readany():
        received += piece
        if len(received) > ANSWER_LIMIT:
            raise NetworkError("the answer of the server is too long")
    return bytes(received)


def _retry_after(payload: bytes) -> float:
    """The wait that Telegram names in `parameters`; a proxy's 429 has none."""
    try:
        return max(1.0, float(json.loads(payload)["parameters"]["retry_after"]))
    except (ValueError, KeyError, TypeError):
        return 5.0
