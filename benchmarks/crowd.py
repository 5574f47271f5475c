"""A job with as many open items as are wanted, and people with a card of it each."""

from __future__ import annotations

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from benchmarks.opinions import numbered
from bot.tokens import make
from core.assignment import next_assignment
from core.clock import now
from core.db import is_sqlite, unit_of_work
from core.models import Identity, Project
from core.ranks import ORDINARY, make_rank, take_sequences
from tests.factories import add_items, make_member, make_project

QUESTION = "What does this tweet say about the weather?"
LABELS = ("Sunny", "Rainy", "Cloudy", "Something else", "Cannot tell")
TEXT = "Sunny all weekend here in Portland! I could get used to this."
BATCH_ROWS = 100_000

_SQLITE = (
    "WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :count)",
    "lower(hex(randomblob(8)))",
    "json_set(content, '$[0].text', :text || n)",
)
_POSTGRESQL = (
    "WITH number(n) AS (SELECT generate_series(0, :count - 1))",
    "substr(md5(random()::text), 1, 16)",
    "jsonb_set(CAST(content AS jsonb), '{0,text}', to_jsonb(:text || n))",
)
_COPY = """
INSERT INTO item (public_id, project_id, batch_id, content, content_hash, external_id, source, state, purpose, overlap,
                  submitted, leased, rank, revision, created_at)
{numbers}
SELECT {unique}, project_id, :batch, {content}, {unique}, CAST(n AS VARCHAR), source, state, purpose, overlap,
       0, 0, :rank + n, 0, created_at
FROM number, (SELECT * FROM item WHERE project_id = :project ORDER BY id LIMIT 1) AS first_item
"""


def make_job(engine: Engine, items: int) -> int:
    """A job with so many open items, each of which is asked three to five times; returns its id."""
    with unit_of_work(engine, lambda effects: None) as session:
        project = make_project(session, [TEXT], LABELS, now())
        project.question, project_id = QUESTION, project.id
    for start in range(0, items - 1, BATCH_ROWS):
        with unit_of_work(engine, lambda effects: None) as session:
            _add_copies(session, project_id, min(BATCH_ROWS, items - 1 - start))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return project_id


def make_people(engine: Engine, project_id: int, people: int, surface: str, tenant: str = "") -> dict[str, str]:
    """Members with an item in hand each: by their ids on the platform, the payload of their card's first button."""
    with unit_of_work(engine, lambda effects: None) as session:
        project = session.get_one(Project, project_id)
        first = (session.scalar(select(func.max(Identity.id))) or 0) + 1  # nobody is in two jobs
        ids = [str(number) for number in range(first, first + people)]
        return {one: _member(session, project, one, surface, tenant) for one in ids}


def _member(session: Session, project: Project, external_id: str, surface: str, tenant: str) -> str:
    worker = make_member(session, f"User {external_id}", now=now(), surface=surface)
    identity = session.scalars(select(Identity).where(Identity.worker_id == worker.id)).one()
    identity.tenant, identity.external_id, identity.address = tenant, external_id, external_id
    lease = next_assignment(session, project, worker.id, surface, now())
    assert lease is not None, "no item is open"
    return make("answer", lease.public_id, project.label_schema["labels"][0]["id"], lease.version)


def _add_copies(session: Session, project_id: int, count: int) -> None:
    """A published batch of items that the database itself makes, as copies of the job's first one."""
    batch = add_items(session, session.get_one(Project, project_id), [])
    first = take_sequences(session, project_id, count)
    batch.first_rank, batch.last_rank = make_rank(ORDINARY, first), make_rank(ORDINARY, first + count - 1)
    batch.item_count = count
    session.flush()
    numbers, unique, content = _SQLITE if is_sqlite(session.get_bind().engine) else _POSTGRESQL
    values = {"batch": batch.id, "count": count, "rank": batch.first_rank, "project": project_id}
    copies = _COPY.format(numbers=numbers, unique=unique, content=content)
    before_number = numbered(TEXT, "")  # which stands last in a text, so that the database can put it there
    session.execute(text(copies), {**values, "text": before_number})
