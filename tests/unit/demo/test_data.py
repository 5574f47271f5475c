"""The demo's data: the same seed gives the same tweets, memories hold only what is asked."""

from __future__ import annotations

import csv
import io

import pytest

from demo.data import LABELS, as_csv, cast


def test_the_whole_data_set() -> None:
    whole = cast(700, 300, 102, seed=1)
    assert (len(whole.first), len(whole.second), len(whole.people)) == (700, 300, 102)
    # Two tweets have one text: what the three who answered both said of the second is left out.
    assert sum(len(memory) for memory in whole.people.values()) in range(19_990, 20_000)
    assert {label for memory in whole.people.values() for label in memory.values()} == set(LABELS)
    assert set(whole.gold.values()) <= set(LABELS)
    assert len(whole.gold) == 632


def test_a_seed_decides_the_tweets() -> None:
    assert cast(60, 20, 25, seed=3) == cast(60, 20, 25, seed=3)
    assert cast(60, 20, 25, seed=3).first != cast(60, 20, 25, seed=4).first


def test_a_part_has_the_most_active_people_and_no_other_tweets() -> None:
    whole, part = cast(700, 300, 102, seed=1), cast(60, 20, 25, seed=3)
    asked = {tweet.text for tweet in (*part.first, *part.second)}
    assert len(asked) in (79, 80)
    assert all(set(memory) <= asked for memory in part.people.values())
    assert list(part.people) == list(whole.people)[:25]
    sizes = [len(memory) for memory in whole.people.values()]
    assert min(sizes[:25]) >= max(sizes[25:]) - 3


def test_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="1000 tweets and 102 people"):
        cast(900, 200, 102, seed=1)


def test_the_file_that_is_uploaded() -> None:
    chosen = cast(60, 0, 25, seed=3).first
    rows = list(csv.DictReader(io.StringIO(as_csv(chosen).decode(), newline="")))
    assert [(row["id"], row["text"]) for row in rows] == [(tweet.number, tweet.text) for tweet in chosen]
