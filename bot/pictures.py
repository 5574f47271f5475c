"""Pictures of jobs as files: drawn after the transaction, named by what they show, so that none is drawn twice."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.cards import highlight
from bot.cards.explanation import ExplanationCard
from bot.cards.picture import Figures, draw
from bot.cards.status import JobStatus
from bot.cards.views import View
from core.attention import zone_of
from core.config import Settings
from core.drafts import drafted
from core.log import get_logger

log = get_logger(__name__)


def picture_of(settings: Settings, card: JobStatus) -> str:
    """Path of the PNG file that shows what `card` says. Call it outside a transaction: it draws, and writes.

    Raises:
        OSError: the home cannot be written.
    """
    figures = figures_of(card)
    name = hashlib.sha256(repr(figures).encode()).hexdigest()
    path = settings.picture_directory / f"{name}.png"
    if not _lives_on(path):
        _write(path, draw(figures))
    return str(path.resolve())


def with_highlights(view: View) -> View:
    """An explanation with its picture; any other view, and one that cannot be drawn, as it is: the words say it all."""
    if not isinstance(view, ExplanationCard) or not view.directory:
        return view
    name = hashlib.sha256(repr((view.text, view.words)).encode()).hexdigest()
    path = Path(view.directory) / f"{name}.png"
    try:
        if not _lives_on(path):
            content = highlight.draw(view.text, view.words)
            if content is None:
                return view
            _write(path, content)
    except OSError:
        log.exception("highlights_not_drawn")
        return view
    return replace(view, picture=str(path.resolve()))


def figures_of(card: JobStatus) -> Figures:
    """What is drawn of a job. Time is taken by the minute, so that looking twice finds the same picture."""
    now = card.now.replace(second=0, microsecond=0)
    done_at = card.forecast.done_at
    if card.state != "open" or done_at is None or not card.stats.states.get("open", 0):
        end = now
    else:
        end = max(now, done_at.replace(second=0, microsecond=0) + timedelta(minutes=1))
    zone = zone_of(card.time_zone)
    return Figures(
        items=card.items,
        curve=card.progress.curve,
        elapsed=(now - card.created_at).total_seconds(),
        total=(end - card.created_at).total_seconds(),
        start=card.created_at.astimezone(zone),
        end=end.astimezone(zone),
        per_hour=card.progress.per_hour,
        cost=(card.spent, card.expected) if card.price or card.spent else None,
        currency=card.currency,
    )


def _lives_on(path: Path) -> bool:
    """Whether a picture was drawn before; then it is as good as new, for files go by their age."""
    if not path.exists():
        return False
    os.utime(path)
    return True


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with drafted(path) as draft:
        draft.write_bytes(content)
