"""The database: engines, units of work, the writer that groups commits."""

from core.db.engine import is_sqlite, make_engine, reading, sqlite_file, unit_of_work
from core.db.turns import let_others_write

__all__ = ["is_sqlite", "let_others_write", "make_engine", "reading", "sqlite_file", "unit_of_work"]
