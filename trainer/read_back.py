"""Words of what a model read as words of the text that people see, where the two differ because it was redacted.

A placeholder stands for the words in whose place it was read, and what was read is kept beside them (`Word.read_as`):
that an address is there may speak for a label, whose it is cannot. How a text is redacted is not asked, since it may be
done by anybody's function: the two texts are laid side by side, word by word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from core.explanations import Word
from trainer.attribution import word_spans

MOST_READ = 60
"""So many characters are kept of what was read in place of something."""
LOOKED_AT = 16
"""For each word that was read so many of the text's are looked at, at most: a long text costs no minutes."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """Words of the text and those read in their place, by number; same: the one are the other, word by word."""

    text: range
    read: range
    same: bool


def read_back(text: str, read: str, words: Sequence[Word]) -> tuple[Word, ...]:
    """The words of `read` as words of `text`; what stands for nothing in `text` is left out.

    Args:
        text: as people see it. read: what the model read of it.
        words: of `read`, in its order, cut as `trainer.attribution.word_spans` cuts them.
    """
    if text == read or not words:
        return tuple(words)
    places = dict(_places(text, read, words[-1].end))
    found: dict[Span, Word] = {}
    for word in words:
        if word.start in places:
            span, instead = places[word.start]
            before = found[span].weight if span in found else 0.0
            found[span] = Word(*span, before + word.weight, instead)
    return tuple(found[span] for span in sorted(found))


def _places(text: str, read: str, end: int) -> Iterator[tuple[int, tuple[Span, str]]]:
    """For each word of `read` before `end`, by its start: the span of `text` it stands for, and what was read there."""
    theirs, ours = word_spans(text), word_spans(read)
    needed = sum(start < end for start, _ in ours)
    for block in _blocks(_words(text, theirs), _words(read, ours), needed):
        if block.same:
            yield from (
                (ours[here][0], (theirs[there], "")) for there, here in zip(block.text, block.read, strict=True)
            )
            continue
        span = theirs[block.text[0]][0], theirs[block.text[-1]][1]
        instead = read[ours[block.read[0]][0] : ours[block.read[-1]][1]][:MOST_READ]
        yield from ((ours[here][0], (span, instead)) for here in block.read)


def _blocks(text: Sequence[str], read: Sequence[str], needed: int) -> Iterator[Block]:
    """What stands in the place of what, for at least the first `needed` words of `read` that stand for any."""
    first = _shared(text, read)
    last = _shared(text[first:][::-1], read[first:][::-1])
    yield Block(range(first), range(first), same=True)
    stop = max(first, min(len(read) - last, needed))
    limit = min(len(text) - last, first + LOOKED_AT * (stop - first + 1))
    # Signs hold nothing fast by themselves: a full stop inside an address is not the one behind it.
    matcher = SequenceMatcher(lambda word: not word.isalnum(), text[first:limit], read[first:stop], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind in ("equal", "replace"):
            yield Block(range(first + a, first + b), range(first + c, first + d), kind == "equal")
    yield Block(range(len(text) - last, len(text)), range(len(read) - last, len(read)), same=True)


def _words(text: str, spans: Sequence[Span]) -> list[str]:
    return [text[start:end].casefold() for start, end in spans]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    shortest = min(len(one), len(other))
    return next((place for place in range(shortest) if one[place] != other[place]), shortest)
