"""Work ahead: everything arrives in order, a failure arrives too, and who leaves early is not waited for."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from core.importing.ahead import made_ahead


class Source:
    """Gives numbers, and remembers how many it gave and whether it was closed."""

    def __init__(self, count: int, fails: bool = False) -> None:
        self.given, self.closed, self.threads = 0, False, set[str]()
        self._count, self._fails = count, fails

    def numbers(self) -> Generator[int]:
        try:
            for number in range(self._count):
                self.threads.add(threading.current_thread().name)
                self.given += 1
                yield number
            if self._fails:
                raise OSError("the disk is gone")
        finally:
            self.closed = True


def fail_over(values: Iterator[int]) -> None:
    """Take one value, and be interrupted."""
    next(values)
    raise KeyboardInterrupt


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_all_values_in_order_from_another_thread(count: int) -> None:
    source = Source(count)
    with made_ahead(source.numbers()) as values:
        assert list(values) == list(range(count))
    assert source.closed
    assert threading.current_thread().name not in source.threads


def test_a_failure_is_raised_behind_what_came_before_it() -> None:
    source = Source(3, fails=True)
    with made_ahead(source.numbers()) as values:
        found = [next(values) for _ in range(3)]
        with pytest.raises(OSError, match="the disk is gone"):
            next(values)
    assert found == [0, 1, 2]


def test_no_more_is_made_than_asked() -> None:
    source = Source(1_000)
    with made_ahead(source.numbers(), depth=2) as values:
        assert [next(values) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert source.closed
    assert source.given <= 5 + 2 + 1


def test_the_thread_ends_with_a_consumer_that_fails() -> None:
    source = Source(1_000)
    with pytest.raises(KeyboardInterrupt), made_ahead(source.numbers()) as values:
        fail_over(values)
    assert source.closed
    assert not [thread for thread in threading.enumerate() if thread.name == "made-ahead"]


def test_a_value_that_is_not_there_in_time_is_not_waited_for() -> None:
    slow = threading.Event()

    def numbers() -> Generator[int]:
        yield 1
        slow.wait(20)
        yield 2

    with made_ahead(numbers()) as values:
        assert next(values) == 1
        assert values.within(0.01) is None
        slow.set()
        assert values.within(20) == 2
        assert values.within(20) is None, "the end"
        assert list(values) == []
        assert list(values) == [], "it does not wait for more"


def test_a_failure_that_is_met_in_between_is_raised_by_the_next_one() -> None:
    with made_ahead(Source(0, fails=True).numbers()) as values:
        assert values.within(20) is None
        for _ in range(2):
            with pytest.raises(OSError, match="the disk is gone"):
                next(values)


def test_a_process_that_may_not_change_who_goes_first_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.setpriority", refuse)
    with made_ahead(Source(3).numbers()) as values:
        assert list(values) == [0, 1, 2]
