"""One import or export in a process of its own, as the worker runs it; says what it took as one line of JSON."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path

from core.clock import now
from core.config import load_settings
from core.db import make_engine, reading
from core.exporting import write_export
from core.importing import load_batch
from core.models import Batch, Project
from core.steady import keep_steady


def main() -> None:
    """Arguments: home, URL of the database, then import BATCH or export PROJECT FORMAT."""
    home, url, step, number, *rest = sys.argv[1:]
    settings = load_settings(LIGHTWORK_HOME=Path(home), DATABASE_URL=url, _env_file=None)
    engine = make_engine(settings)
    with reading(engine) as session:
        session.connection()
    keep_steady()
    started, cpu = time.perf_counter(), time.process_time()
    if step == "import":
        load_batch(engine, settings, int(number), lambda effects: None)
        with reading(engine) as session:
            batch = session.get_one(Batch, int(number))
            assert batch.state == "published", batch.error_code
            rows = batch.item_count
    else:
        with tempfile.TemporaryDirectory(dir=home) as directory, reading(engine) as session:
            project = session.get_one(Project, int(number))
            rows = write_export(session, project, "labels", rest[0], Path(directory) / "labels", now()).rows
    said = {
        "rows": rows,
        "seconds": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(said), flush=True)


def peak_mb() -> float:
    """The most memory that this process has had. Not `ru_maxrss`, which begins with that of who started it: proc(5)."""
    told = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert told is not None, "this is no Linux"
    return int(told[1]) / 1024


if __name__ == "__main__":
    main()
