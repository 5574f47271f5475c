"""The content of items: text in, text out, and a hash that tells duplicates."""

from __future__ import annotations

from core.labels import content_hash, item_text, text_content


def test_text_goes_in_and_comes_out() -> None:
    assert item_text(text_content("rain\nand sun")) == "rain\nand sun"


def test_parts_of_other_types_are_left_out() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image", "sha256": "0" * 64}, {"type": "text", "text": "two"}]
    assert item_text(parts) == "one\ntwo"


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert content_hash([{"type": "text", "text": "x"}]) == content_hash([{"text": "x", "type": "text"}])
    assert content_hash(text_content("x")) != content_hash(text_content("X"))
    assert len(content_hash(text_content("x"))) == 64
