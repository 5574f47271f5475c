"""The web chat: whether it runs, and who can reach it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from core.addresses import web_address
from core.clock import now
from core.config import Settings
from core.db import make_engine, reading, sqlite_file
from core.findings import Finding, ok, skipped, warning
from core.models import SingletonLease
from core.supervisor import running

SECONDS = 2.0


def checks(settings: Settings) -> Iterator[Finding]:
    """Whether it runs; whether its links lead there, and over HTTPS where others use them."""
    address = web_address(settings)
    open_to_others = not _is_loopback(settings.web_host) or bool(settings.web_origin)
    if open_to_others and urlsplit(address).scheme != "https":
        says = f"{address} can be reached by others without HTTPS."
        yield warning(
            "web chat", says, "Put a proxy with a certificate before it and set LIGHTWORK_WEB_ORIGIN=https://..."
        )
    elif not _runs(settings):
        yield _not_running(settings, address)
    elif not open_to_others:
        yield ok("web chat", f"{address}, from this machine only")
    else:
        yield ok("web chat", address)


def _runs(settings: Settings) -> bool:
    """Whether a bot process of this installation is at work, whoever started it: it alone holds such leases."""
    if "bot" in running(settings.home):
        return True
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        return False
    engine = make_engine(settings)
    try:
        with reading(engine) as session:
            held = select(SingletonLease.name).where(SingletonLease.expires_at > now())
            return session.scalars(held.limit(1)).first() is not None
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def _not_running(settings: Settings, address: str) -> Finding:
    """Somebody else may answer at its address: another home, another program."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.web_host, settings.web_host)  # noqa: S104 (compared)
    try:
        socket.create_connection((host, settings.web_port), SECONDS).close()
    except OSError:
        return skipped("web chat", f"not running; it will be at {address}")
    says = f"It does not run here, but something else answers at port {settings.web_port}."
    return warning("web chat", says, "Stop that, or set LIGHTWORK_WEB_PORT to another port before you start.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
