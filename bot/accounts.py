"""Dialogues about one's own accounts: link them, erase them, change between communities."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.cards.accounts import LinkNotice, WorkspacesCard
from bot.cards.currency import CurrencyCard
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, FormRoute, Stranger, StrangerTap, TapRoute, Text
from bot.surface import Person
from bot.tokens import Token, make
from core.errors import Conflict, InvalidInput, Refused
from core.forgetting import forget, keep_owners
from core.link_requests import LIFETIME, Visitor, claim, decline_claim, open_request, present
from core.linking import complete, decline
from core.models import Workspace
from core.workspaces import check_name, create_workspace, homes, rename_workspace, set_currency, switch

START = ((Choice(make("next"), "button_start", style="primary"),),)
SURE_MINUTES = 60
"""How long the button that erases an account works after it was shown."""


def on_link(context: Context, _argument: str) -> list[Show]:
    """`/link`: a code for the other account."""
    code = open_request(context.session, context.account.identity, context.now)
    minutes = int(LIFETIME.total_seconds() // 60)
    return [Show(Notice("link_code", {"code": code, "minutes": minutes}))]


def on_code(session: Session, person: Person, code: str, now: datetime) -> list[Show]:
    """`/link CODE`, in the other account: is it to be joined with the one that asked?"""
    origin = person.origin or f"{person.surface}:{person.tenant}:{person.external_id}"
    asked = present(session, code, _visitor(person), origin, now)
    yes = Choice(make("linkyes", asked.public_id), "button_yes", style="primary")
    no = Choice(make("linkno", asked.public_id), "button_no", style="quiet")
    return [Show(LinkNotice("link_sure", asked.name, asked.surface, ((yes, no),)))]


def on_claim(session: Session, person: Person, token: Token, now: datetime) -> list[Show]:
    """[Yes] in the other account: now the one that asked has to confirm."""
    asked = claim(session, token.subject, _visitor(person), now)
    return [Show(LinkNotice("link_claimed", asked.name, asked.surface), "edit")]


def on_decline_claim(session: Session, person: Person, token: Token, now: datetime) -> list[Show]:
    """[No] in the other account."""
    decline_claim(session, token.subject, _visitor(person), now)
    return [Show(Notice("link_declined"), "edit")]


def on_complete(context: Context, token: Token) -> list[Show]:
    """[Yes, that is me] in the account that asked: both are one person's from here on."""
    asked = complete(context.session, token.subject, context.worker_id, context.now)
    return [Show(LinkNotice("link_done", asked.name, asked.surface, START), "edit", menu=True)]


def on_decline(context: Context, token: Token) -> list[Show]:
    """[No] in the account that asked."""
    decline(context.session, token.subject, context.worker_id, context.now)
    return [Show(Notice("link_declined"), "edit")]


def on_forget(context: Context, _argument: str) -> list[Show]:
    """`/forget`: what goes, what stays, and the button that does it."""
    keep_owners(context.session, context.worker_id)
    subject, minute = context.account.worker.public_id, _minute(context.now)
    erase = Choice(make("erase", subject, version=minute), "button_erase", style="danger")
    keep = Choice(make("noerase", subject), "button_keep_account", style="quiet")
    return [Show(Notice("forget_explained", rows=((erase,), (keep,))))]


def on_erase(context: Context, token: Token) -> list[Show]:
    """The account is erased: what comes next from here comes from a stranger."""
    if token.subject != context.account.worker.public_id:
        raise Conflict("unknown_button")
    if (_minute(context.now) - token.version) % 1_000_000 > SURE_MINUTES:
        raise Conflict("forget_again")
    forget(context.session, context.worker_id, context.now)
    return [Show(Notice("forgotten"), "edit", menu=True)]


def on_keep(_context: Context, _token: Token) -> list[Show]:
    """Nothing is erased."""
    return [Show(Notice("forget_kept"), "edit")]


def on_workspace(context: Context, argument: str) -> list[Show]:
    """`/workspace`: where one is and could be; for owners also `new NAME`, `rename NAME`, `currency CODE`."""
    verb, _, name = argument.strip().partition(" ")
    match verb.lower():
        case "":
            return [Show(_workspaces(context))]
        case "new":
            return _new(context, name)
        case "rename":
            _require_owner(context)
            said = rename_workspace(context.session, context.workspace_id, context.worker_id, name, context.now)
            return [Show(Notice("workspace_renamed", {"name": said}))]
        case "currency":
            _require_owner(context)
            return [Show(_currency(context, name))]
        case _:
            raise InvalidInput("workspace_how")


def on_currency_tap(context: Context, token: Token) -> list[Show]:
    """Which currency it is; with a code, that one from now on."""
    return [Show(_currency(context, token.argument), "edit" if token.argument else "send")]


def on_switch(context: Context, token: Token) -> list[Show]:
    """Another community; the commands may be others there."""
    home = switch(context.session, context.account.identity, token.subject, context.now)
    return [Show(Notice("workspace_switched", {"name": home.name, "role": home.role}, START), "edit", menu=True)]


def _new(context: Context, name: str) -> list[Show]:
    _require_owner(context)
    if context.person.surface == "slack":
        raise Refused("workspace_slack")
    made = create_workspace(context.session, context.account.identity, check_name(name), context.now)
    switch(context.session, context.account.identity, made.public_id, context.now)
    return [Show(Notice("workspace_made", {"name": made.name}), menu=True)]


def _currency(context: Context, code: str) -> CurrencyCard:
    session, before = context.session, ""
    if code:
        before = set_currency(session, context.workspace_id, context.worker_id, code, context.now)
    return CurrencyCard(session.get_one(Workspace, context.workspace_id).currency, before)


def _require_owner(context: Context) -> None:
    if not context.account.may("owner"):
        raise Refused("needs_role", role="owner")


def _workspaces(context: Context) -> WorkspacesCard:
    others = [home for home in homes(context.session, context.worker_id) if home.workspace_id != context.workspace_id]
    rows = tuple((Choice(make("inws", home.public_id), text=home.name),) for home in others)
    here = context.session.get_one(Workspace, context.workspace_id)
    if context.account.may("owner"):
        rows = (*rows, (Choice(make("currency"), "button_currency", here.currency, "quiet"),))
    return WorkspacesCard(here.name, str(context.account.role), bool(others), rows)


def _visitor(person: Person) -> Visitor:
    return Visitor(person.surface, person.tenant, person.external_id, person.address, person.name)


def _minute(now: datetime) -> int:
    return int(now.timestamp()) // 60 % 1_000_000


COMMANDS = {
    "link": CommandRoute("worker", on_link),
    "workspace": CommandRoute("worker", on_workspace),
    "forget": CommandRoute("worker", on_forget, early=True),
}
TAPS = {
    "linkdo": TapRoute("worker", on_complete),
    "linknot": TapRoute("worker", on_decline),
    "erase": TapRoute("worker", on_erase, early=True),
    "noerase": TapRoute("worker", on_keep, early=True),
    "inws": TapRoute("worker", on_switch),
    "currency": TapRoute("owner", on_currency_tap),
}
FORMS: dict[str, FormRoute] = {}
TEXTS: dict[str, Text] = {}
STRANGERS: dict[str, Stranger] = {"link": on_code}
STRANGER_TAPS: dict[str, StrangerTap] = {"linkyes": on_claim, "linkno": on_decline_claim}
