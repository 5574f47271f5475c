"""Cards of jobs and models: complete in every language, short enough for a caption, and drawn once."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cards import render
from bot.cards.details import Details, ProjectLine
from bot.cards.finished import Finished
from bot.cards.models import Files, ModelsCard, Standing, Version
from bot.cards.overview import Overview
from bot.cards.status import JobStatus
from bot.pictures import figures_of, picture_of
from bot.surface import Message
from bot.surfaces.telegram_render import CAPTION_LIMIT
from bot.surfaces.telegram_render import render as render_for_telegram
from bot.texts.catalogues import LANGUAGES
from core.aggregation.forecasting import Spread
from core.config import Settings
from core.forecast import Forecast
from core.progress import Progress
from core.stats import ProjectStats, ProjectSummary

NOON = datetime(2026, 6, 12, 12, 0, 30, tzinfo=UTC)
STATES = {"open": 123456, "agreed": 234567, "adjudicated": 12345, "disputed": 23456, "withdrawn": 345}
LANGUAGE = pytest.mark.parametrize("locale", sorted(LANGUAGES))


def stats(**changes: object) -> ProjectStats:
    """Counts of a large job."""
    values: dict[str, object] = {
        "items": sum(STATES.values()),
        "states": STATES,
        "annotations": 1234567,
        "surplus": 89,
        "max_annotations": 8,
        "workers": 1234,
        "active_leases": 56,
        "open_slots": 78,
        "champion": 12,
        "champion_accuracy": 0.8765,
        "newest_version": 13,
        "training": "running",
        "batches_loading": 2,
        "gold_known": 1000,
        "gold_right": 987,
    }
    return ProjectStats(**(values | changes))  # type: ignore[arg-type]  # the fields by name


AHEAD = Forecast(
    456789,
    456789 * 12345,
    NOON + timedelta(days=2),
    9876.5,
    answers_low=412345,
    answers_high=498765,
    done_low=NOON + timedelta(days=1),
    done_high=NOON + timedelta(days=4),
    on_time=0.12,
    accuracy=Spread(0.912, 0.873, 0.954),
    all_right=0.0,
    shares=((0.9, 0.65),),
)


def status(**changes: object) -> JobStatus:
    """A large job in the middle of its work, with all there is to say about it."""
    card = JobStatus(
        public_id="abcdefghij234567",
        name="N" * 60,
        state="open",
        created_at=NOON - timedelta(days=3),
        deadline=NOON + timedelta(hours=1),
        price=12345,
        currency="USD",
        time_zone="America/Argentina/Buenos_Aires",
        now=NOON,
        stats=stats(),
        progress=Progress(((3600.0, 10), (86400.0, 246912)), tuple(range(24)), 123, 0.789),
        forecast=AHEAD,
        model=Standing(12, 0.8765, 13, "running", 200),
        spent=(1234567 + 89) * 12345,
        audits_owed=12345,
    )
    return replace(card, **changes)  # type: ignore[arg-type]  # the fields by name


@LANGUAGE
def test_the_longest_status_fits_below_a_picture(locale: str) -> None:
    message = render(status(picture="/tmp/a.png"), locale)
    shown = render_for_telegram(message, CAPTION_LIMIT)
    assert message.text in shown.text
    assert message.footer in shown.text


@LANGUAGE
@pytest.mark.parametrize("state", ["open", "paused", "closed"])
@pytest.mark.parametrize("training", [None, "due", "running"])
def test_every_kind_of_status_has_its_sentences(locale: str, state: str, training: str | None) -> None:
    for model in (Standing(None, None, None, training, 0), Standing(None, None, 3, training, 200)):
        for counts in (stats(), stats(items=0, states={}, batches_loading=0), stats(items=1, states={"agreed": 1})):
            silent = Forecast(10, 0, None, 0.0)
            message = render(status(state=state, model=model, stats=counts, forecast=silent), locale)
            assert message.text
            assert message.kind == "text"


@LANGUAGE
def test_every_other_card_has_its_sentences(locale: str) -> None:
    whole, cleared, lost = (_models(files, locale) for files in ("there", "cleared", "lost"))
    assert len(whole.buttons) == 3
    assert cleared.buttons == lost.buttons == ()
    assert "v0" in whole.text
    assert len({whole.text, cleared.text, lost.text}) == 3
    lists = [ProjectSummary("abcdefghij234567", "J" * 60, state, STATES) for state in ("open", "paused", "closed")]
    assert len(render(Overview(tuple(lists), more=True), locale).buttons) == 3
    queues = {"default": {"waiting": 1, "scheduled": 2, "running": 3, "failed": 4}, "training": {"waiting": 0}}
    line = ProjectLine("Job", "abcdefghij234567", "open", 8, 1, stats())
    assert "default" in render(Details((line,), queues), locale).footer
    done = Finished("abcdefghij234567", "Job", 5, 1, 20, 3, 100, "USD", timedelta(days=2), 10, 9)
    assert render(done, locale).attachment is None
    assert render(replace(done, file=("a.csv", "text/csv", "/tmp/a.csv")), locale).attachment is not None


def _models(files: Files, locale: str) -> Message:
    """The list of one version of each state, all with the same left of their files."""
    versions = tuple(
        Version(number, state, 0.5, "base", NOON, files)
        for number, state in enumerate(("champion", "held", "retired", "candidate"))
    )
    return render(ModelsCard("abcdefghij234567", "Job", Standing(1, 0.5, 4, "due", 0), versions, "", NOON), locale)


def test_a_closed_job_expects_no_more_cost_than_it_has() -> None:
    card = status(state="closed")
    assert card.expected == card.spent == (1234567 + 89) * 12345
    assert status().expected > status().spent
    assert figures_of(card).total == figures_of(card).elapsed, "and its curve has no forecast"


def test_what_experts_have_to_settle_is_not_done_when_asking_is() -> None:
    text = render(status(), "en").text
    assert "Asking is done probably" in text
    assert "23456 items then wait for experts: /settle" in text
    assert text.count("/settle") == 1, "said once"
    assert "Done probably" in render(status(stats=stats(states=STATES | {"disputed": 0})), "en").text
    for quiet in (replace(AHEAD, done_at=None), replace(AHEAD, nobody=True), replace(AHEAD, used_up=9)):
        assert "23456 items wait for a verdict: /settle" in render(status(forecast=quiet), "en").text
    assert "23456 items wait for a verdict: /settle" in render(status(state="paused"), "en").text


def test_a_picture_is_drawn_once_and_lives_on(settings: Settings) -> None:
    first = Path(picture_of(settings, status()))
    os.utime(first, (0, 0))
    assert Path(picture_of(settings, status(now=NOON + timedelta(seconds=20)))) == first, "within the same minute"
    assert first.stat().st_mtime > 0
    other = Path(picture_of(settings, status(now=NOON + timedelta(minutes=1))))
    assert other != first
    assert sorted(path.name for path in settings.picture_directory.iterdir()) == sorted((first.name, other.name))
    assert first.stat().st_mode & 0o077 == 0, "for its owner alone"


def test_the_time_axis_goes_by_the_clock_of_who_looks() -> None:
    figures = figures_of(status())
    assert figures.start.utcoffset() == timedelta(hours=-3)
    assert figures.total > figures.elapsed
    overdue = status(forecast=Forecast(5, 0, NOON - timedelta(hours=1), 1.0))
    assert figures_of(overdue).total >= figures_of(overdue).elapsed
