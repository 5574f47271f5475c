"""Options of a caption: whatever stands behind the sign, it is taken or answered by a sentence."""

from __future__ import annotations

import pytest

from bot.job_settings import Clock
from bot.post_options import OPTIONS, parse_caption, plain_question
from bot.texts import knows, say
from core.aims import Aim
from core.clock import now
from core.errors import InvalidInput

NONSENSE = (
    *(
        "",
        " ",
        "-",
        "?",
        "=",
        "yes",
        "no",
        "off",
        "none",
        "check",
        "text",
        "gold",
        "sometimes",
        "%",
        "$",
        "{value}",
        "{",
    ),
    *("0", "-1", "1", "200", "1.5", "1,5", "007", "99999999", "9" * 5000, "1e9", "nan", "inf", "3-8", "8-3", "0-0"),
    *("٣", "²", "½", "Ⅷ", "三", "零", "百分之九十", "🙂", "🙂" * 300, "\u202e", "\u200b", "é" * 500, "\n", "a\nb"),
    *(
        "100 %",
        "0 %",
        "999 %",
        "at most 0 answers",
        "at most 9999999999999 answers",
        "60 USD",
        "error 0",
        "error 9999999",
    ),
    *(
        "* * * * *",
        "* * * * * *",
        "61 25 * * *",
        "@daily",
        "0 0 30 2 *",
        "yesterday",
        "31 february",
        "9999-99-99",
        "in 0 days",
    ),
    *("in 99999999999 days", "10 minutes minutes", "99999999 d", "tomorrow tomorrow", "zz", "Klingon", "x" * 10_000),
)


def refusal(option: str, value: str) -> InvalidInput | None:
    """Why a caption with this option is refused."""
    try:
        parse_caption(f"Is it? | Yes | No | {option}={value}", Clock(now()))
    except InvalidInput as error:
        return error
    return None


@pytest.mark.parametrize("option", OPTIONS)
def test_no_value_of_an_option_is_more_than_a_sentence(option: str) -> None:
    refused = [error for value in NONSENSE if (error := refusal(option, value)) is not None]
    assert refused or option == "guidelines", "any words may be guidelines"
    assert [error.code for error in refused if not knows(error.code)] == []
    said = [say(error.code, locale, **error.params) for error in refused for locale in ("en", "zh")]
    assert [sentence[:200] for sentence in said if not 0 < len(sentence) < 1000] == []


@pytest.mark.parametrize("value", ["yes", "200", "label", "", "检查"])
def test_what_gold_may_be_is_said(value: str) -> None:
    with pytest.raises(InvalidInput, match="bad_gold_use") as raised:
        parse_caption(f"Is it? | Yes | No | gold={value}", Clock(now()))
    heard = say(raised.value.code, "en", **raised.value.params)
    assert "gold=check" in heard
    assert "gold=measure" in heard
    assert "200" not in heard.replace(value, "") or not value


def test_gold_is_one_of_two_uses() -> None:
    assert parse_caption("Is it? | Yes | No | gold=Measure", Clock(now()))[2] == {"gold_use": "measure"}


@pytest.mark.parametrize("options", ["aim=at most 60 USD | price=0.05", "price=0.05 | aim=at most 60 USD"])
def test_an_aim_in_money_is_so_many_answers_at_the_price_wherever_that_stands(options: str) -> None:
    values = parse_caption(f"Is it? | Yes | No | {options}", Clock(now()))[2]
    assert values == {"aim": Aim("budget", budget=1200), "price": 5}


@pytest.mark.parametrize("key", ["q=", "Question = ", ""])
def test_the_question_loses_one_key_and_no_more(key: str) -> None:
    assert plain_question(f" {key}q=Rain? ") == ("q=Rain?" if key else "Rain?")
    assert parse_caption(f"Yes | No | q={key}Rain?", Clock(now()))[0] == f"{key}Rain?"
