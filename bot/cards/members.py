"""Members of a workspace: the list, one person with what may be done about them, and an invite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import moment, share
from bot.tokens import make
from core.attention import zone_of
from core.members import Member, MembersPage

PER_ROW = 2


@dataclass(frozen=True, slots=True)
class MembersCard(View):
    """One page of the members; with `searched` those whose names hold it."""

    page: MembersPage
    searched: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class MemberCard(View):
    """One person, and the buttons of what the reader may do about them. question: a code, asked before it is done."""

    member: Member
    rows: tuple[tuple[Choice, ...], ...]
    time_zone: str
    now: datetime
    question: str = ""


@dataclass(frozen=True, slots=True)
class InviteCard(View):
    """An invite just made.

    ways: the code of a sentence, or nothing where it speaks for itself, with the link or command.
    """

    role: str
    uses: int
    until: datetime
    ways: tuple[tuple[str, str], ...]
    time_zone: str
    now: datetime


def render(card: MembersCard, locale: str) -> Message:
    """A line and a button for each person."""
    page = card.page
    if not page.members:
        return Message(text=say("members_none", locale, name=card.searched))
    lines = [_line(member, card.time_zone, card.now, locale) for member in page.members]
    buttons = [Choice(make("member", one.public_id), text=_name(one, locale)) for one in page.members]
    rows = [tuple(buttons[start : start + PER_ROW]) for start in range(0, len(buttons), PER_ROW)]
    return Message(
        heading=say("members_heading", locale, count=page.total),
        text="\n".join(lines),
        footer=say("members_page", locale, page=page.page, pages=page.pages) if page.pages > 1 else "",
        buttons=render_rows([*rows, _turning(page)], locale),
    )


def render_member(card: MemberCard, locale: str) -> Message:
    """All that is known about somebody; the question, where one is asked, below it."""
    member = card.member
    name = _name(member, locale)
    lines = [
        " · ".join([say(f"role_{member.role}", locale), *_status(member, locale)]),
        " · ".join([*_work(member, locale), say("member_skips", locale, count=member.skips)]),
        say("member_seen", locale, seen=_seen(member.last_seen_at, card.time_zone, card.now, locale)),
        say("member_joined", locale, joined=moment(member.joined_at, card.time_zone, locale, card.now)),
    ]
    paragraphs = ["\n".join(lines)]
    if card.question:
        paragraphs.append(say(card.question, locale, name=name))
    return Message(heading=name, text="\n\n".join(paragraphs), buttons=render_rows(card.rows, locale))


def render_invite(card: InviteCard, locale: str) -> Message:
    """One text to pass on, with every way in."""
    ways = [say(code, locale, way=way) if code else way for code, way in card.ways]
    until = moment(card.until, card.time_zone, locale, card.now)
    return Message(text=say("invite", locale, uses=card.uses, role=card.role, until=until, link="\n".join(ways)))


def _turning(page: MembersPage) -> tuple[Choice, ...]:
    if page.pages == 1:
        return ()
    before, after = (page.page - 2) % page.pages + 1, page.page % page.pages + 1
    return tuple(
        Choice(make("workers", "", str(number)), text=text, style="quiet")
        for text, number in (("‹", before), ("›", after))
    )


def _line(member: Member, time_zone: str, now: datetime, locale: str) -> str:
    pieces = [
        _name(member, locale),
        say(f"role_{member.role}", locale),
        *_status(member, locale),
        *_work(member, locale),
        _seen(member.last_seen_at, time_zone, now, locale),
    ]
    return " · ".join(pieces)


def _name(member: Member, locale: str) -> str:
    return member.name or say("member_unnamed", locale)


def _status(member: Member, locale: str) -> list[str]:
    return [] if member.status == "active" else [say(f"member_{member.status}", locale)]


def _work(member: Member, locale: str) -> list[str]:
    work = [say("member_answers", locale, count=member.answers)]
    if member.accuracy is not None and member.answers:
        work.append(say("member_right", locale, share=share(member.accuracy, locale)))
    return work


def _seen(at: datetime | None, time_zone: str, now: datetime, locale: str) -> str:
    """The day, by the reader's clock."""
    if at is None:
        return say("seen_never", locale)
    zone = zone_of(time_zone)
    days = (now.astimezone(zone).date() - at.astimezone(zone).date()) // timedelta(days=1)
    if days <= 0:
        return say("seen_today", locale)
    return say("seen_yesterday", locale) if days == 1 else say("seen_days", locale, count=days)
