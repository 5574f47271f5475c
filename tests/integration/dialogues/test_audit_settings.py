"""What coordinators set about audits and costs, and what they read about them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core.audit_digest import FEWEST, remind_experts
from core.clock import now
from core.models import Annotation, Dialogue, OutboxMessage, Project, TrainingRun
from core.quality import load
from core.runtime import Runtime
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.test_auditing import answered


async def section(chat: Chat, **people: str) -> tuple[Someone, str]:
    """Olga at the audits of a job in which Ann has answered two items."""
    job = await answered(chat, *(people or ("Ann",)))
    olga = await chat.member("Olga", "coordinator")
    await olga.says(f"/quality {job}")
    await olga.taps_payload(f"auditset.{job}..0")
    return olga, job


async def test_the_section_says_what_is_asked_and_leads_back(chat: Chat) -> None:
    olga, job = await section(chat)
    heard = await olga.taps_payload(f"auditset.{job}..0")
    assert "look at about 2% of the answers" in heard
    assert "An audit costs nothing, a verdict nothing, an hour of training nothing" in heard
    assert "wrong" not in heard.split("An audit")[1], "nothing is estimated before the first audit"
    assert olga.buttons()[-1] == "Back"
    await olga.taps("Back")
    assert olga.refused is None
    assert any(
        button.payload.startswith("auditset.") for row in (olga.card.buttons if olga.card else ()) for button in row
    )


async def test_settings_by_button_and_in_words(chat: Chat) -> None:
    olga, job = await section(chat)
    assert "Now: 2%" in await olga.taps("How much is audited")
    stale = olga.button("10%").payload
    heard = await olga.taps("10%")
    assert heard.startswith("Audits and costs of “Is it?”")
    assert "✓ Saved" in heard
    assert "about 10% of the answers" in heard
    await olga.taps_payload(stale)
    assert olga.refused == "no_dialogue"
    await olga.taps("How much is audited")
    assert "is not clear. Send a percentage" in await olga.says("a lot")
    assert "is not clear. Send a percentage" in await olga.says("101")
    assert "about 2.5% of the answers" in await olga.says("2.5 %")
    await olga.taps("Cost of an audit")
    assert "An audit costs $0.12" in await olga.says("0.12")
    await olga.taps("Cost of a verdict")
    assert "a verdict $0.50" in await olga.taps("$0.50")
    await olga.taps("Cost of training")
    assert "an hour of training $1.50" in await olga.says("1.5")
    await olga.taps("How much is audited")
    assert "not asked to look at answers" in await olga.taps("No audits")
    with chat.writing() as session:
        settings = load(session.scalars(select(Project.quality)).one())
        assert (settings.audit_share, settings.audit_price, settings.settle_price) == (0.0, 12, 50)
        assert settings.training_price == 150
        assert session.scalars(select(Dialogue)).all() == []
    assert "An audit costs $0.12" in await olga.taps_payload(f"auditset.{job}..0")


async def test_the_way_back_leaves_the_question(chat: Chat) -> None:
    olga, _ = await section(chat)
    await olga.taps("Cost of an audit")
    assert "Audits and costs" in await olga.taps("Back")
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == []


async def test_only_coordinators_of_this_workspace_may(chat: Chat) -> None:
    olga, job = await section(chat)
    await olga.taps("How much is audited")
    payloads = [button.payload for row in (olga.card.buttons if olga.card else ()) for button in row]
    eve = await chat.member("Eve", "expert")
    sam = await outsider(chat, "Sam", "coordinator")
    for payload in payloads:
        await eve.taps_payload(payload)
        assert eve.refused == "unknown_button"
        assert "There is no job" in await sam.taps_payload(payload)
    assert "I do not know /costs" in await eve.says("/costs")
    assert "There is no job" in await sam.says(f"/costs {job}")


async def test_costs_add_up_and_keep_the_price_of_the_day(chat: Chat) -> None:
    olga, job = await section(chat)
    assert "2 answers: $0.00" in await olga.says(f"/costs {job}")
    assert "Nothing has a price yet" in await olga.says(f"/costs {job}")
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        session.execute(update(Annotation).values(price=5))
        project.price = 100
        project.quality = {"audit_price": 10, "settle_price": 20, "training_price": 120}
        started = now() - timedelta(hours=2)
        session.add(
            TrainingRun(
                project_id=project.id,
                trigger="button",
                state="done",
                created_at=started,
                started_at=started,
                finished_at=started + timedelta(minutes=30),
            )
        )
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Accept")
    heard = await olga.says("/costs")
    assert "2 answers: $0.10" in heard, "at the price they were given at"
    assert "1 audit: $0.10" in heard
    assert "0.5 hours of training: $0.60" in heard
    assert "In all: $0.80" in heard
    assert "Per item: $0.40" in heard
    assert "verdict" not in heard, "there was none"
    assert "Cost so far $0.80" in await olga.says(f"/status {job}")
    with chat.writing() as session:
        session.execute(update(Annotation).where(Annotation.audit_state == "unaudited").values(price=None))
    assert "2 answers: $1.05" in await olga.says("/costs"), "from before prices were kept: the present one"
    assert "$1.05" in await chat.someone("Ann").says("/stats"), "and so are earnings"


async def test_no_answers_no_costs(chat: Chat) -> None:
    from tests.factories import make_project

    olga = await chat.member("Olga", "coordinator")
    assert "No jobs yet" in await olga.says("/costs")
    with chat.writing() as session:
        make_project(session, ("one",))
    assert "Nobody has answered yet" in await olga.says("/costs")


async def test_experts_hear_once_a_day_what_is_due(chat: Chat, runtime: Runtime) -> None:
    job = await answered(chat, "Ann", texts=tuple(f"t{number}" for number in range(30)))
    eve, olga = await chat.member("Eve", "expert"), await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        project.quality, project_id = {"audit_share": 0.01}, project.id
    assert remind_experts(runtime, project_id, now) == 0, "1% of thirty answers is not enough to write to anybody"
    with chat.writing() as session:
        session.scalars(select(Project)).one().quality = {"audit_share": 0.5}
    assert "15 answers wait for an expert's look: /audit" in await olga.says(f"/status {job}")
    assert remind_experts(runtime, project_id, now) == 1
    assert remind_experts(runtime, project_id, now) == 0, "once a day"
    with chat.writing() as session:
        [message] = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "audits_due"))
        assert message.lane == 4
    await chat.deliver()
    [told] = [message for address, message in chat.surface.sent if address == eve.person.address]
    assert told.text == "15 answers wait for a look from you."
    heard = await eve.taps_payload(told.buttons[0][0].payload)
    assert "15 to look at" in heard
    assert "14 to look at" in await eve.taps("Accept")
    assert FEWEST > 1


async def test_what_is_not_due_any_more_is_not_told(chat: Chat, runtime: Runtime) -> None:
    await answered(chat, "Ann", texts=tuple(f"t{number}" for number in range(30)))
    eve = await chat.member("Eve", "expert")
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        project.quality, project_id = {"audit_share": 0.5}, project.id
    assert remind_experts(runtime, project_id, now) == 1
    with chat.writing() as session:
        session.scalars(select(Project)).one().quality = {"audit_share": 0.0}
    await chat.deliver()
    assert [message for address, message in chat.surface.sent if address == eve.person.address] == []
