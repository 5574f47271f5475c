"""What a line is about is bound once: over coroutines, over threads, and never beyond its block."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from core.log import get_logger, log_ids, note_ids, setup_logging, with_ids

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What has been logged since the last call, as JSON; logging is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_ids_stand_in_every_line_of_the_block_and_in_no_other(lines: Lines) -> None:
    setup_logging("json")
    with log_ids(surface="web"):
        note_ids(worker="w1")
        get_logger("ours").info("inside", assignment="a1")
        logging.getLogger("theirs").warning("inside too")
    note_ids(worker="w2")
    get_logger("ours").info("outside")
    inside, theirs, outside = lines()
    assert (inside["surface"], inside["worker"], inside["assignment"]) == ("web", "w1", "a1")
    assert (theirs["surface"], theirs["worker"]) == ("web", "w1")
    assert not {"surface", "worker"} & outside.keys()


def test_what_a_line_says_itself_comes_first(lines: Lines) -> None:
    setup_logging("json")
    with log_ids(surface="web"):
        get_logger("ours").info("delivered", surface="telegram")
    assert lines()[0]["surface"] == "telegram"


def test_what_another_thread_finds_out_is_known_here(lines: Lines) -> None:
    setup_logging("json")

    def work() -> None:
        note_ids(worker="w1")
        get_logger("ours").info("there")

    with ThreadPoolExecutor(1) as pool:
        with log_ids(surface="web"):
            pool.submit(with_ids(work)).result()
            get_logger("ours").info("here")
        pool.submit(get_logger("ours").info, "the thread afterwards").result()
    there, here, afterwards = lines()
    assert (there["surface"], there["worker"]) == ("web", "w1")
    assert here["worker"] == "w1"
    assert not {"surface", "worker"} & afterwards.keys()


async def test_coroutines_that_run_at_once_keep_theirs(lines: Lines) -> None:
    setup_logging("json")
    both = asyncio.Barrier(2)

    async def event(worker: str) -> None:
        with log_ids(worker=worker):
            await both.wait()
            get_logger("ours").info(worker)

    await asyncio.gather(event("w1"), event("w2"))
    assert {str(line["event"]): line["worker"] for line in lines()} == {"w1": "w1", "w2": "w2"}
