"""Column types and the declarative base that all tables share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

from core.ids import PUBLIC_ID_LENGTH, new_public_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = BigInteger().with_variant(Integer, "sqlite")
ONLY_ON = "only_on"
"""In the `info` of a constraint: the one dialect that has it, which alembic cannot see in `ddl_if`."""


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware moment in UTC; SQLite keeps it as naive text, PostgreSQL as timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: they are always a mistake here."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored; use core.clock.now()")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give back what was stored, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base of all tables. Models carry data only; verbs live in the services."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it as a class attribute)
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        list[float]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
        list[list[float]]: JSON,
    }


Id = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
PublicId = Annotated[str, mapped_column(String(PUBLIC_ID_LENGTH), unique=True, default=new_public_id)]
Short = Annotated[str, mapped_column(String(40))]
Name = Annotated[str, mapped_column(String(200))]
