"""The data of the demo: tweets, what people really answered, and what is known to be right."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parent / "weather_text"
QUESTION = "What does this tweet say about the weather?"
LABELS = (
    "Positive",
    "Negative",
    "Neutral / author is just sharing information",
    "Tweet not related to weather condition",
    "I can't tell",
)

Memory = Mapping[str, str]
"""What one person answered: text of a tweet to label."""


@dataclass(frozen=True, slots=True)
class Tweet:
    """One row of items.csv."""

    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Which tweets are asked, who takes part, and what is known.

    first, second: the tweets of the two uploads, in the order of their rows.
    people: name to memory, the most active first. What two tweets with one text were answered counts once.
    gold: text to the label that is known to be right, also of tweets that are not asked.
    """

    first: tuple[Tweet, ...]
    second: tuple[Tweet, ...]
    people: Mapping[str, Memory]
    gold: Mapping[str, str]


def cast(items: int, second: int, people: int, seed: int, directory: Path = DIRECTORY) -> Cast:
    """Choose tweets by `seed`, and the `people` who answered most of all.

    Raises:
        ValueError: more tweets or people are wanted than there are.
    """
    tweets = [Tweet(row["task"], row["text"]) for row in _rows(directory / "items.csv")]
    answers = [(row["worker"], row["task"], row["label"]) for row in _rows(directory / "labels.csv")]
    active = [name for name, _ in Counter(name for name, _, _ in answers).most_common()]
    if items + second > len(tweets) or people > len(active):
        raise ValueError(f"there are {len(tweets)} tweets and {len(active)} people")
    chosen = random.Random(seed).sample(tweets, items + second)
    text_of = {tweet.number: tweet.text for tweet in tweets}
    gold = {text_of[row["task"]]: row["label"] for row in _rows(directory / "gold.csv")}
    return Cast(tuple(chosen[:items]), tuple(chosen[items:]), _memories(chosen, answers, active[:people]), gold)


def as_csv(tweets: Sequence[Tweet]) -> bytes:
    """Tweets as the file that a coordinator uploads."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(("id", "text"))
    writer.writerows((tweet.number, tweet.text) for tweet in tweets)
    return file.getvalue().encode()


def _memories(
    chosen: Sequence[Tweet], answers: Sequence[tuple[str, str, str]], names: Sequence[str]
) -> dict[str, dict[str, str]]:
    text_of = {tweet.number: tweet.text for tweet in chosen}
    memories: dict[str, dict[str, str]] = {name: {} for name in names}
    for name, number, label in answers:
        if name in memories and number in text_of:
            memories[name].setdefault(text_of[number], label)
    return memories


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
