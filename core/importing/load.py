"""The body of the RQ job that loads a batch: whole or not at all, and the same result however often it is killed.

Ranks are reserved first, as many as the file can have rows. One pass over it inserts, some thousand rows a transaction,
while a thread reads ahead. The rank of a row follows from its place in the file, so that a second run knows what the
first one stored. One last transaction publishes, or, where most rows were bad, nobody has seen what is removed again.

Files of one project are loaded in the order in which they were posted, each when the one before has ended: what a file
has in common with one that fails later would else be lost with that.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from core import pilot
from core.budget import first_overlap, has_budget, hold_back
from core.changes import owe_overlap
from core.clock import now
from core.config import Settings
from core.db import is_sqlite, let_others_write, reading, unit_of_work
from core.db.writer import RunEffects
from core.due import import_effect, offer_effect, reestimate_effect
from core.effects import add_effect
from core.errors import InvalidInput
from core.gold_pool import set_aside
from core.importing.ahead import made_ahead
from core.importing.checks import Candidate, ColumnMapping, KnownLabels, check_row
from core.importing.chunks import Ended, insert_chunks
from core.importing.formats import formats
from core.importing.insert import Draft, Place, drafts, same_ids
from core.importing.known import KnownFile, read_known
from core.importing.rows import BAD_ROWS_NAMED, BadRow, Dialect, Format
from core.importing.turns import set_transaction
from core.labels import LabelSchema
from core.labels import load as load_schema
from core.log import get_logger
from core.media import media_path
from core.models import Batch, Gold, Item, Project, Upload
from core.outbox import owe
from core.predictions import request_prelabel
from core.projects import withdraw
from core.ranks import ORDINARY, make_rank, take_sequences

CHUNK_ROWS = 1_000
"""On SQLite, and where rows are removed: taps wait for one transaction at most."""
COPIED_ROWS = 3_000
"""On PostgreSQL, where taps wait for none of them."""
LINES_NAMED = 5

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run needs to know, read once."""

    engine: Engine
    run_effects: RunEffects
    place: Place
    path: Path
    reader: Format
    dialect: Dialect
    mapping: ColumnMapping
    schema: LabelSchema
    known_file: tuple[Path, str, Dialect, KnownFile] | None = None
    """Where the known labels stand, if in a file of their own: path, format, dialect, columns."""
    known: KnownLabels | None = None
    first_rank: int = 0
    failing: bool = False
    """An earlier run has found that it cannot be loaded, and did not come to its end."""


@dataclass(slots=True)
class Counts:
    """Rows of the file; good + bad = rows, and of the good ones some are duplicates."""

    good: int = 0
    bad: int = 0
    known: int = 0
    """Good rows with a label."""
    ids: array[int] = field(default_factory=lambda: array("q"))
    """Hashes of the ids that the file gives."""
    bad_rows: list[BadRow] = field(default_factory=list)
    duplicates: int = 0
    duplicate_lines: list[int] = field(default_factory=list)
    same_ids: list[str] = field(default_factory=list)
    """The first ids that several of the items bear."""
    set_aside: int = 0
    """Items whose label is known, and which only check people."""

    @property
    def rows(self) -> int:
        """Good and bad ones."""
        return self.good + self.bad


def load_batch(engine: Engine, settings: Settings, batch_id: int, run_effects: RunEffects) -> None:
    """Load a batch and publish it, or mark it failed; a batch that is not loading is left alone.

    Raises:
        SQLAlchemyError, OSError: the database or the disk is away; run it again.
    """
    plan = _make_plan(engine, settings, batch_id, run_effects)
    if plan is None or _first_of(engine, plan.place.project_id) != batch_id:
        return
    try:
        if plan.failing:
            _go_on_failing(engine, run_effects, batch_id)
        else:
            _load(plan)
    except Ended:
        return  # whoever ended it has the next one loaded
    _load_next(engine, run_effects, plan.place.project_id)


def fail_batch(engine: Engine, batch_id: int, run_effects: RunEffects) -> None:
    """Give up a batch that a fault of ours keeps from being loaded, and tell whoever posted it."""
    _fail(engine, run_effects, batch_id, Counts(), "unexpected")
    with reading(engine) as session:
        project_id = session.get_one(Batch, batch_id).project_id
    _load_next(engine, run_effects, project_id)


def _first_of(engine: Engine, project_id: int) -> int | None:
    """The batch of a project whose turn it is to be loaded."""
    waiting = select(func.min(Batch.id)).where(Batch.project_id == project_id, Batch.state == "loading")
    with reading(engine) as session:
        return session.scalar(waiting)


def _load_next(engine: Engine, run_effects: RunEffects, project_id: int) -> None:
    """Look after the end of a batch was committed: the job of a later one may have come and gone before."""
    if (batch_id := _first_of(engine, project_id)) is not None:
        run_effects([import_effect(batch_id)])


