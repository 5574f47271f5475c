"""Dialogue of coordinators: how much is audited, and what audits, verdicts and training cost. A section of /quality."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.cards.auditset import PRICES, SHARE, AuditSection, AuditSetting
from bot.cards.views import Choice, Show
from bot.context import Context
from bot.dialogue import TapRoute, checked, leave, save
from bot.job_settings import parse_price
from bot.post_steps import clock
from bot.quality_chat import back_choice, leave_section
from bot.tokens import Token, make
from core.audit_sample import summary
from core.changes import change_quality
from core.errors import Conflict, InvalidInput, Refused
from core.models import Dialogue, Project, Workspace
from core.projects import find_project
from core.quality import load
from core.second_looks import expert_agreement

NAME = "auditset"
PRESETS: Mapping[str, tuple[float, ...]] = {
    SHARE: (0.0, 0.01, 0.02, 0.05, 0.1, 0.2),
    "audit_price": (0, 5, 10, 20, 50),
    "settle_price": (0, 10, 20, 50, 100),
    "training_price": (0, 50, 100, 200, 500),
}
"""What may be chosen by button: a share, or hundredths of the currency."""
PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*[%％]?")
NOTHING = frozenset({"none", "off", "不抽查", "无"})
_NUMBERED = re.compile(r"v(\d)")


def on_tap(context: Context, token: Token) -> list[Show]:
    """The section, one of its settings, or a value for it; the buttons of values carry the version of the dialogue."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if not token.argument:
        leave_section(context)
        return [Show(_section(context, project), "edit")]
    if token.argument in PRESETS:
        dialogue = save(context, NAME, token.argument, {"project": project.public_id})
        return [Show(_setting(context, project, dialogue), "edit")]
    dialogue = checked(context, NAME, token)
    match = _NUMBERED.fullmatch(token.argument)
    values = PRESETS[dialogue.step]
    if dialogue.data["project"] != project.public_id or match is None or int(match[1]) >= len(values):
        raise Conflict("stale_button")
    return [Show(_change(context, project, dialogue.step, values[int(match[1])]), "edit")]


def on_text(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """The value in plain words: a percentage, or an amount."""
    if not context.account.may("coordinator"):
        raise Refused("needs_role", role="coordinator")
    project = find_project(context.session, context.workspace_id, dialogue.data["project"])
    value = parse_share(text) if dialogue.step == SHARE else parse_price(text, clock(context))["price"]
    return [Show(_change(context, project, dialogue.step, value))]


def parse_share(text: str) -> float:
    """A share from a percentage such as 2.5 %; "none" is 0.

    Raises:
        InvalidInput: share_unclear, also where it is above 100 %.
    """
    if text.strip().casefold() in NOTHING:
        return 0.0
    match = PERCENT.fullmatch(text.strip())
    hundredths = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else 0
    if match is None or hundredths > 10_000:
        raise InvalidInput("share_unclear", text=text.strip()[:40])
    return hundredths / 10_000


def _change(context: Context, project: Project, setting: str, value: float) -> AuditSection:
    changed = change_quality(context.session, project, context.worker_id, context.now, **{setting: value})
    leave(context)
    return _section(context, project, saved=changed)


def _section(context: Context, project: Project, *, saved: bool = False) -> AuditSection:
    session, job = context.session, project.public_id
    shares = Choice(make(NAME, job, SHARE), "button_auditset_audit_share")
    prices = tuple(Choice(make(NAME, job, name), f"button_auditset_{name}") for name in PRICES)
    return AuditSection(
        name=project.name,
        settings=load(project.quality),
        summary=summary(session, project.workspace_id, project.id),
        agreement=expert_agreement(session, project.workspace_id, project.id),
        currency=_currency(context, project),
        rows=((shares,), prices[:2], (prices[2],), (back_choice(project),)),
        saved=saved,
    )


def _setting(context: Context, project: Project, dialogue: Dialogue) -> AuditSetting:
    job, name = project.public_id, dialogue.step
    presets = tuple(
        (make(NAME, job, f"v{number}", dialogue.version), float(value)) for number, value in enumerate(PRESETS[name])
    )
    back = Choice(make(NAME, job), "button_back", style="quiet")
    value = getattr(load(project.quality), name)
    return AuditSetting(name, value, presets, _currency(context, project), ((back,),))


def _currency(context: Context, project: Project) -> str:
    return context.session.get_one(Workspace, project.workspace_id).currency


TAPS = {NAME: TapRoute("coordinator", on_tap)}
TEXTS = {NAME: on_text}
