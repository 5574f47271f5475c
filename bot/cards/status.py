"""How jobs and people stand."""

from __future__ import annotations

from bot.cards.views import ProjectLine, StatsCard, StatusCard
from bot.surface import Message
from bot.texts import say


def render(card: StatusCard, locale: str) -> Message:
    """Each job, then the queues; a bar for the newest job."""
    pieces = [_project(line, card, locale) for line in card.projects]
    newest = card.projects[0].stats
    return Message(
        kind="text",
        text="\n\n".join(pieces),
        footer=_queues(card, locale),
        progress=newest.decided / newest.items if newest.items else None,
    )


def render_stats(card: StatsCard, locale: str) -> Message:
    """What a worker has done."""
    stats = card.stats
    if not stats.annotations and not stats.skips:
        return Message(text=say("stats_none", locale))
    summary = say(
        "stats",
        locale,
        annotations=stats.annotations,
        projects=stats.projects,
        today=stats.today,
        skips=stats.skips,
    )
    lines = [say("stats_line", locale, project=name, count=count) for name, count in stats.by_project.items()]
    return Message(text="\n\n".join([summary, "\n".join(lines)] if len(lines) > 1 else [summary]))


def _project(line: ProjectLine, card: StatusCard, locale: str) -> str:
    stats, buckets = line.stats, card.buckets.get(line.project_id, {})
    return say(
        "status_project",
        locale,
        name=line.name,
        state=line.state,
        decided=stats.decided,
        items=stats.items,
        share=f"{stats.decided / stats.items:.0%}" if stats.items else "0%",
        open=stats.states.get("open", 0),
        disputed=stats.states.get("disputed", 0),
        annotations=stats.annotations,
        workers=stats.workers,
        per_item=f"{stats.annotations_per_item:.1f}",
        most=stats.max_annotations,
        maximum=line.max_overlap,
        leases=stats.active_leases,
        slots=stats.open_slots,
        expiry=buckets.get("expire", 0),
        offers=buckets.get("offer", 0),
        loading=say("status_loading", locale, count=stats.batches_loading) if stats.batches_loading else "",
        model=_model(line, locale),
        id=line.public_id,
    )


def _model(line: ProjectLine, locale: str) -> str:
    stats = line.stats
    if stats.champion is None:
        text = _no_model(line, locale)
    else:
        text = say("status_model", locale, version=stats.champion, accuracy=f"{stats.champion_accuracy or 0.0:.1%}")
    return text if stats.training is None else f"{text} {say('status_training', locale, state=stats.training)}"


def _no_model(line: ProjectLine, locale: str) -> str:
    if line.stats.newest_version is not None:
        return say("status_model_held", locale, version=line.stats.newest_version)
    code = "status_no_model" if line.retrain_threshold else "status_no_model_off"
    return say(code, locale, threshold=line.retrain_threshold)


def _queues(card: StatusCard, locale: str) -> str:
    if card.queues is None:
        return say("status_redis_away", locale)
    lines = []
    for name, counts in card.queues.items():
        found = [say("status_count", locale, count=count, state=state) for state, count in counts.items() if count]
        lines += [say("status_queue", locale, queue=name, counts=", ".join(found))] if found else []
    return say("status_queues", locale, lines="; ".join(lines) or say("status_quiet", locale))
