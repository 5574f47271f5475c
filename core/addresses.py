"""Where people reach the web chat."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from core.config import Settings

ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 (read only, nothing is bound here)


def web_address(settings: Settings) -> str:
    """LIGHTWORK_WEB_ORIGIN, else what a running `lightwork up` announced in the home, else host and port as set."""
    if settings.web_origin:
        return settings.web_origin.rstrip("/")
    try:
        return (settings.home / "web_address").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return f"http://{ANY_HOST.get(settings.web_host, settings.web_host)}:{settings.web_port}"


def is_reachable(address: str) -> bool:
    """Whether other machines can open `address`: it does not name this machine alone."""
    host = urlsplit(address).hostname or ""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def announce(settings: Settings) -> None:
    """Write down where the web chat listens, for commands in another shell."""
    withdraw(settings)
    address = web_address(settings)
    (settings.home / "web_address").write_text(address, encoding="utf-8")


def withdraw(settings: Settings) -> None:
    """The web chat listens no more."""
    (settings.home / "web_address").unlink(missing_ok=True)
