"""Forms as modals keep every documented limit, lose no text, and come back as they were filled in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surface import Field, Form
from bot.surfaces.slack_forms import errors_of, submission_of, view_of
from bot.surfaces.slack_words import Words
from tests.fakes.slack_blocks import check_view
from tests.fakes.slack_error import SlackError

WORDS = Words(lambda error, locale: error.code, frozenset({"help"}))
texts = st.text(max_size=2500)
options = st.lists(st.tuples(st.text(max_size=140), texts), min_size=1, max_size=100, unique_by=lambda one: one[0])
kinds = st.sampled_from(["text", "lines", "choice", "file"])


@st.composite
def fields(draw: st.DrawFn, name: str) -> Field:
    offered = tuple(draw(options))
    kind: Any = draw(kinds)
    value = draw(st.sampled_from(offered))[0] if kind == "choice" else draw(st.text(max_size=1500))
    return Field(name, draw(texts), kind, value, draw(texts), offered, draw(st.booleans()))


@st.composite
def forms(draw: st.DrawFn) -> Form:
    names = draw(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=12, unique=True))
    return Form(draw(st.text(max_size=64)), draw(texts), draw(texts), tuple(draw(fields(name)) for name in names))


def filled(view: dict[str, Any]) -> dict[str, Any]:
    """What Slack sends when nothing was changed."""
    values = {}
    for block in view["blocks"]:
        element = block["element"]
        given: dict[str, Any] = {"type": element["type"]}
        if element["type"] == "static_select":
            given["selected_option"] = element.get("initial_option")
        elif element["type"] == "file_input":
            given["files"] = [{"id": "F1"}]
        else:
            given["value"] = element.get("initial_value")
        values[block["block_id"]] = {element["action_id"]: given}
    return {"id": "V1", **view, "state": {"values": values}}


@given(forms())
def test_whatever_is_asked_the_documentation_allows_and_it_comes_back(form: Form) -> None:
    view = view_of(form, WORDS)
    check_view(view)
    sent = submission_of(filled(view))
    assert (sent.payload, sent.fields) == (form.payload, tuple(field.name for field in form.fields))
    expected = {
        field.name: field.value if field.kind == "choice" else _typed(field.value)
        for field in form.fields
        if field.kind != "file"
    }
    assert sent.values == expected
    assert len(sent.files) == sum(field.kind == "file" for field in form.fields)


def _typed(value: str) -> str:
    return value.encode(errors="replace").decode().strip()


@pytest.mark.parametrize(
    "form",
    [
        Form("p", "T", "S", ()),
        Form("p" * 3001, "T", "S", (Field("a", "A"),)),
        Form("p", "T", "S", tuple(Field(f"f{number}", "A") for number in range(101))),
        Form("p", "T", "S", (Field("", "A"),)),
        Form("p", "T", "S", (Field("a", "A", value="x" * 3001),)),
        Form("p", "T", "S", (Field("a", "A", "choice"),)),
        Form("p", "T", "S", (Field("a", "A", "choice", options=tuple((str(n), str(n)) for n in range(101))),)),
        Form("p", "T", "S", (Field("a", "A", "choice", options=(("x" * 150, "X"),)),)),
    ],
)
def test_what_a_modal_cannot_hold_whole_is_refused(form: Form) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        view_of(form, WORDS)


def test_problems_go_to_their_fields_and_the_rest_to_the_first() -> None:
    form = Form("p", "T", "S", (Field("a", "A"), Field("b", "B")))
    sent = submission_of(filled(view_of(form, WORDS)))
    problems = {"b": "Too long.", "z": "Send /help.", "": "x" * 5000}
    errors = errors_of(sent, problems, WORDS)
    assert set(errors) == {"a", "b"}
    assert errors["b"] == "Too long."
    assert errors["a"].startswith("Send /lightwork help.\nxxx")
    assert len(errors["a"]) <= 2000


def test_a_modal_that_is_not_ours_holds_nothing() -> None:
    sent = submission_of({"id": "V1", "private_metadata": None, "state": {}})
    assert (sent.payload, sent.fields, sent.values, sent.files) == ("", (), {}, ())
    assert errors_of(sent, {"a": "No."}, WORDS) == {"a": "No."}


def _view(**changed: Any) -> dict[str, Any]:
    return view_of(Form("p", "T", "S", (Field("a", "A"),)), WORDS) | changed


@pytest.mark.parametrize(
    "bad",
    [
        _view(title={"type": "plain_text", "text": "x" * 25}),
        _view(title={"type": "mrkdwn", "text": "x"}),
        _view(private_metadata="x" * 3001),
        _view(colour="red"),
        _view(blocks=[]),
        _view(blocks=_view()["blocks"] * 2),
        _view(blocks=[_view()["blocks"][0] | {"label": {"type": "plain_text", "text": "x" * 2001}}]),
        _view(blocks=[_view()["blocks"][0] | {"element": {"type": "file_input", "action_id": "a", "max_files": 11}}]),
        _view(blocks=[_view()["blocks"][0] | {"element": {"type": "static_select", "action_id": "a", "options": []}}]),
    ],
)
def test_the_fake_refuses_modals_that_slack_refuses(bad: dict[str, Any]) -> None:
    check_view(_view())
    with pytest.raises(SlackError, match="invalid_blocks"):
        check_view(bad)
