"""Progress while it works: a live panel on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.scene import Scene

FRAME_SECONDS = 0.25
LINE_SECONDS = 5.0
WHO_WIDTH = 12


@asynccontextmanager
async def shown(scene: Scene, console: Console) -> AsyncIterator[None]:
    """Show `scene` while the body runs."""
    showing = asyncio.create_task(_panel(scene, console) if console.is_terminal else _lines(scene, console))
    try:
        yield
    finally:
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing


async def _panel(scene: Scene, console: Console) -> None:
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(render(scene), refresh=True)
            await asyncio.sleep(FRAME_SECONDS)


async def _lines(scene: Scene, console: Console) -> None:
    shown, since = "", LINE_SECONDS
    while True:
        if scene.act != shown or since >= LINE_SECONDS:
            console.print(line(scene), highlight=False, markup=False, soft_wrap=True)
            shown, since = scene.act, 0.0
        await asyncio.sleep(FRAME_SECONDS)
        since += FRAME_SECONDS


def line(scene: Scene) -> str:
    """The scene in one line."""
    bar = f" {scene.done}/{scene.total}" if scene.total else ""
    counts = f"{scene.answers} answers, {scene.rate:.0f}/s, {scene.decided} decided, {scene.disputed} disputed"
    return f"{_clock(scene.elapsed)}  {scene.act}{bar}  ({counts}; {scene.model})"


def render(scene: Scene) -> RenderableType:
    """The scene as a panel. All texts of people go in as `Text`, never as markup."""
    head = Table.grid(expand=True)
    head.add_column(ratio=1)
    head.add_column(justify="right")
    head.add_row(Text(scene.act, style="bold"), Text(_clock(scene.elapsed), style="dim"))
    parts: list[RenderableType] = [head]
    if scene.total:
        bar = ProgressBar(total=scene.total, completed=min(scene.done, scene.total))
        parts.append(Padding(bar, 0))  # a bar alone does not end its line
    counts = f"{scene.answers} answers · {scene.rate:.0f}/s · {scene.decided} decided · {scene.disputed} disputed"
    parts += [Text(f"{counts} · {scene.model}", style="dim"), Text()]
    chat = Table.grid(padding=(0, 1), expand=True)
    chat.add_column(width=WHO_WIDTH, style="cyan", justify="right")
    chat.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for who, what in scene.chat:
        chat.add_row(Text(who), Text(what))
    return Panel(Group(*parts, chat), title="Lightwork demo", border_style="blue")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
