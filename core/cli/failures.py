"""What goes wrong outside of us ends a command with one sentence and exit code 2, never with a traceback."""

from __future__ import annotations

from typing import Any

import click

from core.errors import LightworkError, SettingsError

SENTENCES = {
    "unknown_role": "There is no role {role}; the roles are {roles}.",
    "invite_limit": "An invite can be used by 1 to {limit} people.",
}
"""For the errors that commands can run into; what the chat says stands in `bot.texts`, which core never reads."""


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
        return SENTENCES.get(error.code, "{error}").format(error=error, **error.params)
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


def _first_line(error: BaseException) -> str:
    from core.log import hide

    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return hide(line).rstrip(".") + "."
