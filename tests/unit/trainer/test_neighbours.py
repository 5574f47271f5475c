"""The nearest decided items: by cosine, with near duplicates folded into one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.explanations import Neighbour
from trainer.neighbours import index_path, load_index, nearest, save_index


def directions(*degrees: float) -> NDArray[np.float32]:
    """Unit vectors in the plane."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_most_alike_come_first_and_only_so_many() -> None:
    vectors = directions(80, 20, 50, 170, 110)
    found = nearest(directions(0)[0], vectors, np.array([1, 2, 3, 4, 5]), limit=3)
    assert [one.item_id for one in found] == [2, 3, 1]
    assert [round(one.similarity, 2) for one in found] == [0.94, 0.64, 0.17]
    assert {one.copies for one in found} == {1}


def test_near_duplicates_are_folded_into_the_nearest_of_them() -> None:
    vectors = directions(10, 11, 12, 60, 61, 120)
    found = nearest(directions(0)[0], vectors, np.array([1, 2, 3, 4, 5, 6]), limit=2)
    assert found == [Neighbour(1, found[0].similarity, 3), Neighbour(4, found[1].similarity, 2)]


def test_without_decided_items_there_is_nothing_to_show() -> None:
    assert nearest(directions(0)[0], directions(), np.array([], dtype=np.int64)) == []


def test_an_index_is_kept_beside_the_artifact(tmp_path: Path) -> None:
    artifact = tmp_path / "project" / "version"
    artifact.mkdir(parents=True)
    path = index_path(artifact)
    save_index(path, [7, 9], directions(0, 90))
    kept = load_index(path)
    assert kept is not None
    assert kept[0].tolist() == [7, 9]
    assert np.allclose(kept[1], directions(0, 90), atol=1e-3)
    assert sorted(file.name for file in artifact.parent.iterdir()) == ["version", "version.neighbours.npz"]
    assert list(artifact.iterdir()) == [], "the artifact stays what it was"


def test_an_index_that_is_lost_or_broken_is_none(tmp_path: Path) -> None:
    path = tmp_path / "lost.npz"
    assert load_index(path) is None
    path.write_bytes(b"not whole")
    assert load_index(path) is None
    save_index(path, [1], directions(0))
    path.write_bytes(path.read_bytes()[:40])
    assert load_index(path) is None