def _load(plan: Plan) -> None:
    """Publish the batch or have it fail. Raises `Ended` where another run has ended it."""
    engine, run_effects, batch_id, counts = plan.engine, plan.run_effects, plan.place.batch_id, Counts()
    try:
        plan = plan if plan.known_file is None else replace(plan, known=read_known(*plan.known_file))
        first_rank = _reserve(plan, plan.reader.most_rows(plan.path))
        _insert(replace(plan, first_rank=first_rank), counts)
    except FileNotFoundError:
        _fail(engine, run_effects, batch_id, Counts(), "upload_missing")
        return
    except InvalidInput as error:
        _fail(engine, run_effects, batch_id, Counts(), error.code, error.params)
        return
    if counts.good == 0 or counts.bad > counts.good:
        _fail(engine, run_effects, batch_id, counts, "too_many_bad_rows")
        return
    counts.same_ids = _same_ids(plan, counts)
    _publish(plan, counts)


def _make_plan(engine: Engine, settings: Settings, batch_id: int, run_effects: RunEffects) -> Plan | None:
    with reading(engine) as session:
        batch = session.get(Batch, batch_id)
        if batch is None or batch.state != "loading" or batch.upload_id is None:
            return None
        project = session.get_one(Project, batch.project_id)
        upload = session.get_one(Upload, batch.upload_id)
        mapping = ColumnMapping(**batch.mapping)
        return Plan(
            engine=engine,
            run_effects=run_effects,
            place=Place(project.id, batch.id, first_overlap(project)),
            path=media_path(settings, upload.sha256),
            reader=formats()[upload.format],
            dialect=Dialect.from_json(upload.dialect),
            mapping=mapping,
            schema=load_schema(project.label_schema),
            failing=batch.error_code is not None,
            known_file=None if mapping.known is None else _known_file(session, settings, project, mapping.known),
        )


def _known_file(
    session: Session, settings: Settings, project: Project, known: Mapping[str, Any]
) -> tuple[Path, str, Dialect, KnownFile]:
    statement = select(Upload).where(
        Upload.workspace_id == project.workspace_id, Upload.public_id == str(known["upload"])
    )
    upload = session.scalars(statement).one()
    return media_path(settings, upload.sha256), upload.format, Dialect.from_json(upload.dialect), KnownFile(**known)


def _candidates(plan: Plan, counts: Counts) -> Generator[tuple[int, Candidate]]:
    """The good rows of the file with their ranks; all are counted.

    Bad rows have ranks, too: one may be good in the next run, when a label was added to the job.
    """
    with closing(plan.reader.rows(plan.path, plan.dialect)) as rows:
        for rank, row in enumerate(rows, start=plan.first_rank):
            outcome = row if isinstance(row, BadRow) else check_row(row, plan.mapping, plan.schema, plan.known)
            if isinstance(outcome, Candidate):
                counts.good += 1
                counts.known += outcome.gold is not None
                if plan.mapping.id is not None:
                    counts.ids.append(hash(outcome.external_id))
                yield rank, outcome
                continue
            counts.bad += 1
            if len(counts.bad_rows) < BAD_ROWS_NAMED:
                counts.bad_rows.append(outcome)


def _reserve(plan: Plan, count: int) -> int:
    """The first of `count` ranks that are this batch's alone, the same in every run. Raises `Ended`."""
    with unit_of_work(plan.engine, plan.run_effects) as session:
        batch = _lock_loading(session, plan.place.batch_id)
        if batch is None:
            raise Ended
        if batch.first_rank == 0:
            batch.first_rank = make_rank(ORDINARY, take_sequences(session, plan.place.project_id, count))
            batch.last_rank = batch.first_rank + count - 1
        return batch.first_rank


def _insert(plan: Plan, counts: Counts) -> None:
    """Insert all good rows in chunks, and count. Raises `Ended`."""
    with (
        made_ahead(_drafts(plan, counts)) as chunks,
        closing(insert_chunks(plan.engine, plan.run_effects, plan.place, chunks)) as inserted,
    ):
        for duplicates in inserted:
            counts.duplicates += len(duplicates)
            room = LINES_NAMED - len(counts.duplicate_lines)
            counts.duplicate_lines += [candidate.line for candidate in duplicates[:room]]


def _drafts(plan: Plan, counts: Counts) -> Generator[list[Draft]]:
    """All good rows of the file, made ready, in pieces of one transaction each."""
    copied = not is_sqlite(plan.engine)
    size = COPIED_ROWS if copied else CHUNK_ROWS
    with closing(_candidates(plan, counts)) as good:
        while chunk := list(islice(good, size)):
            yield drafts(chunk, copied=copied)


def _same_ids(plan: Plan, counts: Counts) -> list[str]:
    """Ids of the file that several of its items bear; where the file has none, every item has the id of its line.

    Hardly any file has such ids, and the database would read a million new rows to say so.
    """
    ids = np.frombuffer(counts.ids, np.int64)
    ids.sort()  # where they are, for there may be millions
    if not (ids[1:] == ids[:-1]).any():
        return []
    with reading(plan.engine) as session:
        return same_ids(session, plan.place.batch_id, LINES_NAMED)


