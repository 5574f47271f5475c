"""`lightwork status`: what runs, what waits, and how far the projects are."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.cli.calling import called
from core.cli.counting import counted
from core.cli.migrate import no_database, schema_is_current
from core.clock import now
from core.config import Settings
from core.db import make_engine, reading
from core.embedded import redis_url
from core.errors import SettingsError
from core.models import ModelVersion, Project
from core.queue import connect, scheduled_counts, waiting_counts
from core.stats import project_stats
from core.supervisor import running
from core.tally import tallies
from core.under_way import due, under_way


def look(settings: Settings) -> dict[str, Any]:
    """Everything there is to see, as JSON: database, redis, processes, queues, jobs_run, training, projects.

    Never raises for a database or a Redis that is away: what of it is missing stays empty.
    """
    found: dict[str, Any] = {"database": {}, "redis": {}, "processes": running(settings.home)}
    found |= {"queues": {}, "jobs_run": [], "training": {"running": [], "due": []}, "projects": []}
    redis = _look_at_redis(settings, found)
    _look_at_database(settings, found, redis)
    if redis is not None:
        redis.close()
    return found


def _look_at_redis(settings: Settings, found: dict[str, Any]) -> Redis | None:
    try:
        redis = connect(redis_url(settings))
        found["queues"] = waiting_counts(redis)
    except (RedisError, SettingsError, ValueError) as error:
        problem = str(error) if isinstance(error, SettingsError) else "Redis does not answer at REDIS_URL."
        found["redis"] = {"reachable": False, "problem": problem}
        return None
    found["redis"] = {"reachable": True, "embedded": not settings.redis_url}
    return redis


def _look_at_database(settings: Settings, found: dict[str, Any], redis: Redis | None) -> None:
    address = make_url(settings.sqlalchemy_url).render_as_string(hide_password=True)
    if problem := no_database(settings):  # which looking for it must not make
        found["database"] = {"reachable": False, "address": address, "problem": problem}
        return
    engine = make_engine(settings)
    try:
        current = schema_is_current(engine)
        found["database"] = {"reachable": True, "address": address, "current": current}
        if current:
            with reading(engine) as session:
                _look_at_tables(session, found, redis)
    except OperationalError:
        problem = f"The database does not answer at {address}; check DATABASE_URL."
        found["database"] = {"reachable": False, "address": address, "problem": problem}
    finally:
        engine.dispose()


def _look_at_tables(session: Session, found: dict[str, Any], redis: Redis | None) -> None:
    found["jobs_run"] = [
        {"queue": row.queue, "name": row.name, "runs": row.runs, "failures": row.failures} for row in tallies(session)
    ]
    found["training"] = {
        "running": [{"name": run.name, "done": run.done} for run in under_way(session, now())],
        "due": due(session),
    }
    trained = select(ModelVersion.project_id, func.count()).group_by(ModelVersion.project_id)
    versions = {project_id: count for project_id, count in session.execute(trained)}
    for project in session.scalars(select(Project).order_by(Project.id)):
        stats = project_stats(session, project)
        found["projects"].append(
            {
                "id": project.public_id,
                "name": project.name,
                "state": project.state,
                "items": stats.items,
                "states": stats.states,
                "annotations": stats.annotations,
                "active_leases": stats.active_leases,
                "open_slots": stats.open_slots,
                "model": stats.champion,
                "model_versions": versions.get(project.id, 0),
                "jobs": scheduled_counts(redis, project.id) if redis is not None else {},
            }
        )


def describe(found: dict[str, Any]) -> str:
    """What `look` found, for a person."""
    lines = [
        f"Database   {found['database'].get('problem') or _database_line(found['database'])}",
        f"Redis      {found['redis'].get('problem') or ('embedded' if found['redis']['embedded'] else 'as set')}",
        f"Processes  {', '.join(sorted(found['processes'])) or 'none started by lightwork up'}",
    ]
    if found["queues"]:
        lines += ["", f"{'Queue':<14}{'waiting':>9}{'scheduled':>11}{'running':>9}{'failed':>8}"]
    for name, counts in found["queues"].items():
        waiting, scheduled = counts["waiting"], counts["scheduled"]
        lines.append(f"{name:<14}{waiting:>9}{scheduled:>11}{counts['running']:>9}{counts['failed']:>8}")
    if training := _training(found["training"]):
        lines += ["", training]
    for project in found["projects"]:
        lines += ["", *_project_lines(project)]
    return "\n".join(lines)


def _training(training: dict[str, Any]) -> str:
    """Which runs are under way, how far they are, and which wait; empty where there is none."""
    far = [
        f"{one['name']!r}" + (f" ({one['done']:.0%} done)" if one["done"] is not None else "")
        for one in training["running"]
    ]
    said = [f"{', '.join(far)} under way"] if far else []
    said += [f"{', '.join(map(repr, training['due']))} waiting"] if training["due"] else []
    return f"Training   {'; '.join(said)}" if said else ""


def _database_line(database: dict[str, Any]) -> str:
    return f"{database['address']}{'' if database['current'] else '  (run: ' + called('migrate') + ')'}"


def _project_lines(project: dict[str, Any]) -> list[str]:
    states = ", ".join(f"{count} {state}" for state, count in sorted(project["states"].items()))
    jobs = project["jobs"]
    covered = ""
    if jobs:
        covered = f"; scheduled: {counted(jobs['expire'], 'end')} of leases, {counted(jobs['offer'], 'offer')}"
    return [
        f"{project['name']} ({project['id']}, {project['state']})",
        f"  {counted(project['items'], 'item')}: {states or 'none'}",
        f"  {counted(project['annotations'], 'annotation')}, {counted(project['active_leases'], 'active lease')}, "
        f"{counted(project['open_slots'], 'open slot')}{covered}",
        f"  model: {_model(project['model'], project['model_versions'])}",
    ]


def _model(champion: int | None, versions: int) -> str:
    if champion is not None:
        return f"v{champion} in use"
    return f"none in use ({counted(versions, 'version')} trained, /models shows why)" if versions else "none yet"
