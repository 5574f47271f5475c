"""Owed messages about flags: to the worker, and to those who coordinate. Built when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.flags import name_of
from bot.cards.views import Choice, Notice, View
from bot.tokens import make
from core.flags import new_flags
from core.models import Flag, Project, Worker

NEXT = Choice(make("next"), "button_next", style="primary")
NAMED = 5
STANDS = ("open", "appealed", "upheld")
ACTION_TOLD = {"flag_warned": "warn", "flag_paused": "pause"}


def told(kind: str) -> Callable[[Session, dict[str, Any], str], View | None]:
    """The builder of a warning, or of the word that somebody is paused; nothing where that is over."""

    def build(session: Session, params: dict[str, Any], _locale: str) -> View | None:
        flag = session.get(Flag, params["flag_id"])
        if flag is None or flag.state not in STANDS or flag.action != ACTION_TOLD[kind]:
            return None
        said = {"project": _project(session, flag), "problem": f"flag_why_{flag.kind}"}
        disagree = Choice(make("appeal", flag.public_id), "button_disagree", style="quiet")
        row = (disagree,) if flag.appealed_at is None else ()
        return Notice(kind, said, tuple(one for one in ((NEXT,), row) if one))

    return build


def settled(kind: str) -> Callable[[Session, dict[str, Any], str], View | None]:
    """The builder of what a coordinator has decided, with their words where they wrote some."""

    def build(session: Session, params: dict[str, Any], _locale: str) -> View | None:
        flag = session.get(Flag, params["flag_id"])
        if flag is None or (flag.state == "lifted") != (kind == "flag_lifted"):
            return None
        reply = str(flag.evidence.get("reply", ""))
        code = f"{kind}_reply" if reply else kind
        return Notice(code, {"project": _project(session, flag), "words": reply}, ((NEXT,),))

    return build


def flag_appealed(session: Session, params: dict[str, Any], locale: str) -> View | None:
    """Somebody disagrees; nothing where that is settled meanwhile."""
    flag = session.get(Flag, params["flag_id"])
    if flag is None or flag.state != "appealed" or not flag.appeal:
        return None
    look = Choice(make("flag", flag.public_id), "button_flag_look", style="primary")
    name = name_of(session.get_one(Worker, flag.worker_id).name, locale)
    said = {"name": name, "project": _project(session, flag), "words": flag.appeal}
    return Notice("flag_appealed", said, ((look,),))


def flags_new(session: Session, params: dict[str, Any], locale: str) -> View | None:
    """The digest of new flags of a job; nothing where all of them are settled meanwhile."""
    project = session.get_one(Project, params["project_id"])
    found = new_flags(session, project.id, datetime.fromisoformat(params["since"]))
    if not found:
        return None
    names = list(dict.fromkeys(name_of(line.name, locale) for line in found))
    look = Choice(make("flags", project.public_id), "button_flag_look", style="primary")
    return Notice("flags_new", {"project": project.name, "count": len(names), "names": names[:NAMED]}, ((look,),))


def _project(session: Session, flag: Flag) -> str:
    return session.get_one(Project, flag.project_id).name


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "flag_warned": told("flag_warned"),
    "flag_paused": told("flag_paused"),
    "flag_lifted": settled("flag_lifted"),
    "flag_upheld": settled("flag_upheld"),
    "flag_appealed": flag_appealed,
    "flags_new": flags_new,
}
