"""What README and docs name is there: files, commands, buttons, sentences, settings."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.routes import COMMANDS
from bot.surfaces.slack_words import VERBS
from bot.texts.catalogues import catalogue
from core.cli import main
from core.config import Settings
from core.enrolment import ROLES
from core.projects import DEFAULT_MAX_OVERLAP, DEFAULT_MIN_OVERLAP
from core.training import MIN_DECIDED
from tests.processes import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "demo").glob("*.md")])
GUIDES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/how-to.md")]
CODE = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`\n]+)`|^    (\S[^\n]*)$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
SETTING = re.compile(r"\b(?:LIGHTWORK|TELEGRAM|SLACK|DATABASE|REDIS|DEFAULT)_[A-Z_]+\b")
OF_TESTS = {"LIGHTWORK_GOLDEN", "LIGHTWORK_SCREENSHOTS", "LIGHTWORK_REQUIRE_BROWSER"}
ELSEWHERE = {"api", "join", "healthz", "readyz", "metrics", "newbot", "name", "models"}
"""What begins with a slash and is no command: addresses that we serve, @BotFather's, a placeholder, a path."""
LITERAL = 3
"""Characters that a sentence of the catalogue must have besides its parameters to be recognised by them."""

SENTENCES = catalogue("en").codes()


def test_all_pages_are_found() -> None:
    assert {"README.md", "CHANGELOG.md", "tutorial.md", "how-to.md", "glossary.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = [first or second for first, second in LINK.findall(page.read_text(encoding="utf-8"))]
    missing = [link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_in_the_cli(page: Path) -> None:
    named = re.findall(r"(?<![/\w.-])lightwork ([a-z]+)((?: --?[a-z]+(?: [^-\s]\S*)?)*)", "\n".join(code(page)))
    for command, options in named:
        found = main.commands.get(command)
        assert found is not None, f"lightwork {command}"
        if command == "demo":
            continue
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", options)) <= known, f"lightwork {command}{options}"
        if role := re.search(r"--role (\w+)", options):
            assert role[1] in ROLES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_slash_command_has_a_dialogue(page: Path) -> None:
    for piece in code(page):
        for name, verb in re.findall(r"(?<![\w/.:<@-])/([a-z]+)(?![\w/.-])(?: ([a-z]+))?", piece):
            if name == "lightwork":
                assert VERBS.get(verb, verb) in COMMANDS, f"/lightwork {verb}"
            else:
                assert name in COMMANDS or name in ELSEWHERE, f"/{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_exists(page: Path) -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()} | OF_TESTS
    assert set(SETTING.findall(page.read_text(encoding="utf-8"))) <= known


def test_the_table_of_settings_is_complete() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)) == {
        str(field.alias) for field in Settings.model_fields.values()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", "\n".join(code(page)))) <= targets


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_path_in_the_repository_exists(page: Path) -> None:
    named = re.findall(r"(?<![\w/.])(?:bot|core|trainer|tests|migrations|docs|demo)/[\w./-]*", "\n".join(code(page)))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["tutorial.md", "how-to.md"])
def test_every_button_and_quoted_sentence_is_in_the_catalogue(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    page = (ROOT / "bot" / "surfaces" / "static" / "index.html").read_text(encoding="utf-8")
    buttons = {text for code, forms in SENTENCES.items() if code.startswith("button_") for text in forms}
    for bold in re.findall(r"\*\*([^*]+)\*\*", text):
        assert any(matches(bold, button) for button in buttons) or f">{bold}<" in page, bold
    pieces = [piece for forms in SENTENCES.values() for form in forms for piece in form.split("\n")]
    for quoted in quotes(text):
        assert any(matches(quoted, sentence, LITERAL) for sentence in pieces), quoted


def test_the_tutorial_posts_tweets_of_the_demo() -> None:
    with (ROOT / "demo" / "weather_text" / "items.csv").open(encoding="utf-8", newline="") as file:
        known = {(row["task"], row["text"]) for row in csv.DictReader(file)}
    with (ROOT / "docs" / "tutorial-tweets.csv").open(encoding="utf-8", newline="") as file:
        tweets = [(row["id"], row["text"]) for row in csv.DictReader(file)]
    assert len(tweets) == 30
    assert set(tweets) <= known


def test_defaults_are_named_as_they_are() -> None:
    how_to = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
    assert f"| least and most answers per item | {DEFAULT_MIN_OVERLAP}-{DEFAULT_MAX_OVERLAP} |" in how_to
    assert MIN_DECIDED == 10
    assert "at least ten decided items" in how_to


def test_the_cli_names_no_command_that_running_md_leaves_out() -> None:
    documented = (ROOT / "docs" / "running.md").read_text() + (ROOT / "README.md").read_text()
    everyday = {name for name, command in main.commands.items() if not command.hidden} - {"valkey"}
    assert isinstance(main, click.Group)
    assert [
        name for name in sorted(everyday) if f"lightwork {name}" not in documented and f"make {name}" not in documented
    ] == []


def code(page: Path) -> Iterator[str]:
    """All code of a page: fenced, indented and inline."""
    for groups in CODE.findall(page.read_text(encoding="utf-8")):
        yield "".join(groups)


def quotes(text: str) -> Iterator[str]:
    """The lines that the bot says in a page, each paragraph of a quotation on one line."""
    for block in re.findall(r"(?:^ *>[^\n]*\n)+", text, re.MULTILINE):
        joined = re.sub(r"^ *> ?", "", block, flags=re.MULTILINE)
        for paragraph in re.split(r"\n\s*\n|<br>\n", joined):
            yield " ".join(paragraph.split())


def matches(said: str, sentence: str, least: int = 1) -> bool:
    """Whether `said` is the catalogue's sentence with its parameters filled in, at least `least` characters its own."""
    pieces = re.split(r"\{\w+\}", " ".join(sentence.split()))
    return len("".join(pieces)) >= least and re.fullmatch(".*?".join(map(re.escape, pieces)), said) is not None
