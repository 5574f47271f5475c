"""The demo reads what the bot says by the catalogue itself."""

from __future__ import annotations

import pytest

from bot.texts import say
from demo.sentences import is_button, read

SAID: dict[str, dict[str, object]] = {
    "posted": {"name": "Is it? “Really”", "rows": 700, "project": "abcdefghijklmnop"},
    "import_done": {"project": "P", "count": 699, "lines": "\nLeft out: 1 duplicate (line 5)"},
    "invite": {"uses": 102, "role": "worker", "link": "http://127.0.0.1:1/join/aaaabbbbccccdddd", "until": "Mon 9"},
    "export_ready": {"project": "P", "rows": 12, "kind": "annotations"},
    "training_done": {"project": "P", "version": 2, "accuracy": "81.0%", "compared": "", "verdict": "In use."},
    "training_failed": {"project": "P", "reason": "Too few labels."},
}


@pytest.mark.parametrize("code", SAID)
def test_a_sentence_is_recognised_with_its_values_and_no_other(code: str) -> None:
    text = say(code, "en", **SAID[code])
    assert read(code, text) == {name: str(value) for name, value in SAID[code].items()}
    assert [other for other in SAID if read(other, text) is not None] == [code]


def test_buttons_are_recognised_by_their_caption() -> None:
    assert is_button("button_add", say("button_add", "en", name="What is it?"))
    assert is_button("button_skip", say("button_skip", "en"))
    assert not is_button("button_skip", say("button_next", "en"))
