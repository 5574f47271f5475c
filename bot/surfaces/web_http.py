"""What every request passes: allowed hosts and origins, security headers, refusals as JSON, bounded bodies."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.surface import Sentence
from bot.surfaces.web_session import locale_of
from core.errors import LightworkError
from core.log import get_logger

JSON_LIMIT: Final = 64 * 1024
UNCHANGING: Final = ("GET", "HEAD", "OPTIONS")
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]

log = get_logger(__name__)


class WebRefusal(LightworkError):
    """A request that is not carried out.

    Args:
        status: the HTTP status.
        code: key of the sentence, "web_...".
    """

    def __init__(self, status: int, code: str, **params: object) -> None:
        super().__init__(code, **params)
        self.status = status


class Refusals:
    """Errors as JSON with one clear sentence: {"error": code, "message": sentence}."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence

    def respond(self, error: WebRefusal, locale: str) -> JSONResponse:
        """The response of one refusal."""
        body = {"error": error.code, "message": self.sentence(error, locale)}
        return JSONResponse(body, error.status)

    async def refused(self, request: Request, error: Exception) -> Response:
        """Starlette's handler of `WebRefusal`."""
        if not isinstance(error, WebRefusal):
            raise error
        return self.respond(error, locale_of(request))

    async def http(self, request: Request, error: Exception) -> Response:
        """Starlette's handler of what the router refuses: unknown paths and methods."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        code = {404: "web_not_found", 405: "web_method"}.get(status, "web_bad_request")
        return self.respond(WebRefusal(status, code), locale_of(request))

    async def crashed(self, request: Request, _error: Exception) -> Response:
        """Starlette's handler of what nobody foresaw; the guard logs it."""
        return self.respond(WebRefusal(500, "web_failed"), locale_of(request))


class Hosts:
    """Names under which this server may be addressed; anything else is DNS rebinding or a mistake.

    Args:
        host: the configured host name or address.
        origin: the public address behind a proxy, like https://label.example.org, or empty.
    """

    def __init__(self, host: str, origin: str) -> None:
        parts = urlsplit(origin)
        self._origin = f"{parts.scheme}://{parts.netloc}".lower() if origin else ""
        self._public = parts.netloc.lower()
        self._names = LOOPBACK | {host.lower().strip("[]")}

    def knows(self, host: str) -> bool:
        """Whether the Host header `host` is allowed. A port on an allowed name is not compared: see `trusts`."""
        host = host.lower()
        if self._public and host == self._public:
            return True
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        return name in self._names

    def trusts(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` may change state here: it is ours, or the configured one."""
        origin = origin.lower()
        return origin == f"http://{host.lower()}" or (bool(self._origin) and origin == self._origin)


class Guard:
    """The outermost ASGI application; nothing reaches the routes unchecked."""

    def __init__(self, app: ASGIApp, hosts: Hosts, refusals: Refusals) -> None:
        self._app = app
        self._hosts = hosts
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, run, and log what nobody foresaw."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        secured = _with_headers(send, cacheable=path.startswith("/static/"))
        refusal = None if path == "/healthz" else self._check(scope)
        if refusal is not None:
            response = self._refusals.respond(refusal, locale_of(Request(scope)))
            await response(scope, receive, secured)
            return
        try:
            await self._app(scope, receive, secured)
        except ClientDisconnect:
            log.info("web_client_left", method=scope["method"], path=_without_code(path))
        except Exception:
            log.exception("web_request_failed", method=scope["method"], path=_without_code(path))

    def _check(self, scope: Scope) -> WebRefusal | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._hosts.knows(host):
            return WebRefusal(421, "web_host", host=host[:100])
        if scope["method"] in UNCHANGING:
            return None
        origin = headers.get(b"origin")
        if origin is None:
            # No browser leaves both out of a cross-site POST; scripts send neither.
            same = headers.get(b"sec-fetch-site", "none") in ("same-origin", "none")
        else:
            same = self._hosts.trusts(origin, host)
        return None if same else WebRefusal(403, "web_origin", origin=(origin or "")[:100])


def _with_headers(send: Send, cacheable: bool) -> Send:
    extra = SECURITY_HEADERS if cacheable else [*SECURITY_HEADERS, (b"cache-control", b"no-store")]

    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return secured


def _without_code(path: str) -> str:
    return "/join/..." if path.startswith("/join/") else path


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body of `request`, at most 64 KB.

    Raises:
        WebRefusal: another content type, too large, or not a JSON object.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise WebRefusal(415, "web_content_type", expected="application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > JSON_LIMIT:
            raise WebRefusal(413, "web_body_too_large", limit_kb=JSON_LIMIT // 1024)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise WebRefusal(400, "web_bad_json") from None
    if not isinstance(found, dict):
        raise WebRefusal(400, "web_bad_json")
    return found


def text_field(body: dict[str, Any], name: str, limit: int) -> str:
    """The text `name` of a JSON body; missing and null mean empty.

    Raises:
        WebRefusal: it is no text, or longer than `limit` characters.
    """
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise WebRefusal(400, "web_bad_field", field=name, limit=limit)
    return value


def count_field(value: object, name: str) -> int | None:
    """A whole number from 0 up, as text or as a number; None where it is missing.

    Raises:
        WebRefusal: it is something else.
    """
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise WebRefusal(400, "web_bad_field", field=name, limit=18)
    return int(text)
