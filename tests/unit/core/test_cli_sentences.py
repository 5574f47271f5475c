"""What commands say of files that they cannot use: words for a command line, not for a chat."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.cli.failures import SENTENCES, explain, row_problem
from core.cli.migrate import no_database
from core.cli.output import check_out, check_source
from core.config import Settings, load_settings
from core.errors import InvalidInput, LightworkError
from core.importing import receive
from core.importing.checks import check_mapping

USELESS = {
    "empty.csv": (b"", "The file is empty"),
    "header.csv": (b"what a lovely day\n", "put a line with names above it, such as: text"),
    "ragged.csv": (b"id,text\n1\n2\n", "on line 2: it has 1 columns where the header has 2."),
    "quote.csv": (b'"id,text\n1,a\n', "The first line cannot be read: a quotation mark is opened and never closed."),
    "array.jsonl": (b'[{"text": "a"}, {"text": "b"}]', "make JSON Lines of it"),
    "none.jsonl": (b"12\n[1]\n", "No row of the file can be used"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "Files of that kind cannot be read"),
    "locked.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1", "has a password"),
    "broken.xlsx": (b"PK\x03\x04\x14\x00\x06\x00", "is damaged"),
}


@pytest.mark.parametrize("name", sorted(USELESS))
def test_a_file_that_is_of_no_use_is_told_in_words_for_a_command_line(tmp_path: Path, name: str) -> None:
    data, said = USELESS[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidInput) as caught:
        receive(tmp_path / name, name)
    sentence = explain(caught.value) or ""
    assert said in sentence
    assert "send" not in sentence.lower()


def test_no_sentence_of_the_command_line_asks_to_send() -> None:
    assert [code for code, sentence in SENTENCES.items() if "send" in sentence.lower()] == []


def test_columns_are_listed_as_people_write_them() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_mapping({"text": "tweet"}, ["id", "body"])
    assert explain(caught.value) == "There is no column 'tweet'; the columns are: id, body."
    with pytest.raises(InvalidInput) as caught:
        check_mapping({"text": None}, ["id", "n"])
    assert explain(caught.value) == "No column looks like text; name it with --column. The columns are: id, n."


def test_a_row_is_told_with_its_reason() -> None:
    assert row_problem("text_missing", {"column": "text"}) == "it has no “text”."
    assert row_problem("line_too_long", {"limit": 7}) == "it is longer than 7 characters."
    assert "cannot be used" in row_problem("of_a_later_version", {"limit": 7})
    assert "cannot be used" in (explain(InvalidInput("no_good_row", line=3, problem="of_a_later_version")) or "")


def test_nothing_is_written_over_by_a_slip(tmp_path: Path) -> None:
    source, there = tmp_path / "in.csv", tmp_path / "out.csv"
    source.touch()
    there.touch()
    (tmp_path / "link.csv").hardlink_to(source)

    def refusal(out: Path, *, force: bool = False) -> str:
        with pytest.raises(LightworkError) as caught:
            check_out(out, [source], force=force)
        return str(caught.value)

    check_out(tmp_path / "new.csv", [source], force=False)
    check_out(there, [source, tmp_path / "away.csv"], force=True)
    assert "--force" in refusal(there)
    for same in (source, tmp_path / "link.csv"):
        assert "this command reads" in refusal(same, force=True)
    assert "is a directory" in refusal(tmp_path, force=True)
    assert "there is no folder" in refusal(tmp_path / "away" / "out.csv", force=True)
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is no plain file" in refusal(tmp_path / "pipe.csv", force=True)
    with pytest.raises(LightworkError, match="is no plain file"):
        check_source(tmp_path / "pipe.csv")
    with pytest.raises(LightworkError, match="is a directory; name a file in it"):
        check_source(tmp_path)
    with pytest.raises(LightworkError, match="There is no file"):
        check_source(tmp_path / "away.csv")


def test_a_database_that_is_not_there_says_what_chose_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stands in another directory would make a second home with `lightwork up`."""
    monkeypatch.chdir(tmp_path)
    for name in ("LIGHTWORK_HOME", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    said = no_database(load_settings())
    assert f"There is no database at {tmp_path / 'var' / 'lightwork.sqlite'}: LIGHTWORK_HOME" in said
    assert "or else it is var in the directory that you stand in. If Lightwork runs elsewhere, go there" in said
    elsewhere = no_database(Settings(LIGHTWORK_HOME=tmp_path / "else"))
    assert f"at {tmp_path / 'else' / 'lightwork.sqlite'}: LIGHTWORK_HOME says where the home is. If" in elsewhere
    by_address = no_database(Settings(DATABASE_URL=f"sqlite:///{tmp_path}/own.sqlite"))
    assert f"at {tmp_path / 'own.sqlite'}: DATABASE_URL names it. If" in by_address
    assert list(tmp_path.iterdir()) == []
