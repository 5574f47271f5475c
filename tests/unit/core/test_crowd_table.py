"""Files of labels and of gold: what is read, and the one sentence for each that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.crowd_table import NEVER_GIVEN, NO_GOLD, BadTable, read_gold, read_labels

LABELS = "task,worker,label\nb,ada,yes\na,bob,no\nb,bob,yes\n"


def write(folder: Path, content: str | bytes, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_stay_in_the_order_of_the_file_and_labels_are_sorted(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, LABELS))
    assert (table.items, table.workers, table.labels) == (["b", "a"], ["ada", "bob"], ["no", "yes"])
    assert table.item_index.tolist() == [0, 1, 0]
    assert table.worker_index.tolist() == [0, 1, 1]
    assert table.answer_index.tolist() == [1, 0, 1]
    assert (table.shape, table.repeated) == ((2, 2, 2), 0)


def test_the_apostrophe_of_an_export_is_no_part_of_a_label(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, "item,worker,label\n'@a,ada,'+1\n'tis,ada,-1\n"))
    assert (table.items, table.labels) == (["@a", "'tis"], ["+1", "-1"])
    gold = read_gold(write(tmp_path, "item,label\n@a,+1\n", "gold.csv"), table)
    assert gold.tolist() == [0, NO_GOLD]


@pytest.mark.parametrize(
    "content",
    [
        "label,note,annotator,item\nyes,x,ada,b\nno,,bob,a\nyes,,bob,b\n",
        "\ufeffTask,Worker,Label\r\n b ,ada,yes\r\n\r\na,bob,no\r\nb,bob,yes\r\n",
        'task;worker;label\n"b";"ada";"yes"\na;bob;no\nb;bob;yes',
        "task\tworker\tlabel\nb\tada\tyes\na\tbob\tno\nb\tbob\tyes\n",
    ],
)
def test_columns_may_have_other_names_orders_and_delimiters(tmp_path: Path, content: str) -> None:
    table = read_labels(write(tmp_path, content))
    assert (table.items, table.workers, table.labels) == (["b", "a"], ["ada", "bob"], ["no", "yes"])
    assert table.answer_index.tolist() == [1, 0, 1]


def test_quoted_cells_hold_commas_and_lines(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, 'task,worker,label\n1,ada,"yes,\nor ""no"""\n'))
    assert table.labels == ['yes,\nor "no"']


def test_the_first_answer_of_a_worker_about_an_item_stands(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, LABELS + "b,ada,no\nb,ada,maybe\n"))
    assert table.repeated == 2
    assert table.answer_index.tolist() == [
        table.labels.index("yes"),
        table.labels.index("no"),
        table.labels.index("yes"),
    ]


def test_states_of_an_export_say_which_answers_count(tmp_path: Path) -> None:
    rows = "task,worker,label,state\na,ada,no,rejected\na,ada,yes,counted\nb,ada,yes, Surplus\nc,ada,,withdrawn\n"
    table = read_labels(write(tmp_path, rows + "d,ada,yes,control\n"))
    assert (table.items, table.labels) == (["a", "b"], ["yes"])
    assert (table.taken_back, table.control, table.repeated) == (2, 1, 0), "what was rejected is no first answer"


def test_other_states_are_no_reason_to_leave_a_row_out(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, "task,worker,label,state\na,ada,yes,Ohio\nb,ada,yes,\nc,ada,yes\n"))
    assert (len(table.items), table.taken_back, table.control) == (3, 0, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("task,worker,label,state\na,ada,yes,rejected\n", "no answers that count"),
        ("", "is empty"),
        ("task,worker,label\n", "a header but no rows"),
        ("task,worker,label\n\n \n", "a header but no rows"),
        ("task,worker,answer\n1,a,b\n", "no column called 'label'; it has 'task', 'worker', 'answer'"),
        ("task,item,worker,label\n1,1,a,b\n", "more than one column called 'task' or 'item'"),
        ("task,worker,label\n1,ada,yes\n2,,no\n", "line 3: there is no worker"),
        ("task,worker,label\n1,ada\n", "line 2: there is no label"),
        ("task,worker,label\n1,ada,caf\xe9\n".encode("latin-1"), "not a CSV file in UTF-8"),
        ("task,worker,label\n1,ada,yes\n".encode("utf-16"), "not a CSV file in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a CSV file in UTF-8"),
        ('task,worker,label\n1,ada,"yes\n', "cannot be read as CSV"),
    ],
)
def test_a_bad_file_gets_one_sentence(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(BadTable, match=sentence) as raised:
        read_labels(write(tmp_path, content))
    assert "\n" not in str(raised.value)


def test_files_that_are_away_or_folders_get_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match=r"cannot be opened \(No such file"):
        read_labels(tmp_path / "away.csv")
    with pytest.raises(BadTable, match="cannot be opened"):
        read_labels(tmp_path)


def test_gold_is_an_index_of_the_labels(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, LABELS + "c,ada,yes\nd,ada,no\n"))
    gold = read_gold(write(tmp_path, "label,item\nno,a\nyes,b\nnever,c\nyes,unknown\n", "gold.csv"), table)
    assert dict(zip(table.items, gold.tolist(), strict=True)) == {"b": 1, "a": 0, "c": NEVER_GIVEN, "d": NO_GOLD}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("task,label\nx,yes\n", "none of the items"),
        ("task,label\na,YES\n", "none of the labels"),
        ("task,label\na,yes\na,no\n", "'a' two different labels"),
        ("task,worker\na,yes\n", "no column called 'label'"),
        ("task,label\na,\n", "line 2: there is no label"),
    ],
)
def test_bad_gold_gets_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    table = read_labels(write(tmp_path, LABELS))
    with pytest.raises(BadTable, match=sentence):
        read_gold(write(tmp_path, content, "gold.csv"), table)
