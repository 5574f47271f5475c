"""The script in docs/web-chat.md does what it says, against a served web chat and in a process of its own."""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import suppress
from pathlib import Path

from bot.surface import Event, Message, Outcome, Send, Tapped
from bot.surfaces.web import WebSurface
from tests.fakes.crowd import ITEMS, LABELS, LittleCrowd
from tests.fakes.mailbox import MemoryMailbox

PAGE = Path(__file__).parents[2] / "docs" / "web-chat.md"


async def test_the_documented_script_answers_every_item() -> None:
    crowd = LittleCrowd()

    async def until_done(event: Event) -> Outcome:
        outcome = await crowd(event)
        done = isinstance(event, Tapped) and len(crowd.answers) == len(ITEMS)
        if done:
            return Outcome((Send(Message(text="That was the last one.")),))

        async def commit() -> Outcome:
            return outcome

        late = isinstance(event, Tapped) and len(crowd.answers) == 2
        return Outcome(follow_up=commit()) if late else outcome

    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    surface = WebSurface(MemoryMailbox(), lambda error, _locale: error.code, signing_key="k" * 64, port=0)
    running = asyncio.create_task(surface.run(until_done))
    try:
        address = f"http://127.0.0.1:{await surface.listening()}"
        person = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, address, "abcdefghijklmnop"), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await person.communicate()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert person.returncode == 0
    assert output.decode().splitlines() == "\n".join(ITEMS).splitlines()
    assert crowd.answers == [(number, LABELS[0]) for number in range(len(ITEMS))]
