"""What experts say and hear while they take a verdict back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core import dispute_order
from core.auditing import UNDO_WITHIN
from core.clock import now
from core.costs import spent
from core.dispute_order import FINAL
from core.feedback import feedback_of
from core.leases import open_lease
from core.models import (
    Adjudication,
    Annotation,
    Dialogue,
    Gold,
    Item,
    LogEntry,
    OutboxMessage,
    Project,
    Worker,
)
from core.unsettling import stamp_of
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.test_settling import disputed
from tests.invariants import check_control, check_redundancy

STATE = (
    "state",
    "label_id",
    "confidence",
    "decided_at",
    "posterior",
    "submitted",
    "leased",
    "slots",
    "overlap",
    "rank",
)


def looked(chat: Chat) -> dict[str, Any]:
    """All that a verdict could have changed but the log and revisions; what must hold at any time is looked at too."""
    with chat.writing() as session:
        check_redundancy(session)
        check_control(session)
        items = [
            tuple(getattr(item, name) for name in STATE) for item in session.scalars(select(Item).order_by(Item.id))
        ]
        paid = [spent(session, project) for project in session.scalars(select(Project))]
        return {
            "items": items,
            "paid": paid,
            "known": session.execute(select(Gold.item_id, Gold.label_id)).all(),
            "said": session.execute(select(Adjudication.item_id, Adjudication.reason, Adjudication.note)).all(),
            "owed": session.scalars(select(OutboxMessage.dedupe_key).order_by(OutboxMessage.dedupe_key)).all(),
            "answers": session.execute(select(Annotation.id, Annotation.state).order_by(Annotation.id)).all(),
        }


def first_item(chat: Chat) -> Item:
    """The oldest item."""
    with chat.writing() as session:
        item = session.scalars(select(Item).order_by(Item.id)).first()
        assert item is not None
        return item


def undo(person: Someone) -> str:
    """The payload of the button that undoes."""
    return person.button("Undo").payload


@pytest.mark.parametrize(
    ("verdict", "before"),
    [
        ("Bad", "Just settled: “one” is Bad."),
        ("Unanswerable", "Just settled: nobody can answer “one”."),
        ("Guidelines unclear", "Unclear: “one”."),
    ],
)
async def test_what_was_said_is_undone_as_if_it_had_not_been(chat: Chat, verdict: str, before: str) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    shown = await eve.says("/settle")
    was = looked(chat)
    heard = await eve.taps(verdict)
    assert before in heard
    assert looked(chat) != was
    button = undo(eve)
    assert f"Undo “{verdict}”" in eve.buttons()
    heard = await eve.taps("Undo")
    assert heard == f"(✓ Undone. Here is the item again.)\n{shown}"
    assert looked(chat) == was
    assert "(This is undone already.)" in await eve.taps_payload(button)
    assert looked(chat) == was, "the second tap does no harm"
    with chat.writing() as session:
        acts = session.scalars(select(LogEntry.act).where(LogEntry.act.in_(("settle", "unsettle")))).all()
        assert acts[-1] == "unsettle"
        assert session.scalars(select(Dialogue)).all() == [], "nothing is asked about it any more"


async def test_a_known_answer_is_known_no_more(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    was = looked(chat)
    await eve.taps("Bad")
    await eve.taps("Keep “Bad” as known")
    assert "Undo “Bad”" in eve.buttons(), "it is not too late"
    heard = await eve.taps("Undo")
    assert "one" in heard
    assert looked(chat) == was
    await eve.taps("Good")
    assert "(✓ Kept as a known answer)" in await eve.taps("Keep “Good” as known")


async def test_after_the_last_dispute_it_can_be_undone_too(chat: Chat) -> None:
    await disputed(chat, ("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    assert "Nothing is disputed" in await eve.taps("Bad")
    assert eve.buttons() == ["Keep “Bad” as known", "Undo “Bad”"]
    assert "1 of 1 disputed" in await eve.taps("Undo")


async def test_only_the_expert_who_gave_it_takes_it_back(chat: Chat) -> None:
    await disputed(chat)
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    wally = await chat.member("Wally")
    await eve.says("/settle")
    await eve.taps("Bad")
    was, button = looked(chat), undo(eve)
    heard = await sam.taps_payload(button)
    assert heard.startswith("(Another expert said this; only they can undo it.)")
    assert "two" in heard, "the item in view stays"
    await wally.taps_payload(button)
    assert wally.refused == "unknown_button"
    pat = await outsider(chat, "Pat", "expert")
    assert "That item does not exist here" in await pat.taps_payload(button)
    assert looked(chat)["items"] == was["items"]


async def test_an_old_button_does_not_undo_a_later_verdict(chat: Chat) -> None:
    await disputed(chat)
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    first = undo(eve)
    await eve.taps("Undo")
    await eve.taps("Good")
    assert "(This is undone already.)" in await eve.taps_payload(first)
    assert first_item(chat).label_id == "a"
    second = undo(eve)
    await eve.taps_payload(second)
    await sam.says("/settle")
    await sam.taps("Unanswerable")
    assert "(This is undone already.)" in await eve.taps_payload(second)
    assert first_item(chat).state == "withdrawn", "what another expert has said since stands"


async def test_it_can_be_undone_for_ten_minutes(chat: Chat) -> None:
    assert timedelta(minutes=10) == UNDO_WITHIN
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    with chat.writing() as session:
        said = session.scalars(select(Adjudication)).one()
        moment = said.created_at = said.created_at - UNDO_WITHIN - timedelta(seconds=1)
    heard = await eve.taps_payload(undo(eve).rpartition(".")[0] + f".{stamp_of(moment)}")
    assert heard.startswith("(It is too late to undo this: that works for 10 minutes.)")
    assert "Undo “Bad”" not in eve.buttons(), "it is not offered any more"
    assert "Keep “Bad” as known" in eve.buttons()
    assert first_item(chat).state == "adjudicated"


async def test_what_training_has_used_stays(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    with chat.writing() as session:
        session.execute(update(Item).where(Item.id == first_item(chat).id).values(trained_at=now()))
    assert "a model has learnt from it" in await eve.taps("Undo")
    assert first_item(chat).state == "adjudicated"


async def test_what_people_were_told_stays(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    with chat.writing() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.kind == "feedback").values(not_before=now()))
    await chat.deliver()
    assert [message for _, message in chat.surface.sent if message.plain()]
    assert "people have been told of it" in await eve.taps("Undo")
    assert first_item(chat).state == "adjudicated"


async def test_a_digest_that_tells_of_other_verdicts_too_is_kept(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    await eve.taps("Bad")
    await eve.taps("Undo")
    with chat.writing() as session:
        owed = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "feedback")).all()
        assert len(owed) == 2
        since = min(row.created_at for row in session.scalars(select(Adjudication)))
        found = [feedback_of(session, row.worker_id, row.workspace_id, since) for row in owed]
        assert [one and one.count for one in found] == [1, 1], "of the first verdict alone"


async def test_a_known_item_that_somebody_is_asked_stays(chat: Chat) -> None:
    await disputed(chat)
    eve = await chat.member("Eve", "expert")
    await chat.member("Cat")
    await eve.says("/settle")
    await eve.taps("Bad")
    await eve.taps("Keep “Bad” as known")
    item = first_item(chat)
    with chat.writing() as session:
        session.execute(update(Item).where(Item.id == item.id).values(leased=1))
        cat = session.scalars(select(Worker.id).where(Worker.name == "Cat")).one()
        project = session.scalars(select(Project)).one()
        open_lease(session, project, item.id, cat, "web", now())
    assert "asked it as a known answer already" in await eve.taps("Undo")
    assert first_item(chat).state == "adjudicated"
    looked(chat)


async def test_what_was_cleared_up_stays(chat: Chat) -> None:
    await disputed(chat)
    eve, olga = await chat.member("Eve", "expert"), await chat.member("Olga", "coordinator")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    await olga.says("/suggestions")
    await olga.taps("✓ 1 is done")
    assert "somebody has decided on this item since" in await eve.taps("Undo")


async def test_an_earlier_suggestion_outlives_a_later_one_that_is_undone(chat: Chat) -> None:
    await disputed(chat, ("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    await eve.says("Say what rain is.")
    was = looked(chat)["said"]
    await eve.taps("Guidelines unclear")
    await eve.taps("Undo")
    assert looked(chat)["said"] == was
    await eve.taps("Guidelines unclear")
    await eve.says("Say what snow is.")
    with chat.writing() as session:
        assert session.scalars(select(Adjudication.note)).all() == ["Say what snow is."], "a second text replaces it"


async def test_where_answers_are_taken_out_meanwhile_the_item_asks_for_others(chat: Chat) -> None:
    await disputed(chat, ("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Bad")
    button = undo(eve)
    await eve.says("/audit")
    await eve.taps("Reject")
    await eve.taps("Careless")
    heard = await eve.taps_payload(button)
    assert "Nothing is disputed" in heard
    item = first_item(chat)
    assert (item.state, item.submitted, item.slots) == ("open", 1, 1)
    looked(chat)


async def test_a_second_look_is_undone_like_a_first(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    olga = await chat.member("Olga", "owner")
    await disputed(chat, ("one",))
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    await eve.says("/settle")
    await eve.taps("Good")
    first = undo(eve)
    monkeypatch.setattr(dispute_order, "SECOND_BELOW", "~")
    await sam.says("/settle")
    was = looked(chat)
    await sam.taps("Bad")
    assert sam.buttons() == ["Undo “Bad”"]
    assert looked(chat) != was
    assert "somebody has decided on this item since" in await eve.taps_payload(first)
    assert "1 of 1 disputed" in await sam.taps("Undo")
    assert looked(chat) == was, "nobody is asked for the last word"
    await sam.taps("Bad")
    await chat.deliver()
    second = undo(sam)
    assert "people have been told of it" in await sam.taps("Undo")
    await olga.says("/settle")
    await olga.taps("Experts differ")
    await olga.taps("Good")
    assert "somebody has decided on this item since" in await sam.taps_payload(second)
    with chat.writing() as session:
        assert session.scalars(select(Adjudication.reason).order_by(Adjudication.id)).all()[-1] == FINAL


async def test_the_log_names_it(chat: Chat) -> None:
    await disputed(chat, ("one",))
    eve, olga = await chat.member("Eve", "expert"), await chat.member("Olga", "owner")
    await eve.says("/settle")
    await eve.taps("Bad")
    await eve.taps("Undo")
    assert "Eve took back what they had said of “one”" in await olga.says("/log")
