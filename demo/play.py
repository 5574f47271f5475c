"""The play: everything that happens in the demo, act by act, through the product's own doors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.config import Settings
from demo.coordinator import Coordinator
from demo.crowd import Crowd
from demo.data import LABELS, QUESTION, Cast
from demo.errors import DemoError
from demo.platforms import Platform
from demo.processes import Up
from demo.scene import Scene
from demo.sentences import counted
from demo.watch import Look, Watch

LOOK_SECONDS = 0.5
SETTLING_SECONDS = 15.0
TRAINING_SECONDS = 300.0
PREDICTION_SECONDS = 90.0
LEASE_SECONDS = 600
OVERLAP = "3-8"
NEVER = 1_000_000
RETRAIN_SHARE = 0.36
"""A run falls due after this share of all tweets: once among the first 70 %, and once more before the end, although
the count runs on for some seconds until it is looked at."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked for."""

    items: int
    second: int
    people: int
    seed: int
    home: Path
    training: bool
    keep: bool
    surface: str = "web"

    @property
    def retrain(self) -> int:
        """The project's threshold of newly decided items."""
        return round(RETRAIN_SHARE * (self.items + self.second)) if self.training else NEVER

    @property
    def models(self) -> int:
        """How many models are to be trained: one after each upload."""
        return (2 if self.second else 1) if self.training else 0


