"""Dialogues of experts: settle what the crowd disputes, on one card that is replaced in place."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from bot.cards.dispute import DisputeCard, full_text, gold_choice, undo_choice
from bot.cards.settled import SettledAll, verdict_notice
from bot.cards.views import Choice, Notice, Show, View
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute, current, leave, save
from bot.item_details import whole_text
from bot.jobs_chat import PICK, job_or_all
from bot.tokens import Token, make
from core import labels
from core.adjudication import (
    adjudicate,
    promote_to_gold,
    put_aside,
    rule_unanswerable,
)
from core.dispute_order import awaits
from core.disputes import Dispute, Opinion, describe, find_item, next_dispute, opinion, unclear_count
from core.errors import Conflict, Refused
from core.models import Dialogue, Project
from core.second_looks import expert_agreement, next_difference
from core.suggestions import keep_suggestion
from core.unsettling import Verdict, take_back, verdict_on

DIALOGUE = "suggest"
"""Whoever has just called guidelines unclear may say in plain words what they should say."""
YIELDS = (DIALOGUE, "audit")
"""Dialogues that this one may take the place of; another is left alone, and nothing is asked."""


def on_settle(context: Context, argument: str) -> list[Show]:
    """The disputed item that is worth most to settle, of the named job or of all."""
    session, workspace_id = context.session, context.workspace_id
    project = job_or_all(context, "settle", argument.strip())
    only_in = project.id if project else None
    dispute = next_dispute(session, workspace_id, context.worker_id, context.now, only_in=only_in)
    if dispute is not None:
        return [Show(_card(context, dispute))]
    everywhere = Choice(make(PICK, "", "settle"), "button_settle_all")
    return [Show(_none(context, project, ((everywhere,),) if project else ()))]


def on_settle_tap(context: Context, token: Token) -> list[Show]:
    """A verdict; the next disputed item takes the card's place."""
    try:
        item, project = adjudicate(
            context.session,
            workspace_id=context.workspace_id,
            worker_id=context.worker_id,
            item_public_id=token.subject,
            label_id=token.argument,
            now=context.now,
        )
    except Conflict as late:
        return _too_late(context, token, late)
    said = verdict_notice(project.label_schema, token.argument)
    return [Show(said, "toast"), _following(context, project, item.public_id)]


def on_unanswerable_tap(context: Context, token: Token) -> list[Show]:
    """Nobody can answer this item: it leaves its job."""
    try:
        _, project = rule_unanswerable(
            context.session,
            workspace_id=context.workspace_id,
            worker_id=context.worker_id,
            item_public_id=token.subject,
            now=context.now,
        )
    except Conflict as late:
        return _too_late(context, token, late)
    return [Show(verdict_notice(project.label_schema, ""), "toast"), _following(context, project, token.subject)]


def on_later_tap(context: Context, token: Token) -> list[Show]:
    """Leave this item for later."""
    return _aside(context, token, "later", token.argument)


def on_unclear_tap(context: Context, token: Token) -> list[Show]:
    """The guidelines do not say how to answer this item; it stays disputed. What should they say?

    That may be sent as a message, or not: the next item is there already.
    """
    shows = _aside(context, token, "unclear", token.subject)
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    view = shows[-1].view
    if not isinstance(view, DisputeCard) or (dialogue is not None and dialogue.name not in YIELDS):
        return shows
    save(context, DIALOGUE, "note", {"item": token.subject})
    item, _ = find_item(context.session, context.workspace_id, token.subject)
    return [*shows[:-1], Show(replace(view, asked=labels.item_text(item.content)), "edit")]


