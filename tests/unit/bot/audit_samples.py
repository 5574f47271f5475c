"""Audits, costs, second looks and suggestions as they are shown."""

from __future__ import annotations

from typing import Any

from bot.cards.auditset import PRICES, SHARE, AuditSection, AuditSetting
from bot.cards.costs import CostsCard
from bot.cards.settled import FinalCard, SettledAll
from bot.cards.suggestions import SuggestionsCard
from bot.cards.views import Choice, Notice, View
from bot.tokens import make
from core.audit_rate import Estimate
from core.audit_sample import AuditSummary
from core.costs import Cost, Costs
from core.quality import QualitySettings
from core.second_looks import Difference, ExpertAgreement
from core.suggestions import Suggestion, SuggestionPage
from tests.unit.bot.sentence_samples import ITEM, JOB, OTHER, Said

FOUND = AuditSummary(12, 11, 7, Estimate(0.041, 0.008, 0.19))
BACK = (Choice(make("quality", JOB), "button_back", style="quiet"),)


def notices() -> dict[str, View]:
    """Sentences that are owed to experts and coordinators."""
    start = ((Choice(make("pick", "", "audit"), "button_start", style="primary"),),)
    show = ((Choice(make("sugg"), "button_suggestions", style="primary"),),)
    return {
        "audits_due": Notice("audits_due", {"count": 7}, start),
        "suggestions_due": Notice("suggestions_due", {"count": 3}, show),
        "suggestion_kept": Notice("suggestion_kept"),
        "final_none": Notice("final_none"),
    }


def of_audits(said: Said) -> dict[str, View]:
    """Each card, full and empty."""
    schema: dict[str, Any] = {
        "kind": "choice",
        "labels": [{"id": f"l{at}", "name": name} for at, name in enumerate(said.labels)],
    }
    content = [{"type": "text", "text": said.item}]
    settings = QualitySettings(audit_share=0.025, audit_price=10, settle_price=20, training_price=150)
    section = tuple((Choice(make("auditset", JOB, name), f"button_auditset_{name}"),) for name in (SHARE, *PRICES))
    asked = Suggestion(ITEM, JOB, said.job, said.item, (said.guidelines, said.reason), 2)
    bare = Suggestion(OTHER, JOB, said.job, said.other, ())
    shares, amounts = ((make("x", JOB, "v0"), 0.0), (make("x", JOB, "v1"), 0.025)), ((make("x", JOB, "v0"), 10.0),)
    return {
        "auditset": AuditSection(said.job, settings, FOUND, ExpertAgreement(10, 9), "USD", (*section, BACK), True),
        "auditset_off": AuditSection(
            said.job, QualitySettings(audit_share=0.0), AuditSummary(0, 0), ExpertAgreement(0, 0), "USD", (BACK,)
        ),
        "auditset_share": AuditSetting(SHARE, 0.02, shares, "USD", (BACK,)),
        **{f"auditset_{name}": AuditSetting(name, 0, amounts, "USD", (BACK,)) for name in PRICES},
        "costs": CostsCard(
            JOB, said.job, Costs(Cost(3213, 16065), Cost(12, 120), Cost(1, 20), Cost(2.25, 338)), 1200, 750, "USD"
        ),
        "costs_free": CostsCard(JOB, said.job, Costs(Cost(1, 0), Cost(0, 0), Cost(0, 0), Cost(0, 0)), 3, 0, "USD"),
        "costs_none": CostsCard(JOB, said.job, Costs(Cost(0, 0), Cost(0, 0), Cost(0, 0), Cost(0, 0)), 3, 0, "USD"),
        "settled_all": SettledAll("", ExpertAgreement(10, 9), ((Choice("x", "button_final"),),)),
        "settled_job": SettledAll(said.job, ExpertAgreement(0, 0)),
        "final": FinalCard(Difference(ITEM, JOB, said.question, schema, content, "l2", "l1")),
        "final_unanswerable": FinalCard(Difference(ITEM, JOB, said.question, schema, content, "l2", "")),
        "suggestions": SuggestionsCard(SuggestionPage((asked, bare), 0, 2, 6, ((said.other, 3),))),
        "suggestions_of_one": SuggestionsCard(SuggestionPage((bare,), 0, 1, 1), JOB),
        "suggestions_none": SuggestionsCard(SuggestionPage((), 0, 1, 0)),
    }
