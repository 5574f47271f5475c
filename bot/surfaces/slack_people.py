"""Who somebody is and which language they speak, asked once and remembered for a while."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.surface import Person, SurfaceError
from bot.surfaces.slack_client import SlackClient
from core.log import get_logger

PATIENCE_SECONDS = 0.6
"""No longer than this is an event held up; what comes later serves the next one."""
REMEMBERED = 10_000
FRESH_SECONDS, FAILED_SECONDS = 24 * 3600.0, 600.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a member, and until when it is believed, in seconds of the clock."""

    name: str
    locale: str
    until: float


class People:
    """The members of one workspace that were met lately. Failing to learn about one harms nothing."""

    def __init__(self, client: SlackClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: OrderedDict[str, Profile] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def introduced(self, person: Person) -> Person:
        """`person` with their real name and locale, where Slack tells them in time."""
        user = person.external_id
        profile = self._known.get(user)
        if profile is None or profile.until <= self._clock():
            if user not in self._asking:
                self._asking[user] = asyncio.create_task(self._ask(user))
            await asyncio.wait([self._asking[user]], timeout=PATIENCE_SECONDS)
            profile = self._known.get(user)
        if profile is None:
            return person
        return replace(person, name=profile.name or person.name, locale=profile.locale or person.locale)

    def locale_of(self, person: Person) -> str:
        """The language of somebody who was introduced, nothing where it is not known."""
        profile = self._known.get(person.external_id)
        return person.locale if profile is None else profile.locale

    async def close(self) -> None:
        """Ask nobody any more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, user: str) -> None:
        try:
            self._remember(user, await self._profile(user))
        finally:
            del self._asking[user]

    async def _profile(self, user: str) -> Profile:
        try:
            found = await self._client.user(user)
        except SurfaceError as error:
            log.warning("slack.profile_unknown", error=self._client.named(error))
            return Profile("", "", self._clock() + FAILED_SECONDS)
        real_name = found.get("real_name") or (found.get("profile") or {}).get("real_name") or ""
        return Profile(str(real_name), str(found.get("locale") or ""), self._clock() + FRESH_SECONDS)

    def _remember(self, user: str, profile: Profile) -> None:
        self._known[user] = profile
        self._known.move_to_end(user)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
