"""The local port of one process, served by a thread, so that it answers whatever the main loop does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from core.config import Settings
from core.log import get_logger
from core.monitoring.readiness import Probe, Readiness
from core.pulse import silent_seconds

PROCESSES = {"bot": 0, "worker": 1, "schedule": 2, "trainer": 3}
"""Which process listens how far above LIGHTWORK_METRICS_PORT: all of them are given the same settings."""
MOST_SILENT_SECONDS = {"bot": 10.0, "worker": 120.0, "schedule": 60.0, "trainer": 120.0}
"""After this long without a sign of its main loop a process counts as stuck. RQ's workers wait for 25 s for a job."""
REQUEST_SECONDS = 5.0
POLL_SECONDS = 0.1
"""How often the server looks whether it is to end."""
JSON_TYPE = "application/json"

log = get_logger(__name__)


class Monitor:
    """Answers for one process.

    Args:
        process: a key of `PROCESSES`.
        probes: what the process needs to work.
        registry: what it counts.
    """

    def __init__(self, process: str, probes: Mapping[str, Probe], registry: CollectorRegistry = REGISTRY) -> None:
        self.readiness = Readiness(probes)
        self._most_silent = MOST_SILENT_SECONDS[process]
        self._registry = registry
        self._server: ThreadingHTTPServer | None = None

    def listen(self, host: str, port: int) -> int:
        """Serve from now on; returns the real port, or 0: a port that is taken costs the figures, not the process."""
        handler = type("Handler", (_Handler,), {"monitor": self})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            log.error("metrics_not_served", host=host, port=port, error=error.strerror)
            return 0
        Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), name="metrics", daemon=True).start()
        log.info("metrics_listening", host=host, port=self._server.server_address[1])
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Status, content type and body for a path."""
        match path:
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)
            case "/healthz":
                return self._health()
            case "/readyz":
                missing = self.readiness.missing()
                status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
                return status, JSON_TYPE, _json({"ready": not missing, "missing": missing})
            case _:
                return HTTPStatus.NOT_FOUND, JSON_TYPE, _json({"paths": ["/metrics", "/healthz", "/readyz"]})

    def _health(self) -> tuple[HTTPStatus, str, bytes]:
        silent = silent_seconds()
        if silent <= self._most_silent:
            return HTTPStatus.OK, JSON_TYPE, _json({"status": "ok"})
        return HTTPStatus.SERVICE_UNAVAILABLE, JSON_TYPE, _json({"status": "stuck", "silent_seconds": round(silent)})


@contextmanager
def monitored(settings: Settings, process: str, probes: Mapping[str, Probe]) -> Iterator[Monitor]:
    """A monitor that serves for as long as the block lasts, where a port is set."""
    monitor = Monitor(process, probes)
    if settings.metrics_port:
        monitor.listen(settings.metrics_host, settings.metrics_port + PROCESSES[process])
    try:
        yield monitor
    finally:
        monitor.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16


class _Handler(BaseHTTPRequestHandler):
    monitor: Monitor
    timeout = REQUEST_SECONDS
    server_version, sys_version = "lightwork", ""

    def do_GET(self) -> None:
        status, content_type, body = self.monitor.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A line for each scrape would hide all others."""


def _json(found: Mapping[str, object]) -> bytes:
    return json.dumps(found).encode() + b"\n"
