"""The people who answer the servers that `benchmarks.peers` measures, as far as they are alike."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import aiohttp

REQUEST_SECONDS = 60.0
"""No request takes longer: then it has failed."""
Json = Any
"""What a server says."""
Choice = TypeVar("Choice")


class Failed(Exception):
    """A server refused a request, or did not answer it."""


class Session(Protocol):
    """One person."""

    async def answer(self) -> None:
        """Answer one item and see the next. Raises `Failed` where the server refused."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


class Person:
    """Somebody with connections of their own, who chooses by dice of their own."""

    def __init__(self, client: aiohttp.ClientSession, number: int = 0) -> None:
        self._client = client
        self._dice = random.Random(number)

    async def ask(self, method: str, path: str, body: Json = None, form: aiohttp.FormData | None = None) -> Json:
        """As `asked`. Raises `Failed`."""
        return await asked(self._client, method, path, body, form)

    def choice(self, options: Sequence[Choice]) -> Choice:
        """One of these, the same in each run."""
        return self._dice.choice(options)

    async def close(self) -> None:
        """Leave."""
        await self._client.close()


class TokenPerson(Person):
    """Somebody who asks a REST interface with a token."""

    def __init__(self, url: str, token: str, number: int = 0, seconds: float = REQUEST_SECONDS) -> None:
        headers = {"Authorization": f"Token {token}"}
        timeout = aiohttp.ClientTimeout(seconds)
        super().__init__(aiohttp.ClientSession(base_url=url, headers=headers, timeout=timeout), number)


async def asked(
    client: aiohttp.ClientSession, method: str, path: str, body: Json = None, form: aiohttp.FormData | None = None
) -> Json:
    """What the server answers in JSON to a request, with a body in JSON or a form.

    Raises:
        Failed: its status is 400 or more, the connection broke, or it took too long.
    """
    try:
        async with client.request(method, path, json=body, data=form) as response:
            if response.status >= 400:
                raise Failed(f"{method} {path}: {response.status} {(await response.text())[:300]}")
            return await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Failed(f"{method} {path}: {error!r}") from error
