"""Bans, dynamic overlap and gold at once, in whatever order Hypothesis thinks of."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from core.aims import Aim
from core.quality import RULES
from tests.integration.composition import background, people, staff
from tests.integration.composition.stage import Stage
from tests.integration.composition.world import World

SOMEBODY = st.integers(0, 11)
EXPERT = st.integers(0, 1)
ANSWERS = st.lists(st.tuples(SOMEBODY, st.sampled_from(people.MANNERS)), min_size=3, max_size=9)
ONE_OF_FORTY = st.integers(0, 39)
AIMS = st.one_of(
    st.builds(Aim, error_cost=st.sampled_from((2.0, 15.0, 60.0))),
    st.builds(Aim, kind=st.just("accuracy"), target=st.sampled_from((0.8, 0.97))),
    st.builds(Aim, kind=st.just("budget"), budget=st.sampled_from((20, 45, 80, 140))),
)
MOST_PEOPLE = 12
MOST_BETWEEN = 6
"""Answers between two steps are fewer than this."""


class Composition(RuleBasedStateMachine):
    """One job. Each rule is one or more events, after each of which everything is looked at."""

    stage: ClassVar[Stage]
    world: World | None = None

    @initialize(seed=st.integers(0, 2**16), with_pilot=st.booleans())
    def begin(self, seed: int, with_pilot: bool) -> None:
        """An open job, with a pilot or without."""
        self.world = self.stage.open(seed)
        if with_pilot:
            staff.begin_pilot(self.world)

    def teardown(self) -> None:
        """The end of a story."""
        if self.world is not None:
            self.stage.close(self.world)

    @property
    def open(self) -> World:
        """The job, after the usual work and all that is due."""
        assert self.world is not None
        staff.keep_going(self.world)
        people.go_on(self.world, self.world.chance.randrange(MOST_BETWEEN))
        background.run_due(self.world)
        return self.world

    def worker(self, which: int) -> str:
        """An account of somebody who answers."""
        assert self.world is not None
        return self.world.workers[which % len(self.world.workers)]

    def expert(self, which: int) -> str:
        """An expert's account."""
        assert self.world is not None
        return self.world.experts[which]

    # --- people ---------------------------------------------------------------------------------------------------

    @rule(answers=ANSWERS)
    def people_answer(self, answers: list[tuple[int, str]]) -> None:
        """The usual day."""
        world = self.open
        for which, manner in answers:
            people.answer(world, self.worker(which), manner)

    @rule(answers=ANSWERS)
    def people_answer_well(self, answers: list[tuple[int, str]]) -> None:
        """A good day."""
        world = self.open
        for which, _ in answers:
            people.answer(world, self.worker(which), "right")

    @rule(which=SOMEBODY, manner=st.sampled_from(people.MANNERS), count=st.integers(4, 12))
    def one_works_hard(self, which: int, manner: str, count: int) -> None:
        """Somebody goes through what there is."""
        world = self.open
        for _ in range(count):
            people.answer(world, self.worker(which), manner)

    @rule(which=SOMEBODY, old=ONE_OF_FORTY, label=st.sampled_from("abc"))
    def old_tap(self, which: int, old: int, label: str) -> None:
        """A second tap, or a late one."""
        people.old_tap(self.open, self.worker(which), old, label)

    @rule(which=SOMEBODY, reason=st.sampled_from(people.REASONS))
    def skip(self, which: int, reason: str) -> None:
        """One item is not for them."""
        people.skip(self.open, self.worker(which), reason)

    @rule(which=SOMEBODY)
    def undo(self, which: int) -> None:
        """The last answer was a slip."""
        people.undo(self.open, self.worker(which))

    @rule(which=SOMEBODY, old=ONE_OF_FORTY)
    def undo_old(self, which: int, old: int) -> None:
        """An undo button of before."""
        people.undo_old(self.open, self.worker(which), old)

    @rule(which=SOMEBODY, name=st.sampled_from(("pause", "resume", "next", "next")))
    def come_and_go(self, which: int, name: str) -> None:
        """A pause, and its end."""
        people.command(self.open, self.worker(which), name)

    @rule(which=SOMEBODY)
    def leave(self, which: int) -> None:
        """They block the bot."""
        people.leave(self.open, self.worker(which))

    @rule(which=SOMEBODY, languages=st.sampled_from(((), ("en",), ("de", "zh"))))
    def read(self, which: int, languages: tuple[str, ...]) -> None:
        """They say what they read."""
        people.read_languages(self.open, self.worker(which), languages)

    @rule(which=SOMEBODY)
    def begin_lessons(self, which: int) -> None:
        """They are ready for the quiz."""
        people.begin_lessons(self.open, self.worker(which))

    @precondition(lambda self: self.world is not None and len(self.world.workers) > 5)
    @rule(which=SOMEBODY, other=SOMEBODY)
    def link(self, which: int, other: int) -> None:
        """Two accounts are joined."""
        people.link(self.open, self.worker(which), self.worker(other))

    @rule(which=SOMEBODY, really=st.integers(0, 3))
    def forget(self, which: int, really: int) -> None:
        """Now and then somebody has themselves erased."""
        if not really:
            people.erase(self.open, self.worker(which))

    @precondition(lambda self: self.world is not None and len(self.world.workers) < MOST_PEOPLE)
    @rule()
    def come(self) -> None:
        """Somebody new."""
        people.come(self.open)

    # --- time -----------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from((15, 61, 601, 650, 1300, 90_000)))
    def pass_time(self, seconds: int) -> None:
        """Leases run out."""
        background.pass_time(self.open, seconds)

    @rule()
    def estimate_anew(self) -> None:
        """A re-estimation of everything."""
        background.estimate_anew(self.open)

    @rule()
    def lose_redis(self) -> None:
        """Redis forgets."""
        background.lose_redis(self.open)

    # --- who coordinates ------------------------------------------------------------------------------------------

    @rule(
        which=SOMEBODY, act=st.sampled_from(("suspend", "resume", "ban", "ban", "unban", "unban")), again=st.booleans()
    )
    def set_member(self, which: int, act: str, again: bool) -> None:
        """A ban, with what they alone decided asked again; and back."""
        staff.set_member(self.open, self.worker(which), act, recollected=again)

    @rule(
        which=SOMEBODY,
        kind=st.sampled_from(sorted(RULES)),
        action=st.sampled_from(("none", "warn", "gold", "pause", "pause", "ban")),
    )
    def find_fault(self, which: int, kind: str, action: str) -> None:
        """A flag, and what its rule leads to."""
        staff.find_fault(self.open, self.worker(which), kind, action)

    @rule(
        which=SOMEBODY, flag=st.integers(0, 7), act=st.sampled_from(("lift", "lift", "lift", "uphold", "pause", "ban"))
    )
    def settle_flag(self, which: int, flag: int, act: str) -> None:
        """An appeal, and a decision."""
        staff.appeal(self.open, self.worker(which))
        staff.settle_flag(self.open, flag, act)

    @rule(least=st.integers(1, 3), more=st.integers(0, 3))
    def change_range(self, least: int, more: int) -> None:
        """Another range of answers."""
        staff.change_range(self.open, least, more)

    @rule(aim=AIMS)
    def change_aim(self, aim: Aim) -> None:
        """Another aim, often a budget."""
        staff.change_aim(self.open, aim)

    @rule(
        setting=st.sampled_from(
            (
                {"gold_use": "measure"},
                {"gold_use": "check"},
                {"gold_every": 2},
                {"teaches": True},
                {"teaches": False},
                {"practice": 2},
                {"practice": 0},
                {"quiz": 2, "quiz_pass": 0.5},
                {"quiz": 0},
                {"qualification_days": 1},
                {"least_accuracy": 0.6},
                {"least_accuracy": 0.0},
            )
        )
    )
    def change_known(self, setting: dict[str, object]) -> None:
        """Gold, practice, a quiz."""
        staff.change_known(self.open, **setting)

    @rule(
        setting=st.sampled_from(
            (
                {"price": 5},
                {"price": 2},
                {"language": "de"},
                {"language": ""},
                {"language": ""},
                {"audience": "experts"},
                {"audience": "everyone"},
                {"audience": "everyone"},
                {"lease_seconds": 60},
                {"lease_seconds": 600},
            )
        )
    )
    def change_job(self, setting: dict[str, object]) -> None:
        """Price, language, audience, time for an answer."""
        staff.change_job(self.open, **setting)

    @rule(state=st.sampled_from(("paused", "closed", "open", "open", "open")))
    def put(self, state: str) -> None:
        """The job stops, and goes on."""
        staff.put(self.open, state)

    @rule(count=st.integers(1, 2))
    def append(self, count: int) -> None:
        """Further items."""
        staff.append(self.open, count)

    @rule(really=st.integers(0, 7))
    def append_known(self, really: int) -> None:
        """Further items with known labels; now and then another label."""
        world = self.open
        if not really:
            staff.add_label(world)
        elif really == 1:
            staff.append_known(world)

    @rule()
    def go_on_after_pilot(self) -> None:
        """The pilot is through, or not."""
        staff.end_pilot(self.open)

    @rule(which=SOMEBODY)
    def admit_by_hand(self, which: int) -> None:
        """Somebody is let in without a quiz."""
        staff.admit_by_hand(self.open, self.worker(which))

    @rule(how=st.sampled_from(("keep", "correct", "drop")))
    def decide_doubt(self, how: str) -> None:
        """A known label that people contradict."""
        staff.decide_doubt(self.open, how)

    @rule(label=st.sampled_from(("a", "b", "")))
    def last_word(self, label: str) -> None:
        """Two experts differ."""
        staff.last_word(self.open, label)

    # --- experts --------------------------------------------------------------------------------------------------

    @rule(
        expert=EXPERT,
        how=st.sampled_from(("right", "right", "wrong", "unanswerable", "aside")),
        promoted=st.booleans(),
    )
    def settle(self, expert: int, how: str, promoted: bool) -> None:
        """A dispute is settled; the verdict may become gold."""
        staff.settle(self.open, self.expert(expert), how, promoted=promoted)

    @rule(
        expert=EXPERT,
        how=st.sampled_from(("right", "wrong", "unanswerable")),
        promoted=st.booleans(),
        answers=st.integers(0, 2),
        again=st.integers(1, 2),
    )
    def settle_and_undo(self, expert: int, how: str, promoted: bool, answers: int, again: int) -> None:
        """A verdict was a slip; meanwhile people may have gone on. The second tap changes nothing."""
        world = self.open
        staff.settle(world, self.expert(expert), how, promoted=promoted)
        people.go_on(world, answers)
        for _ in range(again):
            staff.take_verdict_back(world)

    @rule(expert=EXPERT, how=st.sampled_from(("accept", "reject", "correct")))
    def audit(self, expert: int, how: str) -> None:
        """An answer is looked at."""
        staff.audit(self.open, self.expert(expert), how)

    @rule(expert=EXPERT, which=SOMEBODY)
    def promote(self, expert: int, which: int) -> None:
        """A verdict of before becomes gold."""
        staff.promote(self.open, self.expert(expert), which)
