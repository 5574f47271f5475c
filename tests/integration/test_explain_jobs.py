"""The trainer's jobs that explain an item and look for wrong labels, with real embeddings of a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from redis import Redis
from sqlalchemy import Engine, select
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerBase

from core.cli import main
from core.clock import now
from core.config import Settings
from core.db import reading
from core.disagreements import disagreements, most_confused
from core.explanations import ANSWER, ERROR, Explanation, explain_effect, request
from core.label_errors import doubtful_labels, unfinished_looks
from core.models import Item, JobTally, ModelVersion, OutboxMessage, Prediction, Project
from core.predictions import LABEL_ERRORS, PRELABELED
from core.queue import FIND_LABEL_ERRORS
from core.runtime import Runtime
from tests.integration.trainer_fixtures import Base
from tests.tiny_encoder import save_tiny_encoder
from trainer import artifacts, explain_jobs
from trainer.explain import index_items
from trainer.neighbours import index_path, load_index

GOOD = [
    f"the {one} is {much} {other} today" for one in ("sun", "warm") for much in ("very", "so") for other in ("nice",)
]
BAD = [
    f"{one} and {other} {much} bad" for one in ("rain", "storm") for other in ("cold", "the") for much in ("so", "is")
]


class Learned:
    """A project with decided items and a champion whose artifact lies in the home."""

    def __init__(self, base: Base, settings: Settings, runtime: Runtime, tiny: str) -> None:
        self.base, self.settings, self.runtime = base, settings, runtime
        self.good = base.items([f"{text} {'nice ' * number}".strip() for number in range(10) for text in GOOD])
        self.bad = base.items([f"{text} {'cold ' * number}".strip() for number in range(12) for text in BAD])
        base.decide(self.good, lambda _: "a")
        base.decide(self.bad, lambda _: "b")
        run = base.run("done")
        self.version = base.version(run)
        torch.manual_seed(3)
        model = AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=2)
        manifest = {"label_ids": ["a", "b"], "settings": {"max_length": 32}}
        self.artifact = settings.model_directory / self.version.artifact
        artifacts.save(self.artifact, model, AutoTokenizer.from_pretrained(tiny), manifest)

    def ask(self, item_id: int) -> None:
        """The coordinator asks why."""
        with self.base.writing() as session:
            item, project = session.get_one(Item, item_id), session.get_one(Project, self.base.project_id)
            request(session, project.workspace_id, self.base.worker_id, item.public_id, now())

    def message(self) -> OutboxMessage:
        """What is owed to them."""
        with reading(self.base.engine) as session:
            return session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "explanation")).one()

    def tally(self) -> dict[str, tuple[int, int]]:
        """Runs and failures by kind of job."""
        with reading(self.base.engine) as session:
            return {row.name: (row.runs, row.failures) for row in session.scalars(select(JobTally))}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory with a tiny encoder."""
    return str(save_tiny_encoder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def learned(sqlite_engine: Engine, settings: Settings, tiny: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Learned]:
    """Jobs find this runtime, and the CPU."""
    base = Base(sqlite_engine, labels=("a", "b"))
    settings.device, settings.base_model = "cpu", tiny
    redis = Redis(port=1)
    runtime = Runtime(settings, base.engine, redis, base.effects.extend)
    monkeypatch.setattr(explain_jobs, "process_runtime", lambda: runtime)
    yield Learned(base, settings, runtime, tiny)
    redis.close()


def test_an_item_is_explained_to_whoever_asked(learned: Learned) -> None:
    (item_id,) = learned.base.items(["the sun is nice but cold"])
    learned.ask(item_id)
    assert explain_effect(item_id, learned.version.id) in learned.base.jobs()
    explain_jobs.explain(item_id, learned.version.id)
    message = learned.message()
    found = Explanation.from_json(message.params[ANSWER])
    assert message.not_before <= now()
    assert [word.start for word in found.words] == [0, 4, 8, 11, 16, 20]
    assert sum(found.probabilities.values()) == pytest.approx(1.0, abs=1e-3)
    assert found.label_id == max(found.probabilities, key=lambda label: found.probabilities[label])
    assert 1 <= len(found.neighbours) <= 5
    assert {one.item_id for one in found.neighbours} <= {*learned.good, *learned.bad}
    assert learned.tally() == {"explain": (1, 0)}
    assert "sun" not in json.dumps(message.params), "no text of people is kept in it"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All texts that any model is given."""
    texts: list[str] = []
    tokenize = PreTrainedTokenizerBase.__call__

    def listen(self: Any, text: Any, *rest: Any, **how: Any) -> Any:
        texts.extend([text] if isinstance(text, str) else text)
        return tokenize(self, text, *rest, **how)

    monkeypatch.setattr(PreTrainedTokenizerBase, "__call__", listen)
    return texts


def test_a_model_reads_redacted_texts_and_people_see_what_was_there(
    learned: Learned, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned.settings.redaction = "emails"
    text = "the sun is nice bob@example.com cold"
    (item_id,) = learned.base.items([text])
    learned.base.decide(learned.base.items([f"rain ann{number}@example.com" for number in range(9)]), lambda _: "b")
    learned.ask(item_id)
    explain_jobs.explain(item_id, learned.version.id)
    explain_jobs.find_label_errors(learned.version.id)
    found = Explanation.from_json(learned.message().params[ANSWER])
    assert [(text[one.start : one.end], one.read_as) for one in found.words] == [
        *((word, "") for word in ("the", "sun", "is", "nice")),
        ("bob@example.com", "[email]"),
        ("cold", ""),
    ]
    assert "bob" not in json.dumps(learned.message().params), "no text of people is kept in it"
    assert {"the sun is nice [email] cold", "rain [email]"} <= set(read)
    monkeypatch.setattr("core.cli._settings", lambda **_: learned.settings)
    with reading(learned.base.engine) as session:
        wanted = ["explain", "Weather", session.get_one(Item, item_id).public_id]
    told = json.loads(CliRunner().invoke(main, [*wanted, "--json"]).output.splitlines()[-1])["words"]
    assert [one.get("read_as") for one in told] == [None, None, None, None, "[email]", None]
    assert "bob@example.com (read as [email])" in CliRunner().invoke(main, wanted).output
    assert not [one for one in read if "example" in one]


def test_what_cannot_be_redacted_is_not_read_but_told(learned: Learned, read: list[str]) -> None:
    learned.settings.redaction = "math:sqrt"
    learned.ask(learned.good[0])
    explain_jobs.explain(learned.good[0], learned.version.id)
    explain_jobs.find_label_errors(learned.version.id)
    assert learned.message().params[ERROR]["code"] == "redaction_failed"
    assert read == []


def test_an_answer_is_computed_once(learned: Learned, monkeypatch: pytest.MonkeyPatch) -> None:
    learned.ask(learned.good[0])
    explain_jobs.explain(learned.good[0], learned.version.id)
    monkeypatch.setattr(explain_jobs, "explain_item", None)
    explain_jobs.explain(learned.good[0], learned.version.id)
    assert learned.tally() == {"explain": (2, 0)}


def test_a_lost_artifact_is_told(learned: Learned) -> None:
    learned.ask(learned.good[0])
    artifacts.remove(learned.artifact)
    explain_jobs.explain(learned.good[0], learned.version.id)
    assert learned.message().params[ERROR]["code"] == "artifact_missing"
    explain_jobs.explain(learned.good[0], 10**6)
    assert learned.tally() == {"explain": (2, 0)}


def test_flipped_labels_are_found_and_kept_with_the_version(learned: Learned) -> None:
    wrong = [*learned.good[1:37:9], *learned.bad[7:89:20]]
    learned.base.decide(wrong, lambda place: "bbbbaaaaa"[place])
    with learned.base.writing() as session:
        version = session.get_one(ModelVersion, learned.version.id)
        version.metrics = {PRELABELED: "2026", "accuracy": 0.9}
    with reading(learned.base.engine) as session:
        (job,) = unfinished_looks(session)
    assert (job.function, job.args) == (FIND_LABEL_ERRORS, (learned.version.id,))
    explain_jobs.find_label_errors(learned.version.id)
    with reading(learned.base.engine) as session:
        assert unfinished_looks(session) == []
        version = session.get_one(ModelVersion, learned.version.id)
        assert version.metrics[LABEL_ERRORS]["looked_at"] == len(learned.good) + len(learned.bad)
        assert version.metrics["accuracy"] == 0.9, "what else is kept stays"
        found = doubtful_labels(session, session.get_one(Project, learned.base.project_id))
    assert len(set(wrong) & {one.item_id for one in found.labels}) >= 6, "the encoder is random, the texts are alike"
    assert len({one.item_id for one in found.labels[:5]} & set(wrong)) >= 4, "the likeliest first"
    assert all(one.likely != one.given for one in found.labels)
    kept = load_index(index_path(learned.artifact))
    assert kept is not None
    assert set(kept[0].tolist()) == {*learned.good, *learned.bad}
    assert np.allclose(np.linalg.norm(kept[1], axis=1), 1.0, atol=1e-2)


def test_a_version_that_was_replaced_or_lost_is_looked_at_no_more(learned: Learned) -> None:
    artifacts.remove(learned.artifact)
    explain_jobs.find_label_errors(learned.version.id)
    with learned.base.writing() as session:
        version = session.get_one(ModelVersion, learned.version.id)
        assert version.metrics[LABEL_ERRORS]["looked_at"] == 0, "not again and again"
        version.metrics, version.state = {}, "retired"
    explain_jobs.find_label_errors(learned.version.id)
    with reading(learned.base.engine) as session:
        assert session.get_one(ModelVersion, learned.version.id).metrics == {}
    assert learned.tally() == {"find_label_errors": (2, 0)}


def test_few_labels_are_not_doubted(sqlite_engine: Engine, learned: Learned) -> None:
    learned.base.decide(learned.bad, lambda _: "b", state="open")
    explain_jobs.find_label_errors(learned.version.id)
    with reading(sqlite_engine) as session:
        metrics = session.get_one(ModelVersion, learned.version.id).metrics
    assert metrics[LABEL_ERRORS] == {"looked_at": len(learned.good), "found": [], "at": metrics[LABEL_ERRORS]["at"]}


def test_neighbours_come_from_the_index_where_there_is_one(learned: Learned) -> None:
    index_items(learned.settings, learned.base.engine, learned.version)
    learned.base.decide(learned.good[:4], lambda _: "a", state="open")
    learned.ask(learned.good[4])
    explain_jobs.explain(learned.good[4], learned.version.id)
    found = Explanation.from_json(learned.message().params[ANSWER])
    ids = {one.item_id for one in found.neighbours}
    assert ids
    assert not ids & {*learned.good[:5]}, "neither itself nor what is open again"


def predict(learned: Learned, item_ids: list[int], label_id: str, confidence: float) -> None:
    with learned.base.writing() as session:
        for place, item_id in enumerate(item_ids):
            session.add(
                Prediction(
                    item_id=item_id,
                    model_version_id=learned.version.id,
                    label_id=label_id,
                    confidence=confidence - place / 100,
                    probabilities=[0.5, 0.5],
                    created_at=now(),
                )
            )


def test_where_people_and_the_model_differ(learned: Learned) -> None:
    predict(learned, learned.good[:3], "b", 0.9)
    predict(learned, learned.good[3:8], "a", 0.8)
    predict(learned, learned.bad[:1], "a", 0.95)
    with reading(learned.base.engine) as session:
        found = disagreements(session, session.get_one(Project, learned.base.project_id), limit=2)
    assert found is not None
    assert (found.compared, found.agreed) == (9, 5)
    assert dict(found.confusion) == {("a", "b"): 3, ("a", "a"): 5, ("b", "a"): 1}
    assert most_confused(found) == [("a", "b", 3), ("b", "a", 1)]
    assert [(one.people, one.model, one.confidence) for one in found.most] == [("b", "a", 0.95), ("a", "b", 0.9)]


@pytest.mark.parametrize("item", [False, True])
def test_the_same_as_data_by_the_command_line(learned: Learned, monkeypatch: pytest.MonkeyPatch, item: bool) -> None:
    predict(learned, learned.good[:2], "b", 0.9)
    monkeypatch.setattr("core.cli._settings", lambda **_: learned.settings)
    wanted = []
    if item:
        with reading(learned.base.engine) as session:
            wanted = [session.get_one(Item, learned.good[0]).public_id]
    called = CliRunner().invoke(main, ["explain", "Weather", *wanted, "--json"])
    assert called.exit_code == 0, called.output
    found = json.loads(called.output.splitlines()[-1])
    if item:
        assert [one["word"] for one in found["words"]] == GOOD[0].split()
        assert not any("read_as" in one for one in found["words"])
        assert set(found["probabilities"]) == {"a", "b"}
        assert found["similar"]
    else:
        assert (found["compared"], found["agreed"]) == (2, 0)
        assert found["confusion"] == [{"people": "a", "model": "b", "items": 2}]
        assert [one["confidence"] for one in found["disagreements"]] == [0.9, 0.89]
        assert found["differ"] == 2
    spoken = CliRunner().invoke(main, ["explain", "Weather", *wanted])
    assert spoken.exit_code == 0
    assert "model v1" in spoken.output.lower()
    assert repr(GOOD[0]) in spoken.output, "the text is shown, to see that it is the item that was meant"
    assert "--limit" not in spoken.output, "all that there is is shown"


def test_a_list_that_is_cut_says_so(learned: Learned, monkeypatch: pytest.MonkeyPatch) -> None:
    predict(learned, learned.good[:5], "b", 0.9)
    monkeypatch.setattr("core.cli._settings", lambda **_: learned.settings)
    called = CliRunner().invoke(main, ["explain", "Weather", "--limit", "2"])
    assert "on 0 of 5 items. On 5 they differ." in called.output
    assert "Of these 5, the 2 about which the model was surest; --limit 5 lists all:" in called.output
    assert called.output.count("people say") == 2
    found = json.loads(CliRunner().invoke(main, ["explain", "Weather", "--limit", "2", "--json"]).output)
    assert (found["differ"], len(found["disagreements"])) == (5, 2)


def test_what_there_is_not_is_said_in_one_sentence(learned: Learned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.cli._settings", lambda **_: learned.settings)
    called = CliRunner().invoke(main, ["explain", "Weather", "nothing"])
    assert called.exit_code != 0
    assert "has no item 'nothing'" in called.output
    called = CliRunner().invoke(main, ["explain", "Weather", "nothing", "--limit", "3"])
    assert called.exit_code == 2
    assert "--limit is for the lists about a whole job" in called.output
    with learned.base.writing() as session:
        session.get_one(ModelVersion, learned.version.id).state = "held"
        item = session.get_one(Item, learned.good[0]).public_id
    for arguments in ([], [item]):
        called = CliRunner().invoke(main, ["explain", "Weather", *arguments])
        assert called.exit_code != 0
        assert "no model in use yet" in called.output
