"""A model labels what it is sure of, where it may, and only as long as people's audits bear it out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.cards import render
from bot.owed import view_of
from core import accepting, retreating
from core.blind import is_apart, is_held_out
from core.champions import promote
from core.config import Settings
from core.consensus import accept, take_back
from core.db import reading
from core.drift_watch import Drift, note_drift
from core.exporting import agreed
from core.finishing import look_for_end
from core.items import lock_item
from core.models import Annotation, Assignment, Item, ModelVersion, OutboxMessage, Project, Worker
from core.predictions import unspoken
from core.priors import PRIOR
from core.queue import ACCEPT
from core.ranks import AUDITED, band_of
from core.stats import project_stats
from core.training import label_counts
from tests.integration.accepting_fixtures import LATER, SURE, UNSURE, Accepting, free_texts, model_directory, texts
from tests.integration.trainer_fixtures import NOON
from tests.invariants import check_redundancy


@pytest.fixture
def job(engine: Engine, settings: Settings, redis: Redis) -> Accepting:
    """On both databases."""
    return Accepting(engine, settings, redis)


def check(job: Accepting) -> None:
    """The invariants hold."""
    with reading(job.engine) as session:
        check_redundancy(session)


def test_what_it_is_sure_of_is_labeled_and_the_rest_is_left_to_people(job: Accepting) -> None:
    sure, unsure = job.open(60), job.open(10, UNSURE, "doubt")
    drawn = job.drawn(sure)
    assert 0 < len(drawn) < 60
    assert job.apply() == len(sure) - len(drawn)
    assert set(job.states(drawn)) == {"open"}
    assert job.states(unsure) == ["open"] * 10
    assert set(job.states([one for one in sure if one not in drawn])) == {"accepted"}
    note = job.note()
    assert (note["threshold"], note["count"], note["wrong"]) == (SURE, 240, 0)
    assert note["upper"] < 0.05
    with reading(job.engine) as session:
        ranks = {item_id: session.get_one(Item, item_id).rank for item_id in drawn}
        assert {band_of(rank) for rank in ranks.values()} == {AUDITED}
        labeled = session.get_one(Item, next(one for one in sure if one not in drawn))
        assert (labeled.label_id, labeled.confidence, labeled.decided_at, labeled.slots) == ("a", SURE, LATER, 0)
    check(job)
    assert job.apply() == 0
    assert job.told() == ["labels_accepted"]


def test_without_leave_nothing_is_labeled(job: Accepting) -> None:
    ids = job.open(30)
    job.set(accept=False)
    assert job.apply() == 0
    assert set(job.states(ids)) == {"open"}
    assert job.told() == []


def test_a_model_that_errs_while_it_is_sure_labels_nothing(engine: Engine, settings: Settings, redis: Redis) -> None:
    job = Accepting(engine, settings, redis, wrong=0)
    job.decide(job.held, lambda place: "b" if place % 8 == 0 else "a")
    ids = job.open(30)
    assert job.apply() == 0
    assert job.note()["threshold"] is None
    assert set(job.states(ids)) == {"open"}


def test_blind_items_the_holdout_known_items_and_begun_ones_are_left_to_people(job: Accepting) -> None:
    apart = job.items(texts(20, lambda text, hashed: is_apart(text, hashed, 0.1), "apart"))
    known = job.items(["known one", "known two"], purpose="gold")
    begun, held = job.open(6, word="begun")[:2]
    for ids in (apart, known):
        job.say(ids, lambda _: SURE)
    with job.writing() as session:
        session.get_one(Item, begun).submitted = 1
        session.get_one(Item, held).leased = 1
    job.apply()
    assert set(job.states([*apart, *known, begun, held])) == {"open"}


def test_a_larger_blind_share_gives_items_back(job: Accepting) -> None:
    ids = job.open(60)
    job.apply()
    accepted = job.states(ids).count("accepted")
    job.set(blind_share=0.5)
    with reading(job.engine) as session:
        assert [effect.function for effect in accepting.unfinished(session)] == [ACCEPT]
    job.apply()
    assert 0 < job.states(ids).count("accepted") < accepted
    with reading(job.engine) as session:
        for item_id in ids:
            item = session.get_one(Item, item_id)
            assert item.state == "open" or not is_apart(item.content[0]["text"], item.content_hash, 0.5)
        assert accepting.unfinished(session) == []
    check(job)


def test_a_stricter_bound_gives_back_what_it_does_not_cover(job: Accepting) -> None:
    ids, doubtful = job.open(40), job.open(40, 0.9, "lesser")
    job.say(job.held[240:], lambda _: 0.9)
    job.decide(job.held[295:], lambda _: "b")
    job.apply()
    assert job.note()["threshold"] == 0.9
    sure = job.states(ids)
    assert "accepted" in job.states(doubtful)
    job.set(accept_error=0.021)
    job.say(job.held[:60], lambda _: SURE)
    job.decide(job.held[:60], lambda _: "a")
    job.apply()
    assert job.note()["threshold"] == SURE
    assert "accepted" not in job.states(doubtful)
    assert job.states(ids) == sure


def test_labels_that_the_holdout_bears_out_no_more_are_taken_back_and_may_come_again(job: Accepting) -> None:
    ids = job.open(40)
    labeled = job.apply()
    job.set(accept_error=0.001)
    job.apply()
    assert "accepted" not in job.states(ids)
    assert job.note()["retreat"]["reason"] == "unproven"
    assert job.told() == ["labels_accepted", "labels_taken_back"]
    job.set(accept_error=0.05)
    assert job.apply() == labeled


def test_labels_stay_and_are_still_watched_where_no_more_are_wanted(job: Accepting) -> None:
    ids = broken(job)
    labeled = job.states(ids)
    job.set(accept=False)
    assert job.apply() == 0
    assert job.states(ids) == labeled
    with job.writing() as session:
        retreating.look_for_broken(session, job.project_id, LATER)
    job.apply()
    assert "accepted" not in job.states(ids)


def test_labels_by_the_model_count_as_decided_but_teach_nothing(job: Accepting) -> None:
    ids = job.open(40)
    labeled = job.apply()
    with reading(job.engine) as session:
        project = session.get_one(Project, job.project_id)
        stats = project_stats(session, project)
        assert stats.states["accepted"] == labeled
        assert stats.decided == len(job.held) + labeled
        assert sum(label_counts(session, job.project_id).values()) == len(job.held)
        rows = {row.item_public_id: row for row in agreed(session, project)}
        said = [rows[session.get_one(Item, item_id).public_id] for item_id in ids if item_id not in job.drawn(ids)]
    assert {(row.state, row.model, row.label) for row in said} == {("accepted", "v1", "a")}
    assert {row.model for row in rows.values() if row.state == "agreed"} == {""}


def test_a_job_whose_items_all_have_a_label_is_finished(job: Accepting) -> None:
    ids = job.open(20)
    with job.writing() as session:
        for item_id in job.drawn(ids):
            session.get_one(Item, item_id).state = "withdrawn"
    job.apply()
    with job.writing() as session:
        session.get_one(Project, job.project_id).state = "open"
        assert look_for_end(session, job.project_id, LATER)


def broken(job: Accepting) -> list[int]:
    """Items that were labeled, and audits that all say otherwise."""
    ids = job.open(200)
    job.apply()
    drawn = job.drawn(ids)
    job.decide(drawn, lambda _: "b")
    with job.writing() as session:
        for item_id in drawn:
            session.get_one(Item, item_id).decided_at = LATER
    return ids


def test_audits_that_break_the_bound_take_all_labels_back(job: Accepting) -> None:
    ids = broken(job)
    accepted = job.states(ids).count("accepted")
    with job.writing() as session:
        retreating.look_for_broken(session, job.project_id, LATER)
        retreating.look_for_broken(session, job.project_id, LATER)
    assert job.jobs()[-1].function == ACCEPT
    assert job.apply() == 0
    assert "accepted" not in job.states(ids)
    assert job.told() == ["labels_accepted", "labels_taken_back"]
    assert job.note()["retreat"]["reason"] == "broken"
    with reading(job.engine) as session:
        assert retreating.unfinished(session) == []
        project = session.get_one(Project, job.project_id)
        found = retreating.audits_of(session, project, session.get_one(ModelVersion, job.champion))
    check(job)
    assert found.wrong == found.count > 0
    assert found.interval[0] > 0.05
    assert accepted > 0
    job.open(20, word="further")
    assert job.apply() == 0, "a version that was sent back labels nothing any more"


def test_audits_that_agree_leave_everything_as_it_is(job: Accepting) -> None:
    ids = job.open(200)
    job.apply()
    job.decide(job.drawn(ids), lambda _: "a")
    before = job.states(ids)
    with job.writing() as session:
        retreating.look_for_broken(session, job.project_id, LATER)
    job.apply()
    assert job.states(ids) == before
    assert job.told() == ["labels_accepted"]


def test_what_people_decided_before_the_model_spoke_is_no_audit(job: Accepting) -> None:
    ids = broken(job)
    with job.writing() as session:
        for item_id in job.drawn(ids):
            session.get_one(Item, item_id).decided_at = NOON - timedelta(hours=1)
        retreating.look_for_broken(session, job.project_id, LATER)
    assert "retreat" not in job.note()


def test_a_drifting_model_gives_its_labels_back_and_labels_again_in_a_new_reign(job: Accepting) -> None:
    ids = job.open(40)
    labeled = job.apply()
    with job.writing() as session:
        assert note_drift(session, job.project_id, Drift(job.champion, 0.5, 0.9, 50), LATER)
    job.apply()
    assert "accepted" not in job.states(ids)
    with job.writing() as session:
        version = session.get_one(ModelVersion, job.champion)
        version.drifted_at, version.promoted_at = None, LATER + timedelta(hours=1)
    assert job.apply() == labeled


def test_going_back_to_an_older_model_takes_the_labels_of_the_newer_one_back(
    job: Accepting, settings: Settings
) -> None:
    ids = job.open(40)
    job.apply()
    older = job.version(job.run("done"), 2, "retired")
    model_directory(settings, older)
    with job.writing() as session:
        older = session.get_one(ModelVersion, older.id)
        older.metrics = {"holdout": {"accuracy": 0.7}}
        project = session.get_one(Project, job.project_id)
        promote(session, settings, project, 2, 1, job.worker_id, LATER)
    assert f"accept-{job.project_id}-{job.champion}" in {one.job_id for one in job.jobs()}
    job.apply()
    assert "accepted" not in job.states(ids)


def test_labels_that_are_taken_meanwhile_wait_for_nobody(job: Accepting) -> None:
    ids = job.open(20)
    job.apply()
    accepted = next(one for one in ids if one not in job.drawn(ids))
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        before = session.get_one(Item, accepted).rank
        assert take_back(session, project, lock_item(session, accepted), LATER)
        assert not take_back(session, project, lock_item(session, accepted), LATER)
    with reading(job.engine) as session:
        item = session.get_one(Item, accepted)
        assert (item.state, item.label_id, item.decided_at, item.slots) == ("open", None, None, 2)
        assert item.rank > before, "no cursor misses it"


def test_a_version_speaks_on_the_holdout_that_people_have_labeled(job: Accepting) -> None:
    fresh = job.items(texts(10, is_held_out, "fresh"))
    learned = job.items(texts(10, lambda text, hashed: not is_held_out(text, hashed), "learned"))
    job.decide([*fresh[:5], *learned], lambda _: "a")
    with reading(job.engine) as session:
        version = session.get_one(ModelVersion, job.champion)
        assert [item.id for item in unspoken(session, version)] == fresh[:5]
        assert [item.id for item in unspoken(session, version, fresh[1], 2)] == fresh[2:4]


def heard(job: Accepting, kind: str) -> list[str]:
    """The message of this kind in every language, as it is when it is sent now; nothing where it makes no sense."""
    with reading(job.engine) as session:
        owed = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)).one()
        views = [(view_of(session, owed, locale), locale) for locale in ("en", "zh")]
        return [render(view, locale).text for view, locale in views if view is not None]


def test_the_coordinator_reads_what_happened(job: Accepting) -> None:
    broken(job)
    assert ["Weather" in text for text in heard(job, "labels_accepted")] == [True, True]
    with job.writing() as session:
        retreating.look_for_broken(session, job.project_id, LATER)
    job.apply()
    assert ["Weather" in text for text in heard(job, "labels_taken_back")] == [True, True]
    assert "people found too many of them wrong" in heard(job, "labels_taken_back")[0]
    assert heard(job, "labels_accepted") == []


def test_an_item_that_somebody_takes_meanwhile_stays_theirs(job: Accepting) -> None:
    taken, answered, free = job.items(free_texts(3, "meanwhile"))
    with job.writing() as session:
        session.get_one(Item, taken).leased = 1
        session.get_one(Item, answered).submitted = 1
    with job.writing() as session:
        assert accept(session, dict.fromkeys((taken, answered, free), ("a", SURE)), LATER) == [free]
    assert job.states([taken, answered, free]) == ["open", "open", "accepted"]


def test_nothing_is_taken_where_the_coordinator_changes_their_mind_meanwhile(
    job: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = job.open(20)
    plan = accepting._plan

    def changed(*args: Any) -> accepting.Plan:
        job.set(accept=False)
        return plan(*args)

    monkeypatch.setattr(accepting, "_plan", changed)
    assert job.apply() == 0
    assert set(job.states(ids)) == {"open"}


def test_the_sweep_asks_for_what_is_not_done(job: Accepting) -> None:
    def due() -> list[str]:
        with reading(job.engine) as session:
            return [one.job_id for one in (*accepting.unfinished(session), *retreating.unfinished(session))]

    name = f"accept-{job.project_id}-{job.champion}"
    job.open(20)
    assert due() == [name]
    job.apply()
    assert due() == []
    job.set(accept_error=0.04)
    assert due() == [name]
    job.apply()
    with job.writing() as session:
        assert retreating.order_retreat(session, session.get_one(ModelVersion, job.champion), "button", LATER)
        assert not retreating.order_retreat(session, session.get_one(ModelVersion, job.champion), "button", LATER)
    assert name in due()
    job.apply()
    assert due() == []


def test_the_prior_is_measured_on_the_answers_to_the_holdout(job: Accepting) -> None:
    job.set(accept=False, prior=True)
    with job.writing() as session:
        for place, item_id in enumerate(job.held):
            item = session.get_one(Item, item_id)
            item.submitted = 2
            for worker in range(2):
                _annotate(session, item, job.worker_id + worker, "a" if (place + worker) % 3 else "b")
    job.apply()
    with reading(job.engine) as session:
        measured = session.get_one(ModelVersion, job.champion).metrics[PRIOR]
    assert measured["count"] == len(job.held)
    assert measured["gain"] > 0
    assert measured["helps"]


def _annotate(session: Session, item: Item, worker_id: int, label: str) -> None:
    """A counted annotation of an item; the worker is made where there is none."""
    if session.get(Worker, worker_id) is None:
        session.add(Worker(id=worker_id, name="Bea", created_at=NOON))
        session.flush()
    lease = Assignment(
        project_id=item.project_id,
        item_id=item.id,
        worker_id=worker_id,
        state="submitted",
        guidelines_version=1,
        surface="web",
        leased_at=NOON,
        expires_at=NOON,
    )
    session.add(lease)
    session.flush()
    session.add(
        Annotation(
            project_id=item.project_id,
            item_id=item.id,
            worker_id=worker_id,
            assignment_id=lease.id,
            label_id=label,
            value={"choice": label},
            state="counted",
            guidelines_version=1,
            duration_ms=1000,
            created_at=NOON,
        )
    )
