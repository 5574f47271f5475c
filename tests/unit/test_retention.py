"""No table grows for ever without somebody having decided that."""

from __future__ import annotations

from core.models import Base
from tests.soak.retention import ACT, ANSWER, JOB, PERSON, RULES, SHORT


def test_every_table_has_a_rule() -> None:
    assert set(RULES) == set(Base.metadata.tables)
    assert {rule.grows_with for rule in RULES.values()} == {ANSWER, PERSON, JOB, ACT, SHORT}
    assert all(rule.rule for rule in RULES.values())
