"""Flags for coordinators: a list, and one flag with its evidence and a sample of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import number
from bot.texts.units import in_a_row, shorten
from bot.tokens import make
from core.flags import FlagLine, FlagReport, FlagsPage, Sampled

MOST_ODDS = 6
"""Powers of ten that are said; beyond, more would only look exact."""
NAME_UNITS = 24


class Origin(NamedTuple):
    """The list from which somebody came to a flag. page: from 1. of_job: it is of one job alone."""

    page: int = 1
    of_job: bool = False

    @property
    def version(self) -> int:
        """As a button carries it."""
        return 2 * self.page + self.of_job

    @staticmethod
    def of(version: int) -> Origin:
        """Of a button; one from elsewhere says nothing of a page."""
        return Origin(max(1, version // 2), bool(version % 2))


@dataclass(frozen=True, slots=True)
class FlagsCard(View):
    """One page of the flags of a workspace, or of one job, whose public id and name are then given."""

    page: FlagsPage
    project_public_id: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class FlagCard(View):
    """One flag, and what the reader may do. question: a code, asked before it is done.

    Its buttons carry as their version where the reader came from (`Origin`).
    """

    report: FlagReport
    rows: tuple[tuple[Choice, ...], ...]
    question: str = ""


def render(card: FlagsCard, locale: str) -> Message:
    """A line and a button for each flag."""
    page = card.page
    if not page.lines:
        code = "flags_none_in" if card.project else "flags_none"
        return Message(text=say(code, locale, project=card.project))
    here = Origin(page.page, bool(card.project_public_id)).version
    buttons = [(Choice(make("flag", one.public_id, version=here), text=_button(one, locale)),) for one in page.lines]
    code = "flags_heading" if page.unsettled else "flags_heading_settled"
    return Message(
        heading=say(code, locale, count=page.unsettled),
        text="\n".join(_line(one, card, locale) for one in page.lines),
        footer=say("members_page", locale, page=page.page, pages=page.pages) if page.pages > 1 else "",
        buttons=render_rows([*buttons, _turning(card)], locale),
    )


def render_flag(card: FlagCard, locale: str) -> Message:
    """Who, why, with which numbers, what followed, what they say to it, and some of their answers."""
    report, line = card.report, card.report.line
    pieces = [
        "\n".join([f"“{line.project}” · {say(f'flag_kind_{line.kind}', locale)}", *_found(report, locale)]),
        _standing(report, locale),
        say("flag_they_say", locale, words=report.appeal) if report.appeal else "",
        say("flag_you_say", locale, words=report.reply) if report.reply else "",
        _sample(report.sample, locale),
        say(card.question, locale, name=name_of(line.name, locale)) if card.question else "",
    ]
    return Message(
        heading=name_of(line.name, locale),
        text="\n\n".join(piece for piece in pieces if piece),
        buttons=render_rows(card.rows, locale),
    )


def _standing(report: FlagReport, locale: str) -> str:
    """What holds now, and who decides. Of a lifted flag: that nothing of it is left, but perhaps of another one."""
    line = report.line
    if line.state != "lifted":
        return in_a_row(say(f"flag_now_{line.action}", locale), say(f"flag_state_{line.state}", locale))
    left = say("flag_still_paused", locale) if report.restriction == "paused" else ""
    return in_a_row(say("flag_state_lifted", locale), left)


def name_of(name: str, locale: str) -> str:
    """What people read for a worker."""
    return name or say("member_unnamed", locale)


def _button(line: FlagLine, locale: str) -> str:
    return f"{shorten(name_of(line.name, locale), NAME_UNITS)} · {say(f'flag_kind_{line.kind}', locale)}"


def _line(line: FlagLine, card: FlagsCard, locale: str) -> str:
    state = say(f"flag_short_{line.state}", locale) if line.state != "open" else ""
    pieces = [
        name_of(line.name, locale),
        "" if card.project else f"“{line.project}”",
        say(f"flag_kind_{line.kind}", locale),
        say(f"rule_short_{line.action}", locale) if line.state != "lifted" else "",
        state,
    ]
    return " · ".join(piece for piece in pieces if piece)


def _turning(card: FlagsCard) -> tuple[Choice, ...]:
    page = card.page
    if page.pages == 1:
        return ()
    before, after = (page.page - 2) % page.pages + 1, page.page % page.pages + 1
    return tuple(
        Choice(make("flags", card.project_public_id, str(to)), text=text, style="quiet")
        for text, to in (("‹", before), ("›", after))
    )


def _found(report: FlagReport, locale: str) -> list[str]:
    """The evidence in words, and how seldom honest work looks like that."""
    evidence = report.evidence
    said = {name: _readable(value, locale) for name, value in evidence.items()}
    said["other"] = name_of(str(evidence.get("other_name", "")), locale)
    found = [say(_code(report.line.kind, evidence), locale, **said)]
    return [*found, *_honest(report, said, locale)]


def _honest(report: FlagReport, said: dict[str, Any], locale: str) -> list[str]:
    """What honest work looks like: how seldom like this, or how many answers would be right."""
    evidence = report.evidence
    odds = number(10 ** min(MOST_ODDS, int(evidence.get("score", 0))), locale)
    if report.line.kind != "gold":
        return [say("flag_odds", locale, odds=odds)]
    code = _code("gold", evidence)
    if code == "flag_found_below":
        return [say("flag_odds_below", locale, odds=odds)]
    if "usual" not in evidence:  # of a flag from before this was kept
        return []
    usual = "flag_usual_crowd" if code == "flag_found_crowd" else "flag_usual_gold"
    return [say(usual, locale, usual=said["usual"], answers=said["answers"])]


def _code(kind: str, evidence: dict[str, Any]) -> str:
    if kind == "copying" and int(evidence.get("other", -1)) < 0:
        return "flag_found_copying_majority" if int(evidence["other"]) == -1 else "flag_found_copying_last"
    if kind == "gold":
        return ("flag_found_crowd", "flag_found_gold", "flag_found_below")[int(evidence.get("known", 0))]
    return f"flag_found_{kind}"


def _readable(value: Any, locale: str) -> Any:
    """Whole numbers as such; seconds and expected counts with one decimal where they are small."""
    if not isinstance(value, (int, float)):
        return value
    return number(round(value), locale) if value >= 10 or float(value).is_integer() else f"{value:.1f}"


def _sample(sample: tuple[Sampled, ...], locale: str) -> str:
    if not sample:
        return ""
    lines = [say(_sample_code(one), locale, **_shown(one)) for one in sample]
    return "\n".join([say("flag_samples", locale), *lines])


def _sample_code(one: Sampled) -> str:
    if one.known:
        return "flag_sample_known"
    return "flag_sample_other" if one.decided and one.decided != one.said else "flag_sample"


def _shown(one: Sampled) -> dict[str, str]:
    return {"text": one.text, "said": one.said, "decided": one.decided}
