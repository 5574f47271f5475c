"""Settings: defaults, what is refused and in which words, and what stays secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from core.config import Settings, load_settings
from core.errors import SettingsError

ROOT = Path(__file__).parents[3]


def load(**values: object) -> Settings:
    return load_settings(_env_file=None, **values)


def test_nothing_has_to_be_set() -> None:
    settings = load()
    assert settings.home == Path("var")
    assert settings.sqlalchemy_url == f"sqlite:///{Path('var').resolve()}/lightwork.sqlite"
    assert settings.web_host == "127.0.0.1"
    assert settings.secrets_to_hide() == []


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_through_psycopg(scheme: str) -> None:
    assert load(DATABASE_URL=f"{scheme}://u:p@h/d").sqlalchemy_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"DATABASE_URL": "mysql://h/d"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql"}, "DATABASE_URL"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"LIGHTWORK_WEB_PORT": "eighty"}, "LIGHTWORK_WEB_PORT"),
        ({"LIGHTWORK_WEB_PORT": "70000"}, "LIGHTWORK_WEB_PORT"),
        ({"LIGHTWORK_DEVICE": "tpu"}, "LIGHTWORK_DEVICE"),
        ({"LIGHTWORK_WEB_ORIGIN": "label.example.org"}, "LIGHTWORK_WEB_ORIGIN"),
        ({"TELEGRAM_API_URL": "ftp://x"}, "TELEGRAM_API_URL"),
        ({"TELEGRAM_BOT_TOKEN": "nonsense"}, "TELEGRAM_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxp-1", "SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"LIGHTWORK_MAX_UPLOAD_BYTES": "1"}, "LIGHTWORK_MAX_UPLOAD_BYTES"),
    ],
)
def test_a_malformed_setting_is_one_sentence_that_names_it(values: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**values)
    sentence = str(caught.value)
    assert names in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_several_mistakes_are_all_named() -> None:
    with pytest.raises(SettingsError) as caught:
        load(REDIS_URL="x", LIGHTWORK_DEVICE="tpu")
    assert "REDIS_URL" in str(caught.value)
    assert "LIGHTWORK_DEVICE" in str(caught.value)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTWORK_HOME", "/somewhere")
    assert load().home == Path("/somewhere")


def test_passwords_and_tokens_are_secrets() -> None:
    settings = load(
        DATABASE_URL="postgresql://u:pw1@h/d",
        REDIS_URL="redis://:pw2@h:1/0",
        TELEGRAM_BOT_TOKEN="123456:abc",
        LIGHTWORK_SECRET_KEY="key",
        LIGHTWORK_MLFLOW_URI="https://u:pw3@mlflow.example.org",
    )
    assert set(settings.secrets_to_hide()) == {"pw1", "pw2", "pw3", "123456:abc", "key"}
    assert "123456:abc" not in repr(settings)


@pytest.mark.parametrize(
    ("uri", "hidden"),
    [
        ("https://u:p%40ss@mlflow.example.org/path", ["p%40ss", "p@ss"]),
        ("https://dapi0123@mlflow.example.org", ["dapi0123"]),
        ("postgresql://u@h/mlflow", []),
        ("postgresql://u:pw@h/mlflow", ["pw"]),
        ("http://mlflow.example.org:5000", []),
        ("https://:@mlflow.example.org", []),
        ("file:///var/mlruns", []),
        ("https://[half", []),
        ("", []),
    ],
)
def test_what_lets_somebody_into_the_tracking_server_is_hidden(uri: str, hidden: list[str]) -> None:
    assert load(LIGHTWORK_MLFLOW_URI=uri).secrets_to_hide() == hidden


def test_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = load(LIGHTWORK_HOME=tmp_path).signing_key
    assert len(first) == 64
    assert load(LIGHTWORK_HOME=tmp_path).signing_key == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert load(LIGHTWORK_HOME=tmp_path, LIGHTWORK_SECRET_KEY="given").signing_key == "given"


def test_the_table_of_settings_is_complete() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert documented == {field.alias for field in Settings.model_fields.values()}