def _publish(plan: Plan, counts: Counts) -> None:
    moment = now()
    with unit_of_work(plan.engine, plan.run_effects) as session:
        batch = _lock_loading(session, plan.place.batch_id)
        if batch is None:
            return
        batch.state, batch.published_at = "published", moment
        _write_counts(batch, counts)
        project = session.get_one(Project, batch.project_id)
        counts.set_aside = set_aside(session, project, batch.id, batch.item_count) if counts.known else 0
        batch.item_count -= counts.set_aside
        add_effect(session, offer_effect(batch.project_id, moment))
        request_prelabel(session, batch.project_id)
        if has_budget(project):
            if plan.place.overlap:  # the budget was set while the file was loaded
                hold_back(session, project.id)
            add_effect(session, reestimate_effect(project.id, moment))  # which gives places to its items
        elif project.min_overlap != plan.place.overlap:  # it was changed while the file was loaded
            owe_overlap(session, project, batch.created_by_id, moment)
        items = batch.item_count
        outcome = pilot.hold_back(session, project, batch, moment)
        _tell(session, batch, counts, "import_done", items=items, **({"pilot": outcome} if outcome else {}))
    log.info("batch_published", batch_id=plan.place.batch_id, items=counts.good - counts.duplicates)


def _fail(
    engine: Engine,
    run_effects: RunEffects,
    batch_id: int,
    counts: Counts,
    code: str,
    params: Mapping[str, Any] | None = None,
) -> None:
    """End a batch: from the first commit on nothing more is written to it, nor is it published by another run."""
    with unit_of_work(engine, run_effects) as session:
        if (batch := _lock_loading(session, batch_id)) is not None:
            _write_counts(batch, counts)
            batch.error_code = code
            batch.error_params = {"rows": counts.rows, "bad": counts.bad, **(params or {})}
    _go_on_failing(engine, run_effects, batch_id)


def _go_on_failing(engine: Engine, run_effects: RunEffects, batch_id: int) -> None:
    """Remove what was stored of a batch that is to fail, in chunks, and tell whoever posted it."""
    removed = CHUNK_ROWS
    while removed == CHUNK_ROWS:
        with unit_of_work(engine, run_effects) as session:
            batch = _lock(session, batch_id)
            if batch.state != "loading":
                return
            removed = _remove_items(session, batch_id)
            if removed < CHUNK_ROWS:
                _end(session, batch)
        let_others_write(engine)
    log.warning("batch_failed", batch_id=batch_id, code=batch.error_code)


def _end(session: Session, batch: Batch) -> None:
    """Mark a batch as failed, and tell."""
    batch.state, batch.item_count = "failed", 0
    session.flush()
    withdraw(session, session.get_one(Project, batch.project_id), batch.created_by_id, now())
    _tell(session, batch, Counts(), "import_failed", rows=int((batch.error_params or {})["rows"]))


def _lock(session: Session, batch_id: int) -> Batch:
    """The batch, of which nothing is being written until the commit."""
    set_transaction(session)
    return session.get_one(Batch, batch_id, with_for_update=True)


def _lock_loading(session: Session, batch_id: int) -> Batch | None:
    """As `_lock`; none where it was ended, or is to fail."""
    batch = _lock(session, batch_id)
    return batch if batch.state == "loading" and batch.error_code is None else None


def _write_counts(batch: Batch, counts: Counts) -> None:
    batch.item_count = counts.good - counts.duplicates
    batch.duplicate_count = counts.duplicates
    batch.bad_row_count = counts.bad
    batch.bad_rows = [bad.to_json() for bad in counts.bad_rows]


def _tell(session: Session, batch: Batch, counts: Counts, kind: str, **further: Any) -> None:
    """Owe the coordinator the outcome: numbers only, the card reads the rest from the batch."""
    project = session.get_one(Project, batch.project_id)
    params: dict[str, Any] = {
        "project_id": batch.project_id,
        "batch_id": batch.id,
        "rows": counts.rows,
        "items": batch.item_count,
        "duplicates": batch.duplicate_count,
        "duplicate_lines": counts.duplicate_lines,
        "same_ids": counts.same_ids,
        "bad": batch.bad_row_count,
        "bad_lines": [bad["line"] for bad in batch.bad_rows[:LINES_NAMED]],
        "error_code": batch.error_code,
        **further,
    }
    if counts.set_aside:
        params["set_aside"] = counts.set_aside
    owe(
        session,
        worker_id=batch.created_by_id,
        workspace_id=project.workspace_id,
        kind=kind,
        params=params,
        dedupe_key=f"import-{batch.id}",
        now=now(),
    )


def _remove_items(session: Session, batch_id: int) -> int:
    """Remove at most `CHUNK_ROWS` of a batch's items; returns how many."""
    item_ids = list(session.scalars(select(Item.id).where(Item.batch_id == batch_id).limit(CHUNK_ROWS)))
    session.execute(delete(Gold).where(Gold.item_id.in_(item_ids)))
    session.execute(delete(Item).where(Item.id.in_(item_ids)))
    return len(item_ids)
