"""The embedded Valkey as a real process: private, found by the others, and the same after kill -9."""

from __future__ import annotations

import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from core.config import Settings
from core.embedded import redis_url
from core.errors import SettingsError
from tests.processes import end, run, start
from tests.waiting import eventually


def url_of(settings: Settings) -> str:
    """The address once the server answers, else nothing."""
    try:
        return redis_url(settings)
    except SettingsError:
        return ""


@pytest.fixture
def valkey(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`lightwork valkey` in the test's home."""
    process = start(settings.home, "valkey")
    eventually(lambda: url_of(settings), what="the first PONG")
    yield process
    process.kill()
    process.wait()


def test_without_a_server_the_sentence_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="start everything with 'lightwork up', or set REDIS_URL"):
        redis_url(settings)


def test_a_given_url_is_taken_as_it_is(settings: Settings) -> None:
    settings.redis_url = "redis://elsewhere:1/0"
    assert redis_url(settings) == "redis://elsewhere:1/0"


def test_a_url_left_by_a_dead_server_is_not_given_out(settings: Settings, valkey: subprocess.Popen[bytes]) -> None:
    end(valkey, signal.SIGKILL)
    with pytest.raises(SettingsError):
        redis_url(settings)


def test_a_server_that_is_kept_from_answering_is_not_taken_for_none(
    settings: Settings, valkey: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.embedded.START_SECONDS", 0.3)
    url = redis_url(settings)
    valkey.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(SettingsError, match="is running but does not answer just now"):
            redis_url(settings)
    finally:
        valkey.send_signal(signal.SIGCONT)
    assert eventually(lambda: url_of(settings)) == url


def test_configured_to_lose_nothing(settings: Settings, valkey: subprocess.Popen[bytes]) -> None:
    with Redis.from_url(redis_url(settings), decode_responses=True) as redis:
        found = {name: redis.config_get(name)[name] for name in ("appendonly", "appendfsync", "maxmemory-policy")}
        assert redis.config_get("bind")["bind"] == "127.0.0.1"
    assert found == {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}


def test_nobody_else_gets_in(settings: Settings, valkey: subprocess.Popen[bytes]) -> None:
    url = redis_url(settings)
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    directory = settings.home / "valkey"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    with Redis.from_url(url) as redis:
        redis.set("a", "b")
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert {"valkey.conf", "url"} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "requirepass" not in Path(f"/proc/{valkey.pid}/cmdline").read_text()


def test_after_kill_9_address_and_data_are_the_same(settings: Settings, valkey: subprocess.Popen[bytes]) -> None:
    url = redis_url(settings)
    with Redis.from_url(url) as redis:
        redis.set("kept", "yes")
    end(valkey, signal.SIGKILL)
    again = start(settings.home, "valkey")
    try:
        assert eventually(lambda: url_of(settings)) == url
        with Redis.from_url(url) as redis:
            assert redis.get("kept") == b"yes"
    finally:
        assert end(again) == 0


def test_a_second_server_on_the_same_files_is_refused(settings: Settings, valkey: subprocess.Popen[bytes]) -> None:
    second = run(settings.home, "valkey")
    assert second.returncode == 2
    assert second.stderr.startswith("Error: An embedded Valkey is running already")
    assert second.stderr.count("\n") == 1
    assert url_of(settings)
