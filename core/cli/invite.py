"""Links by which people join through the web chat."""

from __future__ import annotations

from datetime import timedelta

from core.addresses import web_address
from core.clock import now
from core.config import Settings
from core.db import make_engine, unit_of_work
from core.effects import Effect
from core.enrolment import create_invite, ensure_workspace, has_owner


def invite(settings: Settings, role: str, uses: int, hours: float) -> str:
    """Make an invite to the first workspace.

    Args:
        role: worker, expert, coordinator or owner.
        uses: how many people may join by it.
        hours: how long it is valid.

    Returns:
        the link.

    Raises:
        SettingsError: there is no database, or it does not fit this version of the code.
        InvalidInput: there is no such role.
    """
    from core.cli.migrate import require_database

    require_database(settings)
    engine = make_engine(settings)
    try:
        with unit_of_work(engine, _no_effects) as session:
            workspace = ensure_workspace(session, now())
            code = create_invite(session, workspace.id, role, uses, now(), valid_for=timedelta(hours=hours))
    finally:
        engine.dispose()
    return join_link(settings, code)


def first_links(settings: Settings, workers: int) -> tuple[str | None, list[str]]:
    """Single-use links for a fresh start: one for the owner, where there is none yet, and some for workers."""
    engine = make_engine(settings)
    try:
        with unit_of_work(engine, _no_effects) as session:
            workspace = ensure_workspace(session, now())
            owned = has_owner(session, workspace.id)
            owner = None if owned else create_invite(session, workspace.id, "owner", 1, now())
            codes = [create_invite(session, workspace.id, "worker", 1, now()) for _ in range(workers)]
    finally:
        engine.dispose()
    return (join_link(settings, owner) if owner else None), [join_link(settings, code) for code in codes]


def join_link(settings: Settings, code: str) -> str:
    """The address that a person with an invite code opens."""
    return f"{web_address(settings)}/join/{code}"


def _no_effects(_effects: list[Effect]) -> None:
    """An invite has none."""
