"""Cards of experts: everything fits every platform, what is cut says so, and nothing tells who it was."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards import render
from bot.cards.audit import AuditCard, AuditNone
from bot.cards.dispute import DisputeCard, full_text
from bot.cards.feedback import FeedbackCard
from bot.surfaces import telegram_render
from bot.surfaces.slack_render import blocks
from bot.texts.units import length
from core.audit_rate import ENOUGH, Estimate
from core.audit_sample import AuditCase, AuditSummary
from core.disputes import Dispute, Opinion
from core.feedback import Difference, Feedback
from core.unsettling import Verdict
from tests.fakes.slack_blocks import check_blocks

LOCALES = ("en", "zh")
ITEM = "abcdefgh23456722"
OTHER = "zyxwvuts23456722"
SHORT = ("Good", "Bad")
LONG = tuple(f"{at} {'long ' * 28}" for at in range(100))


def schema(names: list[str]) -> dict[str, Any]:
    """A label schema of these names."""
    return {"kind": "choice", "labels": [{"id": f"l{at}", "name": name} for at, name in enumerate(names)]}


def dispute(size: int = 1, names: tuple[str, ...] = SHORT, reasons: int = 1) -> Dispute:
    """A dispute whose texts are `size` times as long as usual."""
    return Dispute(
        item_public_id=ITEM,
        project_public_id=OTHER,
        question=("Is it? " * size)[:1000].strip(),
        label_schema=schema(list(names)),
        content=[{"type": "text", "text": "a fine day " * size}],
        tallies={f"l{at}": 1 for at in range(len(names))},
        reasons=tuple(("l0", "it rains " * size) for _ in range(reasons)),
        skips={"hard": 2, "language": 1},
        position=3,
        total=12,
        aside=True,
    )


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("size", "names", "cut"),
    [
        (1, SHORT, False),
        (20, SHORT, False),
        (300, SHORT, True),
        (5000, SHORT, True),
        (1, LONG, True),
        (900, LONG, True),
    ],
)
def test_a_dispute_fits_and_what_is_cut_can_be_read_whole(
    locale: str, size: int, names: tuple[str, ...], cut: bool
) -> None:
    before = Verdict(OTHER, "another day " * size, names[0], stamp=999_999)
    shown = dispute(size, names, reasons=5)
    message = render(DisputeCard(shown, before, Opinion(7, "l1", 0.81), unclear=4), locale)
    rendered = telegram_render.render(message)
    assert length(rendered.text) <= 4096
    assert message.heading in rendered.text
    assert message.text in rendered.text, "the platform has nothing left to cut"
    check_blocks(blocks(message))
    verbs = {button.payload.split(".")[0] for row in message.buttons for button in row}
    assert {"settle", "unanswer", "unclear", "gold", "unsettle", "later"} <= verbs
    assert ("setfull" in verbs) == cut
    assert all(text in full_text(shown) for text in (shown.question, shown.reasons[0][1], names[-1]))


def test_a_short_dispute_is_shown_as_it_is() -> None:
    message = render(DisputeCard(dispute()), "en")
    assert message.text == "People said: Good 1 · Bad 1\n– Good: “it rains ”\nSkipped: Too hard 2 · Not my language 1"
    assert message.footer == "3 of 12 disputed · you put this one aside before"
    assert message.progress == pytest.approx(2 / 12)
    assert [len(row) for row in message.buttons] == [2, 2, 1, 1]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_models_opinion_in_each_case(locale: str) -> None:
    said = {
        opinion: render(DisputeCard(dispute(), opinion=opinion), locale).text
        for opinion in (Opinion(None), Opinion(7), Opinion(7, "l1", 0.81))
    }
    assert len(set(said.values())) == 3
    assert "v7" in said[Opinion(7)]
    assert "Bad" in said[Opinion(7, "l1", 0.81)]
    assert "81%" in said[Opinion(7, "l1", 0.81)]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("size", [1, 5000])
def test_an_audit_fits(locale: str, size: int) -> None:
    case = AuditCase(
        annotation_public_id=ITEM,
        question=("Is it? " * size)[:1000].strip(),
        label_schema=schema(["Good " * 28, "Bad"]),
        content=[{"type": "text", "text": "a fine day " * size}],
        label_id="l0",
        note=("it rains " * size)[:500],
    )
    for choosing in (False, True):
        message = render(
            AuditCard(case, AuditSummary(12, 11, 4, Estimate(1 / 12, 0.015, 0.354)), "auditjob", choosing), locale
        )
        assert message.text in telegram_render.render(message).text
        check_blocks(blocks(message))
        assert message.footer.splitlines()[2].count("%") >= 4
        verbs = {button.payload.split(".")[0] for row in message.buttons for button in row}
        assert verbs == ({"auditjob", "rightjob"} if choosing else {"auditjob"})
    assert "8%" in message.footer
    early = render(AuditCard(case, AuditSummary(1, 0, 4), "auditjob"), locale)
    assert "%" not in early.footer, "one look says nothing of all answers"
    assert str(ENOUGH) in early.footer
    none = render(AuditNone(AuditSummary(0, 0), "Weather"), locale)
    assert "Weather" in none.text
    assert none.footer == ""


@pytest.mark.parametrize("locale", LOCALES)
def test_feedback_names_what_was_different(locale: str) -> None:
    difference = Difference("a fine day", "Good", "Bad")
    message = render(FeedbackCard(Feedback(5, 4, (difference,))), locale)
    assert "5" in message.heading
    assert "4" in message.heading
    [part] = message.parts
    assert all(text in part.text for text in ("a fine day", "Good", "Bad"))
    alike = render(FeedbackCard(Feedback(1, 1, ())), locale)
    assert alike.parts == ()
    assert alike.heading != message.heading
    check_blocks(blocks(message))
