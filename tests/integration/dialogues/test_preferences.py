"""What people choose for themselves: language, quiet hours, time zone, a goal, a pause."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from core.assignment import set_standing
from core.leases import active_lease
from core.models import Identity, Membership, Participation, Project, Worker
from core.queue import ASSIGNMENTS, queue
from tests.factories import START
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.work import change_person, post


def worker_of(chat: Chat, person: Someone) -> Worker:
    """The worker behind an account."""
    with chat.writing() as session:
        mine = select(Worker).join(Identity, Identity.worker_id == Worker.id)
        return session.scalars(mine.where(Identity.external_id == person.person.external_id)).one()


def hours(chat: Chat, person: Someone) -> tuple[int | None, int | None, str]:
    """Somebody's quiet hours and time zone."""
    worker = worker_of(chat, person)
    return worker.quiet_from, worker.quiet_to, worker.time_zone


async def test_everything_at_a_glance_with_a_way_to_each_and_back(chat: Chat) -> None:
    ann = await chat.member("Ann")
    heard = await ann.says("/settings")
    assert "I speak English with you." in heard
    assert "You read: English." in heard
    assert "Quiet hours: none." in heard
    assert "not known yet" in heard
    assert "Daily goal: 40 answers." in heard
    for button in ("Quiet hours", "Time zone", "Languages I read", "Language of the bot", "Daily goal"):
        await ann.taps(button)
        assert ann.refused is None
        assert "About you" in await ann.taps("Done")


async def test_the_language_changes_at_once_with_the_menu(chat: Chat) -> None:
    ann = await chat.member("Ann")
    await ann.says("/language")
    assert ann.buttons()[:2] == ["✓ English", "中文"]
    heard = await ann.taps("中文")
    assert "你想用哪种语言" in heard
    assert ann.buttons()[:2] == ["English", "✓ 中文"]
    assert "我的设置" in [entry.description for entry in ann.menu]
    assert "目前没有进行中的标注任务" in await ann.says("/next")
    assert "I speak English" in await ann.says("/language english")
    assert "There is no open job" in await ann.says("/next")


async def test_an_unknown_language_shows_those_there_are(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "Which language do you prefer" in await ann.says("/language klingon")
    assert worker_of(chat, ann).locale == "en"
    await ann.taps_payload("speak..tlh.0")
    assert ann.refused == "unknown_button"


async def test_languages_are_marked_and_unmarked_and_a_second_tap_does_no_harm(chat: Chat) -> None:
    ann = await chat.member("Ann")
    await ann.says("/language")
    await ann.taps("Languages I read")
    german = ann.button("German").payload
    assert "You read: English, German." in await ann.taps("German")
    await ann.taps_payload(german)
    assert worker_of(chat, ann).languages == ["en", "de"], "the same tap twice is one"
    assert "You read: German." in await ann.taps("✓ English")
    assert "You read: any language." in await ann.taps("✓ German")
    for payload in ("reads..xyz.1", "reads..E.1", "reads..<b>.1"):
        await ann.taps_payload(payload)
        assert ann.refused == "unknown_button"


async def test_a_language_beyond_the_list_can_be_unmarked(chat: Chat) -> None:
    ann = await chat.member("Ann")
    change_person(chat, ann, languages=["it"])
    await ann.taps_payload("reads...0")
    assert "You read: any language." in await ann.taps("✓ Italian")


async def test_quiet_hours_by_tap_ask_for_the_time_zone(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "Quiet hours: none." in await ann.says("/quiet")
    heard = await ann.taps("22:00–8:00")
    assert "What time is it for you now?" in heard
    local = (datetime.now(UTC).hour + 8) % 24
    mine = [button for button in ann.buttons() if button.startswith(f"{local}:")]
    heard = await ann.taps_payload("zone..8.0", mine[0])
    assert "Quiet hours: 22:00–8:00." in heard
    assert "Time zone: UTC+8" in heard
    assert hours(chat, ann) == (1320, 480, "Etc/GMT-8")
    heard = await ann.taps("20:00–9:00")
    assert "Quiet hours: 20:00–9:00." in heard, "the zone is known by now"
    assert "Quiet hours: none." in await ann.taps("No quiet hours")
    assert hours(chat, ann) == (None, None, "Etc/GMT-8")


async def test_the_times_to_choose_from_are_each_others_neighbours(chat: Chat) -> None:
    ann = await chat.member("Ann")
    await ann.taps_payload("zone...0")
    times = ann.buttons()[:-1]
    assert len(times) == len(set(times)) == 25, "every hour of the day, and India's"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("22-8 Europe/Berlin", (1320, 480, "Europe/Berlin")),
        ("Berlin 22:30 – 7:00", (1350, 420, "Europe/Berlin")),
        ("10pm-8am new york", (1320, 480, "America/New_York")),
        ("22-8", (1320, 480, "")),
        ("europe/berlin", (None, None, "Europe/Berlin")),
    ],
)
async def test_quiet_hours_by_words(chat: Chat, said: str, expected: tuple[int | None, int | None, str]) -> None:
    ann = await chat.member("Ann")
    await ann.says(f"/quiet {said}")
    assert ann.refused is None
    assert hours(chat, ann) == expected


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("25-8", "quiet_unclear"),
        ("8-8", "quiet_unclear"),
        ("sometimes", "quiet_unclear"),
        ("22-8 Atlantis", "quiet_unclear"),
        ("Europe/Atlantis", "zone_unknown"),
    ],
)
async def test_what_is_not_clear_changes_nothing_and_says_how(chat: Chat, said: str, code: str) -> None:
    ann = await chat.member("Ann")
    heard = await ann.says(f"/quiet {said}")
    assert ann.refused == code
    assert said in heard
    assert "/quiet" in heard
    assert hours(chat, ann) == (None, None, "")