def on_suggestion(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """What the guidelines should say; the disputed items go on below."""
    if not context.account.may("expert"):
        raise Refused("needs_role", role="expert")
    item_public_id = dialogue.data["item"]
    project = keep_suggestion(
        context.session, context.workspace_id, context.worker_id, item_public_id, text, context.now
    )
    leave(context)
    return [Show(Notice("suggestion_kept")), Show(_following(context, project).view)]


def on_opinion_tap(context: Context, token: Token) -> list[Show]:
    """What the model thinks, in place; never shown before it is asked for."""
    item, project = find_item(context.session, context.workspace_id, token.subject)
    found = opinion(context.session, item.id, project.id)
    return [_again(context, token, token.version, found)]


def on_page_tap(context: Context, token: Token) -> list[Show]:
    """Another page of labels."""
    return [_again(context, token, token.version)]


def on_full_tap(context: Context, token: Token) -> list[Show]:
    """The whole question and item and what people said, then the card again."""
    dispute = describe(context.session, context.workspace_id, context.worker_id, token.subject, context.now)
    again = _again(context, token, token.version).view
    return [*whole_text(context, "full_heading", full_text(dispute), "item.txt"), Show(again)]


def on_gold_tap(context: Context, token: Token) -> list[Show]:
    """Keep the last verdict as a known label; the item in view stays."""
    session, workspace_id = context.session, context.workspace_id
    try:
        _, project = promote_to_gold(
            session,
            workspace_id=workspace_id,
            worker_id=context.worker_id,
            item_public_id=token.subject,
            now=context.now,
        )
        said = Notice("made_gold")
    except Conflict as late:
        _, project = find_item(session, workspace_id, token.subject)
        said = Notice(late.code, late.params)
    return [Show(said, "toast"), _in_view(context, token, project)]


def on_undo_tap(context: Context, token: Token) -> list[Show]:
    """Take back what was said last: that item comes again. Where it is too late, the item in view stays."""
    session, workspace_id = context.session, context.workspace_id
    try:
        take_back(
            session,
            workspace_id=workspace_id,
            worker_id=context.worker_id,
            item_public_id=token.subject,
            stamp=token.version,
            now=context.now,
        )
    except Conflict as late:
        _, project = find_item(session, workspace_id, token.subject)
        return [Show(Notice(late.code, late.params), "toast"), _in_view(context, token, project)]
    _ask_no_more(context)
    return [Show(Notice("verdict_undone"), "toast"), _again(context, Token("settle", token.subject))]


def _in_view(context: Context, token: Token, project: Project) -> Show:
    """The item that stands on the card, named by `token.argument`, beside a word about that of `token.subject`."""
    if token.argument and _waits(context, token.argument):
        return _again(context, Token("settle", token.argument, token.subject))
    return _following(context, project, token.subject)


def _aside(context: Context, token: Token, reason: str, before_public_id: str) -> list[Show]:
    """Put it behind the others; the next card tells of what was said before of the item `before_public_id`."""
    try:
        _, project = put_aside(
            context.session,
            workspace_id=context.workspace_id,
            worker_id=context.worker_id,
            item_public_id=token.subject,
            reason=reason,
            now=context.now,
        )
    except Conflict as late:
        return _too_late(context, token, late)
    return [Show(Notice(f"settle_put_{reason}"), "toast"), _following(context, project, before_public_id)]


def _too_late(context: Context, token: Token, late: Conflict) -> list[Show]:
    """Another expert was faster, or it is the same tap again: say so, and go on."""
    _, project = find_item(context.session, context.workspace_id, token.subject)
    return [Show(Notice(late.code, late.params), "toast"), _following(context, project)]


def _again(context: Context, token: Token, page: int = 0, found: Opinion | None = None) -> Show:
    """The card of `token.subject` once more, with the verdict before it that `token.argument` names."""
    if not _waits(context, token.subject):
        _, project = find_item(context.session, context.workspace_id, token.subject)
        return Show(_next(context, project, token.argument), "edit")
    dispute = describe(context.session, context.workspace_id, context.worker_id, token.subject, context.now)
    before = _before(context, token.argument)
    return Show(_card(context, dispute, before, found, page), "edit")


def _following(context: Context, project: Project, settled_public_id: str = "") -> Show:
    """The next disputed item in place of the last one; what was asked about that one is not asked any more."""
    _ask_no_more(context)
    return Show(_next(context, project, settled_public_id), "edit")


def _ask_no_more(context: Context) -> None:
    """What the guidelines should say about the item before is not asked any more."""
    with suppress(Conflict):
        current(context, DIALOGUE)
        leave(context)


def _before(context: Context, item_public_id: str) -> Verdict | None:
    return verdict_on(context.session, context.workspace_id, item_public_id, context.worker_id, context.now)


def _next(context: Context, project: Project, settled_public_id: str) -> View:
    """The next disputed item, first of the same job: its guidelines are in mind."""
    session, workspace_id = context.session, context.workspace_id
    before = _before(context, settled_public_id)
    dispute = next_dispute(session, workspace_id, context.worker_id, context.now, staying_in=project.id)
    if dispute is not None:
        return _card(context, dispute, before)
    if before is None:
        return _none(context, None, ())
    kept = [gold_choice(before)] if before.may_be_gold else []
    return _none(context, None, tuple((one,) for one in (*kept, *undo_choice(before))))


def _none(context: Context, project: Project | None, rows: tuple[tuple[Choice, ...], ...]) -> SettledAll:
    """That nothing is disputed, how far experts agree, and for coordinators what waits for their word."""
    session, workspace_id, only_in = context.session, context.workspace_id, project.id if project else None
    waiting = next_difference(session, workspace_id, only_in) if context.account.may("coordinator") else None
    if waiting is not None:
        rows = (*rows, (Choice(make("final", waiting.item_public_id), "button_final", style="primary"),))
    return SettledAll(project.name if project else "", expert_agreement(session, workspace_id, only_in), rows)


def _card(
    context: Context,
    dispute: Dispute,
    before: Verdict | None = None,
    found: Opinion | None = None,
    page: int = 0,
) -> View:
    may_write = context.account.may("coordinator")
    unclear = unclear_count(context.session, context.workspace_id) if may_write else 0
    return DisputeCard(dispute, before, found, page, unclear)


def _waits(context: Context, item_public_id: str) -> bool:
    item, _ = find_item(context.session, context.workspace_id, item_public_id)
    return awaits(context.session, item.id, context.worker_id, context.now)


COMMANDS = {"settle": CommandRoute("expert", on_settle, reads=True)}
TAPS = {
    "settle": TapRoute("expert", on_settle_tap),
    "unanswer": TapRoute("expert", on_unanswerable_tap),
    "unclear": TapRoute("expert", on_unclear_tap),
    "later": TapRoute("expert", on_later_tap),
    "gold": TapRoute("expert", on_gold_tap),
    "unsettle": TapRoute("expert", on_undo_tap),
    "opinion": TapRoute("expert", on_opinion_tap, reads=True),
    "setpage": TapRoute("expert", on_page_tap, reads=True),
    "setfull": TapRoute("expert", on_full_tap, reads=True),
}
TEXTS = {DIALOGUE: on_suggestion}
