"""Rows by the hundred thousand as arrays: as objects they would take twenty times the memory, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Executable
from sqlalchemy.orm import Session

from core.arrays import Floats, Ints

PIECE_ROWS = 10_000
"""As many rows are objects at a time."""

ToArray = Callable[[Sequence[Any]], NDArray[Any]]


def read_columns(session: Session, statement: Executable, *to_arrays: ToArray) -> list[NDArray[Any]]:
    """The rows of `statement`, an array for each of its columns, read in pieces.

    Args:
        to_arrays: makes an array of the values of a column, with one row for each; in the order of the columns.
    """
    pieces: list[list[NDArray[Any]]] = [[make(())] for make in to_arrays]
    for rows in session.execute(statement.execution_options(yield_per=PIECE_ROWS)).partitions():
        for known, make, values in zip(pieces, to_arrays, zip(*rows, strict=True), strict=True):
            known.append(make(values))
    return [np.concatenate(known) for known in pieces]


def ints(values: Sequence[Any]) -> Ints:
    """A column of whole numbers."""
    return np.array(values, dtype=np.int64)


def coded(codes: Mapping[Any, int], other: int | None = None) -> ToArray:
    """For a column of few different values: the code of each.

    Args:
        other: of a value that has none; without it such a value raises `KeyError` where it is read.
    """
    if other is None:
        return lambda values: ints([codes[value] for value in values])
    return lambda values: ints([codes.get(value, other) for value in values])


def distributions(classes: int) -> ToArray:
    """For a column of lists of `classes` floats: shape (rows, classes), NaN where there is none, or a shorter one."""
    none = [np.nan] * classes

    def rows(values: Sequence[Any]) -> Floats:
        fitting = [value if value and len(value) == classes else none for value in values]
        return np.array(fitting, dtype=np.float64).reshape(len(values), classes)

    return rows
