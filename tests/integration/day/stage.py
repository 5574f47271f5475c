"""A bot with everything behind it, on one surface or on several: dispatch, delivery, and the jobs that fall due."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from rq.registry import ScheduledJobRegistry
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.surface import Surface
from core.clock import now
from core.config import Settings
from core.db import unit_of_work
from core.db.writer import make_writer
from core.enrolment import create_invite, ensure_workspace
from core.queue import ASSIGNMENTS, DEFAULT, QUEUES, EffectRunner, fetch, queue
from core.runtime import Runtime

NOT_YET = ("expire-",)
"""Scheduled jobs that stand for time that does not pass in a script."""


class Stage:
    """Surfaces run as they do in the bot's process; jobs run when the script lets the workers work."""

    def __init__(self, settings: Settings, engine: Engine, redis: Redis) -> None:
        self.settings, self.engine, self.redis = settings, engine, redis
        self.run_effects = EffectRunner(redis)
        self.runtime = Runtime(settings, engine, redis, self.run_effects)
        self.writer = make_writer(engine, self.run_effects)
        self.dispatch = Dispatcher(settings, self.writer, redis, engine)
        self.surfaces: dict[str, Surface] = {}
        self.delivery = Delivery(engine, self.writer, self.surfaces)
        self._running: list[asyncio.Task[None]] = []

    def open(self, surface: Surface) -> None:
        """Let a surface receive and send."""
        self.surfaces[surface.name] = surface
        self._running.append(asyncio.create_task(surface.run(self.dispatch)))

    async def close(self) -> None:
        """Stop the surfaces and the writer."""
        for one in self._running:
            one.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self.writer.close)

    async def work(self) -> None:
        """Run what is due in Redis, and what is scheduled but for the ends of leases; then deliver what is owed."""
        # The writer answers first and enqueues then: what is written after an event finds its jobs in Redis.
        await asyncio.wrap_future(self.writer.submit(lambda session: None))
        while await asyncio.to_thread(self._run_jobs):
            pass
        while await self.delivery.deliver_once():
            pass

    def invite(self, role: str, uses: int = 1) -> str:
        """A fresh invite code, as `lightwork invite` prints it."""
        with self.writing() as session:
            return create_invite(session, ensure_workspace(session, now()).id, role, uses, now())

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A unit of work beside the bot's."""
        with unit_of_work(self.engine, self.run_effects) as session:
            yield session

    def _run_jobs(self) -> int:
        done = 0
        for name in QUEUES:
            one = queue(name, self.redis)
            scheduled = ScheduledJobRegistry(queue=one)
            due = [job_id for job_id in scheduled.get_job_ids(cleanup=False) if not job_id.startswith(NOT_YET)]
            for job_id in [*one.job_ids, *due]:
                job = fetch(self.redis, job_id)
                one.remove(job)
                scheduled.remove(job)
                job.delete()
                if name in (ASSIGNMENTS, DEFAULT):  # nobody trains in a script
                    job.func(*job.args)
                    done += 1
        return done
