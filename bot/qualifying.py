"""The way into a job that has practice or a quiz: what comes first, begun only at the person's word."""

from __future__ import annotations

from bot.cards.lessons import Step
from bot.cards.views import Choice, Notice
from bot.context import Context
from bot.texts.measures import share
from bot.tokens import make
from core.lessons import practised, quiz_so_far
from core.models import Project
from core.qualification import asks_qualification, attempts_left, is_unasked, stage_for
from core.quality import QualitySettings, load
from core.standing import Standing, load_standing

VERB = "qualify"
OTHER = Choice(make("next"), "button_other_work", style="quiet")
ASK_IN, READ = "askin", "readguide"
"""Verbs of the buttons that ask a coordinator to let somebody in, and that show the guidelines of a job."""


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
            return _welcome(context, project, settings, standing)
        case "failed" if attempts_left(settings, standing):
            return try_again(context, project, settings, attempts_left(settings, standing))
        case "failed" if not only_open:
            return Notice("quiz_over", {"project": project.name}, over_rows(project))
    return None


def try_again(context: Context, project: Project, settings: QualitySettings, left: int) -> Notice:
    """An offer of a further attempt."""
    needed = share(settings.quiz_pass, context.account.worker.locale)
    again = Choice(make(VERB, project.public_id), "button_quiz_again", style="primary")
    rows = ((again,), *guidelines_rows(project), (OTHER,))
    return Notice("quiz_again", {"project": project.name, "share": needed, "count": left}, rows)


def over_rows(project: Project) -> tuple[tuple[Choice, ...], ...]:
    """What is left to who has no further attempt."""
    return (Choice(make(ASK_IN, project.public_id), "button_ask_in"),), (OTHER,)


def guidelines_rows(project: Project) -> tuple[tuple[Choice, ...], ...]:
    """A button for the guidelines, where the job has any."""
    return ((Choice(make(READ, project.public_id), "button_guidelines"),),) if project.guidelines.strip() else ()


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


def _welcome(context: Context, project: Project, settings: QualitySettings, standing: Standing) -> Notice:
    """What comes before the job. Who was let in before starts with the quiz."""
    start = Choice(make(VERB, project.public_id), "button_quiz_start", style="primary")
    needed = share(settings.quiz_pass, context.account.worker.locale)
    params = {
        "project": project.name,
        "practice": settings.practice,
        "quiz": settings.quiz,
        "share": needed,
    }
    if settings.quiz:
        practice = settings.practice and not standing.qualification
        again = bool(standing.qualification) and not is_unasked(standing)
        code = "welcome_renewal" if again else "welcome_practice_quiz" if practice else "welcome_quiz"
    else:
        code = "welcome_practice"
    return Notice(code, params, ((start,), *guidelines_rows(project), (OTHER,)))
