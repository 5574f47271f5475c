"""Settings: all by environment and `.env`, each documented in docs/settings.md."""

from __future__ import annotations

import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError

DATABASE_SCHEMES = ("sqlite", "postgresql", "postgres", "postgresql+psycopg", "sqlite+pysqlite")
REDIS_SCHEMES = ("redis", "rediss", "unix")
TOKEN_SCHEMES = ("http", "https")
"""A name without a password is a token there; of a database it is a name."""


class Settings(BaseSettings):
    """Everything that can be set from outside. Read once at the start of a process and passed on."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=False)

    together: ClassVar[bool] = True
    """Whether settings that belong to one platform are checked together."""

    home: Path = Field(default=Path("var"), alias="LIGHTWORK_HOME")
    database_url: str = Field(default="", alias="DATABASE_URL")
    redis_url: str = Field(default="", alias="REDIS_URL")
    secret_key: SecretStr = Field(default=SecretStr(""), alias="LIGHTWORK_SECRET_KEY")
    default_locale: Literal["en", "zh"] = Field(default="en", alias="DEFAULT_LOCALE")
    log_format: Literal["auto", "console", "json"] = Field(default="auto", alias="LIGHTWORK_LOG_FORMAT")

    web_host: str = Field(default="127.0.0.1", alias="LIGHTWORK_WEB_HOST")
    web_port: int = Field(default=8080, ge=0, le=65535, alias="LIGHTWORK_WEB_PORT")
    web_origin: str = Field(default="", alias="LIGHTWORK_WEB_ORIGIN")
    hooks_host: str = Field(default="127.0.0.1", alias="LIGHTWORK_HOOKS_HOST")
    hooks_port: int = Field(default=8081, ge=0, le=65535, alias="LIGHTWORK_HOOKS_PORT")
    metrics_host: str = Field(default="127.0.0.1", alias="LIGHTWORK_METRICS_HOST")
    metrics_port: int = Field(default=0, ge=0, le=65532, alias="LIGHTWORK_METRICS_PORT")

    telegram_bot_token: SecretStr = Field(default=SecretStr(""), alias="TELEGRAM_BOT_TOKEN")
    telegram_bot_name: str = Field(default="", alias="TELEGRAM_BOT_NAME")
    telegram_api_url: str = Field(default="https://api.telegram.org", alias="TELEGRAM_API_URL")
    telegram_webhook_url: str = Field(default="", alias="TELEGRAM_WEBHOOK_URL")
    slack_bot_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field(default="https://slack.com/api/", alias="SLACK_API_URL")

    base_model: str = Field(default="", alias="LIGHTWORK_BASE_MODEL")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", alias="LIGHTWORK_DEVICE")
    train_seconds: int = Field(default=6 * 3600, ge=10, le=30 * 86400, alias="LIGHTWORK_TRAIN_SECONDS")
    train_memory_mb: int = Field(default=0, ge=0, alias="LIGHTWORK_TRAIN_MEMORY_MB")
    checkpoint_seconds: int = Field(default=60, ge=0, le=3600, alias="LIGHTWORK_CHECKPOINT_SECONDS")
    redaction: str = Field(default="", alias="LIGHTWORK_REDACTION")
    snapshot_texts: bool = Field(default=False, alias="LIGHTWORK_SNAPSHOT_TEXTS")
    tracking: Literal["tensorboard", "mlflow", "none"] = Field(default="tensorboard", alias="LIGHTWORK_TRACKING")
    mlflow_uri: str = Field(default="", alias="LIGHTWORK_MLFLOW_URI")
    threads: int = Field(default=0, ge=0, le=1024, alias="LIGHTWORK_THREADS")
    max_upload_bytes: int = Field(default=50_000_000, ge=1_000, alias="LIGHTWORK_MAX_UPLOAD_BYTES")

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in DATABASE_SCHEMES or "://" not in value):
            raise ValueError("must start with postgresql:// or sqlite:///")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in REDIS_SCHEMES:
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("telegram_bot_name")
    @classmethod
    def _bot_name(cls, value: str) -> str:
        name = value.strip().removeprefix("@")
        if name and not re.fullmatch(r"[A-Za-z0-9_]{4,32}", name):
            raise ValueError("must be the bot's user name as @BotFather shows it, for example my_label_bot")
        return name

    @field_validator("telegram_api_url", "slack_api_url", "web_origin")
    @classmethod
    def _http_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise ValueError("must be an http:// or https:// address")
        return value

    @field_validator("telegram_webhook_url")
    @classmethod
    def _https_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment):
            raise ValueError("must be the public https:// address that leads to LIGHTWORK_HOOKS_PORT")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _platforms_are_whole(self) -> Settings:
        if not self.together:
            return self
        bot, app = self.slack_bot_token.get_secret_value(), self.slack_app_token.get_secret_value()
        if app and not bot:
            raise ValueError("SLACK_BOT_TOKEN is missing: Slack in Socket Mode needs it and SLACK_APP_TOKEN")
        if bot and not app and not self.slack_signing_secret.get_secret_value():
            raise ValueError(
                "SLACK_APP_TOKEN is missing: Slack needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN for Socket Mode, "
                "or SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET for HTTP"
            )
        if bot and not bot.startswith("xoxb-"):
            raise ValueError("SLACK_BOT_TOKEN must start with xoxb-")
        if app and not app.startswith("xapp-"):
            raise ValueError("SLACK_APP_TOKEN must start with xapp-")
        telegram = self.telegram_bot_token.get_secret_value()
        if telegram and ":" not in telegram:
            raise ValueError("TELEGRAM_BOT_TOKEN must look like 123456:ABC..., as @BotFather shows it")
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """The database as SQLAlchemy wants it: SQLite in the home by default, psycopg for PostgreSQL."""
        if not self.database_url:
            return f"sqlite:///{self.home.resolve() / 'lightwork.sqlite'}"
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database_url

    @property
    def media_directory(self) -> Path:
        """Where content-addressed files lie."""
        return self.home / "media"

    @property
    def export_directory(self) -> Path:
        """Where exports lie until they have been fetched; old ones are removed."""
        return self.home / "exports"

    @property
    def picture_directory(self) -> Path:
        """Where pictures of jobs lie; old ones are removed."""
        return self.home / "pictures"

    @property
    def model_directory(self) -> Path:
        """Where model artifacts lie, one directory per version."""
        return self.home / "models"

    @property
    def run_directory(self) -> Path:
        """Where unfinished training runs keep what they need to go on after a kill; gone when they end."""
        return self.home / "runs"

    @property
    def tensorboard_directory(self) -> Path:
        """Where TensorBoard event files lie, one directory per project and version."""
        return self.home / "tensorboard"

    @cached_property
    def signing_key(self) -> str:
        """Key of the web chat's cookies: as set, else made once and kept in the home with mode 0600."""
        if given := self.secret_key.get_secret_value():
            return given
        path = self.home / "secret_key"
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with open(path, "x", opener=_private) as file:
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        return path.read_text().strip()

    def secrets_to_hide(self) -> list[str]:
        """Values that must never reach a log."""
        tokens = (self.telegram_bot_token, self.slack_bot_token, self.slack_app_token, self.slack_signing_secret)
        found = [token.get_secret_value() for token in (*tokens, self.secret_key)]
        for url in (self.database_url, self.redis_url, self.mlflow_uri):
            found += _credentials(url)
        return [value for value in found if value]


