"""Statements of the hot path: compiled once for each database, then run by the driver itself.

SQLAlchemy's way through a statement that is compiled already costs five to ten times what the driver needs to run it.
What is written here is still a Core statement, runs in the session's own transaction, converts values as the columns'
types say, and fails with SQLAlchemy's exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from json import loads
from typing import Any, TypeVar

from sqlalchemy import JSON, Column, Dialect, Table
from sqlalchemy import inspect as mapping_of
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.orm.attributes import instance_state, manager_of_class
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.compiler import ResultColumnsEntry, SQLCompiler

from core.db.drivers import Driver, driver_of

Model = TypeVar("Model", bound=DeclarativeBase)
Convert = Callable[[Any], Any]
Statement = Any
"""Whatever of SQLAlchemy Core can be compiled; it has no class of its own for that."""
REMEMBERED = 4096
"""Stored texts whose values are kept, of each column that shares them."""


@dataclass(slots=True)
class _Plan:
    """A statement as the driver takes it.

    values: (name, or None for what never changes, that, conversion) in the order of the text. told: what it
    returns. columns: conversions of those that need one, by position; known once the driver has told what it gives.
    """

    text: str
    values: tuple[tuple[str | None, Any, Convert | None], ...]
    told: tuple[ResultColumnsEntry, ...]
    columns: tuple[tuple[int, Convert], ...] | None = None


class Prepared:
    """A Core statement without lists of variable length.

    Args:
        statement: its parameters have names; or what makes it for a dialect, "sqlite" or "postgresql".
        shared: tables of which a stored text that was read before gives the very object that it gave then, so that
            what hardly ever changes is parsed once. Nobody may change such a list or dictionary.
    """

    def __init__(self, statement: Statement | Callable[[str], Statement], *, shared: Sequence[Table] = ()) -> None:
        self._statement = statement
        self._shared = shared
        self._plans: dict[str, _Plan] = {}

    def rows(self, session: Session, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows. What the session holds back is written first. Raises `sqlalchemy.exc.DBAPIError`."""
        driver, plan, cursor = self._run(session, values)
        try:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        except driver.error as error:
            driver.connection._handle_dbapi_exception(error, plan.text, None, cursor, None)
        if plan.columns is None:
            plan.columns = _conversions(plan.told, cursor.description, driver, self._shared)
        return [_converted(row, plan.columns) for row in found] if plan.columns else found

    def row(self, session: Session, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row, or nothing where there is none."""
        found = self.rows(session, values)
        return found[0] if found else None

    def made_for(self, dialect: str) -> Statement:
        """The statement, as "sqlite" or "postgresql" takes it."""
        return self._statement(dialect) if callable(self._statement) else self._statement

    def run(self, session: Session, values: Mapping[str, Any]) -> int:
        """How many rows it wrote; as `rows` for a statement that returns none."""
        _, _, cursor = self._run(session, values)
        count: int = cursor.rowcount
        return count

    def _run(self, session: Session, values: Mapping[str, Any]) -> tuple[Driver, _Plan, Any]:
        session.flush()
        driver = driver_of(session)
        return (driver, *self.send(driver, values))

    def send(self, driver: Driver, values: Mapping[str, Any]) -> tuple[_Plan, Any]:
        """Run it as it is; the cursor holds until the next statement. Raises `sqlalchemy.exc.DBAPIError`."""
        plan = self._plans.get(driver.dialect.name)
        if plan is None:
            plan = self._plans[driver.dialect.name] = _planned(self.made_for(driver.dialect.name), driver)
        parameters = [
            fixed if name is None else values[name] if convert is None else convert(values[name])
            for name, fixed, convert in plan.values
        ]
        cursor = driver.cursor()
        for listen in driver.listeners:
            listen(driver.connection, cursor, plan.text, parameters, None, False)
        try:
            cursor.execute(plan.text, parameters)
        except driver.error as error:
            # SQLAlchemy's own: translates the error, and throws a connection away that was lost.
            driver.connection._handle_dbapi_exception(error, plan.text, None, cursor, None)
        return plan, cursor


def attach(session: Session, model: type[Model], values: Sequence[Any]) -> Model:
    """The session's object for a row of `model` that was read by a `Prepared`, as if the session had read it.

    What the session knows of the row already stays as it is.

    Args:
        values: all columns, in the order of the table.
    """
    key_at = _columns_of(model)[1]
    key = identity_key(model, tuple(values[position] for position in key_at))
    known = session.identity_map.get(key)
    if known is not None:
        return known
    made = detached(model, values)
    state = instance_state(made)
    # As SQLAlchemy's own loading does it: `Session.add` would look through all relations for what else is new.
    state.key, state.session_id = key, session.hash_key
    session.identity_map._add_unpresent(state, key)
    return made


def detached(model: type[Model], values: Sequence[Any]) -> Model:
    """As `attach`, but an object that no session knows: to be read, and gone."""
    made: Model = manager_of_class(model).new_instance()
    made.__dict__.update(zip(_columns_of(model)[0], values, strict=True))
    return made


@cache
def _columns_of(model: type[DeclarativeBase]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The attributes of a model in the order of its columns, and where its primary key stands among them."""
    mapper, table = mapping_of(model), model.__table__
    assert isinstance(table, Table)  # noqa: S101 - ours are
    names = tuple(mapper.get_property_by_column(column).key for column in table.c)
    return names, tuple(list(table.c).index(column) for column in mapper.primary_key)


def _planned(statement: Statement, driver: Driver) -> _Plan:
    compiled = statement.compile(dialect=driver.positional)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - no DDL stands on the hot path
    if compiled.post_compile_params or compiled.literal_execute_params:
        raise ValueError("a list of variable length cannot be prepared")
    if unset := [*compiled.insert_prefetch, *compiled.update_prefetch]:
        raise ValueError(f"say what these columns become, their defaults are not asked: {unset}")
    values = tuple(_value(compiled, name, driver.dialect) for name in compiled.positiontup or ())
    return _Plan(compiled.string, values, tuple(compiled._result_columns))


def _conversions(
    told: Sequence[ResultColumnsEntry], description: Sequence[Sequence[Any]], driver: Driver, shared: Sequence[Table]
) -> tuple[tuple[int, Convert], ...]:
    """Of the columns that need one: what they are in Python, from what the driver gives."""
    found: list[tuple[int, Convert]] = []
    for position, (column, given) in enumerate(zip(told, description, strict=True)):
        kind = column.type
        convert: Convert | None = kind.dialect_impl(driver.dialect).result_processor(driver.dialect, given[1])
        if convert is None and isinstance(kind, JSON):
            convert = loads
        if convert is not None:
            # Moments cannot be changed.
            again = any(isinstance(one, Column) and one.table in shared for one in column.objects)
            texts = again if isinstance(kind, JSON) else driver.moments_are_texts and kind.python_type is datetime
            found.append((position, lru_cache(REMEMBERED)(convert) if texts else convert))
    return tuple(found)


def _value(compiled: SQLCompiler, name: str, dialect: Dialect) -> tuple[str | None, Any, Convert | None]:
    bind = compiled.binds[name]
    convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
    if bind.required:
        return bind.key, None, convert
    return None, bind.value if convert is None else convert(bind.value), None


def _converted(row: tuple[Any, ...], columns: tuple[tuple[int, Convert], ...]) -> tuple[Any, ...]:
    values = list(row)
    for position, convert in columns:
        if values[position] is not None:
            values[position] = convert(values[position])
    return tuple(values)
