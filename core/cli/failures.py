"""What goes wrong outside of us ends a command with one sentence and exit code 2, never with a traceback."""

from __future__ import annotations

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
    if error.code in SENTENCES:
        return SENTENCES[error.code].format(**error.params)
    texts = import_module("bot.texts")
    said = texts.say(error.code, **error.params) if texts.knows(error.code) else error
    return str(said)


def _first_line(error: BaseException) -> str:
    from core.log import hide

    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return hide(line).rstrip(".") + "."