@pytest.mark.parametrize("payload", ["quiet..9999-1.0", "quiet..60-60.0", "quiet..x.0", "zone..99.0", "goal..x.0"])
async def test_forged_choices_are_refused(chat: Chat, payload: str) -> None:
    ann = await chat.member("Ann")
    await ann.taps_payload(payload)
    assert ann.refused == "unknown_button"
    assert hours(chat, ann) == (None, None, "")


async def test_off_switches_quiet_hours_off(chat: Chat) -> None:
    ann = await chat.member("Ann")
    await ann.says("/quiet 22-8 Berlin")
    assert "Quiet hours: none." in await ann.says("/quiet off")
    assert hours(chat, ann) == (None, None, "Europe/Berlin")


async def test_a_daily_goal(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "Your goal: 40 answers a day." in await ann.says("/goal")
    assert "Your goal: 80 answers a day." in await ann.taps("80")
    assert "Your goal: 1 answer a day." in await ann.says("/goal 1")
    assert "You have no daily goal." in await ann.says("/goal 0")
    assert worker_of(chat, ann).daily_goal == 0
    for said in ("-3", "1001", "many", "9" * 40, "４０"):
        await ann.says(f"/goal {said}")
        assert ann.refused == "goal_unclear", said
    assert worker_of(chat, ann).daily_goal == 0


async def test_pause_and_resume_by_command_and_by_button_twice(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    assert "Paused" in await ann.says("/pause")
    assert "Paused" in await ann.says("/pause")
    with chat.writing() as session:
        assert active_lease(session, worker_of(chat, ann).id) is None
        assert session.scalars(select(Membership.status)).all().count("paused") == 1
    assert "Welcome back" in await ann.taps("Resume")
    assert "sun" in await ann.taps("Start")
    assert "Welcome back" in await ann.says("/resume")
    with chat.writing() as session:
        mine = select(Participation.state).where(Participation.worker_id == worker_of(chat, ann).id)
        assert session.scalars(mine).all() == ["working"], "who has not paused is where they were"


async def test_resuming_counts_in_every_job_of_many(chat: Chat) -> None:
    for number in range(22):
        post(chat, f"item {number}")
    ann = await chat.member("Ann")
    await ann.says("/pause")
    worker_id = worker_of(chat, ann).id
    with chat.writing() as session:
        for project in session.scalars(select(Project)):
            set_standing(session, worker_id, project.id, "away", START)
    await ann.says("/resume")
    with chat.writing() as session:
        assert session.scalars(select(Participation.state)).all() == ["idle"] * 22


async def test_who_can_be_asked_again_is_looked_for_at_once(chat: Chat) -> None:
    project_id = post(chat)
    ann = await chat.member("Ann")
    change_person(chat, ann, quiet_from=0, quiet_to=1439)
    with chat.writing() as session:
        session.execute(update(Participation).values(state="idle"))
    chat.redis.flushall()
    await ann.says("/quiet off")
    jobs = queue(ASSIGNMENTS, chat.redis).scheduled_job_registry.get_job_ids()
    assert [job.rpartition("-")[0] for job in jobs] == [f"offer-{project_id}"]
