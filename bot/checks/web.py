"""The web chat: who can reach it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from core.addresses import web_address
from core.config import Settings
from core.findings import Finding, ok, warning


def checks(settings: Settings) -> Iterator[Finding]:
    """Whether the links that are handed out lead to the web chat, and over HTTPS where others use them."""
    address = web_address(settings)
    open_to_others = not _is_loopback(settings.web_host) or bool(settings.web_origin)
    if open_to_others and urlsplit(address).scheme != "https":
        says = f"{address} can be reached by others without HTTPS."
        yield warning(
            "web chat", says, "Put a proxy with a certificate before it and set LIGHTWORK_WEB_ORIGIN=https://..."
        )
    elif not open_to_others:
        yield ok("web chat", f"{address}, from this machine only")
    else:
        yield ok("web chat", address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
