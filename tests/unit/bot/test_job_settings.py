"""What people type for the settings of a job, and what is understood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.settings import JobSettings, Reading, describe
from bot.due_dates import parse_due_date
from bot.job_settings import SETTINGS, Clock, typed
from bot.post_options import parse_caption, split_labels
from bot.texts import knows
from core.errors import InvalidInput

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOCK = Clock(MONDAY)
SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("friday", "2026-03-06 15:59"),
        ("Fri 17:00", "2026-03-06 09:00"),
        ("by friday 5pm", "2026-03-06 09:00"),
        ("monday", "2026-03-09 15:59"),
        ("sun", "2026-03-08 15:59"),
        ("today", "2026-03-02 15:59"),
        ("tomorrow at 9", "2026-03-03 01:00"),
        ("2026-12-24", "2026-12-24 15:59"),
        ("2026-12-24 17:00", "2026-12-24 09:00"),
        ("in 3 days", "2026-03-05 09:00"),
        ("5 hours", "2026-03-02 14:00"),
        ("in a week", "2026-03-09 09:00"),
        ("周五", "2026-03-06 15:59"),
        ("星期天", "2026-03-08 15:59"),
        ("明天 18:00", "2026-03-03 10:00"),
        ("3天后", "2026-03-05 09:00"),
    ],
)
def test_deadlines_are_read_by_the_persons_clock(text: str, expected: str) -> None:
    due = parse_due_date(text, SHANGHAI, MONDAY)
    assert due is not None
    assert f"{due:%Y-%m-%d %H:%M}" == expected
    assert due.tzinfo == UTC


@pytest.mark.parametrize("text", ["none", "None", "-", "off", "无", "没有"])
def test_no_deadline(text: str) -> None:
    assert parse_due_date(text, "", MONDAY) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "deadline_unclear"),
        ("soon", "deadline_unclear"),
        ("2026-02-30", "deadline_unclear"),
        ("tomorrow 25:00", "deadline_unclear"),
        ("friday 13pm", "deadline_unclear"),
        ("in 9999 months", "deadline_unclear"),
        ("9999-12-31", "deadline_unclear"),
        ("周", "deadline_unclear"),
        ("2026-03-01", "deadline_past"),
        ("today 9:00", "deadline_past"),
        ("in 0 days", "deadline_past"),
    ],
)
def test_deadlines_that_cannot_be(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_due_date(text, "", MONDAY)
    assert caught.value.code == code


@given(st.text(max_size=30))
def test_no_text_breaks_a_parser(text: str) -> None:
    refused = []
    for setting in SETTINGS.values():
        try:
            setting.parse(text, CLOCK)
        except InvalidInput as error:
            refused.append(error.code)
    assert all(map(knows, refused))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("overlap", "3-8", {"minimum": 3, "maximum": 8}),
        ("overlap", "overlap = 2 to 4", {"minimum": 2, "maximum": 4}),
        ("overlap", "5", {"minimum": 5, "maximum": 5}),
        ("overlap", "3 到 8", {"minimum": 3, "maximum": 8}),
        ("price", "0.05", {"price": 5}),
        ("price", "0,5", {"price": 50}),
        ("price", "$1.50", {"price": 150}),
        ("price", "2 EUR", {"price": 200}),
        ("price", "free", {"price": 0}),
        ("price", "免费", {"price": 0}),
        ("time", "10 min", {"lease_seconds": 600}),
        ("time", "10", {"lease_seconds": 600}),
        ("time", "90s", {"lease_seconds": 90}),
        ("time", "2 Hours", {"lease_seconds": 7200}),
        ("time", "5分钟", {"lease_seconds": 300}),
        ("who", "Everybody", {"audience": "everyone"}),
        ("who", "专家", {"audience": "experts"}),
        ("language", "ZH", {"language": "zh"}),
        ("language", "chinese", {"language": "zh"}),
        ("language", "中文", {"language": "zh"}),
        ("language", "any", {"language": ""}),
        ("priority", "high", {"priority": 10}),
        ("priority", "+7", {"priority": 7}),
        ("guidelines", " a\r\nb ", {"guidelines": "a\nb"}),
        ("guidelines", "none", {"guidelines": ""}),
        ("name", " The\n  weather ", {"name": "The weather"}),
    ],
)
def test_settings_in_words(name: str, text: str, expected: dict[str, object]) -> None:
    assert SETTINGS[name].parse(text, CLOCK) == expected


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("overlap", "five", "overlap_unclear"),
        ("overlap", "8-3", "bad_overlap"),
        ("overlap", "0", "bad_overlap"),
        ("price", "0.005", "price_unclear"),
        ("price", "-1", "price_unclear"),
        ("price", "9999", "bad_price"),
        ("time", "10 parsec", "time_unclear"),
        ("time", "0 s", "bad_lease"),
        ("time", "90 days", "bad_lease"),
        ("who", "friends", "bad_audience"),
        ("language", "klingonese", "bad_language"),
        ("priority", "500", "bad_priority"),
        ("priority", "urgent", "priority_unclear"),
        ("guidelines", "x" * 8001, "guidelines_too_long"),
        ("name", " ", "bad_name"),
        ("name", "x" * 61, "bad_name"),
    ],
)
def test_settings_that_cannot_be(name: str, text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SETTINGS[name].parse(text, CLOCK)
    assert caught.value.code == code


SOME = st.builds(
    JobSettings,
    minimum=st.integers(1, 5),
    maximum=st.integers(5, 100),
    price=st.integers(0, 100_000),
    lease_seconds=st.integers(5, 604_800),
    deadline=st.none() | st.integers(1, 5_000_000).map(lambda minutes: MONDAY + timedelta(minutes=minutes)),
    audience=st.sampled_from(["everyone", "experts"]),
    language=st.sampled_from(["", "en", "zh", "pt"]),
    priority=st.integers(-100, 100),
    name=st.just("The weather"),
)


@given(SOME, st.sampled_from(["", SHANGHAI]))
def test_what_a_form_shows_is_understood_as_the_same(settings: JobSettings, time_zone: str) -> None:
    clock = Clock(MONDAY, time_zone)
    for name, setting in SETTINGS.items():
        if name != "guidelines":
            values = setting.parse(typed(name, settings, clock), clock)
            assert {key: getattr(settings, key) for key in values} == values


def test_every_preset_is_understood_and_says_what_it_is() -> None:
    reading = Reading("USD", "", MONDAY)
    for name, setting in SETTINGS.items():
        texts = []
        for words in setting.presets:
            values = setting.parse(words, CLOCK)
            texts.append(describe(name, JobSettings(**{"minimum": 3, "maximum": 8} | values), reading, "zh"))
        assert len(set(texts)) == len(texts), name


def test_every_setting_has_its_words() -> None:
    for name in (*SETTINGS, "known", "labels"):
        assert knows(f"setting_{name}")
        assert knows(f"ask_{name}")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Good\nBad, or so", ["Good", "Bad, or so"]),
        ("Good | Bad, or so", ["Good", "Bad, or so"]),
        ("Good, Bad", ["Good", "Bad"]),
        ("好、坏", ["好", "坏"]),
        ("好，坏", ["好", "坏"]),
        ("Good", ["Good"]),
    ],
)
def test_labels_from_one_message(text: str, labels: list[str]) -> None:
    assert split_labels(text) == labels


def test_a_caption_is_a_question_labels_and_options() -> None:
    said = parse_caption("Is a=b? | Yes | No | overlap=1-2 | Price = 0.05 | lease=60 | error=20", CLOCK)
    values = {"minimum": 1, "maximum": 2, "price": 5, "lease_seconds": 60, "error_cost": 20}
    assert said == ("Is a=b?", ["Yes", "No"], values)
    with pytest.raises(InvalidInput, match="unknown_option"):
        parse_caption("Is it? | Yes | prise=1", CLOCK)
    with pytest.raises(InvalidInput, match="bad_option"):
        parse_caption("Is it? | Yes | lease=0", CLOCK)
