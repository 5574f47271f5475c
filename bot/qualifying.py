"""The way into a job that has practice or a quiz: what comes first, begun only at the person's word."""

from __future__ import annotations

from bot.cards.lessons import Step
from bot.cards.views import Choice, Notice
from bot.context import Context
from bot.texts.measures import share
from bot.tokens import make
from core.models import Project
from core.qualification import (
    asks_qualification,
    attempts_left,
    practised,
    quiz_so_far,
    stage_for,
)
from core.quality import QualitySettings, load
from core.standing import load_standing

VERB = "qualify"
OTHER = Choice(make("next"), "button_other_work", style="quiet")


def gate_of(context: Context, project: Project, *, only_open: bool = False) -> Notice | None:
    """What a person has to do before they get items of a job; nothing where they may work, or are in the middle of it.

    Args:
        only_open: say nothing of a job whose quiz they may not try again.
    """
    if project.state != "open" or not asks_qualification(project):
        return None
    standing = load_standing(context.session, context.worker_id, project.id)
    settings = load(project.quality)
    match stage_for(context.session, project, context.worker_id, standing, context.now):
        case "begin":
            return _welcome(context, project, settings, again=bool(standing.qualification))
        case "failed" if attempts_left(settings, standing):
            return try_again(context, project, settings, attempts_left(settings, standing))
        case "failed" if not only_open:
            return Notice("quiz_over", {"project": project.name}, ((OTHER,),))
    return None


def try_again(context: Context, project: Project, settings: QualitySettings, left: int) -> Notice:
    """An offer of a further attempt."""
    needed = share(settings.quiz_pass, context.account.worker.locale)
    again = Choice(make(VERB, project.public_id), "button_quiz_again", style="primary")
    return Notice("quiz_again", {"project": project.name, "share": needed, "count": left}, ((again,), (OTHER,)))


def lesson_step(context: Context, project: Project) -> Step | None:
    """Which item of practice or of the quiz is in the person's hands; nothing outside of both."""
    standing, settings = load_standing(context.session, context.worker_id, project.id), load(project.quality)
    match stage_for(context.session, project, context.worker_id, standing, context.now):
        case "practice":
            done = practised(context.session, project.id, context.worker_id)
            return Step("practice", min(done + 1, settings.practice), settings.practice)
        case "quiz":
            _, done = quiz_so_far(context.session, project.id, context.worker_id, standing)
            return Step("quiz", min(done + 1, settings.quiz), settings.quiz)
    return None


def _welcome(context: Context, project: Project, settings: QualitySettings, *, again: bool) -> Notice:
    """What comes before the job. Who has passed before and has to show it again starts with the quiz."""
    start = Choice(make(VERB, project.public_id), "button_quiz_start", style="primary")
    needed = share(settings.quiz_pass, context.account.worker.locale)
    params = {
        "project": project.name,
        "practice": settings.practice,
        "quiz": settings.quiz,
        "share": needed,
    }
    if settings.quiz:
        code = "welcome_renewal" if again else "welcome_practice_quiz" if settings.practice else "welcome_quiz"
    else:
        code = "welcome_practice"
    return Notice(code, params, ((start,), (OTHER,)))
