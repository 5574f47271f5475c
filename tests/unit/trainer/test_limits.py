"""Limits of time and memory end in one sentence each, also where the run hangs."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator

import pytest
import torch

from core.errors import Conflict, LightworkError
from tests.waiting import eventually
from trainer import limits
from trainer.limits import MB, STATM, Limits, bounded_memory

LINUX = pytest.mark.skipif(not STATM.exists(), reason="the system does not count memory so")


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """The present."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def given_up() -> list[str]:
    """Codes that a run was given up with, and how the process was left."""
    return []


def watched(clock: Clock, given_up: list[str], seconds: float = 90, memory_mb: int = 0) -> Limits:
    def give_up(error: LightworkError) -> None:
        given_up.append(error.code)

    return Limits(seconds, memory_mb, give_up, lambda status: given_up.append(f"left with {status}"), clock)


def test_within_its_limits_a_run_goes_on(clock: Clock, given_up: list[str]) -> None:
    one = watched(clock, given_up, memory_mb=1 << 20)
    clock.now += 90
    one.look()
    one.check()


def test_time_that_is_over_is_said_between_two_steps(clock: Clock, given_up: list[str]) -> None:
    one = watched(clock, given_up)
    clock.now += 91
    one.check()
    one.look()
    with pytest.raises(Conflict) as caught:
        one.check()
    assert (caught.value.code, caught.value.params) == ("training_too_long", {"count": 2})
    assert given_up == []


def test_what_earlier_attempts_took_counts(clock: Clock, given_up: list[str]) -> None:
    one = watched(clock, given_up)
    one.spent = lambda: 60.0
    clock.now += 31
    one.look()
    with pytest.raises(Conflict, match="training_too_long"):
        one.check()


def test_memory_that_is_too_much_is_said(clock: Clock, given_up: list[str]) -> None:
    one = watched(clock, given_up, memory_mb=1)
    one.look()
    with pytest.raises(Conflict) as caught:
        one.check()
    assert (caught.value.code, caught.value.params) == ("training_too_large", {"megabytes": 1})


def test_a_run_that_hangs_is_given_up_once_and_its_process_ends(clock: Clock, given_up: list[str]) -> None:
    one = watched(clock, given_up)
    clock.now += 91
    one.look()
    clock.now += limits.GRACE_SECONDS - 1
    one.look()
    assert given_up == []
    clock.now += 1
    one.look()
    assert given_up == ["training_too_long", "left with 1"]


def test_its_process_ends_even_where_that_cannot_be_recorded(clock: Clock) -> None:
    left: list[int] = []

    def fail(_: LightworkError) -> None:
        raise RuntimeError("the database is away")

    one = Limits(90, 0, fail, left.append, clock)
    clock.now += 91
    one.look()
    clock.now += limits.GRACE_SECONDS
    with pytest.raises(RuntimeError, match="away"):
        one.look()
    assert left == [1]


def test_a_thread_looks_until_the_end(clock: Clock, given_up: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "POLL_SECONDS", 0.001)

    def broken() -> bool:
        try:
            one.check()
        except Conflict:
            return True
        return False

    with watched(clock, given_up, seconds=-1) as one:
        eventually(broken, 10, "a look at the clock")
    assert not [thread for thread in threading.enumerate() if thread.name == "limits"]


# --- what the system refuses


@pytest.fixture
def as_before() -> Iterator[None]:
    """The limit of this process is given back as it was."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@LINUX
@pytest.mark.usefixtures("as_before")
def test_a_huge_request_is_refused_before_it_does_harm() -> None:
    before = limits.resident_bytes()
    with pytest.raises(Conflict, match="training_too_large"), bounded_memory(before // MB + 100, "cpu"):
        torch.zeros(10 << 30, dtype=torch.uint8)
    with pytest.raises(Conflict, match="training_too_large"), bounded_memory(before // MB + 100, "cpu"):
        bytearray(10 << 30)
    assert limits.resident_bytes() < before + 100 * MB


@LINUX
@pytest.mark.usefixtures("as_before")
def test_what_is_allowed_can_be_had() -> None:
    with bounded_memory(limits.resident_bytes() // MB + 100, "cpu"):
        assert torch.ones(50 * MB, dtype=torch.uint8)[-1] == 1


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_without_a_limit_the_device_was_too_small(error: BaseException) -> None:
    with pytest.raises(Conflict) as caught, bounded_memory(0, "cuda"):
        raise error
    assert (caught.value.code, caught.value.params) == ("training_out_of_memory", {"device": "cuda"})


@pytest.mark.usefixtures("as_before")
def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), bounded_memory(1 << 20, "cpu"):
        raise RuntimeError("shapes do not match")


def test_the_peak_is_at_least_what_is_held() -> None:
    assert limits.peak_bytes() >= 50 * MB
    assert limits.resident_bytes() >= 50 * MB
