"""Work in a thread beside other work goes on until the end, and not beyond."""

from __future__ import annotations

import threading

from core.repeating import Repeating

NAME = "test-repeating"


def test_it_is_done_again_and_again_until_the_end() -> None:
    calls: list[int] = []
    thrice = threading.Event()

    def work() -> None:
        calls.append(1)
        if len(calls) == 3:
            thrice.set()

    with Repeating(work, 0.001, NAME):
        assert thrice.wait(10)
    done = len(calls)
    assert not [thread for thread in threading.enumerate() if thread.name == NAME]
    assert len(calls) == done


def test_an_end_before_the_first_pause_is_over_waits_for_nothing() -> None:
    called = threading.Event()
    with Repeating(called.set, 3600, NAME):
        pass
    assert not called.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == NAME]
