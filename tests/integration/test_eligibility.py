"""Who may work where: the predicate and the conditions for SQL say the same, on both databases."""

from __future__ import annotations

from itertools import product

from sqlalchemy import Engine, select

from core.db import unit_of_work
from core.eligibility import eligible, why_not
from core.enrolment import ROLES
from core.models import Membership, Worker
from tests.factories import make_member, make_project

LANGUAGES: tuple[list[str], ...] = ([], ["en"], ["zh"], ["en", "zh"])


def test_the_predicate_and_sql_agree_about_everybody(engine: Engine) -> None:
    with unit_of_work(engine, lambda effects: None) as session:
        people: dict[int, tuple[str, list[str]]] = {}
        for role, languages in product(ROLES, LANGUAGES):
            worker = make_member(session, f"{role} {languages}", role)
            worker.languages = languages
            people[worker.id] = (role, languages)
        owner = session.get_one(Worker, min(people))
        session.flush()
        found = {}
        for audience, language in product(("everyone", "experts"), ("", "en", "zh", "z_")):
            project = make_project(session, ["one"], owner=owner, audience=audience)
            project.language = language
            statement = select(Worker.id).join(Membership, Membership.worker_id == Worker.id)
            by_sql = set(session.scalars(statement.where(*eligible(project))))
            assert by_sql == {id_ for id_, facts in people.items() if why_not(project, *facts) is None}
            found[(audience, language)] = len(by_sql)
    assert found[("everyone", "")] == 16
    assert found[("everyone", "en")] == 12
    assert found[("experts", "zh")] == 9
    assert found[("everyone", "z_")] == 4, "a wildcard in a code finds nobody by it"


def test_each_reason_has_its_code(engine: Engine) -> None:
    with unit_of_work(engine, lambda effects: None) as session:
        project = make_project(session, ["one"], audience="experts", language="zh")
        assert why_not(project, "worker", ["zh"]) == "why_experts"
        assert why_not(project, None, []) == "why_experts"
        assert why_not(project, "expert", ["en"]) == "why_language"
        assert why_not(project, "coordinator", []) is None
        for state in ("paused", "closed"):
            project.state = state
            assert why_not(project, "expert", ["zh"]) == f"why_{state}"
