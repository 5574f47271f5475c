"""What goes wrong outside of us ends a command with one sentence and exit code 2, never with a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from core.errors import LightworkError, SettingsError

SENTENCES = {
    "unknown_role": "There is no role {role}; the roles are {roles}.",
    "model_unknown": "There is no version {number}; lightwork model list shows what there is.",
    "model_gone": "The files of v{number} are gone; choose another version, or train a new one.",
    "model_changed": "Another model has come into use meanwhile; run the command again.",
    "artifact_missing": "The files of model {artifact} are gone, or it knows labels that are no more.",
    "invite_limit": "An invite can be used by 1 to {limit} people.",
    "bad_learning": "{name} can be anything from {least} to {most}; {name}=default takes back what was chosen.",
    "bad_cron": "{cron!r} is not a cron string; write five fields, such as cron='0 3 * * *' for each night at 3, UTC.",
    "empty_file": "The file is empty; it needs one item per row, as Excel, CSV, TSV or JSON Lines.",
    "no_rows": "The file has a first line, which names the columns, and no rows below it; where that line is a row of "
    "its own, put a line with names above it, such as: text",
    "no_text_column": "No column looks like text; name it with --column. The columns are: {columns}.",
    "column_missing": "There is no column {column!r}; the columns are: {columns}.",
    "not_text": "Files of that kind cannot be read; save it as Excel (.xlsx), CSV or JSON Lines.",
    "json_array": "The file is one JSON array; make JSON Lines of it: one object per line, without brackets around.",
    "bad_header": "The first line cannot be read: {problem} Correct it, for it names the columns.",
    "no_good_row": "No row of the file can be used. The first problem is on line {line}: {problem}",
    "too_many_columns": "The file has {count} columns; at most {limit} can be read. Remove those you do not need.",
    "locked_spreadsheet": "The Excel file has a password, or is of the kind from before 2007; save it as .xlsx without "
    "a password.",
    "not_spreadsheet": "The file is an archive, but no Excel file; save the table as .xlsx or CSV.",
    "broken_spreadsheet": "The Excel file is damaged; open it in Excel and save it anew.",
    "empty_spreadsheet": "No sheet of the Excel file holds anything; it needs one item per row.",
}
"""What commands say otherwise than the chat does."""


class Failure(click.ClickException):
    """A sentence on stderr, and exit code 2."""

    exit_code = 2


class Sentences(click.Group):
    """A group of commands whose known failures are told in a sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever no sentence is known for goes on as it is, because it is a bug."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            sentence = explain(error)
            if sentence is None:
                raise
            raise Failure(sentence) from None


def explain(error: Exception) -> str | None:
    """The sentence for an error that is not a bug: a setting, the database or Redis away, a missing extra."""
    from redis.exceptions import RedisError
    from sqlalchemy.exc import OperationalError

    from core.crowd_table import BadTable

    if isinstance(error, SettingsError | BadTable):
        return str(error)
    if isinstance(error, LightworkError):
        return _sentence(error)
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {_first_line(error.orig or error)} Check DATABASE_URL."
    if isinstance(error, RedisError):
        return f"Redis cannot be used: {_first_line(error)} Check REDIS_URL."
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(("core", "migrations")):
        return (
            f"This command needs {error.name}, which is not installed; in the checkout, "
            "install it with: pip install '.[all]'."
        )
    return None


def _sentence(error: LightworkError) -> str:
    """As commands say it, else as the chat does; the bot is imported by name, because core does not know it."""
    texts = import_module("bot.texts")
    if error.code in SENTENCES:
        return str(texts.fill(SENTENCES[error.code], **error.params))
    said = texts.say(error.code, **error.params) if texts.knows(error.code) else error
    return str(said)


def row_problem(code: str, params: Mapping[str, Any]) -> str:
    """What is wrong with a row of a file, as the chat says it."""
    return str(import_module("bot.texts").row_problem(code, **params))


def _first_line(error: BaseException) -> str:
    from core.log import hide

    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return hide(line).rstrip(".") + "."
