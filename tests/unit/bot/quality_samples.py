"""Samples of what coordinators see of a job's quality and of its aim."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.aim import AimCard, Answers
from bot.cards.quality import QualityCard
from bot.cards.views import Choice, View
from bot.quality_chat import SECTIONS
from bot.tokens import make
from core.aims import Aim
from core.gold_pool import Pool
from core.quality import QualitySettings
from tests.unit.bot.sentence_samples import JOB, Said

RANGE = Answers(3, 8, 5, "USD")
CAREFUL = QualitySettings(practice=5, quiz=10, quiz_pass=0.8, least_accuracy=0.6, audit_share=0.005)
CARELESS = QualitySettings(
    gold_use="measure",
    rules=dict.fromkeys(QualitySettings().rules, "none"),
    audit_share=0.0,
)
NONE, SOME = Pool(0, 0, 0, 0, 0), Pool(known=20, hidden=14, practice=6, served=0, missed=0)
BUDGET = Aim("budget", budget=3000)


def cards(said: Said) -> dict[str, View]:
    """By what is special about them."""
    sections = tuple(Choice(make(verb, JOB), f"button_quality_{verb}") for verb in SECTIONS)
    usual = QualityCard(
        said.job, Aim(), RANGE, QualitySettings(), NONE, 0, "", (sections[:2], sections[2:4], sections[4:])
    )
    presets = tuple((make("aim", JOB, str(at), 3), Aim(error_cost=cost)) for at, cost in enumerate((5.0, 20.0)))
    back = ((Choice(make("quality", JOB), "button_back", style="quiet"),),)
    aim = AimCard(said.job, Aim(), RANGE, 0, None, (*presets, (make("aim", JOB, "6", 3), BUDGET)), back)
    return {
        "quality_usual": usual,
        "quality_careful": replace(usual, settings=CAREFUL, pool=SOME, pilot_size=30, pilot_state="running"),
        "quality_careless": replace(
            usual, settings=CARELESS, pool=replace(NONE, known=1), aim=Aim("accuracy", target=0.975)
        ),
        "quality_teaching": replace(usual, settings=replace(CAREFUL, practice=0, teaches=True), pool=SOME),
        "quality_idle": replace(usual, settings=replace(CAREFUL, gold_use="measure"), pool=replace(NONE, known=20)),
        "quality_pilot_reported": replace(
            usual, pilot_size=30, pilot_state="reported", answers=Answers(3, 3, 0, "USD")
        ),
        "aim_begun": aim,
        "aim_under_way": replace(aim, aim=Aim("accuracy", target=0.95), used=1234, accuracy=0.931, saved=True),
        "aim_budget": replace(aim, aim=BUDGET, used=1, accuracy=0.9),
    }
