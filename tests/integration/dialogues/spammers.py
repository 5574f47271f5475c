"""A job with honest people, and Sam, who always says the same."""

from __future__ import annotations

import re

from sqlalchemy import select

from core.clock import now
from core.flagging import score_workers
from core.models import Flag, Participation, Project, Worker
from core.quality import QualitySettings, change, dump
from core.runtime import Runtime
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.invariants import check_redundancy

ITEMS = 36
NUMBERED = re.compile(r"number (\d+)\b")
HONEST = ("Ann", "Bob", "Cem")


def runtime_of(chat: Chat) -> Runtime:
    """What jobs run with."""
    return Runtime(chat.settings, chat.engine, chat.redis, chat.run_effects)


def check(chat: Chat) -> None:
    """Redundancy is exact."""
    with chat.writing() as session:
        check_redundancy(session)


def make_job(chat: Chat, **rules: str) -> str:
    """A job of `ITEMS` items, whose rules are the usual ones but for those that are given; its public id."""
    texts = [f"number {number}" for number in range(ITEMS)]
    with chat.writing() as session:
        project = make_project(session, texts, ("Odd", "Even"), min_overlap=4, max_overlap=4, name="Numbers")
        project.quality = dump(change(QualitySettings(gold_use="measure"), rules=rules))
        return project.public_id


async def works(person: Someone, constant: str = "", at_most: int = ITEMS) -> int:
    """Answer items until none is left, by what is right or always the same; returns how many."""
    heard = await person.says("/next")
    for done in range(at_most):
        found = NUMBERED.search(heard)
        if found is None:
            return done
        heard = await person.taps(constant or ("Odd" if int(found[1]) % 2 else "Even"))
    return at_most


async def crowd_at_work(chat: Chat) -> dict[str, Someone]:
    """Three honest people and Sam, who have answered all of it."""
    people = {name: await chat.member(name) for name in (*HONEST, "Sam")}
    for name, person in people.items():
        assert await works(person, "Odd" if name == "Sam" else "") == ITEMS
    return people


def score(chat: Chat) -> int:
    """Run the scoring of the only job; returns how many flags are new."""
    with chat.writing() as session:
        project_id = session.scalars(select(Project.id)).one()
    return score_workers(runtime_of(chat), project_id, now)


def flags_of(chat: Chat, name: str) -> list[Flag]:
    """Somebody's flags, as they are now."""
    with chat.writing() as session:
        found = select(Flag).join(Worker, Worker.id == Flag.worker_id).where(Worker.name == name).order_by(Flag.id)
        flags = list(session.scalars(found))
        session.expunge_all()
        return flags


def restriction_of(chat: Chat, name: str) -> str:
    """Somebody's restriction in the only job."""
    with chat.writing() as session:
        found = select(Participation.restriction).join(Worker, Worker.id == Participation.worker_id)
        return session.scalars(found.where(Worker.name == name)).one()
