"""The least that taps can cost: one fdatasync, and one HTTP round trip with JSON over a plain socket, one by one."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measured import Taps, spending, taps_of

PAGE = bytes(4096)
TOKEN = "123456789:" + "A" * 35


def measure(url: str, directory: Path, people: int, taps: int, rate: float = 0.0) -> Taps:
    """Taps one after the other, or `rate` of them a second.

    Args:
        people: who wait at the same time in a closed loop, and are served in turn.
    """
    shown = []
    with _floor(url, directory) as tap:
        tap(0)
        with spending() as spent:
            started = time.monotonic()
            for number in range(taps):
                due = started + number / rate if rate else time.monotonic()
                time.sleep(max(0.0, due - time.monotonic()))
                tap(number)
                shown.append((time.monotonic() - due) * 1000 * (1 if rate else people))
    return taps_of("floor, open loop" if rate else "floor", "", people, spent, shown)


@contextmanager
def _floor(url: str, directory: Path) -> Iterator[_Tap]:
    parts = urlsplit(url)
    with (
        (directory / "floor").open("wb", buffering=0) as file,
        socket.create_connection((parts.hostname, parts.port)) as connection,
    ):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield _Tap(file.fileno(), connection)


class _Tap:
    def __init__(self, file: int, connection: socket.socket) -> None:
        self._file = file
        self._connection = connection

    def __call__(self, number: int) -> None:
        os.write(self._file, PAGE)
        os.fdatasync(self._file)
        body = json.dumps({"callback_query_id": f"0-{number}", "text": "Saved"}).encode()
        head = f"POST /bot{TOKEN}/answerCallbackQuery HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self._connection.sendall(head.encode() + body)
        received = b""
        while b"\r\n\r\n" not in received or not received.endswith(b"}"):
            received += self._connection.recv(65536)
        assert json.loads(received.partition(b"\r\n\r\n")[2])["ok"]
