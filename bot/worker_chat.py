"""Dialogues of workers around the one card: next, answer, skip, undo, and the pages of its labels."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.views import Choice, ItemCard, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.jobs_chat import job_or_all
from bot.lesson_ends import quiz_ended, told_of, told_shows
from bot.next_item import card_of, check_assignment, check_workspace, following_card, next_card
from bot.texts.units import shorten
from bot.tokens import Token, make
from core import labels
from core.answers import STANDING, last_answer, undo
from core.errors import Conflict, Refused
from core.labeling import skip, submit
from core.leases import Lease
from core.models import Assignment, Project
from core.views import answered_today

UNDO_UNITS = 24
"""UTF-16 code units of a label on the undo button."""


def on_next(context: Context, argument: str = "") -> list[Show]:
    """`/next`, `/next JOB`: the item in hand, or the next one of the named job, or of any open one."""
    project = job_or_all(context, "next", argument)
    return [Show(next_card(context, project.public_id if project else ""))]


def on_next_tap(context: Context, token: Token) -> list[Show]:
    """Start and Next buttons. Where nothing has changed, an edit shows nothing: so a short notice says it, too."""
    card = next_card(context, token.subject)
    told = [] if isinstance(card, ItemCard) else [Show(Notice("nothing_new"), "toast")]
    return [*told, Show(card, "edit")]


def on_answer(context: Context, token: Token) -> list[Show]:
    """A label was tapped: take it, and show the next item in the same place."""
    worker = context.account.worker
    done = submit(
        context.session,
        worker_id=worker.id,
        assignment_public_id=token.subject,
        label_id=token.argument,
        version=token.version,
        now=context.now,
        time_zone=worker.time_zone,
        held=context.held,
    )
    check_workspace(context, done.project)
    name = label_name(done.project, done.label_id)
    if done.control is not None and done.control.quiz is not None:
        return [Show(_said(name), "toast"), *quiz_ended(context, done, done.control.quiz)]
    told = told_of(context, done)
    back = None if told else _undo_choice(token.subject, token.version, name)
    card = following_card(context, done.project, back, done.footing)
    following = _cheered(context, card)
    if told is None:
        return [Show(_said(name), "toast"), Show(following, "edit")]
    return told_shows(told, following)


def on_repeated(context: Context) -> list[Show]:
    """A button of an item that is dealt with: the card that followed it may have been lost, so it comes again.

    Nothing where no work is left.

    Raises:
        Refused: the person is paused.
    """
    card = next_card(context)
    return [Show(replace(card, undo=_undo_last(context)), "edit")] if isinstance(card, ItemCard) else []


def on_skip(context: Context, token: Token) -> list[Show]:
    """Ask why, in the place of the card; with a reason, give the item back and show the next one."""
    if not token.argument:
        return [Show(replace(_card_again(context, token), skipping=True), "edit")]
    project = skip(
        context.session,
        worker_id=context.worker_id,
        assignment_public_id=token.subject,
        version=token.version,
        now=context.now,
        reason=token.argument,
    )
    check_workspace(context, project)
    back = Choice(make("undo", token.subject, version=token.version), "button_undo_skip", style="quiet")
    return [Show(Notice("skipped"), "toast"), Show(following_card(context, project, back), "edit")]


def on_page(context: Context, token: Token) -> list[Show]:
    """The card as it was before, at another page of its labels."""
    if not token.argument.isdecimal():
        raise Conflict("unknown_button")
    return [Show(replace(_card_again(context, token), page=int(token.argument)), "edit")]


def on_undo(context: Context, token: Token) -> list[Show]:
    """Take an answer back and show its item again."""
    if context.account.paused:
        raise Refused("membership_paused")
    worker = context.account.worker
    project = undo(
        context.session,
        worker_id=worker.id,
        assignment_public_id=token.subject,
        version=token.version,
        now=context.now,
        time_zone=worker.time_zone,
    )
    check_workspace(context, project)
    return [Show(Notice("undone"), "toast"), Show(following_card(context, project), "edit")]


def on_undo_command(context: Context, _argument: str) -> list[Show]:
    """`/undo`: the last answer, in whichever job it was given; once more, the one before it."""
    last = last_answer(context.session, context.worker_id, context.workspace_id)
    if last is None:
        raise Conflict("nothing_to_undo")
    assignment = context.session.get_one(Assignment, last.assignment_id)
    shows = on_undo(context, Token("undo", assignment.public_id, version=assignment.version))
    return [Show(show.view) for show in shows]


def label_name(project: Project, label_id: str) -> str:
    """What people read for a label of the project."""
    return labels.name_of(labels.load(project.label_schema), label_id)


def _card_again(context: Context, token: Token) -> ItemCard:
    """The card of an assignment that is not dealt with, with the undo of the answer before it."""
    assignment, project = check_assignment(context, token)
    if assignment.state in ("submitted", "skipped"):
        raise Conflict(f"already_{assignment.state}")
    lease = Lease(
        assignment.id,
        assignment.public_id,
        assignment.version,
        assignment.item_id,
        assignment.project_id,
        assignment.expires_at,
    )
    return card_of(context, project, lease, _undo_last(context))


def _undo_last(context: Context) -> Choice | None:
    answer = last_answer(context.session, context.worker_id, context.workspace_id)
    if answer is None or answer.state not in STANDING:
        return None
    assignment = context.session.get_one(Assignment, answer.assignment_id)
    project = context.session.get_one(Project, answer.project_id)
    return _undo_choice(assignment.public_id, assignment.version, label_name(project, str(answer.label_id)))


def _undo_choice(assignment_public_id: str, version: int, name: str) -> Choice:
    payload = make("undo", assignment_public_id, version=version)
    return Choice(payload, "button_undo", shorten(name, UNDO_UNITS), "quiet")


def _cheered(context: Context, card: ItemCard | Notice) -> ItemCard | Notice:
    """What follows an answer; with a cheer where that was the last of the person's goal for the day."""
    worker = context.account.worker
    if isinstance(card, ItemCard):
        return replace(card, cheer=True) if card.view.today == worker.daily_goal else card
    if card.code == "nothing_left" and answered_today(context.session, worker, context.now) == worker.daily_goal:
        return replace(card, code="nothing_left_goal", params={"count": worker.daily_goal})
    return card


def _said(name: str) -> Notice:
    # Whether it filled a place is not told: with a known item none ever does, and nobody may be able to tell those.
    return Notice("answered", {"label": name})


COMMANDS = {
    "start": CommandRoute("worker", on_next, listed=False),
    "next": CommandRoute("worker", on_next),
    "undo": CommandRoute("worker", on_undo_command),
}
TAPS = {
    "next": TapRoute("worker", on_next_tap),
    "answer": TapRoute("worker", on_answer, holds=True),
    "skip": TapRoute("worker", on_skip),
    "page": TapRoute("worker", on_page, reads=True),
    "undo": TapRoute("worker", on_undo),
}
