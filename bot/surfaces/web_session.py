"""Who is asking: a signed cookie, and the `Person` made of it and of the request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from bot.surface import Person
from bot.surfaces.web_content import clean
from core.ids import is_public_id

SURFACE: Final = "web"
COOKIE: Final = "lightwork_session"
MAX_AGE_SECONDS: Final = 180 * 24 * 3600
NAME_LENGTH: Final = 80
LOCALE_LENGTH: Final = 35
_LOCALE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class Session:
    """What the cookie says: an account of this surface and the name its person gave."""

    external_id: str
    name: str


class Sessions:
    """Signs and reads the cookie.

    Args:
        key: signing key; whoever has it can be anybody.
    """

    def __init__(self, key: str) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="lightwork.web.session")

    def read(self, request: Request) -> Session | None:
        """The session of `request`; None without a cookie and with one that is forged, malformed or too old."""
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            return None
        try:
            found = self._serializer.loads(cookie, max_age=MAX_AGE_SECONDS)
        except BadData:
            return None
        match found:
            case {"id": str(external_id), "name": str(name)} if is_public_id(external_id):
                return Session(external_id, name)
            case _:
                return None

    def write(self, request: Request, response: Response, session: Session) -> None:
        """Set the cookie of `session` on `response`; who has come over https gets it back over https only."""
        value = str(self._serializer.dumps({"id": session.external_id, "name": session.name}))
        # Behind a proxy the scheme may be lost; the origin, which the guard has checked, is not.
        secure = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https:")
        response.set_cookie(
            COOKIE, value, max_age=MAX_AGE_SECONDS, path="/", secure=secure, httponly=True, samesite="strict"
        )


def person_of(session: Session, request: Request) -> Person:
    """The account behind `request`; its address is its external id."""
    return Person(
        surface=SURFACE,
        tenant="",
        external_id=session.external_id,
        address=session.external_id,
        name=session.name,
        locale=locale_of(request),
        origin=request.client.host if request.client else "",
    )


def locale_of(request: Request) -> str:
    """The first language tag that the browser asks for, at most 35 characters; empty where there is none."""
    first = request.headers.get("accept-language", "").split(",", 1)[0].split(";", 1)[0].strip()
    return first if len(first) <= LOCALE_LENGTH and _LOCALE.fullmatch(first) else ""


def clean_name(name: str) -> str:
    """A name on one line without control characters, at most 80 characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in clean(name))
    return " ".join(printable.split())[:NAME_LENGTH].rstrip()
