"""Label schemas: what may be a set of labels, ids that last, look-ups by name, the registry."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import labels
from core.errors import InvalidInput
from core.labels import choice

WEATHER = choice.make(["Positive", "Negative", "Neutral / just  sharing"])


def refusal(names: list[str]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        choice.make(names)
    return caught.value


def test_ids_are_short_and_in_order() -> None:
    assert labels.label_ids(WEATHER) == ("a", "b", "c")
    many = choice.make([f"label {number}" for number in range(100)])
    assert labels.label_ids(many)[24:28] == ("y", "z", "aa", "ab")
    assert len(set(labels.label_ids(many))) == 100


def test_names_are_cleaned() -> None:
    made = choice.make(["  Caf\u0065\u0301\tau\nlait ", "Tea\x00"])
    assert [label.name for label in made.labels] == ["Caf\u00e9 au lait", "Tea"]


def test_json_and_back() -> None:
    data = labels.dump(WEATHER)
    assert data["labels"][0] == {"id": "a", "name": "Positive"}
    assert data["kind"] == "choice"
    assert labels.load(data) == WEATHER


def test_300_labels_are_too_many() -> None:
    error = refusal([f"label {number}" for number in range(300)])
    assert (error.code, error.params) == ("too_many_labels", {"count": 300, "limit": 100})


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([], "too_few_labels"),
        (["only"], "too_few_labels"),
        (["yes", "  "], "empty_label"),
        (["yes", "\u200b"], "empty_label"),
        (["yes", "n" * 151], "label_too_long"),
        (["yes", "YES"], "duplicate_label"),
        (["Stra\u00dfe", "STRASSE"], "duplicate_label"),
        (["caf\u00e9", "cafe\u0301"], "duplicate_label"),
        (["very good", "very  good "], "duplicate_label"),
    ],
)
def test_bad_names_are_refused(names: list[str], code: str) -> None:
    assert refusal(names).code == code


def test_the_longest_name_is_accepted() -> None:
    assert len(choice.make(["n" * 150, "m"]).labels[0].name) == 150


def test_parse_and_compare() -> None:
    value = labels.parse(WEATHER, "b")
    assert value == {"choice": "b"}
    assert labels.compare(WEATHER, value, {"choice": "b"}) == 1.0
    assert labels.compare(WEATHER, value, {"choice": "a"}) == 0.0


@pytest.mark.parametrize("forged", ["", "d", "A", "a ", "0", "a\x00", "x" * 500])
def test_a_forged_label_id_is_refused(forged: str) -> None:
    for look_up in (labels.parse, labels.index_of, labels.name_of):
        with pytest.raises(InvalidInput) as caught:
            look_up(WEATHER, forged)
        assert caught.value.code == "unknown_label"
        assert len(str(caught.value.params["label"])) <= 100


def test_look_up_by_name() -> None:
    assert labels.id_of_name(WEATHER, "Negative") == "b"
    assert labels.id_of_name(WEATHER, " neutral  /  JUST sharing\n") == "c"
    assert labels.index_of(WEATHER, "c") == 2
    assert labels.name_of(WEATHER, "a") == "Positive"
    with pytest.raises(InvalidInput, match="unknown_label"):
        labels.id_of_name(WEATHER, "Mixed")


def test_an_exact_name_wins_over_a_loose_one() -> None:
    schema = labels.LabelSchema("choice", (labels.Label("a", "polish"), labels.Label("b", "Polish")))
    assert labels.id_of_name(schema, "Polish") == "b"
    assert labels.id_of_name(schema, "POLISH") == "a"


@pytest.mark.parametrize("kind", ["", "schema", "content", "os", "../choice", "choice.x", "Choice", "none_such"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        labels.load({"kind": kind, "labels": []})
    assert caught.value.code == "unknown_label_kind"


@given(st.lists(st.text(max_size=160), max_size=110))
def test_whatever_is_accepted_can_be_found_again(names: list[str]) -> None:
    try:
        made = choice.make(names)
    except InvalidInput:
        return
    for label, given_name in zip(made.labels, names, strict=True):
        assert labels.id_of_name(made, given_name) == label.id
        assert labels.name_of(made, label.id) == label.name
        assert label.name.strip() == label.name
        assert unicodedata.is_normalized("NFC", label.name)
        label.name.encode()
    assert labels.load(labels.dump(made)) == made
