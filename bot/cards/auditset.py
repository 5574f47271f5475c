"""How a job is audited, and what the work of experts and machines costs: the section, and one setting of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.audit import estimate_sentence
from bot.cards.buttons import render_rows
from bot.cards.settled import agreement_sentence
from bot.cards.views import Choice, View
from bot.surface import Button, Message
from bot.texts import say
from bot.texts.measures import money, share
from core.audit_sample import AuditSummary
from core.quality import QualitySettings
from core.second_looks import ExpertAgreement

SHARE = "audit_share"
PRICES = ("audit_price", "settle_price", "training_price")
PER_ROW = 3


@dataclass(frozen=True, slots=True)
class AuditSection(View):
    """The section: what is asked of experts, what audits have found, and the prices. saved: something was changed."""

    name: str
    settings: QualitySettings
    summary: AuditSummary
    agreement: ExpertAgreement
    currency: str
    rows: tuple[tuple[Choice, ...], ...]
    saved: bool = False


@dataclass(frozen=True, slots=True)
class AuditSetting(View):
    """One setting. value: as in `QualitySettings`; presets: payloads with the values that they choose."""

    setting: str
    value: float
    presets: tuple[tuple[str, float], ...]
    currency: str
    rows: tuple[tuple[Choice, ...], ...]


def render(card: AuditSection, locale: str) -> Message:
    """Sentences, each about one thing."""
    settings = card.settings
    percent = share_words(settings.audit_share, locale)
    asked = say("auditset_share", locale, share=percent) if settings.audit_share else say("auditset_off", locale)
    pieces = [
        say("auditset_saved", locale) if card.saved else "",
        asked,
        "\n".join(line for line in _found(card, locale) if line),
        _prices(card, locale),
    ]
    return Message(
        kind="form",
        heading=say("auditset_heading", locale, name=card.name),
        text="\n\n".join(piece for piece in pieces if piece),
        buttons=render_rows(card.rows, locale),
    )


def render_setting(card: AuditSetting, locale: str) -> Message:
    """What it is now, what it may be by button, and that it may be typed."""
    buttons = [
        Button(value_words(card.setting, value, card.currency, locale), payload) for payload, value in card.presets
    ]
    rows = [tuple(buttons[start : start + PER_ROW]) for start in range(0, len(buttons), PER_ROW)]
    now = value_words(card.setting, card.value, card.currency, locale)
    return Message(
        kind="form",
        text=say(f"auditset_ask_{card.setting}", locale, value=now),
        buttons=(*rows, *render_rows(card.rows, locale)),
    )


def value_words(setting: str, value: float, currency: str, locale: str) -> str:
    """The value of a setting, as a button says it."""
    if setting == SHARE:
        return share_words(value, locale) if value else say("auditset_no_share", locale)
    return money(round(value), currency, locale) if value else say("auditset_free", locale)


def share_words(value: float, locale: str) -> str:
    """A share with as many digits as it needs."""
    return share(value, locale, 0 if value * 100 == round(value * 100) else 1)


def _found(card: AuditSection, locale: str) -> list[str]:
    found = card.summary
    return [
        say("auditset_owed", locale, count=found.owed) if found.owed else "",
        say("audit_progress", locale, count=found.audited, accepted=found.accepted) if found.audited else "",
        estimate_sentence(found, locale),
        agreement_sentence(card.agreement, locale),
    ]


def _prices(card: AuditSection, locale: str) -> str:
    amounts = {name: value_words(name, getattr(card.settings, name), card.currency, locale) for name in PRICES}
    return say("auditset_prices", locale, **amounts)
