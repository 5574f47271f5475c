"""Labels of a model are taken back where people's audits, the holdout or a drift do not bear them out any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.cards import render
from bot.cards.learning import model_sentences
from bot.owed import view_of
from core import accepting, retreating
from core.acceptance_report import ModelReport, model_report
from core.champions import LEFT, promote
from core.config import Settings
from core.consensus import take_back
from core.db import reading
from core.drift_watch import Drift, note_drift
from core.items import lock_item
from core.learning_changes import change_learning
from core.models import Item, ModelVersion, OutboxMessage, Project
from core.queue import ACCEPT
from tests.integration.accepting.job import LATER, Accepting, model_directory
from tests.integration.trainer_fixtures import NOON


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
    job.check()
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


def take_up(job: Accepting, settings: Settings, metrics: dict[str, Any]) -> None:
    """Put a model that is retired in the place of the one in use."""
    retired = job.version(job.run("done"), 2, "retired")
    model_directory(settings, retired)
    with job.writing() as session:
        session.get_one(ModelVersion, retired.id).metrics = metrics
        project = session.get_one(Project, job.project_id)
        promote(session, settings, project, 2, 1, job.worker_id, LATER)


def test_going_back_to_an_older_model_takes_the_labels_of_the_newer_one_back(
    job: Accepting, settings: Settings
) -> None:
    ids = job.open(40)
    job.apply()
    take_up(job, settings, {"holdout": {"accuracy": 0.7}})
    assert f"accept-{job.project_id}-{job.champion}" in {one.job_id for one in job.jobs()}
    job.apply()
    assert "accepted" not in job.states(ids)


def test_taking_up_again_what_was_left_is_no_way_back_and_takes_no_labels_back(
    job: Accepting, settings: Settings
) -> None:
    ids = job.open(40)
    job.apply()
    take_up(job, settings, {"holdout": {"accuracy": 0.7}, LEFT: True})
    job.apply()
    assert "accepted" in job.states(ids)


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


def taken_back_by_hand(job: Accepting) -> None:
    """A coordinator takes everything back, which switches the setting off."""
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        change_learning(session, project, job.worker_id, LATER, accept=False)
        assert retreating.take_all_back(session, project, job.worker_id, LATER)
    assert job.apply() == 0


def allowed_again(job: Accepting) -> ModelReport:
    """The setting is switched on again; what is said of models at once."""
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        assert change_learning(session, project, job.worker_id, LATER, accept=True)
        return model_report(session, project)


def test_who_takes_labels_back_by_hand_may_allow_the_version_anew(job: Accepting) -> None:
    ids = job.open(40)
    labeled = job.apply()
    taken_back_by_hand(job)
    assert "accepted" not in job.states(ids)
    assert allowed_again(job).due
    assert job.apply() == labeled > 0
    assert "retreat" not in job.note(), "it can be taken back once more"
    taken_back_by_hand(job)
    assert "accepted" not in job.states(ids)
    job.check()


def test_a_version_whose_audits_break_the_bound_stays_sent_back(job: Accepting) -> None:
    ids = broken(job)
    taken_back_by_hand(job)
    report = allowed_again(job)
    assert job.apply() == 0
    assert "accepted" not in job.states(ids)
    (one,) = report.labeled
    assert (one.reason, one.in_use, report.due) == ("broken", True, False)
    assert "It labels nothing any more by itself; a newer model may." in model_sentences(report, "en")


def test_what_audits_had_found_stays_as_it_was_when_labels_were_taken_back(job: Accepting) -> None:
    ids = job.open(200)
    job.apply()
    first, *others = job.drawn(ids)
    job.decide([first], lambda _: "a")
    taken_back_by_hand(job)
    job.decide(others, lambda _: "b")
    with reading(job.engine) as session:
        report = model_report(session, session.get_one(Project, job.project_id))
    (one,) = report.labeled
    assert (one.audits.wrong, one.audits.count) == (0, 1)
    said = "\n".join(model_sentences(report, "en"))
    assert "By then people had checked 1: 0 wrong." in said
    assert "of its labels were wrong" in said
    assert "To let it label again, switch “Labeling by itself” on." in said


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
