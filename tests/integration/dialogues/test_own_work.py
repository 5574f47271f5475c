"""What workers are told about jobs and about their own work: /jobs, /stats, /help, and notes."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import insert, select, update

from core.auditing import reject
from core.clock import now
from core.models import Annotation, Gold, Item, Project, Workspace
from tests.factories import make_member, make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.work import change, change_person, kept, post, public_id

# --- /jobs and who may work where


async def test_jobs_where_there_are_none(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "There is no job right now" in await ann.says("/jobs")


async def test_jobs_says_what_there_is_and_starts_it(chat: Chat) -> None:
    post(chat, "old", name="Old")
    deadline = now() + timedelta(days=30)
    post(chat, "new one", "new two", name="New", price=5, deadline=deadline, priority=1, language="en")
    ann = await chat.member("Ann")
    heard = await ann.says("/jobs")
    assert heard.index("New") < heard.index("Old"), "the higher priority comes first"
    assert "about 6 answers wanted · $0.05 per answer · until " in heard
    assert "English" in heard
    assert "/status" not in heard
    assert ann.buttons() == ["Start “New”", "Start “Old”"]
    assert "old" in await ann.taps("Start “Old”")


async def test_jobs_says_why_not(chat: Chat) -> None:
    post(chat, name="Deep", audience="experts")
    chinese = post(chat, name="Characters", language="zh")
    change(chat, post(chat, name="Waiting"), state="paused")
    change(chat, post(chat, name="Over"), state="closed")
    done = post(chat, "single", name="Done")
    ann = await chat.member("Ann")
    change_person(chat, ann, languages=["en"])
    await ann.says(f"/next {public_id(chat, done)}")
    await ann.taps("Good")
    heard = await ann.says("/jobs")
    assert "Deep\nFor experts only." in heard
    assert "Characters\nIt asks for Chinese. If you read it, add it with /language." in heard
    assert "Waiting\nPaused by its coordinator." in heard
    assert "Done\nNothing left for you right now." in heard
    assert "Over" not in heard
    change_person(chat, ann, languages=["en", "zh"])
    await ann.says("/jobs")
    assert ann.buttons() == ["Start “Characters”"]
    assert "sun" in await ann.taps_payload(f"next.{public_id(chat, chinese)}..0")


async def test_many_jobs_come_page_by_page_the_newest_first(chat: Chat) -> None:
    """Whatever is urgent comes before all others, and what is paused behind them."""
    with chat.writing() as session:
        for number in range(45):
            state = "paused" if number in (43, 44) else "open"
            project = make_project(session, ("sun",), name=f"Job {number:02}", priority=int(number == 3))
            project.state = state
    ann = await chat.member("Ann")
    heard = [await ann.says("/jobs")]
    assert "page 1 of 5" in heard[0]
    assert ann.buttons()[-1] == "More"
    assert "‹" not in ann.buttons()
    last_but_one = ""
    while "More" in ann.buttons():
        last_but_one = ann.button("More").payload
        heard.append(await ann.taps("More"))
    assert len(heard) == 5
    assert ann.buttons() == [*(f"Start “Job {number:02}”" for number in (2, 1, 0)), "‹"], (
        "those that are paused cannot be started"
    )
    named = [int(name) for name in re.findall(r"^Job (\d\d)$", "\n".join(heard), re.MULTILINE)]
    assert named == [3, *(number for number in range(42, -1, -1) if number != 3), 44, 43]
    assert await ann.taps("‹") == heard[3]
    with chat.writing() as session:
        session.execute(update(Project).where(Project.name > "Job 04").values(state="closed"))
    assert "Job 00" in await ann.taps_payload(last_but_one), "a page that is gone gives the nearest"
    assert ann.buttons()[-1].startswith("Start"), "there is one page left"
    assert "Job 00" in await ann.taps_payload("jobs...0")
    assert "Job 00" in await ann.taps_payload("jobs...999999")


async def test_the_jobs_of_another_community_are_on_no_page(chat: Chat) -> None:
    with chat.writing() as session:
        for number in range(12):
            make_project(session, ("sun",), name=f"Job {number}")
        other = Workspace(name="Elsewhere", created_at=now())
        session.add(other)
        session.flush()
        session.execute(update(Project).where(Project.name != "Job 0").values(workspace_id=other.id))
    ann = await chat.member("Ann")
    assert await ann.says("/jobs") == await ann.taps_payload("jobs...2")
    assert ann.buttons() == ["Start “Job 0”"]


async def test_jobs_points_coordinators_to_status_and_experts_may_do_more(chat: Chat) -> None:
    post(chat, name="Deep", audience="experts")
    olga, eve = await chat.member("Olga", "coordinator"), await chat.member("Eve", "expert")
    assert "/status" in await olga.says("/jobs")
    await eve.says("/jobs")
    assert eve.buttons() == ["Start “Deep”"]


async def test_a_job_that_is_not_for_somebody_is_refused_also_by_forged_buttons(chat: Chat) -> None:
    deep = public_id(chat, post(chat, "deep", name="Deep", audience="experts"))
    chinese = public_id(chat, post(chat, "字", name="Characters", language="zh"))
    ann = await chat.member("Ann")
    change_person(chat, ann, languages=["en"])
    heard = await ann.taps_payload(f"next.{deep}..0")
    assert ann.refused == "job_refused"
    assert heard == "(“Deep” is not open to you. For experts only. Send /jobs to see what is.)"
    assert "asks for Chinese" in await ann.says(f"/next {chinese}")
    assert "No open job is for you right now" in await ann.says("/next")
    change_person(chat, ann, languages=[])
    assert "字" in await ann.says("/next")


async def test_what_is_in_hand_may_be_answered_although_the_job_is_not_for_them_any_more(chat: Chat) -> None:
    project_id = post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    change(chat, project_id, audience="experts")
    heard = await ann.taps("Good")
    assert heard.startswith("(✓ Good)")
    assert "rain" not in heard, "nothing more of it is handed out"
    assert len(kept(chat)) == 1


async def test_start_leaves_the_item_in_hand_for_the_named_job(chat: Chat) -> None:
    post(chat, "sun", min_overlap=1, max_overlap=1)
    other = public_id(chat, post(chat, "rain", min_overlap=1, max_overlap=1))
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    assert "sun" in await ann.says("/next")
    assert "rain" in await ann.says(f"/next {other}")
    assert "rain" in await ann.says("/next"), "this is the item in hand now"
    assert "sun" in await bob.says("/next"), "its slot came back at once"
    assert "rain" in await ann.says(f"/next {other}")
    await ann.taps("Good")
    assert "Nothing left" in await ann.says(f"/next {other}")


async def test_a_named_job_without_work_leaves_what_is_in_hand(chat: Chat) -> None:
    post(chat, "sun")
    empty = public_id(chat, post(chat, "rain"))
    ann = await chat.member("Ann")
    await ann.says(f"/next {empty}")
    await ann.taps("Good")
    assert "sun" in await ann.says(f"/next {empty}")


async def test_urgent_jobs_come_first(chat: Chat) -> None:
    post(chat, "whenever")
    post(chat, "late", deadline=now() + timedelta(days=9))
    post(chat, "soon", deadline=now() + timedelta(days=2))
    post(chat, "above all", priority=5)
    ann = await chat.member("Ann")
    seen = [await ann.says("/next")] + [await ann.taps("Good") for _ in range(3)]
    assert [next(word for word in ("above", "soon", "late", "whenever") if word in heard) for heard in seen] == [
        "above",
        "soon",
        "late",
        "whenever",
    ]


# --- /stats


async def decided(chat: Chat, ann: Someone, right: int, wrong: int) -> None:
    """Items that Ann answers, and that the crowd then decides for her or against her."""
    post(chat, *[f"item {number}" for number in range(right + wrong)])
    await ann.says("/next")
    for _ in range(right + wrong):
        await ann.taps("Good")
    with chat.writing() as session:
        items = list(session.scalars(select(Item).order_by(Item.id)))
        for at, item in enumerate(items):
            values = {"state": "agreed", "label_id": "a" if at < right else "b", "submitted": 3}
            session.execute(update(Item).where(Item.id == item.id).values(**values))


async def test_stats_of_somebody_who_has_done_nothing(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "not answered anything yet" in await ann.says("/stats")


async def test_agreement_is_told_in_steps_of_five_per_cent_from_twenty_items_on(chat: Chat) -> None:
    ann = await chat.member("Ann")
    await decided(chat, ann, right=19, wrong=2)
    assert "about 90% of your answers" in await ann.says("/stats")
    with chat.writing() as session:
        first, second = session.scalars(select(Item.id).order_by(Item.id).limit(2))
        session.execute(update(Item).where(Item.id == first).values(submitted=2))
    assert "about 90%" in await ann.says("/stats"), "20 are enough"
    with chat.writing() as session:
        gold = {"project_id": 1, "item_id": second, "label_id": "a", "source": "column", "created_at": now()}
        session.execute(insert(Gold).values(**gold))
    assert "of your answers" not in await ann.says("/stats"), "gold is left out, and 19 are too few"


async def test_answers_that_were_taken_out_are_told_where_the_day_counts_them(chat: Chat) -> None:
    ann = await chat.member("Ann")
    with chat.writing() as session:
        make_project(session, ("one", "two", "three"), ("Good", "Bad"), min_overlap=1)
    await ann.says("/next")
    for _ in range(3):
        await ann.taps("Good")
    assert "taken out" not in await ann.says("/stats")
    with chat.writing() as session:
        workspace_id = session.scalars(select(Project.workspace_id)).one()
        expert = make_member(session, "Eve", "expert").id
        public_id = session.scalars(select(Annotation.public_id).order_by(Annotation.id)).first()
        assert public_id is not None
        reject(session, workspace_id, expert, public_id, "careless", now())
    heard = await ann.says("/stats")
    assert "You have answered 2 items." in heard
    assert "1 more answer was taken out after a check and does not count." in heard
    assert "Today: 3" in heard


async def test_earnings_are_told_where_a_job_pays(chat: Chat) -> None:
    ann = await chat.member("Ann")
    post(chat, "sun", "rain", price=5)
    await ann.says("/next")
    await ann.taps("Good")
    assert "Earned so far: $0.05" in await ann.says("/stats")
    with chat.writing() as session:
        session.execute(update(Workspace).values(currency="EUR"))
    change_person(chat, ann, locale="zh")
    assert "€0.05" in await ann.says("/stats")
    assert "今天：1/40" in await ann.says("/stats")


async def test_days_in_a_row(chat: Chat) -> None:
    ann = await chat.member("Ann")
    post(chat, "one", "two", "three", "four")
    await ann.says("/next")
    for _ in range(4):
        await ann.taps("Good")
    assert "in a row" not in await ann.says("/stats")
    with chat.writing() as session:
        for back, row in enumerate(session.scalars(select(Annotation).order_by(Annotation.id.desc()))):
            row.created_at = now() - timedelta(days=back if back < 3 else 9)
    assert "3 days in a row" in await ann.says("/stats")
    with chat.writing() as session:
        for row in session.scalars(select(Annotation)):
            row.created_at -= timedelta(days=1)
    assert "3 days in a row" in await ann.says("/stats"), "today is not over yet"


async def test_jobs_of_one_name_are_told_apart_in_the_stats(chat: Chat) -> None:
    ann = await chat.member("Ann")
    post(chat, "sun", name="Weather")
    post(chat, "rain", name="Weather")
    await ann.says("/next")
    await ann.taps("Good")
    await ann.taps("Good")
    assert (await ann.says("/stats")).count("Weather: 1") == 2


# --- a note on an answer


async def test_words_after_an_answer_become_a_note(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    assert "Send /next" in await ann.says("hello"), "nothing was answered yet"
    await ann.says("/next")
    await ann.taps("Good")
    assert "Add this as a note to your last answer “Good”?" in await ann.says("It shines, mostly")
    payload = ann.button("Add note").payload
    assert "Noted" in await ann.taps("Add note")
    assert [row.note for row in kept(chat)] == ["It shines, mostly"]
    assert "closed" in await ann.taps_payload(payload), "a second tap finds nothing to add"


async def test_a_note_that_is_not_wanted_or_replaced_by_newer_words(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    await ann.says("first words")
    old = ann.button("Add note").payload
    await ann.says("better words")
    assert "from before" in await ann.taps_payload(old)
    assert "Not added" in await ann.taps("No")
    assert [row.note for row in kept(chat)] == [""]


async def test_a_note_is_neither_cut_nor_added_to_what_was_taken_back(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    card = ann.card
    assert "this one has 501" in await ann.says("x" * 501)
    await ann.says("because")
    add = ann.button("Add note").payload
    ann.card = card
    await ann.taps("Undo")
    assert "does not stand any more" in await ann.taps_payload(add)
    assert [row.note for row in kept(chat, "withdrawn")] == [""]


async def test_words_long_after_an_answer_are_not_about_it(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    with chat.writing() as session:
        session.execute(update(Annotation).values(created_at=now() - timedelta(minutes=11)))
    assert "Send /next for your next item" in await ann.says("hello")


async def test_a_note_belongs_to_who_answered(chat: Chat) -> None:
    post(chat)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    await ann.taps("Good")
    await ann.says("mine")
    assert "closed" in await bob.taps_payload(ann.button("Add note").payload)
    assert [row.note for row in kept(chat)] == [""]


# --- /help


async def test_help_lists_what_the_role_can_do(chat: Chat) -> None:
    ann, olga = await chat.member("Ann"), await chat.member("Olga", "coordinator")
    heard = await ann.says("/help")
    assert "/next – your next item" in heard
    assert "/help – what I can do" in heard
    assert "/post" not in heard
    assert "For everybody" not in heard, "one group needs no heading"
    heard = await olga.says("/help")
    assert heard.index("For everybody") < heard.index("/next") < heard.index("For coordinators") < heard.index("/post")
    assert "For owners" not in heard
