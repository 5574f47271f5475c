"""What came of a training run, or how good a version is: the picture of its card, with what to label next."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Notice, View
from bot.surface import Attachment, Message
from bot.texts import say
from bot.texts.measures import share

PICTURE = "model.png"
MAX_LABEL = 40


@dataclass(frozen=True, slots=True)
class Advice:
    """What to label next. kind: class, more, enough or unknown. Gains are differences of accuracy.

    label: the name of the label that more is wanted of.
    """

    kind: str
    count: int = 0
    label: str = ""
    gain: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelReport(View):
    """A sentence about a version with its buttons; advice and picture where there are such.

    use: whether it is in use now, where that is not said already.
    picture: path of a PNG file; empty where it is not there.
    """

    notice: Notice
    advice: Advice | None = None
    picture: str = ""
    use: Notice | None = None


def render(report: ModelReport, locale: str) -> Message:
    """The picture with the words below it; the words alone where there is no picture."""
    said = say(report.notice.code, locale, **report.notice.params)
    use = say(report.use.code, locale, **report.use.params) if report.use else ""
    lines = [said, use, advice_sentence(report.advice, locale) if report.advice else ""]
    attachment = Attachment(PICTURE, "image/png", report.picture, said) if report.picture else None
    return Message(
        kind="picture" if attachment else "text",
        text="\n\n".join(line for line in lines if line),
        footer=say("model_picture_legend", locale) if attachment else "",
        buttons=render_rows(report.notice.rows, locale),
        attachment=attachment,
    )


def advice_sentence(advice: Advice, locale: str) -> str:
    """What would help most, in one sentence."""
    return say(
        f"advice_{advice.kind}",
        locale,
        number=advice.count,
        label=advice.label[:MAX_LABEL],
        gain=_points(advice.gain, locale),
        rest=_points(advice.rest, locale),
    )


def _points(gain: float, locale: str) -> str:
    return share(gain, locale, 1).rstrip("%")
