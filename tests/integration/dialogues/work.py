"""What the tests of workers' dialogues share: jobs posted beside the chat, and what is in the tables afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core.assignment import expire_leases
from core.clock import now
from core.models import Annotation, Assignment, Identity, Project, Worker
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone

GOOD_BAD = ("Good", "Bad")


def post(chat: Chat, *texts: str, labels: tuple[str, ...] = GOOD_BAD, **options: Any) -> int:
    """A job with items, posted beside the chat; returns its id."""
    with chat.writing() as session:
        return make_project(session, texts or ("sun", "rain", "snow"), labels, **options).id


def public_id(chat: Chat, project_id: int) -> str:
    """The public id of a job."""
    with chat.writing() as session:
        return session.get_one(Project, project_id).public_id


def change(chat: Chat, project_id: int, **values: Any) -> None:
    """Write columns of a job."""
    with chat.writing() as session:
        session.execute(update(Project).where(Project.id == project_id).values(**values))


def change_person(chat: Chat, person: Someone, **values: Any) -> None:
    """Write columns of a worker."""
    with chat.writing() as session:
        identity = select(Identity.worker_id).where(Identity.external_id == person.person.external_id)
        session.execute(update(Worker).where(Worker.id == identity.scalar_subquery()).values(**values))


def kept(chat: Chat, state: str = "counted") -> list[Annotation]:
    """All annotations of a state, oldest first."""
    with chat.writing() as session:
        return list(session.scalars(select(Annotation).where(Annotation.state == state).order_by(Annotation.id)))


def assignments(chat: Chat) -> list[Assignment]:
    """All assignments, oldest first."""
    with chat.writing() as session:
        return list(session.scalars(select(Assignment).order_by(Assignment.id)))


def expire(chat: Chat, project_id: int, late_by: timedelta = timedelta(seconds=1)) -> None:
    """Let all leases of a project run out `late_by` ago."""
    with chat.writing() as session:
        session.execute(update(Assignment).values(expires_at=now() - late_by))
    with chat.writing() as session:
        expire_leases(session, project_id, now())
