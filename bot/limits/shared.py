"""The buckets of a token in Redis, where all processes see them; each process keeps its own while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.limits.buckets import SECOND, Buckets, Claim, Part, Verdict
from core.log import get_logger

ANSWER_SECONDS = 0.5
"""A reply to a tap waits for this call, so a Redis that hangs is given up soon."""
AWAY_SECONDS = 5.0
"""How long a Redis that failed is left alone."""

TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answers, key, arg = {}, 1, 1
while arg <= #ARGV do
  local parts = tonumber(ARGV[arg])
  local moments, longest, blocked = {}, 0, 0
  for part = 1, parts do
    local moment = math.max(now, tonumber(redis.call('GET', KEYS[key + part - 1]) or 0))
    local wait = moment - tonumber(ARGV[arg + 2 * part]) - now
    moments[part] = moment
    if wait > longest then longest, blocked = wait, part end
  end
  for part = 1, parts do
    if blocked == 0 then
      local moment = moments[part] + tonumber(ARGV[arg + 2 * part - 1])
      local text = string.format('%.0f', moment)
      redis.call('SET', KEYS[key + part - 1], text, 'PX', math.ceil((moment - now) / 1000))
    end
  end
  table.insert(answers, blocked)
  table.insert(answers, longest)
  key, arg = key + parts, arg + 2 * parts + 1
end
return answers
"""
"""As `Buckets.take`. KEYS: the buckets of all claims. ARGV: for each claim the number of its parts, then interval and
tolerance of each. Answers for each claim the number of the part without room, or 0, and the microseconds to wait."""

CLOSE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local closed = now + ARGV[1] + ARGV[2]
local moment = math.max(closed, tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%.0f', moment), 'PX', math.ceil((moment - now) / 1000))
return 0
"""
"""As `Buckets.close`."""

log = get_logger(__name__)


class SharedBuckets:
    """The buckets of one token.

    Args:
        url: of Redis.
        name: tells the token from others and is not the token, for example a hash of it.
        clock: seconds, monotonic.
    """

    def __init__(self, url: str, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = self._redis.register_script(TAKE)
        self._close = self._redis.register_script(CLOSE)
        self._prefix = f"lightwork:limit:{{{name}}}:"
        self._own = Buckets()
        self._clock = clock
        self._away_until = 0.0
        self._told = False

    async def take(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Admit what there is room for, in the order given."""
        keys = [self._prefix + part.bucket for claim in claims for part in claim]
        args: list[int] = []
        for claim in claims:
            args.append(len(claim))
            for part in claim:
                args += (part.interval, part.tolerance)
        answers = await self._asked(lambda: self._take(keys=keys, args=args))
        if answers is None:
            return self._own.take(claims, self._now())
        pairs = zip(answers[::2], answers[1::2], strict=True)
        return [Verdict(not part, max(0, part - 1), wait / SECOND) for part, wait in pairs]

    async def close(self, part: Part, seconds: float) -> None:
        """Admit nobody to the bucket of `part` for so long, in any process."""
        self._own.close(part, round(seconds * SECOND), self._now())
        args = [round(seconds * SECOND), part.tolerance]
        await self._asked(lambda: self._close(keys=[self._prefix + part.bucket], args=args))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _asked(self, ask: Callable[..., object]) -> list[int] | None:
        """The answer of Redis; nothing while it is away."""
        if self._clock() < self._away_until:
            return None
        try:
            answer = await ask()  # type: ignore[misc]
        except (RedisError, OSError) as error:
            self._away_until = self._clock() + AWAY_SECONDS
            if not self._told:
                log.warning("limits.redis_away", error=type(error).__name__)
            self._told = True
            return None
        if self._told:
            log.info("limits.redis_back")
        self._told = False
        return answer if isinstance(answer, list) else []

    def _now(self) -> int:
        return round(self._clock() * SECOND)