@dataclass(slots=True)
class Outcome:
    """What the play leaves behind for the report."""

    project: str = ""
    doubts: dict[int, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    skips: int = 0
    left_open: int = 0
    """Items at the end of the last stage that nobody who is here can say more about."""
    _stage_began: float = field(default_factory=time.monotonic)

    def stage(self, name: str) -> None:
        """The stage `name` ends here."""
        moment = time.monotonic()
        self.seconds[name] = round(moment - self._stage_began, 1)
        self._stage_began = moment


@dataclass(slots=True)
class Play:
    """Who and what is on the stage."""

    options: Options
    cast: Cast
    scene: Scene
    coordinator: Coordinator
    crowd: Crowd
    outcome: Outcome
    platform: Platform


async def perform(play: Play, up: Up, settings: Settings) -> None:
    """All acts, from the posted job to the exported files."""
    outcome, options = play.outcome, play.options
    await _post(play, up)
    with Watch(settings, outcome.project) as watch:
        await _label(play, watch, "labeling")
        await _settle(play, watch, "settling")
        if options.training:
            await _train(play, watch, 1)
        if options.second:
            await _post_more(play, watch)
            await _label(play, watch, "second_labeling")
            await _settle(play, watch, "second_settling")
            if options.training:
                await _train(play, watch, 2)
        if (await asyncio.to_thread(watch.look)).open > outcome.left_open:  # re-estimation has taken decisions back
            await _label(play, watch, "last_answers")
        _show(play.scene, watch.look())
    await _export(play)
    outcome.skips = play.crowd.skips


async def _post(play: Play, up: Up) -> None:
    scene, options = play.scene, play.options
    scene.begin(f"The coordinator posts {options.items} tweets")
    await play.coordinator.join(up.owner_link)
    caption = f"/post {QUESTION} | {' | '.join(LABELS)} | overlap={OVERLAP} | lease={LEASE_SECONDS}"
    caption += f" | retrain={options.retrain}"
    play.outcome.project = await play.coordinator.post("tweets.csv", play.cast.first, caption)
    scene.begin(f"{len(play.crowd.people)} people join by the invite link")
    await play.crowd.join(await play.coordinator.invite(len(play.crowd.people)))
    play.outcome.stage("posting")


async def _post_more(play: Play, watch: Watch) -> None:
    """Nobody is at work here, so that a model has spoken before the first new tweet is asked."""
    modelled = (await asyncio.to_thread(watch.look)).champion is not None
    more = "; the model looks at them first" if modelled else ""
    play.scene.begin(f"The coordinator adds {play.options.second} tweets{more}")
    await play.coordinator.add("more-tweets.csv", play.cast.second)
    await _until(lambda: not watch.predictions_due(), PREDICTION_SECONDS, "The model did not speak on the new tweets")
    play.outcome.doubts = await asyncio.to_thread(watch.newest_uncertainties)
    play.outcome.stage("second_posting")


async def _label(play: Play, watch: Watch, stage: str) -> None:
    """Let people work until no item is open and the consensus has seen their last answers."""
    more = " in the order of the model's doubt" if play.outcome.doubts else ""
    play.scene.begin(f"{len(play.crowd.people)} people answer in {play.platform.name}{more}", watch.look().items)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(play.crowd.work())
        try:
            play.outcome.left_open = await _until_decided(play, watch)
        finally:
            play.crowd.stop()
        await working
    play.outcome.stage(stage)


async def _until_decided(play: Play, watch: Watch) -> int:
    """Look on until nothing is left to do; returns how many items stay open because nobody knows more of them."""
    patience = play.platform.stage_seconds
    deadline = time.monotonic() + patience
    empty_since: float | None = None
    before, changed = watch.look(), time.monotonic()
    while True:
        look = await asyncio.to_thread(watch.look)
        _show(play.scene, look)
        play.scene.done = look.items - look.open
        now = time.monotonic()
        play.scene.count(play.crowd.answers, now)
        for moment in _drained(play.crowd):
            play.scene.say(*moment)
        empty_since = None if look.open or play.crowd.cards_in_hand else (empty_since or now)
        if empty_since is not None and (not look.settling or now - empty_since > SETTLING_SECONDS):
            return 0
        before, changed = look, (changed if look == before else now)
        stuck = look.open and play.crowd.in_vain_since(changed)
        if stuck and (not look.settling or now - changed > SETTLING_SECONDS):
            return look.open
        if now > deadline:
            raise DemoError(f"People were not done within {patience:.0f} seconds; {look.open} items are open.")
        await asyncio.sleep(LOOK_SECONDS)


async def _settle(play: Play, watch: Watch, stage: str) -> None:
    disputed = (await asyncio.to_thread(watch.look)).disputed
    known = " and settles those whose right label is known" if disputed else ""
    play.scene.begin(f"The coordinator looks through {counted(disputed, 'dispute')}{known}")
    settled, left = await play.coordinator.settle(play.cast.gold)
    play.scene.say("coordinator", f"{settled} settled, {left} left for later")
    play.outcome.stage(stage)


async def _train(play: Play, watch: Watch, number: int) -> None:
    """Wait for the run that the threshold has made due; where it was not reached, train by command.

    Raises:
        DemoError: the run failed or takes too long.
    """
    play.scene.begin(f"A model learns from the labels (run {number})")
    if not await _due_by_itself(watch, number) and (reason := await play.coordinator.train()) is not None:
        raise DemoError(f"Training could not start: {reason}")
    await _hear_of_training(play, watch)
    await _until(lambda: not watch.look().training, TRAINING_SECONDS, "A training run did not end")
    await _until(lambda: not watch.predictions_due(), PREDICTION_SECONDS, "The model did not speak on the open items")
    _show(play.scene, await asyncio.to_thread(watch.look))
    play.outcome.stage("training" if number == 1 else "second_training")


async def _hear_of_training(play: Play, watch: Watch) -> None:
    async with asyncio.TaskGroup() as group:
        message = play.coordinator.hear("training_done", TRAINING_SECONDS, failure="training_failed")
        hearing = group.create_task(message)
        while not hearing.done():
            _show(play.scene, await asyncio.to_thread(watch.look))
            await asyncio.wait({hearing}, timeout=LOOK_SECONDS)


async def _due_by_itself(watch: Watch, number: int) -> bool:
    """Whether the threshold brings run `number`; the last verdicts are counted by the next re-estimation."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < deadline:
        if (await asyncio.to_thread(watch.look)).runs >= number:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


async def _export(play: Play) -> None:
    play.scene.begin("The coordinator exports labels and annotations")
    home = play.options.home
    labels = await play.coordinator.export("labels", "csv", home / "labels.csv")
    annotations = await play.coordinator.export("annotations", "jsonl", home / "annotations.jsonl")
    play.scene.say("coordinator", f"{labels} labels and {annotations} annotations downloaded")
    play.outcome.stage("exporting")


async def _until(done: Callable[[], bool], seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(done):
        if time.monotonic() > deadline:
            raise DemoError(f"{complaint} within {seconds:.0f} seconds.")
        await asyncio.sleep(LOOK_SECONDS)


def _show(scene: Scene, look: Look) -> None:
    scene.decided, scene.disputed = look.decided, look.disputed
    if look.training:
        scene.model = "a model is learning"
    elif look.champion is not None and look.accuracy is not None:
        scene.model = f"model v{look.champion}, {look.accuracy:.0%} right"


def _drained(crowd: Crowd) -> list[tuple[str, str]]:
    lines = [(moment.person, f"[{moment.label}]  {moment.text}") for moment in crowd.recent]
    crowd.recent.clear()
    return lines