def _credentials(url: str) -> list[str]:
    """What an address lets somebody in by, as it stands there and as it is meant: its password, else a lone token."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no address at all
        return []
    secret = parts.password if parts.password is not None else parts.username if parts.scheme in TOKEN_SCHEMES else None
    return list(dict.fromkeys((secret, unquote(secret)))) if secret else []


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: one clear sentence that names the variable and what it must look like.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(dict(problem)) for problem in error.errors())) from None


class _Loose(Settings):
    """Settings of a platform that do not go together are taken all the same."""

    together: ClassVar[bool] = False


def load_what_can_be() -> tuple[Settings, list[str]]:
    """The settings for somebody who looks for faults: defaults where one is malformed, and a sentence on each fault."""
    known = {str(field.alias): field.get_default() for field in Settings.model_fields.values()}
    defaults: dict[str, Any] = {}
    sentences: list[str] = []
    while True:
        try:
            return Settings(**defaults), sentences
        except ValidationError as error:
            problems: list[dict[str, Any]] = [dict(problem) for problem in error.errors()]
        sentences += [_sentence(problem) for problem in problems]
        malformed = {_variable(str(problem["loc"][0])) for problem in problems if problem["loc"]} - defaults.keys()
        if not malformed:
            return _Loose(**defaults), sentences
        defaults |= {name: known[name] for name in malformed}


def _sentence(problem: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    what = str(problem["msg"]).removeprefix("Value error, ")
    if not where:
        return what.rstrip(".") + "."
    return f"{_variable(where)}: {what[:1].lower() + what[1:]}."


def _variable(name: str) -> str:
    field = Settings.model_fields.get(name)
    return (field.alias if field is not None else None) or name
