"""What RQ's scheduler and workers do: every job that is due by the clock, by the entry point that RQ would call."""

from __future__ import annotations

import importlib

from rq.job import Job
from rq.registry import ScheduledJobRegistry
from sqlalchemy import update

from core import jobs
from core.models import Project
from core.queue import APPLY_OVERLAP, ASSIGNMENTS, DEFAULT, EXPIRE, OFFER, RECOLLECT, REESTIMATE, fetch, queue
from tests.integration.composition.world import World

RUN = (EXPIRE, OFFER, REESTIMATE, APPLY_OVERLAP, RECOLLECT)
"""Exports, training and what is sent change nothing about answers."""
AT_ONCE = 200


def run_due(world: World) -> None:
    """All jobs that are due, one after the other, and those that they make due; each is an event of its own."""
    for _ in range(AT_ONCE):
        if (job := _take_due(world)) is None:
            return
        if job.func_name in RUN:
            module, _, name = job.func_name.rpartition(".")
            getattr(importlib.import_module(module), name)(*job.args)
            world.events += 1
            world.look(world, job.func_name)
    raise AssertionError("jobs make each other due without end")


def pass_time(world: World, seconds: float) -> None:
    """Everybody is away for a while."""
    world.clock.forward(seconds)
    run_due(world)


def estimate_anew(world: World) -> None:
    """The background looks at everything once more."""

    world.do("estimate anew", lambda session: session.execute(update(Project).values(estimated_annotations=0)))
    jobs.reestimate(world.project_id)
    world.events += 1
    world.look(world, "re-estimation")


def lose_redis(world: World) -> None:
    """Redis is emptied; the sweep brings back what is due."""
    world.runtime.redis.flushdb()
    jobs.sweep()
    world.events += 1
    world.look(world, "sweep")


def _take_due(world: World) -> Job | None:
    """The next job that waits, or was scheduled until now, taken out of Redis."""
    redis, until = world.runtime.redis, int(world.clock().timestamp())
    for name in (ASSIGNMENTS, DEFAULT):
        one = queue(name, redis)
        registry = ScheduledJobRegistry(queue=one)
        for job_id in [*one.job_ids, *registry.get_jobs_to_schedule(until)]:
            job = fetch(redis, job_id)
            registry.remove(job)
            one.remove(job)
            job.delete()
            return job
    return None
