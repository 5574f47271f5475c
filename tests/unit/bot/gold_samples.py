"""Samples of what people are shown about known answers, practice and quizzes."""

from __future__ import annotations

from bot.cards.goldset import DoubtCard, GoldsetCard, Preset
from bot.cards.lesson_cards import ToldCard
from bot.cards.lessons import Step, Told
from bot.cards.views import Choice, ItemCard, Notice, View
from bot.tokens import make
from core.gold_doubts import Doubt
from core.gold_pool import Pool
from core.quality import QualitySettings
from core.views import LeaseView
from tests.unit.bot.sentence_samples import ITEM, JOB, Said

BACK = (Choice("x", "button_back", style="quiet"),)
START = (Choice("x", "button_quiz_start", style="primary"),)
OTHER = (Choice("x", "button_other_work", style="quiet"),)
ASK_IN = (Choice("x", "button_ask_in"),)
LET_IN = (Choice("x", "button_let_in", "Ann", style="primary"),)
LOOK = (Choice("x", "button_look_at_flag", style="primary"),)


def of_gold(said: Said, lease: LeaseView) -> dict[str, View]:
    """The section of known answers, a doubt, what learners are told, and the ways into a job."""
    pool = Pool(known=120, hidden=100, practice=10, served=240, missed=12)
    taught = QualitySettings(teaches=True, practice=5, quiz=10, qualification_days=90)
    fix = Choice(make("golddoubt", ITEM, "fix-l1"), "button_doubt_fix", said.labels[1])
    values = tuple(Preset(make("goldset", JOB, f"quiz-{at}"), "quiz", at * 5, at == 2) for at in range(4))
    job = {"project": said.job}
    result = job | {"right": 6, "count": 10}
    quiz = {"practice": 5, "quiz": 10, "share": "70%"}
    return {
        "goldset": GoldsetCard(said.job, pool, QualitySettings(), 0, 0, (BACK,)),
        "goldset_lessons": GoldsetCard(said.job, pool, taught, 2, 1, (BACK,)),
        "goldset_measured": GoldsetCard(said.job, pool, QualitySettings(gold_use="measure"), 0, 0, (BACK,)),
        "goldset_none": GoldsetCard(said.job, Pool(0, 0, 0, 0, 0), QualitySettings(), 0, 0, (BACK,)),
        "goldset_asked": GoldsetCard(said.job, pool, taught, 0, 0, (BACK,), "quiz", values),
        "doubt": DoubtCard(Doubt(ITEM, said.item, said.labels[2], "l1", said.labels[1], 12, 15), 3, ((fix,), BACK)),
        "told": ToldCard(Told(False, said.item, said.labels[2], said.labels[0], said.guidelines)),
        "told_right": ToldCard(Told(True, said.item, said.labels[2], said.labels[2])),
        "practising": ItemCard(
            lease, told=Told(True, said.item, said.labels[0], said.labels[0], said.reason), step=Step("practice", 2, 5)
        ),
        "in_a_quiz": ItemCard(lease, step=Step("quiz", 3, 10)),
        **{
            f"welcome_{code}": Notice(f"welcome_{code}", job | quiz, (START, OTHER))
            for code in ("practice", "quiz", "practice_quiz", "renewal")
        },
        "quiz_passed": Notice("quiz_passed", result),
        "quiz_missed_again": Notice("quiz_missed_again", result | {"share": "70%"}, (OTHER,)),
        "quiz_missed_again_bare": Notice("quiz_missed_again_bare", result | {"share": "70%"}, (OTHER,)),
        "quiz_missed": Notice("quiz_missed", result | {"share": "70%"}, (OTHER,)),
        "quiz_again": Notice("quiz_again", job | {"share": "70%", "count": 1}, (OTHER,)),
        "quiz_over": Notice("quiz_over", job, (ASK_IN, OTHER)),
        "asked_in": Notice("asked_in", job, (OTHER,)),
        "asks_in": Notice("asks_in", job | {"name": said.name}, (LET_IN,)),
        "qualified_but_paused": Notice("qualified_but_paused", job | {"name": said.name}, (LOOK, BACK), "form"),
        "qualified": Notice("qualified", job, (START,)),
    }
