"""Owed messages about accounts and members: built when they are sent, so that they say what is true then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cards.accounts import LinkNotice
from bot.cards.views import Choice, Notice, View
from bot.tokens import make
from core.models import Identity, LinkRequest, Membership, Project, Worker, Workspace
from core.standing import load_standing

START = ((Choice(make("next"), "button_start", style="primary"),),)
STATUS_TOLD = {
    "suspended": ("suspended",),
    "banned": ("banned",),
    "unsuspended": ("active", "paused"),
    "unbanned": ("active", "paused"),
}
"""The statuses in which it still makes sense to tell somebody."""
MENU_KINDS = ("linked", "role_changed")
"""After these a person has other commands, which go with the message."""


def link_asked(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """Is the account that showed a code theirs?"""
    request = session.get(LinkRequest, params["request_id"])
    if request is None or request.state != "claimed":
        return None
    yes = Choice(make("linkdo", request.public_id), "button_that_is_me", style="primary")
    no = Choice(make("linknot", request.public_id), "button_no", style="quiet")
    return LinkNotice("link_asked", request.name, request.surface, ((yes, no),))


def linked(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """The other account has confirmed."""
    return _about_link(session, params, "link_done", START)


def link_refused(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """The other account does not want to be joined."""
    return _about_link(session, params, "link_refused")


def role_changed(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """They have another role now."""
    membership = _membership(session, params)
    if membership is None or membership.status == "banned":
        return None
    return Notice("told_role", {"workspace": _workspace(session, params), "role": membership.role})


def status_told(kind: str) -> Callable[[Session, dict[str, Any], str], View | None]:
    """The builder of a message about being paused, banned, or let in again."""

    def build(session: Session, params: dict[str, Any], _locale: str) -> View | None:
        membership = _membership(session, params)
        if membership is None or membership.status not in STATUS_TOLD[kind]:
            return None
        back = START if membership.status == "active" else ()
        return Notice(f"told_{kind}", {"workspace": _workspace(session, params)}, back)

    return build


def recollected(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """What somebody alone decided is being asked again."""
    name = session.get_one(Worker, params["banned_id"]).name
    counts = {"count": params["rejected"], "kept": params["kept"]}
    return Notice("recollected" if params["rejected"] else "recollected_none", {"name": name or "…", **counts})


def _about_link(
    session: Session, params: dict[str, Any], code: str, rows: tuple[tuple[Choice, ...], ...] = ()
) -> View | None:
    asking = session.get(Identity, params["asking_id"])
    if asking is None:
        return None
    return LinkNotice(code, session.get_one(Worker, asking.worker_id).name, asking.surface, rows)


def _membership(session: Session, params: dict[str, Any]) -> Membership | None:
    statement = select(Membership).where(
        Membership.workspace_id == params["workspace_id"], Membership.worker_id == params["worker_id"]
    )
    return session.scalars(statement).first()


def _workspace(session: Session, params: dict[str, Any]) -> str:
    return session.get_one(Workspace, params["workspace_id"]).name


def asks_in(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """Somebody who has failed a quiz asks to be let in; nothing where that was decided, or the job is closed."""
    project, worker = session.get_one(Project, params["project_id"]), session.get_one(Worker, params["asking_id"])
    standing = load_standing(session, worker.id, project.id)
    if standing.qualification != "failed" or project.state == "closed" or worker.forgotten_at is not None:
        return None
    name = worker.name or worker.public_id
    button = Choice(make("goldpass", project.public_id, worker.public_id), "button_let_in", name, style="primary")
    return Notice("asks_in", {"name": name, "project": project.name}, ((button,),))


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "link_asked": link_asked,
    "linked": linked,
    "link_refused": link_refused,
    "role_changed": role_changed,
    "recollected": recollected,
    "asks_in": asks_in,
    **{kind: status_told(kind) for kind in STATUS_TOLD},
}
