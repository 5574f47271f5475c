"""Pilots as they are shown, and a forecast with all that it can say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.cards.pilot import PilotCard
from bot.cards.views import Choice, View
from bot.tokens import make
from core.aggregation.agreement import Estimate
from core.aggregation.forecasting import Spread
from core.forecast import Forecast
from core.pilot_report import PilotReport
from tests.unit.bot.sentence_samples import JOB, NOON, Said

AHEAD = Forecast(
    900,
    4500,
    NOON + timedelta(days=1),
    40.0,
    answers_low=810,
    answers_high=990,
    done_low=NOON + timedelta(hours=15),
    done_high=NOON + timedelta(hours=38),
    on_time=0.07,
    accuracy=Spread(0.912, 0.873, 0.954),
    all_right=1e-9,
    shares=((0.9, 0.65),),
)
FOUND = PilotReport(
    items=30,
    decided=24,
    disputed=4,
    waiting=1170,
    answers=101,
    people=5,
    seconds=7.4,
    alpha=Estimate(0.37, 0.21, 0.52),
    pairs=Estimate(0.71, 0.62, 0.79),
    shared=30,
    skips=(("unclear", 6), ("", 2)),
    confused=(("Neutral", "Positive", 7),),
    unclear=2,
    ahead=AHEAD,
)


def of_pilots(said: Said) -> dict[str, View]:
    """The section of a pilot in each of its states."""
    go = Choice(make("pilot", JOB, "go"), "button_pilot_go", style="primary")
    card = PilotCard(said.job, 30, "reported", False, FOUND, 5, "USD", ((go,),))
    unpaid = replace(FOUND, answers=0, waiting=0)
    return {
        "pilot_reported": card,
        "pilot_running": replace(card, state="running", report=replace(FOUND, shared=3)),
        "pilot_set": replace(card, state="", report=None, rows=()),
        "pilot_none": replace(card, size=0, state="", can_begin=True, report=None, rows=()),
        "pilot_not_now": replace(card, size=0, state="", report=None, rows=()),
        "pilot_passed": replace(card, state="passed", price=0, report=replace(FOUND, waiting=0, confused=())),
        "pilot_begun": replace(card, state="running", report=unpaid),
    }
