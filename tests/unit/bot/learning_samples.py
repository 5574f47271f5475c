"""Samples of what coordinators see of what a model may do, and has done, by itself."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.learning import SWITCHES, LearningCard, LearningSetting
from bot.cards.status import JobStatus
from bot.cards.views import Choice, Notice, View
from bot.learning_chat import PRESETS, ROWS, SHORT, times_row
from bot.texts import say
from bot.tokens import make
from bot.training_chat import PRESETS as TIMES
from core.acceptance_evidence import Audits
from core.acceptance_report import NOTHING, LabeledBy, ModelReport
from core.hints import Agreement
from core.learning import METHODS, LearningSettings
from core.retreating import REASONS
from core.training_times import COLUMNS, TrainingTimes, parse_time
from tests.unit.bot.sentence_samples import JOB, SAID, Said

LABELS = LabeledBy(4, 1234, 0.97, 240, 5, Audits(2, 60, 7))
OTHER_TIMES = (
    TrainingTimes(1, "30 6 * * 1-5"),
    TrainingTimes(0, "0 * * * *"),
    TrainingTimes(50, ""),
    TrainingTimes(0, ""),
)
ALLOWED = LearningSettings(method="lora", hints=True, accept=True, accept_error=0.025, prior=True)


def of_learning(said: Said) -> dict[str, View]:
    """All settings before there is a model and with everything allowed, and each of them by itself."""
    rows = tuple(
        tuple(Choice(make("learning", JOB, SHORT.get(name, name)), f"button_learning_{name}") for name in row)
        for row in ROWS
    )
    rows = (rows[0], times_row(JOB), *rows[1:])
    undo = Choice(make("learnset", JOB, "accept-0"), "button_learning_undo", style="quiet")
    take = Choice(make("untake", JOB), "button_take_back", style="danger")
    form = Choice(make("learnform", JOB), "button_learning_form")
    usual = LearningCard(said.job, LearningSettings(), TrainingTimes(200, "0 3 * * *"), NOTHING, None, rows)
    seen, unseen = Agreement(412, 0.91, 0.83), Agreement(44, 0.8, 0.84)
    helps = ModelReport((LABELS,), None, True, 212)
    allowed = replace(
        usual,
        settings=ALLOWED,
        report=helps,
        hints=(seen, unseen),
        rows=(*rows, (form,), (take,), (undo,)),
        saved=True,
    )
    back = ((Choice(make("learning", JOB), "button_back", style="quiet"),),)
    cards: dict[str, View] = {
        "learning_usual": usual,
        "learning_allowed": allowed,
        "learning_first": replace(
            allowed,
            settings=replace(ALLOWED, method="frozen"),
            report=ModelReport((replace(LABELS, count=1, wrong=1, audits=Audits(0, 1, 1)),), None, False, 1),
            hints=(Agreement(1, 1.0, 0.6), Agreement(0, 0.0, 0.0)),
        ),
        "learning_due": replace(allowed, report=replace(helps, due=True)),
        "learning_unproven": replace(allowed, report=ModelReport((), 85), hints=None),
    }
    cards |= {f"learning_method_{name}": replace(usual, settings=LearningSettings(method=name)) for name in METHODS[1:]}
    for reason in REASONS:
        back_again = ModelReport((replace(LABELS, count=0, reason=reason, in_use=True),), None, None)
        cards[f"learning_{reason}"] = replace(allowed, report=back_again)
    cards |= {f"learning_times_{at}": replace(usual, times=times) for at, times in enumerate(OTHER_TIMES)}
    step_back = Choice(make("learnwhen", JOB), "button_back", style="quiet")
    for name, words in TIMES.items():
        column = COLUMNS[name]
        choices = tuple(
            (make("learnwhen", JOB, f"{name}-{at}"), parse_time(name, one)[column]) for at, one in words.items()
        )
        cards[f"ask_{column}"] = LearningSetting(column, choices[-1][1], choices, ((step_back,),))
    for name, values in PRESETS.items():
        said_values = tuple((make("learnset", JOB, f"{SHORT.get(name, name)}-1"), value) for value in values)
        cards[f"ask_{name}"] = LearningSetting(name, values[0 if name in SWITCHES else -1], said_values, back)
    return cards


def labeled_by_model(status: JobStatus) -> JobStatus:
    """The status of a job whose model has labeled, too."""
    states = status.stats.states | {"accepted": 40}
    return replace(status, stats=replace(status.stats, states=states), by_model=ModelReport((LABELS,)))


def learning_notices(locale: str) -> dict[str, View]:
    """What coordinators are told, and asked."""
    job = {"project": SAID[locale].job}
    ways = ((Choice(make("learning", JOB), "button_learning"),),)
    reason = say("accept_back_broken", locale, version=4)
    return {
        "labels_accepted": Notice("labels_accepted", job | {"version": 4, "count": 1234, "items": "1,234"}, ways),
        "labels_taken_back": Notice(
            "labels_taken_back", job | {"reason": reason, "count": 1234, "items": "1,234"}, ways
        ),
        "take_back_ask": Notice("take_back_ask", job),
    }
