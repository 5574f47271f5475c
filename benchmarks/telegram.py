"""CPU of a tap through the Telegram surface next to the library's two calls: `python -m benchmarks.telegram`.

The surface polls, parses, keeps the order of each person, renders, and makes both calls. What answers it is a line of
code instead of the product, which `benchmarks.taps` measures. The library is python-telegram-bot alone, with its
default client and others. All against one server in a process of its own; the ratios count, because machines differ.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import library
from benchmarks.crowd import LABELS, QUESTION, TEXT
from benchmarks.measured import HEADING, Taps
from benchmarks.servers import platform
from benchmarks.tapping import Load, measure
from bot.surface import Button, Edit, Event, Message, Outcome, Part, Toast
from bot.surfaces.slack_rates import Unlimited
from bot.surfaces.telegram import TelegramSurface
from core.errors import LightworkError
from tests.fakes.surfaces import Memory

CROWDS = (1, 8, 64)
BUTTONS = [[label] for label in LABELS] + [["Undo: Sunny"], ["Skip", "Too hard"]]
PAYLOAD = "answer.abcdefghij234567.a.1"
CARD = Message(
    kind="card",
    heading=QUESTION,
    parts=(Part("text", TEXT),),
    footer="12 of 40 today",
    progress=0.3,
    buttons=tuple(tuple(Button(text, PAYLOAD) for text in row) for row in BUTTONS),
)


class Alone(Memory):
    """Offsets and leadership of the only process."""

    renew_seconds = 60.0

    async def take(self) -> int | None:
        """Always the leader."""
        return 1

    async def give_back(self) -> None:
        """Nobody wants it."""


async def surface(url: str, people: int, taps: int) -> Taps:
    """Closed loop: so many people tap again as soon as their card was edited."""
    payloads = {str(user): PAYLOAD for user in range(1, people + 1)}
    with tempfile.TemporaryDirectory() as directory:

        async def start(address: str) -> None:
            memory = Alone()
            made = TelegramSurface(
                library.TOKEN,
                address,
                offsets=memory,
                leadership=memory,
                limiter=Unlimited(),
                fetch_directory=Path(directory),
                sentence=_sentence,
            )
            await made.run(_dispatch)

        return await measure("surface", "", url, start, payloads, Load(people, taps))


async def _dispatch(_event: Event) -> Outcome:
    return Outcome((Toast("Saved"), Edit(CARD)))


def _sentence(error: LightworkError, _locale: str) -> str:
    return str(error)


def rows_of(url: str, taps: int) -> list[Taps]:
    """The library with each of its clients, then the surface, for each number of people; printed as they come."""
    rows = []
    for people in CROWDS:
        for what, request in library.requests(people).items():
            rows.append(asyncio.run(library.measure(what, url, request, people, taps)))
            print(rows[-1].line(), flush=True)
        rows.append(asyncio.run(surface(url, people, taps)))
        print(rows[-1].line(), flush=True)
    return rows


def ratios(rows: Sequence[Taps]) -> dict[str, float]:
    """CPU of the surface over that of the library's default, by the number of people."""
    spent = {(row.what, row.people): row.cpu_ms for row in rows}
    return {
        f"CPU, {people} people / library, default": spent["surface", people] / spent["library, default", people]
        for people in CROWDS
    }


def main() -> None:
    """Print a table and the ratios; with `--json` the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taps", type=int, default=2000, help="of each run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(HEADING)
    with platform("telegram_server") as url:
        rows = rows_of(url, options.taps)
    print()
    print("\n".join(f"{name:<64} {ratio:6.2f}" for name, ratio in ratios(rows).items()))
    if options.json:
        print(json.dumps({"runs": [asdict(row) for row in rows], "ratios": ratios(rows)}))


if __name__ == "__main__":
    main()
