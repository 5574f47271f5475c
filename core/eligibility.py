"""Who may work in which job: one rule, as a predicate with its reason and as conditions for SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, cast, or_

from core.enrolment import ROLES
from core.models import Membership, Project, Worker

EXPERTS = ROLES[ROLES.index("expert") :]


def why_not(project: Project, role: str | None, languages: Sequence[str]) -> str | None:
    """Why somebody may not take a new item of `project`, as the code of a sentence; nothing where they may.

    What they hold may be answered all the same.

    Args:
        role: of the person in the project's workspace; None for no member.
        languages: that they read, as codes of ISO 639-1; none means any.
    """
    if project.state != "open":
        return f"why_{project.state}"
    if role is None or (project.audience == "experts" and role not in EXPERTS):
        return "why_experts"
    if project.language and languages and project.language not in languages:
        return "why_language"
    return None


def eligible(project: Project) -> list[ColumnElement[bool]]:
    """The same rule about people, as conditions on `Membership` and `Worker`, which the statement joins.

    The state of the project, and whether somebody is paused, busy or asleep, are for the caller to ask.
    """
    conditions: list[ColumnElement[bool]] = []
    if project.audience == "experts":
        conditions.append(Membership.role.in_(EXPERTS))
    if project.language:
        read = cast(Worker.languages, Text)  # a JSON list of codes, on both databases
        conditions.append(or_(read == "[]", read.contains(f'"{project.language}"', autoescape=True)))
    return conditions
