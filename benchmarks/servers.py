"""What taps are measured against, each in a process of its own: platforms, Valkey, and both databases."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.postgresql import postgresql
from core.config import Settings, load_settings
from core.embedded import answers, prepare, valkey_directory

DATABASES = ("sqlite", "postgresql")


@contextmanager
def platform(module: str) -> Iterator[str]:
    """The URL of a server of this package, which is killed afterwards."""
    with subprocess.Popen([sys.executable, "-m", f"benchmarks.{module}"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


@contextmanager
def valkey(home: Path) -> Iterator[str]:
    """The URL of a Valkey as it is embedded."""
    url = prepare(home)
    source = "import sys, pathlib; from core.embedded import run_server; run_server(pathlib.Path(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", source, str(home)], stdout=subprocess.DEVNULL) as server:
        try:
            while not answers(url, 0.1):
                assert server.poll() is None, "Valkey did not start"
                url = (valkey_directory(home) / "url").read_text().strip()
            yield url
        finally:
            server.send_signal(signal.SIGKILL)


@contextmanager
def database(name: str) -> Iterator[Settings]:
    """Settings with a home, a migrated database and a Valkey of their own; all of it is gone afterwards."""
    from core.cli.migrate import migrate

    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options: dict[str, Any] = {"LIGHTWORK_HOME": home, "REDIS_URL": stack.enter_context(valkey(home))}
        if name == "postgresql":
            options["DATABASE_URL"] = stack.enter_context(postgresql())
        settings = load_settings(**options, _env_file=None)
        migrate(settings)
        yield settings
