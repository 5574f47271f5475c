"""After a failed quiz: the guidelines, asking to be let in, and a coordinator's word that lets somebody work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.tokens import make
from core.clock import now
from core.models import Flag, LogEntry, Participation, Project, Worker
from core.restricting import apply_flags, hold_worker
from core.standing import change_standing
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import inbox
from tests.integration.dialogues.known import answers_rightly, item_text, never_due, posted, right_label


async def fails(chat: Chat, tmp_path: Path, attempts: int = 1, caption: str = "") -> tuple[Someone, Someone, str]:
    """Olga, who posted a job with a quiz of one item, Ann, who has failed it for good, and the id of the job."""
    olga, public_id = await posted(chat, tmp_path, caption=caption, quiz=1, quiz_attempts=attempts)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Start")
    await answers_rightly(chat, ann, wrong=True)
    return olga, ann, public_id


def flagged(chat: Chat, kind: str, **evidence: Any) -> str:
    """A rule has paused Ann; returns the public id of the flag."""
    with chat.writing() as session:
        worker = session.scalars(select(Worker).where(Worker.name == "Ann")).one()
        project = session.scalars(select(Project)).one()
        flag = Flag(project_id=project.id, worker_id=worker.id, kind=kind, action="pause", created_at=now())
        flag.score, flag.evidence, flag.updated_at = 3.0, {"answers": 10, **evidence}, now()
        session.add(flag)
        session.flush()
        apply_flags(session, project, hold_worker(session, worker.id), now())
        return flag.public_id


def standing(chat: Chat) -> Participation:
    """Where Ann stands in the only job."""
    with chat.writing() as session:
        mine = select(Participation).join(Worker, Worker.id == Participation.worker_id)
        return session.scalars(mine.where(Worker.name == "Ann")).one()


def acts(chat: Chat) -> list[str]:
    with chat.writing() as session:
        return [entry.act for entry in session.scalars(select(LogEntry))]


async def test_who_may_try_again_finds_the_guidelines_at_hand(chat: Chat, tmp_path: Path) -> None:
    caption = "/post How is it? | Good | Bad | overlap=1-2 | guidelines=Rain is bad."
    _, ann, _ = await fails(chat, tmp_path, attempts=2, caption=caption)
    assert "Read the guidelines again" in ann.transcript[-1]
    assert ann.buttons() == ["Try again", "Guidelines", "Other work"]
    assert "Rain is bad." in await ann.taps("Guidelines")
    assert "1 more attempt" in await ann.taps("Back")
    assert ann.buttons() == ["Try again", "Guidelines", "Other work"]


async def test_guidelines_are_for_members_of_the_workspace(chat: Chat, tmp_path: Path) -> None:
    olga, ann, public_id = await fails(chat, tmp_path)
    await ann.taps_payload(make("readguide", public_id))
    assert ann.refused == "no_guidelines"
    olive = await chat.member("Olive", "owner")
    await olive.says("/workspace new Birds")
    await olive.taps_payload(make("readguide", public_id))
    assert olive.refused == "project_unknown"
    await olive.taps_payload(make("askin", public_id))
    assert olive.refused == "project_unknown"
    assert olga.refused is None


async def test_who_has_failed_for_good_asks_and_is_let_in_from_the_message(chat: Chat, tmp_path: Path) -> None:
    olga, ann, public_id = await fails(chat, tmp_path)
    await inbox(chat, olga)
    assert "A coordinator of “How is it?” has been asked" in await ann.taps("Ask to be let in")
    await ann.taps_payload(make("askin", public_id))
    asked = [text for text in await inbox(chat, olga) if "asks to be let in" in text]
    assert len(asked) == 1, "however often they ask"
    with chat.writing() as session:
        ann_id = session.scalars(select(Worker.public_id).where(Worker.name == "Ann")).one()
    never_due(chat)
    await olga.taps_payload(make("goldpass", public_id, ann_id))
    assert "A coordinator has let you in" in (await inbox(chat, ann))[-1]
    await ann.says("/next")
    assert right_label(chat, item_text(ann)) is None
    await olga.taps_payload(make("goldpass", public_id, ann_id))
    assert acts(chat).count("qualify") == 1, "a second tap changes nothing"


async def test_who_is_not_shut_out_asks_nobody(chat: Chat, tmp_path: Path) -> None:
    olga, ann, public_id = await fails(chat, tmp_path, attempts=2)
    await inbox(chat, olga)
    await ann.taps_payload(make("askin", public_id))
    assert "1 more attempt" in ann.transcript[-1]
    assert not [text for text in await inbox(chat, olga) if "asks to be let in" in text]
    await ann.says("/pause")
    await ann.taps_payload(make("askin", public_id))
    assert ann.refused == "membership_paused"


async def test_letting_in_lifts_what_rests_on_the_answers_of_the_quiz(chat: Chat, tmp_path: Path) -> None:
    olga, ann, public_id = await fails(chat, tmp_path)
    flagged(chat, "gold", known=1)
    assert standing(chat).restriction == "paused"
    await olga.taps_payload(make("goldset", public_id, "failed"))
    never_due(chat)
    assert "Ann can work on it now" in await olga.taps("Let Ann in")
    assert standing(chat).restriction == ""
    await ann.says("/next")
    assert right_label(chat, item_text(ann)) is None, "she works"


async def test_what_else_keeps_somebody_out_is_shown_at_once(chat: Chat, tmp_path: Path) -> None:
    olga, ann, public_id = await fails(chat, tmp_path)
    flagged(chat, "one_label", same=10, expected=2.0, label="a")
    await olga.taps_payload(make("goldset", public_id, "failed"))
    never_due(chat)
    heard = await olga.taps("Let Ann in")
    assert "still paused in “How is it?” by a flag" in heard
    assert olga.buttons() == ["Look at the flag", "Back"]
    assert "Ann" in await olga.taps("Look at the flag")
    await olga.taps("It is fine")
    await ann.says("/next")
    assert right_label(chat, item_text(ann)) is None


async def test_letting_in_ends_practice_that_a_low_skill_had_led_to(chat: Chat, tmp_path: Path) -> None:
    olga, _, public_id = await fails(chat, tmp_path)
    mine = standing(chat)
    with chat.writing() as session:
        change_standing(session, mine.worker_id, mine.project_id, restriction="training", restricted_at=now())
    await olga.taps_payload(make("goldset", public_id, "failed"))
    await olga.taps("Let Ann in")
    assert standing(chat).restriction == ""


async def test_letting_in_takes_a_coordinator(chat: Chat, tmp_path: Path) -> None:
    _, ann, public_id = await fails(chat, tmp_path)
    with chat.writing() as session:
        ann_id = session.scalars(select(Worker.public_id).where(Worker.name == "Ann")).one()
    await ann.taps_payload(make("goldpass", public_id, ann_id))
    assert ann.refused
    assert standing(chat).qualification == "failed"
