"""What people are told after an answer in a lesson, and how practice and quizzes begin and end."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.lesson_cards import ToldCard
from bot.cards.lessons import Told, label_text
from bot.cards.views import Choice, ItemCard, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.item_details import whole_text
from bot.next_item import following_card, next_card
from bot.qualifying import ASK_IN, OTHER, READ, VERB, guidelines_rows, over_rows, try_again
from bot.texts.measures import share
from bot.tokens import Token, make
from core import labels
from core.eligibility import why_not
from core.errors import Conflict, Refused
from core.labeling import Submitted
from core.letting_in import ask_in
from core.models import Item
from core.projects import find_project
from core.qualification import QuizResult, begin, is_shut_out
from core.quality import load


def told_of(context: Context, done: Submitted) -> Told | None:
    """What is told about an answer; nothing for almost all of them."""
    lesson = done.control.lesson if done.control is not None else None
    if lesson is None:
        return None
    schema, item = labels.load(done.project.label_schema), context.session.get_one(Item, lesson.item_id)
    name, said = labels.name_of(schema, lesson.label_id), labels.name_of(schema, done.label_id)
    return Told(lesson.right, labels.item_text(item.content), name, said, lesson.explanation)


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
        return [Show(Notice("quiz_passed", said), "edit"), Show(following_card(context, project, None, done.footing))]
    needed = {"share": share(settings.quiz_pass, context.account.worker.locale)}
    if not result.attempts_left:
        return [Show(Notice("quiz_missed", said | needed, over_rows(project)), "edit")]
    rows = try_again(context, project, settings, result.attempts_left).rows
    code = "quiz_missed_again" if guidelines_rows(project) else "quiz_missed_again_bare"
    return [Show(Notice(code, said | needed, rows), "edit")]


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


def on_read(context: Context, token: Token) -> list[Show]:
    """The guidelines of a job that stands before somebody, with the way back to it.

    Raises:
        NotFound: the workspace has no such job.
        Conflict: it is not for this person, or has no guidelines.
    """
    project = find_project(context.session, context.workspace_id, token.subject)
    refused = why_not(project, context.account.role, context.account.worker.languages)
    if refused is not None or not project.guidelines.strip():
        raise Conflict("no_guidelines")
    back = Choice(make("next", project.public_id), "button_back", style="primary")
    return whole_text(context, "guidelines_heading", project.guidelines, "guidelines.txt", ((back,),))


def on_ask_in(context: Context, token: Token) -> list[Show]:
    """Ask a coordinator to let somebody in who has no attempt left; whoever is not shut out sees what there is.

    Raises:
        NotFound: the workspace has no such job.
        Refused: the person is paused.
    """
    if context.account.paused:
        raise Refused("membership_paused")
    session, worker_id = context.session, context.worker_id
    project = find_project(session, context.workspace_id, token.subject)
    if project.state != "open" or not is_shut_out(session, project, worker_id):
        return [Show(next_card(context, project.public_id), "edit")]
    ask_in(session, project, worker_id, context.now)
    return [Show(Notice("asked_in", {"project": project.name}, ((OTHER,),)), "edit")]


TAPS = {
    VERB: TapRoute("worker", on_begin),
    READ: TapRoute("worker", on_read, reads=True),
    ASK_IN: TapRoute("worker", on_ask_in),
}
