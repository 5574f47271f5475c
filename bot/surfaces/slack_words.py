"""How Slack's people say commands: one slash command, whose first word is the verb."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.surface import Sentence
from core.errors import LightworkError

SLASH = "/lightwork"
VERBS = {"": "help", "join": "start"}
"""Verbs that have another name here: what a person types, and the command that it is."""
SAID = {command: verb for verb, command in VERBS.items() if verb}
MENTION = re.compile(r"(?<![A-Za-z0-9_/.:@-])/([a-z_]+)(?![A-Za-z0-9_/-])")
ELSEWHERE = ("Telegram", SLASH)


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences that the surface says itself.

    sentence: the sentence of an error in a language.
    commands: names of all commands, without the slash.
    locale: the language of people whose language Slack does not tell.
    """

    sentence: Sentence
    commands: frozenset[str] = frozenset()
    locale: str = "en"

    def say(self, error: LightworkError, locale: str) -> str:
        """The sentence of `error`, with its commands as Slack has them."""
        return spoken(self.sentence(error, locale or self.locale), self.commands)


def command_of(text: str) -> tuple[str, str]:
    """What stands behind the slash command, as the name of a command and its argument."""
    verb, *rest = text.split(maxsplit=1) or [""]
    name = verb.removeprefix("/").lower()
    return VERBS.get(name, name), "".join(rest).strip()


def caption_of(text: str) -> str:
    """The text beside a file; "post ..." and "add ..." get the slash that Slack takes for a command without files."""
    plain = re.sub(rf"^/?{SLASH[1:]}\s+", "", text.strip(), flags=re.IGNORECASE)
    return f"/{plain}" if plain.lower().startswith(("post ", "add ")) else plain


def spoken(text: str, commands: Collection[str]) -> str:
    """`text` with "/next" written as "/lightwork next", for every command in `commands`.

    A line that names Telegram, or says "/lightwork" already, tells apart how each chat has it, and stays as it is.
    """
    if "/" not in text:
        return text
    lines = text.split("\n")
    return "\n".join(line if any(word in line for word in ELSEWHERE) else _said(line, commands) for line in lines)


def _said(line: str, commands: Collection[str]) -> str:
    def said(found: re.Match[str]) -> str:
        name = found[1]
        return f"{SLASH} {SAID.get(name, name)}" if name in commands else found[0]

    return MENTION.sub(said, line)
