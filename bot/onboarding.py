"""Dialogues of newcomers: an invite redeemed, consent, the way to the first item."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cards.onboarding import ConsentCard, OperatorCard
from bot.cards.pieces import PieceCard
from bot.cards.views import Choice, Notice, Show, View
from bot.context import Context
from bot.dialogue import TapRoute, leave
from bot.preferences import START, about_card
from bot.surface import Person
from bot.texts.catalogues import LANGUAGES
from bot.texts.units import pieces
from bot.tokens import Token, make
from bot.worker_chat import on_next_tap
from core.consent import agree, decline
from core.eligibility import why_not
from core.enrolment import OPERATORS, Account, Joined, find_account, join
from core.errors import Conflict
from core.leases import active_lease
from core.models import Dialogue, Participation, Project, Workspace
from core.offers import offered_on_joining, offered_with_guidelines
from core.openings import by_urgency, has_work
from core.preferences import guess_languages

CONSENT = "consent"
"""Name of the dialogue in which somebody is asked; it keeps the invite that let them in."""
PIECE_UNITS = 3500
"""UTF-16 code units of one message with guidelines."""


def enrol(session: Session, person: Person, code: str, now: datetime) -> list[Show]:
    """`/start CODE`: become a member, or rise to the invite's role; who has not agreed yet is asked to."""
    before = find_account(session, person.surface, person.tenant, person.external_id)
    joined = join(
        session,
        code=code,
        surface=person.surface,
        tenant=person.tenant,
        external_id=person.external_id,
        address=person.address,
        name=person.name,
        locale=person.locale,
        origin=person.origin,
        now=now,
    )
    if not joined.account.consented:
        _ask(session, joined, now)
    return [Show(_welcome(session, before, joined.account), menu=True)]


def consent_card(session: Session, account: Account) -> ConsentCard:
    """The question whether somebody agrees to what is stored; nothing else is answered before they do."""
    return ConsentCard(session.get_one(Workspace, account.workspace_id).name)


def on_agree(context: Context, _token: Token) -> list[Show]:
    """They agree: what they may choose for themselves is shown, with proposals."""
    agree(context.session, context.account, context.now)
    _leave_consent(context)
    if not context.account.consented:
        guess_languages(context.account.worker, _told_locale(context))
        offered_on_joining(context.session, context.workspace_id, context.worker_id, context.now)
    return [Show(Notice("agreed"), "toast"), Show(about_card(context), "edit", menu=True)]


def on_decline(context: Context, _token: Token) -> list[Show]:
    """They do not agree: they are no member any more, and what they hold goes back."""
    if context.account.consented:
        raise Conflict("agreed_before")
    workspace = context.session.get_one(Workspace, context.workspace_id).name
    decline(context.session, context.account, _leave_consent(context), context.now)
    return [Show(Notice("declined", {"workspace": workspace}), "edit", menu=True)]


def on_locale(context: Context, token: Token) -> list[Show]:
    """They want to read the question in another language."""
    if token.argument not in LANGUAGES:
        raise Conflict("unknown_button")
    context.account.worker.locale = token.argument
    view: View = about_card(context) if context.account.consented else consent_card(context.session, context.account)
    return [Show(view, "edit", menu=True)]


def on_begin(context: Context, _token: Token) -> list[Show]:
    """Start: the guidelines of the first job, where they have not been shown, else its first item."""
    project = None if context.account.paused else _first_job(context)
    if project is None or not _is_unread(context, project):
        return on_next_tap(context, Token("next"))
    offered_with_guidelines(context.session, project, context.worker_id, context.now)
    first = ((Choice(make("next", project.public_id), "button_first_item", style="primary"),),)
    found = pieces(project.guidelines, PIECE_UNITS)
    return [
        Show(
            PieceCard("guidelines_first", piece, number, len(found), first if number == len(found) else ()),
            "edit" if number == 1 else "send",
        )
        for number, piece in enumerate(found, start=1)
    ]


def _told_locale(context: Context) -> str:
    """The language that the platform or the person has told; empty where that of the installation was assumed."""
    spoken = context.account.worker.locale
    return context.person.locale or ("" if spoken == context.settings.default_locale else spoken)


def _welcome(session: Session, before: Account | None, account: Account) -> View:
    workspace = session.get_one(Workspace, account.workspace_id)
    if not account.consented:
        return consent_card(session, account)
    params = {"workspace": workspace.name, "role": account.role}
    is_same = before is not None and before.workspace_id == account.workspace_id and before.consented
    if is_same and before is not None and before.role == account.role:
        return Notice("welcome_back", params, START)
    if account.role in OPERATORS:
        return OperatorCard(workspace.name, str(account.role))
    return Notice("role_raised" if is_same else "welcome_back", params, START)


def _ask(session: Session, joined: Joined, now: datetime) -> None:
    """Stand before the question, with the invite that gets its use back if the answer is no."""
    identity_id = joined.account.identity.id
    known = session.get(Dialogue, identity_id)
    if known is not None and known.name == CONSENT and joined.invite_id is None:
        return
    data = {"invite_id": joined.invite_id}
    session.merge(Dialogue(identity_id=identity_id, name=CONSENT, step="asked", data=data, version=1, updated_at=now))


def _leave_consent(context: Context) -> int | None:
    """The invite that the question keeps, which is answered now."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is None or dialogue.name != CONSENT:
        return None
    invite_id = dialogue.data.get("invite_id")
    leave(context)
    return int(invite_id) if invite_id is not None else None


def _first_job(context: Context) -> Project | None:
    """The most urgent job with work for this person; nothing while they hold an item."""
    if active_lease(context.session, context.worker_id) is not None:
        return None
    account = context.account
    for project in by_urgency(context.session, context.workspace_id, context.now):
        fits = why_not(project, account.role, account.worker.languages) is None
        if fits and has_work(context.session, project, context.worker_id, context.now):
            return project
    return None


def _is_unread(context: Context, project: Project) -> bool:
    mine = Participation.worker_id == context.worker_id, Participation.project_id == project.id
    seen = context.session.scalars(select(Participation.guidelines_seen).where(*mine)).first() or 0
    return bool(project.guidelines.strip()) and seen < project.guidelines_version


TAPS = {
    "agree": TapRoute("worker", on_agree, early=True),
    "decline": TapRoute("worker", on_decline, early=True),
    "locale": TapRoute("worker", on_locale, early=True),
    "begin": TapRoute("worker", on_begin),
}
STRANGERS = {"start": enrol}
