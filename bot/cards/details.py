"""The technical figures of jobs, for who looks after the installation: leases, slots, RQ jobs, queues."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.cards.views import View
from bot.surface import Message
from bot.texts import listed, say
from core.stats import ProjectStats


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project with its figures."""

    name: str
    public_id: str
    state: str
    max_overlap: int
    project_id: int
    stats: ProjectStats


@dataclass(frozen=True, slots=True)
class Details(View):
    """Projects and queues. The counts of Redis are filled in after the transaction.

    queues: by queue, how many jobs are in each state; None where Redis is away.
    buckets: by id of a project, how many RQ jobs of each kind wait for it.
    """

    projects: tuple[ProjectLine, ...]
    queues: dict[str, dict[str, int]] | None = None
    buckets: dict[int, dict[str, int]] = field(default_factory=dict)


def render(card: Details, locale: str) -> Message:
    """Each project, then the queues."""
    return Message(
        text="\n\n".join(_project(line, card, locale) for line in card.projects), footer=_queues(card, locale)
    )


def _project(line: ProjectLine, card: Details, locale: str) -> str:
    stats, buckets = line.stats, card.buckets.get(line.project_id, {})
    said = say(
        "details_project",
        locale,
        name=line.name,
        state=line.state,
        open=stats.states.get("open", 0),
        disputed=stats.states.get("disputed", 0),
        items=stats.items,
        decided=stats.decided,
        annotations=stats.annotations,
        surplus=stats.surplus,
        workers=stats.workers,
        per_item=f"{stats.annotations_per_item:.1f}",
        most=stats.max_annotations,
        maximum=line.max_overlap,
        leases=stats.active_leases,
        expiry=buckets.get("expire", 0),
        offers=buckets.get("offer", 0),
        id=line.public_id,
    )
    wanted = say("details_wanted", locale, slots=stats.open_slots) if line.state != "closed" else ""
    loading = say("details_loading", locale, count=stats.batches_loading) if stats.batches_loading else ""
    return "\n".join(piece for piece in (said, wanted, loading) if piece)


def _queues(card: Details, locale: str) -> str:
    if card.queues is None:
        return say("status_redis_away", locale)
    lines = []
    for name, counts in card.queues.items():
        found = [f"{count} {say(f'details_{state}', locale)}" for state, count in counts.items() if count]
        lines += [f"{name} {listed(found, locale)}"] if found else []
    return say("details_queues", locale, lines=" · ".join(lines) or say("details_quiet", locale))
