"""A coordinator, two workers and an expert live through one working day, word for word the same on all surfaces."""

from __future__ import annotations

import csv
import io
import re

from sqlalchemy import select

from core.models import Annotation, Item
from tests.integration.day.conftest import PhoneOf
from tests.integration.day.phone import Phone
from tests.integration.day.stage import Stage
from tests.invariants import check_redundancy

TWEETS = "id,text\n1,Sun all day in Portland\n2,Rain again\n3,Lovely breeze tonight\n4,Hail on my new car\n"
GUIDELINES = "Good is what people enjoy. Example: a rainbow is good."
POST = f"/post Nice weather? | Good | Bad | overlap=2-2 | price=0.05 | guidelines={GUIDELINES}"
OPINIONS = {"Sun": "Good", "Rain": "Bad", "Lovely": "Good", "Hail": "Bad"}


async def test_a_working_day(stage: Stage, phone: PhoneOf) -> None:
    cora, ann, ben, eve = await phone("Cora"), await phone("Ann"), await phone("Ben"), await phone("Eve")

    # --- nine o'clock: a job is posted, people come in by links
    await cora.says("hello")
    await cora.sees(cora.door)
    await cora.says(f"/start {stage.invite('owner')}")
    await cora.sees("Welcome to Lightwork")
    await cora.uploads("tweets.csv", TWEETS, POST)
    await cora.sees("Posted “Nice weather?”")
    await stage.work()
    await cora.sees("4 items are open")
    worker_code, expert_code = await invited(cora, "/invite worker 2"), await invited(cora, "/invite expert 1")

    # --- consent, a word about oneself, guidelines, and the first item: three taps
    for worker in (ann, ben):
        await worker.says("/next")
        await worker.sees(worker.door)
        await worker.says(f"/start {worker_code}")
        await worker.sees("coordinators of Lightwork see it", "[I agree]", "[No, thanks]")
        await worker.says("/next")
        await worker.sees("Is that all right with you?")
        await worker.taps("I agree")
        await worker.sees("About you", "[Start]")
        await worker.taps("Start")
        await worker.sees(GUIDELINES, "[Show me the first item]")
        await worker.taps("Show me the first item")
        await worker.sees("Nice weather?", "[Good]", "[Bad]", "[Skip]", "0 of 40 today")

    # --- ann answers, mistaps, takes it back, skips with a reason
    text = await ann.sees("Nice weather?")
    await ann.taps("Bad" if right(text) == "Good" else "Good")
    await ann.sees("✓", "1 of 40 today", "[Undo")
    await ann.taps("Undo")
    await ann.sees("Taken back", first(text))
    await ann.taps(right(text))
    await ann.sees("✓", "1 of 40 today")
    await ann.taps("Guidelines")
    await ann.sees(GUIDELINES)
    await ann.says("/stats")
    await ann.sees("1 ")
    await ann.says("/jobs")
    await ann.sees("Nice weather?", "$0.05 per answer")
    await ann.says("/next")
    await answer_all(ann)

    # --- ben disagrees once, so that there is something to settle
    await ben.says("/next")
    await answer_all(ben, wrong="Hail")

    # --- the crowd is done: the result comes unasked, the dispute is settled
    await stage.work()
    await cora.sees("“Nice weather?” is through", "Items with a label: 3")
    labels = read(await cora.file(await file_named(cora, "labels")))
    assert {row["text"]: row["label"] for row in labels if row["state"] == "agreed"} == {
        "Sun all day in Portland": "Good",
        "Rain again": "Bad",
        "Lovely breeze tonight": "Good",
    }
    await eve.says(f"/start {expert_code}")
    await eve.sees("[I agree]")
    await eve.taps("I agree")
    await eve.sees("About you")
    await eve.says("/settle")
    await eve.sees("Hail on my new car", "Good 1", "Bad 1", "1 of 1 disputed")
    await eve.taps("Bad")
    await eve.sees("Nothing is disputed")

    # --- the coordinator looks, exports, closes
    await cora.says("/status")
    await cora.sees("Nice weather?", "$0.40")
    await cora.says("/workers")
    await cora.sees(ann.shown_as, ben.shown_as, eve.shown_as)
    await cora.says("/export labels csv")
    await cora.sees("I am writing")
    await stage.work()
    await cora.sees("4 rows of labels")
    await cora.says("/log")
    await cora.sees(eve.shown_as, "settle")
    await cora.says("/close")
    await cora.sees("Close")
    await cora.taps("Close")
    await cora.sees("closed")

    # --- five o'clock
    await ann.says("/next")
    await ann.sees("There is no open job")
    await ann.says("/pause")
    await ann.sees("/resume" if "slack" not in stage.surfaces else "/lightwork resume")
    with stage.writing() as session:
        check_redundancy(session)
        counted = session.scalars(select(Annotation.state).where(Annotation.state == "counted")).all()
        assert len(counted) == 8
        assert set(session.scalars(select(Item.state))) == {"agreed", "adjudicated"}


async def test_a_working_day_in_chinese(stage: Stage, phone: PhoneOf) -> None:
    cora, li = await phone("Cora"), await phone("Li")
    await cora.says(f"/start {stage.invite('owner')}")
    await cora.sees("Welcome")
    await cora.uploads("tweets.csv", TWEETS, "/post 天气好吗? | 好 | 不好 | overlap=1-1")
    await cora.sees("Posted")
    await stage.work()
    code = await invited(cora, "/invite worker 1")
    await li.says(f"/start {code}")
    await li.sees("[I agree]")
    await li.taps("中文")
    await li.sees("[同意]")
    await li.taps("同意")
    await li.sees("[开始]")
    await li.taps("开始")
    text = await li.sees("天气好吗?", "[好]", "[不好]", "[跳过]", "今天")
    assert not re.search(r"\b(Skip|Undo|today|items)\b", text)
    await li.taps("好")
    await li.sees("✓ 好", "[撤回")


async def answer_all(worker: Phone, wrong: str = "") -> None:
    """Answer by `OPINIONS` until nothing is left; the item that begins with `wrong` the other way round."""
    while "[Good]" in (text := await worker.sees_one_of("[Good]", "Nothing left")):
        opinion = right(text)
        if wrong and first(text) == wrong:
            opinion = "Good" if opinion == "Bad" else "Bad"
        await worker.taps(opinion)
        await worker.sees(f"✓ {opinion}")


def first(text: str) -> str:
    """The first word of the item on a card."""
    return next(word for word in OPINIONS if word in text)


def right(text: str) -> str:
    """What everybody would answer to the item on a card."""
    return OPINIONS[first(text)]


async def invited(cora: Phone, command: str) -> str:
    """The code of a fresh invite."""
    await cora.says(command)
    news = await cora.sees("join")
    found = re.search(r"join[ /]([a-z2-7]{16})", news)
    assert found, news
    return found[1]


async def file_named(person: Phone, part: str) -> str:
    """The name of the newest file that was sent, which has `part` in it."""
    news = await person.sees(part)
    found = re.findall(r"<([^>]+)>", news)
    assert found, news
    return str(found[-1])


def read(content: bytes) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
