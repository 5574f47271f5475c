"""The decision rule and the table of transitions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.aggregation.confusion import default_pooled
from core.consensus import DECIDED, SETTLED, TRANSITIONS, decide, move
from core.items import ItemState
from core.models import Project
from core.ranks import BANDS, band_of, make_rank
from core.skills import CrowdModel
from tests.factories import START

CROWD = CrowdModel(default_pooled(2), [0.5, 0.5])
PROJECT = Project(
    min_overlap=2,
    max_overlap=4,
    error_cost=10.0,
    label_schema={"kind": "choice", "labels": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
)


def an_item(**changes: Any) -> ItemState:
    """An open item with two counted annotations."""
    values: dict[str, Any] = {
        "id": 1,
        "project_id": 1,
        "state": "open",
        "purpose": "label",
        "overlap": 2,
        "submitted": 2,
        "leased": 0,
        "slots": 0,
        "rank": 1,
        "revision": 0,
        "posterior": [0.5, 0.5],
        "trained_at": None,
    }
    return ItemState(**values | changes)


def test_below_the_minimum_nothing_is_decided() -> None:
    assert decide(PROJECT, CROWD, an_item(submitted=1), [0.999, 0.001], START, {}) == {}


def test_a_sure_posterior_is_agreed() -> None:
    decision = decide(PROJECT, CROWD, an_item(), [0.01, 0.99], START, {})
    assert decision == {"state": "agreed", "label_id": "b", "confidence": 0.99, "decided_at": START}


def test_an_unsure_posterior_asks_for_exactly_one_more() -> None:
    assert decide(PROJECT, CROWD, an_item(), [0.6, 0.4], START, {}) == {"state": "open", "overlap": 3}
    out = an_item(overlap=3, leased=1)
    assert decide(PROJECT, CROWD, out, [0.6, 0.4], START, {})["overlap"] == 3, "the answer under way is waited for"


def test_at_the_maximum_it_is_disputed() -> None:
    assert decide(PROJECT, CROWD, an_item(submitted=4, overlap=4), [0.6, 0.4], START, {}) == {"state": "disputed"}


@pytest.mark.parametrize("state", SETTLED)
def test_verdicts_are_never_taken_back(state: str) -> None:
    assert decide(PROJECT, CROWD, an_item(state=state), [0.5, 0.5], START, {}) == {}


def test_a_decided_item_stays_decided_through_small_changes() -> None:
    unsure = [0.96, 0.04]
    assert decide(PROJECT, CROWD, an_item(), unsure, START, {})["state"] == "open"
    assert decide(PROJECT, CROWD, an_item(state="agreed"), unsure, START, {})["state"] == "agreed"
    assert decide(PROJECT, CROWD, an_item(state="agreed"), [0.6, 0.4], START, {})["state"] == "open"


def test_gold_and_practice_items_have_no_consensus() -> None:
    assert decide(PROJECT, CROWD, an_item(purpose="gold"), [0.01, 0.99], START, {}) == {}


def test_the_table_of_transitions_is_closed() -> None:
    states = set(TRANSITIONS)
    assert all(targets <= states for targets in TRANSITIONS.values())
    assert set(DECIDED) <= states
    with pytest.raises(ValueError, match="adjudicated to open"):
        move("adjudicated", "open")
    move("open", "open")


@given(st.integers(0, BANDS - 1), st.integers(0, 2**56 - 1), st.integers(0, 2**56 - 2))
def test_ranks_order_by_band_then_sequence(band: int, one: int, other: int) -> None:
    assert band_of(make_rank(band, one)) == band
    assert (make_rank(band, one) < make_rank(band, other)) == (one < other)
    if band + 1 < BANDS:
        assert make_rank(band, one) < make_rank(band + 1, other)
    assert make_rank(band, one) < 2**63


@pytest.mark.parametrize(("band", "sequence"), [(-1, 0), (16, 0), (0, -1), (0, 2**56)])
def test_impossible_ranks_are_refused(band: int, sequence: int) -> None:
    with pytest.raises(ValueError, match="no rank"):
        make_rank(band, sequence)
