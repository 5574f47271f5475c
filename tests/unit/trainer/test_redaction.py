"""What is taken out of texts before a model reads them."""

from __future__ import annotations

import pytest

from core.errors import Conflict, SettingsError
from trainer.redaction import load

OURS = "tests.unit.trainer.test_redaction"


def shout(text: str) -> str:
    """A function of the machine's."""
    return text.upper()


def broken(text: str) -> str:
    """One that fails."""
    raise ValueError(text)


def forgetful(text: str) -> None:
    """One that gives nothing."""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("emails", "邮箱ada@mail.example.org谢谢", "邮箱[email]谢谢"),
        ("phones", "on 2024-05-04 12:30", "on 2024-05-04 12:30"),
        ("emails", "write to Ada.L+x@mail.example.org, or not", "write to [email], or not"),
        ("phones", "call +49 (30) 1234-5678 now", "call [phone] now"),
        ("phones", "拨打13812345678咨询", "拨打[phone]咨询"),
        (
            "phones",
            "in 2024 it was 35.5 degrees, 1,200 people, 10:30",
            "in 2024 it was 35.5 degrees, 1,200 people, 10:30",
        ),
        ("handles", "@ada_l and a@b.org agree", "@user and a@b.org agree"),
    ],
)
def test_what_is_built_in(name: str, text: str, expected: str) -> None:
    assert load(name)(text) == expected


def test_steps_follow_their_order() -> None:
    both = load(f"emails, {OURS}:shout")
    assert both("a@b.org is mine") == "[EMAIL] IS MINE"
    assert both.names == ("emails", f"{OURS}:shout")


def test_nothing_set_leaves_texts_alone() -> None:
    assert load("")("a@b.org") == "a@b.org"
    assert load(" , ").names == ()


@pytest.mark.parametrize("name", ["addresses", "no.such:thing", f"{OURS}:OURS", f"{OURS}:missing", ":", "a:"])
def test_what_is_no_function_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(SettingsError, match=r"LIGHTWORK_REDACTION: .*module:function"):
        load(name)


@pytest.mark.parametrize(("function", "error"), [("broken", "ValueError"), ("forgetful", "NoneType")])
def test_what_cannot_be_redacted_is_not_read(function: str, error: str) -> None:
    with pytest.raises(Conflict) as caught:
        load(f"{OURS}:{function}")("a secret")
    assert (caught.value.code, caught.value.params["error"]) == ("redaction_failed", error)
    assert "secret" not in str(caught.value)
