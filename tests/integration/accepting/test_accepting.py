"""A model labels what it is sure of, where it may, and only as long as people's audits bear it out."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine

from core import accepting
from core.blind import is_apart, is_held_out
from core.config import Settings
from core.consensus import accept
from core.db import reading
from core.effects import EnqueueJob
from core.exporting import agreed
from core.finishing import look_for_end
from core.models import Item, ModelVersion, Project, Worker
from core.predictions import unspoken
from core.priors import PRIOR
from core.queue import ACCEPT
from core.ranks import AUDITED, band_of
from core.stats import project_stats
from core.training import label_counts
from tests.factories import make_member
from tests.integration.accepting.job import LATER, SURE, UNSURE, Accepting, free_texts, texts
from tests.integration.forecasting.jobs import answer
from tests.integration.trainer_fixtures import NOON


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
    job.check()
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


def test_a_model_that_had_too_few_labels_is_looked_at_again_once_there_are_more(
    engine: Engine, settings: Settings, redis: Redis
) -> None:
    def grow(answers: int) -> list[EnqueueJob]:
        with job.writing() as session:
            session.get_one(Project, job.project_id).estimated_annotations = answers
        with reading(engine) as session:
            return accepting.unfinished(session)

    job = Accepting(engine, settings, redis, wrong=0)
    job.decide(job.held, lambda place: "b" if place % 8 == 0 else "a")
    grow(1000)
    job.open(30)
    assert job.apply() == 0
    assert grow(1100) == []
    assert len(grow(1101)) == 1
    job.decide(job.held, lambda _: "a")
    assert job.apply() > 0
    assert grow(5000) == [], "one that labels waits for nothing"


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
    job.check()


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


def test_a_version_speaks_on_the_holdout_that_people_have_labeled(job: Accepting) -> None:
    fresh = job.items(texts(10, is_held_out, "fresh"))
    learned = job.items(texts(10, lambda text, hashed: not is_held_out(text, hashed), "learned"))
    job.decide([*fresh[:5], *learned], lambda _: "a")
    with reading(job.engine) as session:
        version = session.get_one(ModelVersion, job.champion)
        assert [item.id for item in unspoken(session, version)] == fresh[:5]
        assert [item.id for item in unspoken(session, version, fresh[1], 2)] == fresh[2:4]


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


def test_the_prior_is_measured_on_the_answers_to_the_holdout(job: Accepting) -> None:
    job.set(accept=False, prior=True)
    with job.writing() as session:
        workers = session.get_one(Worker, job.worker_id), make_member(session, "Bea")
        for place, item_id in enumerate(job.held):
            item = session.get_one(Item, item_id)
            for number, worker in enumerate(workers):
                answer(session, item, worker, NOON, "a" if (place + number) % 3 else "b")
    job.apply()
    with reading(job.engine) as session:
        measured = session.get_one(ModelVersion, job.champion).metrics[PRIOR]
    assert measured["count"] == len(job.held)
    assert measured["gain"] > 0
    assert measured["helps"]
