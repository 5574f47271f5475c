"""What people get wrong: each mistake is answered by one sentence that says what to do, and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.texts import say
from core.clock import now
from core.db.tables import table_of
from core.importing.rows import MAX_ROW_CHARACTERS
from core.models import Annotation, Assignment, Batch, Dialogue, Item, Membership, Project, Upload
from tests.acceptance.people import Said, Visitor
from tests.acceptance.running import Running
from tests.invariants import check_redundancy
from tests.waiting import eventually

ROWS = b"id,text\n" + b"".join(b"%d,Text number %d about the weather\n" % (n, n) for n in range(20))
OVERLAP = {"minimum": 5, "maximum": 3, "limit": 100}
FACTS = {
    Project: ("id", "state"),
    Batch: ("id", "state", "item_count"),
    Upload: ("id",),
    Dialogue: ("identity_id", "step", "version"),
    Membership: ("id", "role", "status"),
    Item: ("id", "state", "submitted", "leased", "label_id"),
    Assignment: ("id", "state", "version"),
    Annotation: ("id", "state", "label_id"),
}
"""What a refused act must leave as it is."""


@pytest.fixture(scope="module")
def owner(lightwork: Running) -> Iterator[Visitor]:
    """The coordinator, with a job of 20 items that workers can see."""
    with Visitor(lightwork.url) as visitor:
        assert visitor.join(lightwork.invites[0], "Olga").refused is None
        assert visitor.upload("good.csv", ROWS, "/post How is it? | Good | Bad | overlap=2-3").refused is None
        visitor.hear("import_done", 40)
        yield visitor


@pytest.fixture(scope="module")
def ada(lightwork: Running, owner: Visitor) -> Iterator[Visitor]:
    """A worker."""
    with Visitor(lightwork.url) as visitor:
        assert visitor.join(lightwork.invites[1], "Ada").refused is None
        yield visitor


@pytest.fixture(scope="module")
def bob(lightwork: Running, owner: Visitor) -> Iterator[Visitor]:
    """Another worker."""
    with Visitor(lightwork.url) as visitor:
        assert visitor.join(lightwork.invites[2], "Bob").refused is None
        yield visitor


@pytest.fixture(autouse=True)
def nobody_saw_a_traceback(lightwork: Running) -> Iterator[None]:
    """Nothing went wrong inside while people got it wrong."""
    yield
    for name in ("bot", "worker"):
        logged = lightwork.logged(name)
        assert "Traceback" not in logged, logged[-3000:]


def facts(running: Running) -> dict[str, Any]:
    """All rows that hold facts."""
    with running.reading() as session:
        check_redundancy(session)
        found = {}
        for model, names in FACTS.items():
            table = table_of(model)
            columns = [table.c[name] for name in names]
            found[model.__name__] = [tuple(row) for row in session.execute(select(*columns).order_by(columns[0]))]
    return found


@contextmanager
def unchanged(running: Running) -> Iterator[None]:
    """What stands in the database stays as it is."""
    before = facts(running)
    yield
    assert facts(running) == before


def is_refused(said: Said, code: str, **params: object) -> bool:
    """Whether the person reads this one sentence of the catalogue and nothing else."""
    assert said.sentences == (say(code, "en", **params),)
    assert "Traceback" not in said.sentences[0]
    return True


def labels(count: int) -> str:
    return " | ".join(f"Label {number}" for number in range(count))


@pytest.mark.parametrize(
    ("name", "content", "caption", "code", "params"),
    [
        ("empty.csv", b"", "", "empty_file", {}),
        ("header.csv", b"id,text\n", "", "no_rows", {}),
        ("numbers.csv", b"id,score\n1,2\n2,3\n3,4\n", "", "no_text_column", {"columns": ["id", "score"]}),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4, "", "not_text", {}),
        ("array.jsonl", b'[{"text": "a"}, {"text": "b"}]\n', "", "json_array", {}),
        ("same.csv", ROWS, "/post How? | Good | good ", "duplicate_label", {"label": "good"}),
        ("many.csv", ROWS, f"/post How? | {labels(300)}", "too_many_labels", {"count": 300, "limit": 100}),
        ("one.csv", ROWS, "/post How? | Good", "too_few_labels", {"count": 1, "limit": 2}),
        ("none.csv", ROWS, "/post | Good | Bad", "caption_no_question", {"labels": "Good | Bad"}),
        ("often.csv", ROWS, "/post How? | A | B | overlap=5-3", "bad_overlap", OVERLAP),
        ("short.csv", ROWS, "/post How? | A | B | lease=0", "bad_option", {"option": "lease", "value": "0"}),
        ("lost.csv", ROWS, "/add abcdefghijklmnop", "project_unknown", {"project": "abcdefghijklmnop"}),
    ],
)
def test_a_file_that_cannot_be_used(
    lightwork: Running, owner: Visitor, name: str, content: bytes, caption: str, code: str, params: dict[str, Any]
) -> None:
    with unchanged(lightwork):
        assert is_refused(owner.upload(name, content, caption), code, **params)


@pytest.mark.parametrize(
    ("name", "before", "after", "code", "line"),
    [
        ("long.csv", b"text\n", b"\n", "no_good_row", 2),
        ("long.jsonl", b'{"text": "', b'"}\n', "no_good_row", 1),
        ("header.csv", b"", b"\nshort\n", "bad_header", 1),
    ],
)
def test_a_line_of_five_megabytes(
    lightwork: Running, owner: Visitor, name: str, before: bytes, after: bytes, code: str, line: int
) -> None:
    content = before + b"x" * 5_000_000 + after
    with unchanged(lightwork):
        said = owner.upload(name, content)
        assert is_refused(said, code, problem="line_too_long", line=line, limit=MAX_ROW_CHARACTERS)


def test_an_invite_that_does_not_exist(lightwork: Running, ada: Visitor) -> None:
    with unchanged(lightwork):
        with Visitor(lightwork.url) as stranger:
            said = stranger.join("aaaaaaaaaaaaaaaa", "Mallory")
            assert (said.status, said.refused) == (403, "invite_unknown")
            assert is_refused(said, "invite_unknown")
            assert stranger.say("/next").status == 401
        assert is_refused(ada.say("/start aaaaaaaaaaaaaaaa"), "invite_unknown")
        with Visitor(lightwork.url) as late:
            assert is_refused(late.join(lightwork.invites[1], "Ada again"), "invite_used")


def test_unknown_commands(lightwork: Running, owner: Visitor, ada: Visitor) -> None:
    with unchanged(lightwork):
        assert is_refused(owner.say("/frobnicate all"), "unknown_command", command="frobnicate")
        assert is_refused(ada.say("/export annotations"), "unknown_command", command="export")
        assert is_refused(ada.upload("mine.csv", ROWS), "needs_role", role="coordinator")
        assert is_refused(owner.say("/status zzzzzzzzzzzzzzzz"), "project_unknown", project="zzzzzzzzzzzzzzzz")


def test_a_tap_on_what_is_somebody_elses(lightwork: Running, ada: Visitor, bob: Visitor) -> None:
    card = ada.say("/next").card
    payload = card["content"]["buttons"][0][0]["payload"]
    bob.say("/next")
    with unchanged(lightwork):
        assert is_refused(bob.tap(card["id"], payload), "not_your_assignment")
        assert is_refused(bob.tap("", "answer.aaaaaaaaaaaaaaaa.a.1"), "not_your_assignment")
        assert is_refused(bob.tap("", "settle.aaaaaaaaaaaaaaaa.a.1"), "unknown_button")
        assert is_refused(bob.tap("", "'; DROP TABLE item; --"), "unknown_button")


def test_a_label_that_the_job_does_not_have(lightwork: Running, ada: Visitor) -> None:
    card = ada.say("/next").card
    verb, subject, _, version = card["content"]["buttons"][0][0]["payload"].split(".")
    with unchanged(lightwork):
        said = ada.tap(card["id"], f"{verb}.{subject}.zz.{version}")
        assert said.refused == "unknown_label"
        assert said.sentences == (say("unknown_label", label="zz", labels=["a", "b"]),)


def test_a_tap_made_twice_counts_once(lightwork: Running, ada: Visitor) -> None:
    card = ada.say("/next").card
    payloads = [button["payload"] for button in card["content"]["buttons"][0]]
    first = ada.tap(card["id"], payloads[0])
    assert first.sentences == (say("answered", label="Good"),)
    with unchanged(lightwork):
        assert is_refused(ada.tap(card["id"], payloads[0]), "already_submitted")
        assert is_refused(ada.tap(card["id"], payloads[1]), "already_submitted")


def test_a_button_of_a_form_that_has_moved_on(lightwork: Running, owner: Visitor) -> None:
    form = owner.upload("form.csv", ROWS)
    payload = form.payloads()[0]
    assert owner.tap(form.bubbles[-1]["id"], payload).refused is None
    with unchanged(lightwork):
        assert is_refused(owner.tap(form.bubbles[-1]["id"], payload), "stale_button")
    cancelled = owner.tap(form.bubbles[-1]["id"], "post..cancel.2")
    assert cancelled.sentences == (say("post_cancelled"),)
    with unchanged(lightwork):
        assert is_refused(owner.tap(form.bubbles[-1]["id"], "post..post.2"), "no_dialogue")


def test_a_column_that_the_file_does_not_have(lightwork: Running, owner: Visitor) -> None:
    rows = b"left,right\n" + b"".join(b"A sentence on the left %d,One on the right %d\n" % (n, n) for n in range(5))
    form = owner.upload("pairs.csv", rows)
    assert [button[0]["text"] for button in form.bubbles[-1]["content"]["buttons"][:2]] == ["left", "right"]
    verb, subject, _, version = form.payloads()[0].split(".")
    for wrong in ("c2", "c99", "cx", "c-1"):
        with unchanged(lightwork):
            assert is_refused(owner.tap(form.bubbles[-1]["id"], f"{verb}.{subject}.{wrong}.{version}"), "stale_button")


def test_a_tap_long_after_the_lease(lightwork: Running, owner: Visitor) -> None:
    project = owner.upload("brief.csv", b"text\nThe only one\n", "/post In time? | Yes | No | overlap=1-1 | lease=1")
    assert project.refused is None
    owner.hear("import_done", 40)
    with Visitor(lightwork.url) as slow:
        assert slow.join(lightwork.invites[3], "Slow").refused is None
        with lightwork.reading() as session:
            brief = session.scalars(select(Project).where(Project.lease_seconds == 1)).one()
        said = slow.tap("", f"next.{brief.public_id}..0")
        card = said.card
        assert card["content"]["parts"][0]["text"] == "The only one"
        payload = card["content"]["buttons"][0][0]["payload"]

        def is_over() -> bool:
            with lightwork.reading() as session:
                lease = session.scalars(select(Assignment).where(Assignment.project_id == brief.id)).one()
            return lease.state == "expired" and now() > lease.expires_at + timedelta(seconds=2)

        eventually(is_over, 60, "the end of the lease")
        with unchanged(lightwork):
            assert is_refused(slow.tap(card["id"], payload), "lease_over")
