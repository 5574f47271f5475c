"""One more item for a project, without a file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.budget import first_overlap, has_budget
from core.due import offer_effect, reestimate_effect
from core.effects import add_effect
from core.errors import Conflict, InvalidInput
from core.importing.checks import MAX_EXTERNAL_ID, Candidate, clean_text, text_problem
from core.importing.insert import Place, drafts, find_new, is_loading, write_new
from core.importing.rows import MAX_ROW_CHARACTERS
from core.importing.turns import take_turn, wait_for_copies
from core.models import Batch, Item, Project
from core.pilot import HELD, PUBLISHED, holds_back
from core.predictions import request_prelabel
from core.ranks import ORDINARY, fresh_rank

APPENDED = {"appended": True}
WAIT_SECONDS = 5
"""For imports, whose turns take a second; somebody waits for the answer."""
LOCK_NOT_AVAILABLE = "55P03"
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def append_item(
    session: Session, project: Project, text: str, worker_id: int, now: datetime, external_id: str = ""
) -> Item:
    """Add one text to `project`, to be asked after what is there.

    Raises:
        InvalidInput: empty_text, line_too_long, nul_byte, undecodable or id_too_long.
        Conflict: duplicate_item, where the project has this text already; duplicate_of_loading, where it may come with
            a file; import_under_way, where a file takes too long to say.
    """
    text, external_id = clean_text(text), external_id.strip()
    problem = text_problem(text) or (external_id and text_problem(external_id))
    if problem:
        raise InvalidInput(problem, limit=MAX_ROW_CHARACTERS)
    if len(external_id) > MAX_EXTERNAL_ID:
        raise InvalidInput("id_too_long", limit=MAX_EXTERNAL_ID)
    _take_turn(session, project.id)  # before a rank is taken, for which the project is locked
    batch = _appended_batch(session, project, worker_id, now)
    rank = fresh_rank(session, project.id, ORDINARY)
    place = Place(project.id, batch.id, first_overlap(project))
    fresh, duplicates = find_new(session, place, drafts([(rank, Candidate(0, text, external_id, None))], copied=False))
    if duplicates:
        raise Conflict("duplicate_of_loading" if is_loading(session, project.id, text) else "duplicate_item")
    write_new(session, place, fresh, now)
    session.execute(update(Batch).where(Batch.id == batch.id).values(item_count=Batch.item_count + 1))
    add_effect(session, offer_effect(project.id, now))
    if has_budget(project):
        add_effect(session, reestimate_effect(project.id, now))  # which gives it places
    request_prelabel(session, project.id)
    return session.scalars(select(Item).where(Item.batch_id == batch.id, Item.rank == rank)).one()


def _take_turn(session: Session, project_id: int) -> None:
    """Raises `Conflict` where imports had it for too long: no error of the database, which would be tried again."""
    try:
        take_turn(session, project_id, WAIT_SECONDS)
        wait_for_copies(session, project_id, WAIT_SECONDS)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Conflict("import_under_way") from None


def _appended_batch(session: Session, project: Project, worker_id: int, now: datetime) -> Batch:
    """The project's one batch without a file; made with its first item."""
    state = HELD if holds_back(project) else PUBLISHED
    statement = select(Batch).where(Batch.project_id == project.id, Batch.upload_id.is_(None), Batch.state == state)
    batch = session.scalars(statement.order_by(Batch.id).limit(1)).one_or_none()
    if batch is None:
        batch = Batch(
            project_id=project.id,
            state=state,
            mapping=APPENDED,
            bad_rows=[],
            created_by_id=worker_id,
            created_at=now,
            published_at=now,
        )
        session.add(batch)
        session.flush()
    return batch
