"""Reports on models as they are shown, with every kind of advice."""

from __future__ import annotations

from bot.cards.model_report import Advice, ModelReport
from bot.cards.views import Choice, Notice, View
from bot.tokens import make
from tests.unit.bot.sentence_samples import JOB, Said


def of_models(said: Said) -> dict[str, View]:
    """The report on a version with its picture, and the words alone for each kind of advice."""
    told = {
        "project": said.job,
        "version": 4,
        "accuracy": "84.2%",
        "low": "79%",
        "high": "88%",
        "count": 212,
    }
    notice = Notice("model_report", told, ((Choice(make("pick", JOB, "models"), "button_models"),),))
    scarce = Advice("class", 120, said.labels[0], 0.021, 0.003)
    cards: dict[str, View] = {
        "class": ModelReport(notice, scarce, "/home/lightwork/models/x/model-card.png"),
        "more": ModelReport(notice, Advice("more", 60, gain=0.012)),
        "enough": ModelReport(notice, Advice("enough", 60, gain=0.001)),
        "unknown": ModelReport(notice, Advice("unknown")),
        "without_advice": ModelReport(notice),
    }
    for code in ("report_in_use", "report_chosen", "report_other_in_use", "report_none_in_use"):
        cards[code] = ModelReport(notice, use=Notice(code, {"other": 3} if code == "report_other_in_use" else {}))
    return cards
