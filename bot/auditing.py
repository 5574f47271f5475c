"""Dialogues of experts: audit a sample of annotations, on one card that is replaced in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.cards.audit import ALL_JOBS, ONE_JOB, RIGHT, AuditCard, AuditNone
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute, leave, save
from bot.item_details import whole_text
from bot.jobs_chat import job_or_all
from bot.tokens import Token, make
from core.audit_sample import describe, draw, summary
from core.auditing import REASONS, Audited, accept, check_open, find_annotation, reject, take_back
from core.errors import Conflict, Refused
from core.labels import item_text
from core.models import Dialogue, Item, Project

DIALOGUE = "audit"


def on_audit(context: Context, argument: str) -> list[Show]:
    """The first annotation of a sample, of the named job or of all."""
    return [Show(_next(context, job_or_all(context, "audit", argument.strip())))]


def on_audit_tap(context: Context, token: Token) -> list[Show]:
    """A button of the card: its argument is a reason or one of `ACTS`."""
    if token.argument in REASONS:
        return _judge(context, token, token.argument)
    act = ACTS.get(token.argument)
    if act is None:
        raise Conflict("unknown_button")
    return act(context, token)


def on_right_tap(context: Context, token: Token) -> list[Show]:
    """The label that it should have been: the answer is rejected, and its worker's skill learns what it was."""
    verb = next(verb for verb, right in RIGHT.items() if right == token.verb)
    return _judge(context, replace(token, verb=verb), "wrong", token.argument)


def on_reason(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """The auditor's own words for why an annotation is rejected; the next one follows as a new message."""
    if not context.account.may("expert"):
        raise Refused("needs_role", role="expert")
    token = Token(dialogue.data["verb"], dialogue.data["annotation"])
    shows = _judge(context, token, text)
    leave(context)
    return [Show(show.view) for show in shows]


def _accept(context: Context, token: Token) -> list[Show]:
    return _judge(context, token, "")


def _judge(context: Context, token: Token, reason: str, right_label_id: str = "") -> list[Show]:
    """Accept where there is no reason, else reject; then the next annotation in place of this one."""
    try:
        done = _audited(context, token.subject, reason, right_label_id)
    except Conflict as late:  # another expert was faster, it is the same tap again, or the answer was taken back
        return [Show(Notice(late.code, late.params), "toast"), Show(_next(context, _scope(context, token)), "edit")]
    said = Notice("audit_rejected" if reason else "audit_accepted")
    project = done.project if token.verb == ONE_JOB else None
    view = _next(context, project)
    if not reason:
        view = replace(view, undo=make(token.verb, token.subject, "undo"))
    return [Show(said, "toast"), Show(view, "edit")]


def _take_back(context: Context, token: Token) -> list[Show]:
    """Undo the acceptance that was given last: its card comes again."""
    try:
        take_back(context.session, context.workspace_id, context.worker_id, token.subject, context.now)
        said = Notice("audit_taken_back")
    except Conflict as late:  # the second tap, or a card that stood there for long
        said = Notice(late.code, late.params)
    return [Show(said, "toast"), Show(_same(context, token), "edit")]


def _audited(context: Context, annotation_public_id: str, reason: str, right_label_id: str) -> Audited:
    session, workspace_id, auditor_id = context.session, context.workspace_id, context.worker_id
    if reason:
        return reject(
            session, workspace_id, auditor_id, annotation_public_id, reason, context.now, right_label_id=right_label_id
        )
    return accept(session, workspace_id, auditor_id, annotation_public_id, context.now)


def _ask_reason(context: Context, token: Token) -> list[Show]:
    """Why is it rejected, and what is right? The version of the button is the page of labels."""
    return [Show(_same(context, token, choosing=True, page=token.version), "edit")]


def _ask_words(context: Context, token: Token) -> list[Show]:
    annotation, _ = find_annotation(context.session, context.workspace_id, token.subject)
    check_open(annotation, context.worker_id)
    save(context, DIALOGUE, "reason", {"verb": token.verb, "annotation": token.subject})
    back = Choice(make(token.verb, token.subject, "back"), "button_back", style="quiet")
    return [Show(Notice("audit_words", rows=((back,),), kind="form"), "edit")]


def _back(context: Context, token: Token) -> list[Show]:
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None and dialogue.name == DIALOGUE:
        leave(context)
    return [Show(_same(context, token), "edit")]


def _full(context: Context, token: Token) -> list[Show]:
    """The whole question and item, then the card again."""
    annotation, project = find_annotation(context.session, context.workspace_id, token.subject)
    item = context.session.get_one(Item, annotation.item_id)
    text = f"{project.question}\n\n{item_text(item.content)}"
    return [*whole_text(context, "full_heading", text, "item.txt"), Show(_same(context, token))]


def _pass(context: Context, token: Token) -> list[Show]:
    """Another one for now; where this is the only one left, say so."""
    view = _next(context, _scope(context, token), token.subject)
    if isinstance(view, AuditCard) and view.case.annotation_public_id == token.subject:
        return [Show(Notice("audit_only_one"), "toast"), Show(view, "edit")]
    return [Show(view, "edit")]


def _same(context: Context, token: Token, choosing: bool = False, page: int = 0) -> AuditCard | AuditNone:
    """The card of one annotation again; the next one where it cannot be audited any more."""
    annotation, project = find_annotation(context.session, context.workspace_id, token.subject)
    scope = project if token.verb == ONE_JOB else None
    try:
        check_open(annotation, context.worker_id)
    except Conflict:
        return _next(context, scope)
    found = summary(context.session, context.workspace_id, scope.id if scope else None, context.worker_id)
    return AuditCard(describe(context.session, annotation, project), found, token.verb, choosing, page)


def _scope(context: Context, token: Token) -> Project | None:
    _, project = find_annotation(context.session, context.workspace_id, token.subject)
    return project if token.verb == ONE_JOB else None


def _next(context: Context, scope: Project | None, after: str = "") -> AuditCard | AuditNone:
    only_in = scope.id if scope else None
    found, case = draw(context.session, context.workspace_id, context.worker_id, project_id=only_in, after=after)
    if case is None:
        return AuditNone(found, scope.name if scope else "")
    return AuditCard(case, found, ONE_JOB if scope else ALL_JOBS)


ACTS: Mapping[str, Callable[[Context, Token], list[Show]]] = {
    "accept": _accept,
    "reject": _ask_reason,
    "other": _ask_words,
    "back": _back,
    "full": _full,
    "pass": _pass,
    "undo": _take_back,
}
COMMANDS = {"audit": CommandRoute("expert", on_audit, reads=True)}
TAPS = {
    **{verb: TapRoute("expert", on_audit_tap) for verb in (ALL_JOBS, ONE_JOB)},
    **{verb: TapRoute("expert", on_right_tap) for verb in RIGHT.values()},
}
TEXTS = {DIALOGUE: on_reason}
