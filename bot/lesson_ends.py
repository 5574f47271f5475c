"""What people are told after an answer in a lesson, and how practice and quizzes begin and end."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.lesson_cards import ToldCard
from bot.cards.lessons import Told, label_text
from bot.cards.views import ItemCard, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.next_item import following_card, next_card
from bot.qualifying import OTHER, VERB, try_again
from bot.texts.measures import share
from bot.tokens import Token
from core import labels
from core.eligibility import why_not
from core.errors import Refused
from core.labeling import Submitted
from core.projects import find_project
from core.qualification import QuizResult, begin
from core.quality import load


def told_of(done: Submitted) -> Told | None:
    """What is told about an answer; nothing for almost all of them."""
    lesson = done.control.lesson if done.control is not None else None
    if lesson is None:
        return None
    name = labels.name_of(labels.load(done.project.label_schema), lesson.label_id)
    return Told(lesson.right, name, lesson.explanation)


def told_shows(told: Told, following: ItemCard | Notice) -> list[Show]:
    """What is told, on the card that follows; where none does, in a message of its own before what is said instead."""
    toast = Show(Notice("told_toast_right" if told.right else "told_toast_other", {"label": label_text(told)}), "toast")
    if isinstance(following, ItemCard):
        return [toast, Show(replace(following, told=told), "edit")]
    return [toast, Show(ToldCard(told), "edit"), Show(following)]


def quiz_ended(context: Context, done: Submitted, result: QuizResult) -> list[Show]:
    """The result in place of the last card; who has passed goes on at once, who has not is told what they can do."""
    project, settings = done.project, load(done.project.quality)
    said = {"project": project.name, "right": result.right, "count": result.count}
    if result.passed:
        return [Show(Notice("quiz_passed", said), "edit"), Show(following_card(context, project, None, done.standing))]
    needed = {"share": share(settings.quiz_pass, context.account.worker.locale)}
    if not result.attempts_left:
        return [Show(Notice("quiz_failed", said | needed, ((OTHER,),)), "edit")]
    rows = try_again(context, project, settings, result.attempts_left).rows
    return [Show(Notice("quiz_failed_again", said | needed, rows), "edit")]


def on_begin(context: Context, token: Token) -> list[Show]:
    """Start practice or the quiz of a job; a second tap shows the item in hand.

    Raises:
        NotFound: the workspace has no such job.
        Refused: the person is paused.
    """
    if context.account.paused:
        raise Refused("membership_paused")
    project = find_project(context.session, context.workspace_id, token.subject)
    if why_not(project, context.account.role, context.account.worker.languages) is None:
        begin(context.session, project, context.worker_id, context.now)
    return [Show(next_card(context, project.public_id), "edit")]


TAPS = {VERB: TapRoute("worker", on_begin)}
