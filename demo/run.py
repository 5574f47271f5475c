"""`lightwork demo`: the command."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from core.config import load_settings
from core.db import make_engine, reading
from core.errors import SettingsError
from core.models import Project
from demo import processes
from demo.coordinator import Coordinator
from demo.crowd import Crowd
from demo.data import Cast, cast
from demo.errors import DemoError
from demo.journal import Journal
from demo.platforms import PLATFORMS, Platform
from demo.play import Options, Outcome, Play, perform
from demo.processes import Up
from demo.progress import shown
from demo.report import Promise, figures, promises
from demo.scene import Scene
from demo.summary import show

TWEETS, PEOPLE = 1000, 102
TRAINING_NEEDS = ("torch", "transformers", "safetensors", "sklearn")
INTERRUPTED = 130
AGAIN_SECONDS = 0.5
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(argv: Sequence[str]) -> int:
    """Run the demo; 0 if all went well, 1 if something did not happen or a promised figure was missed.

    Raises:
        SettingsError: the home cannot be used.
        click.ClickException: an option is wrong.
    """
    status = _command.main(args=list(argv), prog_name="lightwork demo", standalone_mode=False)
    return int(status or 0)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--items", default=700, show_default=True, type=click.IntRange(20, TWEETS), help="Tweets posted first.")
@click.option("--second", default=300, show_default=True, type=click.IntRange(0), help="Tweets added later.")
@click.option("--people", default=PEOPLE, show_default=True, type=click.IntRange(10, PEOPLE), help="Who take part.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Default: LIGHTWORK_HOME/demo.")
@click.option("--seed", default=1, show_default=True, help="Decides which tweets are asked.")
@click.option(
    "--surface", default="web", show_default=True, type=click.Choice(sorted(PLATFORMS)), help="Where they chat."
)
@click.option("--no-training", is_flag=True, help="Leave the model out: a quick look.")
@click.option("--keep", is_flag=True, help="Leave everything running at the end, until Ctrl-C.")
def _command(
    items: int, second: int, people: int, home: Path | None, seed: int, surface: str, no_training: bool, keep: bool
) -> int:
    """Show the whole product at work: 102 real people's answers to 1000 tweets become labels and a model."""
    if items + second > TWEETS:
        raise click.UsageError(f"There are {TWEETS} tweets; --items and --second are more together.")
    if keep and surface != "web":
        raise click.UsageError("With --keep you join in the web chat; leave --surface out.")
    if missing := [name for name in TRAINING_NEEDS if not no_training and find_spec(name) is None]:
        raise SettingsError(
            f"The demo trains a model, which needs {', '.join(missing)}; install them with: "
            "pip install '.[all]' in the checkout, or leave the model out with --no-training."
        )
    home = home or load_settings().home / "demo"
    options = Options(items, second, people, seed, home, training=not no_training, keep=keep, surface=surface)
    processes.prepare_home(home)
    console = Console()
    try:
        return asyncio.run(_run(options, console))
    except* (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped.", highlight=False)
        status = INTERRUPTED
    except* DemoError as group:
        for error in _leaves(group):
            console.print(f"The demo failed: {error}", style="red", highlight=False, markup=False)
        console.print(f"Its logs lie in {home / 'log'}.", highlight=False, markup=False)
        status = 1
    return status


async def _run(options: Options, console: Console) -> int:
    interruption = Interruption(asyncio.current_task())
    scene, outcome = Scene(), Outcome()
    chosen = cast(options.items, options.second, options.people, options.seed)
    platform = PLATFORMS[options.surface]()
    up: Up | None = None
    try:
        async with shown(scene, console):
            up = await processes.start(options.home, await platform.start())
            outcome.stage("starting")
            platform.reached(up)
            place = f", at {up.base_url} while this runs" if options.surface == "web" else ""
            console.print(f"Everybody meets in {platform.name}{place}.", highlight=False, soft_wrap=True)
            link = await _act(options, chosen, scene, up, outcome, platform)
            if not options.keep:
                scene.begin("Stopping everything")
                await up.stop()
                outcome.stage("stopping")
        report, kept = _report(options, chosen, outcome)
        show(console, report, kept, options.home)
        if options.keep:
            await _stay(console, up, link)
    finally:
        interruption.heeded()
        if up is not None and up.running:
            console.print("Stopping everything ...", highlight=False)
            await asyncio.shield(up.stop())
        await platform.stop()
    return 0 if all(one.kept for one in kept if one.binding) else 1


async def _act(options: Options, chosen: Cast, scene: Scene, up: Up, outcome: Outcome, platform: Platform) -> str:
    """The play; returns a link by which the audience can join as a coordinator, where it asked to stay."""
    coordinator = Coordinator(platform.chat(), scene.say)
    with Journal(options.home / "journal.jsonl") as journal:
        crowd = Crowd(chosen.people, journal, platform.chat, seats=platform.seats, seed=options.seed)
        play = Play(options, chosen, scene, coordinator, crowd, outcome, platform)
        await perform(play, up, processes.demo_settings(options.home))
        return await coordinator.invite(1, "coordinator") if options.keep else ""


def _report(options: Options, chosen: Cast, outcome: Outcome) -> tuple[Mapping[str, Any], list[Promise]]:
    outcome.seconds["total"] = round(sum(outcome.seconds.values()), 1)
    engine = make_engine(processes.demo_settings(options.home))
    try:
        with reading(engine) as session:
            project = session.query(Project).filter_by(public_id=outcome.project).one()
            journal = options.home / "journal.jsonl"
            report = figures(session, project, chosen.gold, journal, outcome.doubts, outcome.seconds)
    finally:
        engine.dispose()
    report |= {"tweets_posted": options.items + options.second, "skips": outcome.skips}
    whole = (options.items + options.second, options.people) == (TWEETS, PEOPLE)
    kept = promises(report, whole=whole, models=options.models)
    binding = {one.says: one.kept for one in kept if one.binding}
    text = json.dumps({**report, "promises": binding}, indent=2, ensure_ascii=False)
    (options.home / "report.json").write_text(text + "\n", encoding="utf-8")
    return report, kept


async def _stay(console: Console, up: Up, link: str) -> None:
    console.print(f"\n  Lightwork goes on running. Look around as a coordinator (the link works once):\n    {link}")
    console.print("  Ctrl-C stops it.", highlight=False)
    await up.ended()


class Interruption:
    """Ends the play at Ctrl-C and SIGTERM, also where a wait that times out in that moment swallows the first try.

    Trying again may cut the clean-up of something inside the play short. That loses nothing: all that has to end in
    order is `lightwork up`, which is stopped after `heeded`; other processes die with this one, and what lies in the
    home is wiped by the next demo.
    """

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        """Of the task that runs the play, from now on until `heeded`."""
        self._task = task
        self._heeded = False
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._cancel)

    def heeded(self) -> None:
        """The play is over. From now on these signals do what they do by default: a second Ctrl-C waits for nothing."""
        self._heeded = True
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _cancel(self) -> None:
        if self._task is not None and not self._heeded:
            self._task.cancel()
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._cancel)


def _leaves(group: BaseExceptionGroup[DemoError]) -> list[DemoError]:
    """The errors in a group, each sentence once."""
    found: dict[str, DemoError] = {}
    for error in group.exceptions:
        for leaf in _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]:
            found.setdefault(str(leaf), leaf)
    return list(found.values())
