"""Logs: one pipeline, and never a token in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.log import get_logger, hide, setup_logging

TELEGRAM = "1234567890:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Whatever a test sets up ends with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "token",
    [TELEGRAM, "xoxb-1-2-abc", "xapp-1-A-2", "://:secret@", "://user:secret@"],
)
def test_what_looks_like_a_token_is_hidden(token: str) -> None:
    text = hide(f"at https{token}" if token.startswith(":") else f"the token is {token}, in truth")
    assert token not in text
    assert "***" in text


def test_a_telegram_token_is_hidden_inside_an_address() -> None:
    assert hide(f"https://api.telegram.org/bot{TELEGRAM}/getMe") == "https://api.telegram.org/bot***/getMe"


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    assert hide("https://h/path?key=open-sesame&x=1", ["open-sesame"]) == "https://h/path?key=***&x=1"


def test_ordinary_words_stay() -> None:
    text = "batch 12:30 imported 1000 rows from http://127.0.0.1:8080/join/abc"
    assert hide(text) == text


def test_standard_and_structured_logs_become_json(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("json")
    get_logger("mine").info("posted", items=3)
    logging.getLogger("theirs").warning("slow %s", "query")
    ours, theirs = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (ours["event"], ours["items"], ours["logger"], ours["level"]) == ("posted", 3, "mine", "info")
    assert (theirs["event"], theirs["logger"]) == ("slow query", "theirs")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_gets_through_an_exception(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(log_format, ["open-sesame"])
    try:
        raise ValueError(f"https://api.telegram.org/bot{TELEGRAM}/getMe open-sesame redis://:hunter2@h")
    except ValueError:
        get_logger("mine").exception("failed", url=f"https://x/bot{TELEGRAM}/y")
    written = capsys.readouterr().err
    assert "ValueError" in written
    for secret in (TELEGRAM, "open-sesame", "hunter2"):
        assert secret not in written


def test_noisy_libraries_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("json")
    logging.getLogger("httpx").info("GET https://api.telegram.org/bot%s/getMe", TELEGRAM)
    assert capsys.readouterr().err == ""
