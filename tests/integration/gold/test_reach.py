"""A known item that is due is found among those set aside: what else is known, perhaps a million, is not looked at."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.db.prepared import Prepared
from core.gold_serving import _any_unseen, _unseen
from tests.integration.gold.job import GoldJob

WHOLE = ("SCAN gold", "SCAN item", "ix_gold_project_id", "Seq Scan on gold", "Seq Scan on item")
"""What the plan of a statement that reads all of them says, on one of the databases."""


@pytest.mark.parametrize(
    "statement",
    [_any_unseen("gold"), _any_unseen("practice"), _unseen("gold", False), _unseen("quiz", True)],
    ids=["left", "lessons left", "due", "quiz"],
)
def test_what_is_only_compared_is_not_read(job: GoldJob, statement: Prepared) -> None:
    with job.writing() as session:
        dialect = session.get_bind().dialect
        if dialect.name == "postgresql":
            session.execute(text("SET LOCAL enable_seqscan = off"))  # as for all answers: core/db/writer.py
        made = statement.made_for(dialect.name).params(worker_id=1, project_id=job.project_id)
        sql = str(made.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN " if dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(row[-1] for row in session.connection().exec_driver_sql(explain + sql.replace("%%", "%")))
    assert "ix_item_control" in plan
    assert not [words for words in WHOLE if words in plan]
