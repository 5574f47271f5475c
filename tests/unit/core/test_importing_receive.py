"""The first look at a file: encodings, guesses, bad rows, and refusals in one sentence each."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.importing import Dialect, Received, receive

Receive = Callable[..., Received]


@pytest.fixture
def received(tmp_path: Path) -> Receive:
    """Writes the given bytes to a file and looks at it."""

    def look(data: bytes | str, name: str = "items.csv") -> Received:
        path = tmp_path / "upload"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return receive(path, name)

    return look


@pytest.fixture
def refused(received: Receive) -> Callable[..., InvalidInput]:
    """Writes the given bytes to a file that must be refused; returns the refusal."""

    def look(data: bytes | str, name: str = "items.csv") -> InvalidInput:
        with pytest.raises(InvalidInput) as caught:
            received(data, name)
        return caught.value

    return look


FRENCH = "id;texte\n1;Le café à Genève était très bon, même l'été\n2;Où êtes-vous allés? Ça va bien, forêt naïve\n"
SMART = "id,text\n1,It’s “great” – it costs 5€\n2,naïve café and a plain ending\n"
CHINESE = "编号,文本\n1,今天天气很好，我们去公园玩吧。\n2,这个产品质量太差了，不推荐购买。\n"
JAPANESE = "id,text\n1,今日はとても良い天気ですね。公園に行きましょう\n2,この商品はひどいです\n"
RUSSIAN = "id,text\n1,Сегодня хорошая погода, пойдём гулять\n2,Очень плохой товар, не советую\n".replace(", ", " ")
POLISH = "id;text\n1;Zażółć gęślą jaźń - świetny żart o łące\n2;Książka była źle napisana, proszę państwa\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "latin-1"),
        (FRENCH, "cp1252"),
        (SMART, "cp1252"),
        (CHINESE, "gb18030"),
        (JAPANESE, "cp932"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (POLISH, "cp1250"),
        *[
            (text, encoding)
            for text in (FRENCH, CHINESE, SMART)
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
        ],
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
    ],
)
def test_encodings_are_found_out(received: Receive, text: str, encoding: str) -> None:
    found = received(text.encode(encoding))
    lines = text.splitlines()
    delimiter = found.dialect.options["delimiter"]
    assert list(found.columns) == lines[0].split(delimiter)
    assert [list(row.values()) for row in found.preview] == [line.split(delimiter, 1) for line in lines[1:]]
    assert (found.rows, found.bad_row_count) == (2, 0)


def test_a_few_broken_bytes_do_not_turn_utf8_into_something_else(received: Receive) -> None:
    found = received("id,text\n1,naïve “quotes”\n2,Grüße\n".encode() + b"3,broken \xff here\n4,fine\n")
    assert found.dialect.encoding == "utf-8"
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [(4, "undecodable")]
    assert found.preview[0]["text"] == "naïve “quotes”"


def test_a_late_accent_is_not_missed(received: Receive) -> None:
    plain = "".join(f"{number},plain words here\n" for number in range(20_000))
    found = received(("id,text\n" + plain + "x,le café à Genève où il était né\n").encode("cp1252"))
    assert found.dialect.encoding == "cp1252"


def test_columns_are_guessed_by_name(received: Receive) -> None:
    found = received("task,author,tweet,sentiment\n1,Ann Lee,It rains,bad\n2,Bo Ek,Sun today and more,good\n")
    assert (found.text_column, found.id_column, found.gold_column) == ("tweet", "task", "sentiment")
    assert found.text_candidates == (("tweet", "name"), ("author", "longest"))
    assert found.gold_values == ("bad", "good")


def test_the_longest_column_is_the_text_where_no_name_says_so(received: Receive) -> None:
    found = received("nr,who,what was said,url\n1,ann,it rains all day,https://a.example/b\n2,bo,sun and wind,x\n")
    assert found.text_column == "what was said"
    assert found.text_candidates[0] == ("what was said", "longest")


def test_an_id_column_must_tell_rows_apart(received: Receive) -> None:
    assert received("id,text\n1,one thing\n1,another thing\n").id_column is None
    assert received("id,text\n1,one thing\n,another thing\n").id_column is None
    assert received("id,text\n1,one thing\n2,another thing\n").id_column == "id"
    twice = "id,text\n1,one thing\n1,another thing\n2,a third thing\n"
    assert received(twice).id_column == "id", "a slip in a column of ids is named and does not take the others away"


def test_nested_jsonl(received: Receive) -> None:
    lines = [{"id": "a", "data": {"text": "hello there"}, "label": "x"}, {"data": {"text": "bye now"}}, {"id": "c"}]
    found = received("\n".join(map(json.dumps, lines)), "items.jsonl")
    assert (found.format, found.text_column, found.gold_column) == ("jsonl", "data.text", "label")
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [(3, "text_missing")]


def test_json_lines_are_known_whatever_the_name(received: Receive) -> None:
    assert received('{"text": "hello there"}\n', "export.txt").format == "jsonl"


def test_bad_rows_are_named_by_line(received: Receive) -> None:
    found = received('id,text\n1,"two\nlines"\n2\n3,  \n4,nu\0l\n5,' + "x" * 5_000_000 + "\n6,good one\n")
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [
        (4, "wrong_column_count"),
        (5, "empty_text"),
        (6, "nul_byte"),
        (7, "line_too_long"),
    ]
    assert (found.rows, found.checked_rows, found.bad_row_count) == (6, 6, 4)


def test_only_the_first_1000_rows_are_looked_at_and_the_rest_is_estimated(received: Receive) -> None:
    found = received("id,text\n" + "".join(f"{number},words of row {number}\n" for number in range(5_000)))
    assert found.checked_rows == 1_000
    assert 4_900 <= found.rows <= 5_100


def test_very_long_rows_end_the_look_early(received: Receive) -> None:
    found = received("id,text\n" + ("1," + "long words " * 15_000 + "\n") * 60)
    assert found.checked_rows < 60
    assert found.rows == 60


def test_the_first_20_bad_rows_are_named_and_all_are_counted(received: Receive) -> None:
    found = received("id,text\n1,some text\n" + "2\n" * 50)
    assert (len(found.bad_rows), found.bad_row_count) == (20, 50)


def test_the_name_is_harmless(received: Receive) -> None:
    assert received("text\nsome words\n", "../../etc/pass\nwd\u202e.csv").name == "passwd.csv"
    assert received("text\nsome words\n", "C:\\data\\a.csv").name == "a.csv"
    assert received("text\nsome words\n", "/").name == "file"


def test_what_is_kept_with_the_upload(received: Receive) -> None:
    kept = json.loads(json.dumps(received("id;text\n1;some words\n").to_json()))
    assert Dialect.from_json(kept) == received("id;text\n1;some words\n").dialect
    assert (kept["text"], kept["id"], kept["gold"], kept["rows"]) == ("text", "id", None, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b" \n\r\n\t ", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"\xff\xfe", "empty_file"),
        (b"id,text\n", "no_rows"),
        (b"id,text\n\n,\n", "no_rows"),
        (b"id,text\n1\n2\n", "no_good_row"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_text"),
        (b"PK\x03\x04\x14\x00\x06\x00", "broken_spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "locked_spreadsheet"),
        (b"%PDF-1.7\n%\xe2\xe3", "not_text"),
        (random.Random(0).randbytes(10_000), "not_text"),
    ],
)
def test_useless_files_are_refused(refused: Callable[..., InvalidInput], data: bytes, code: str) -> None:
    assert refused(data).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[{"text": "a thing"}, {"text": "b"}]', "json_array"),
        ('[\n{"text": "a thing"},\n{"text": "b"}\n]', "json_array"),
        ('[{"text": "a thing"},\n{"text": "b"}]', "json_array"),
        ('["a"]\n["b"]\n', "no_good_row"),
        ("{'text': 'a'}\n{'text': 'b'}\n", "no_good_row"),
        ("{}\n", "no_good_row"),
    ],
)
def test_useless_json_is_refused(refused: Callable[..., InvalidInput], text: str, code: str) -> None:
    assert refused(text, "items.jsonl").code == code


def test_rows_that_are_no_objects_are_errors_of_their_own(received: Receive) -> None:
    found = received('["a"]\n12\n{"text": "a thing"}\n{"id": 1}\n', "items.jsonl")
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [
        (1, "not_an_object"),
        (2, "not_an_object"),
        (4, "text_missing"),
    ]


def test_refusals_name_what_there_is(refused: Callable[..., InvalidInput]) -> None:
    problem = {"problem": "wrong_column_count", "expected": 2, "found": 1}
    assert refused("id,text\n\n1\n").params == {"line": 3, **problem}


def test_where_nothing_looks_like_text_nothing_is_guessed(received: Receive) -> None:
    for data, name in (("id,value\n1,2\n2,3\n", "a.csv"), ('{"n": 1}\n{"n": 2}\n', "a.jsonl")):
        found = received(data, name)
        assert (found.text_column, found.text_candidates, found.bad_row_count) == (None, (), 0)


def test_a_file_of_tabs_is_split_at_tabs_alone(received: Receive) -> None:
    found = received("id\ttext, as said\n1\tyes, it is\n2\tno, it is not\n", "items.tsv")
    assert found.columns == ("id", "text, as said")
    assert found.preview[0]["text, as said"] == "yes, it is"


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.txt", "a.jsonl", "a"]))
def test_no_file_raises_anything_else(received: Receive, data: bytes, name: str) -> None:
    try:
        found = received(data, name)
    except InvalidInput:
        return
    assert found.text_column in (*found.columns, None)
    assert found.rows == found.checked_rows > 0
