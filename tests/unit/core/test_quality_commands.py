"""`lightwork aggregate` and `lightwork agreement`, as a person or a program calls them."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.cli import METHOD_NAMES, main
from tests.unit.core.tables import WEATHER

LABELS = "task,worker,label\n" + "".join(
    f"{item},w{worker},{(item + (worker == 3)) % 2}\n" for item in range(8) for worker in range(4)
)
GOLD = "task,label\n" + "".join(f"{item},{item % 2}\n" for item in range(6))


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """A folder with labels and gold: three who are right and one who is always wrong."""
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "gold.csv").write_text(GOLD)
    return tmp_path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def answer(*arguments: object) -> dict[str, Any]:
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def refusal(*arguments: object) -> str:
    """The one sentence of a command that failed."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit), "no traceback"
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    return result.stderr


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_aggregate_answers_with_exactly_the_promised_keys(crowd: Path, method: str) -> None:
    found = answer("aggregate", crowd / "labels.csv", "--method", method, "--gold", crowd / "gold.csv")
    assert list(found) == ["accuracy", "seconds", "items", "annotations", "method"]
    assert found["seconds"] >= 0
    assert {**found, "seconds": 0} == {"accuracy": 1.0, "seconds": 0, "items": 8, "annotations": 32, "method": method}


def test_aggregate_without_gold_has_no_accuracy_and_takes_auto(crowd: Path) -> None:
    found = answer("aggregate", crowd / "labels.csv")
    assert (found["accuracy"], found["method"]) == (None, "auto")


def test_a_kill_leaves_nothing_half_written(crowd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(text: str) -> str:
        assert list(crowd.glob(".draft-*")), "it is being written"
        os.kill(os.getpid(), signal.SIGTERM)
        return text

    there = set(crowd.iterdir())
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("core.cli.aggregate.guarded", killed)
    result = call("aggregate", crowd / "labels.csv", "--out", crowd / "out.csv")
    assert result.exit_code == 128 + signal.SIGTERM
    assert set(crowd.iterdir()) == there
    assert signal.getsignal(signal.SIGTERM) is handler


def test_what_a_spreadsheet_would_run_is_written_as_a_text_again(tmp_path: Path) -> None:
    export, out, again = (tmp_path / name for name in ("export.csv", "out.csv", "again.csv"))
    export.write_text("item,worker,label\n'=1+1,a,'@yes\n'=1+1,b,'@yes\n'+2,a,-1\n''=3,a,-1\n")
    answer("aggregate", export, "--out", out)
    with out.open(newline="") as file:
        assert [row[:2] for row in csv.reader(file)][1:] == [["'=1+1", "'@yes"], ["'+2", "-1"], ["''=3", "-1"]]
    again.write_text("item,worker,label\n'=1+1,a,'@yes\n'+2,a,-1\n''=3,a,-1\n")
    assert answer("aggregate", again, "--gold", out)["accuracy"] == 1.0, "the file is read as it was meant"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_aggregate_writes_the_labels(crowd: Path) -> None:
    out = crowd / "out.csv"
    answer("aggregate", crowd / "labels.csv", "--out", out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["task", "label", "confidence"]
    assert [(row["task"], row["label"]) for row in rows] == [(str(item), str(item % 2)) for item in range(8)]
    assert all(0.5 < float(row["confidence"]) <= 1 for row in rows)
    assert sorted(os.listdir(crowd)) == ["gold.csv", "labels.csv", "out.csv"], "nothing half-written is left"
    assert "There is a file already" in refusal("aggregate", crowd / "labels.csv", "--out", out)
    answer("aggregate", crowd / "labels.csv", "--out", out, "--force")
    for read in ("labels.csv", "gold.csv"):
        names = ("aggregate", crowd / "labels.csv", "--gold", crowd / "gold.csv", "--out", crowd / read, "--force")
        assert "is a file that this command reads" in refusal(*names)
    assert (crowd / "labels.csv").read_text() == LABELS


def test_people_get_sentences(crowd: Path) -> None:
    (crowd / "labels.csv").write_text(LABELS + "0,w0,1\n")
    result = call("aggregate", crowd / "labels.csv", "--gold", crowd / "gold.csv")
    assert "32 answers of 4 workers about 8 items" in result.stdout
    assert "Accuracy against the gold: 1.0000" in result.stdout
    assert "1 row was left out: that worker had answered that item before." in result.stderr
    result = call("agreement", crowd / "labels.csv")
    assert "Krippendorff's alpha (nominal)" in result.stdout
    assert "1 row was left out" in result.stderr


def test_one_of_each_is_no_plural(tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("task,worker,label\n1,ada,yes\n")
    assert "1 answer of 1 worker about 1 item, 1 label;" in call("aggregate", one).stdout
    assert "1 answer of 1 worker about 1 item, 0 of them" in call("agreement", one).stdout


def test_an_export_of_annotations_is_read_as_it_is_meant(crowd: Path) -> None:
    """What was rejected or withdrawn, and answers to known items, count for nobody; every command says so."""
    plain, export = crowd / "labels.csv", crowd / "annotations.csv"
    rows = [line.split(",") for line in LABELS.splitlines()[1:]]
    lines = [f"{item},{worker},{label},{'surplus' if item == '7' else 'counted'}\n" for item, worker, label in rows]
    lines += ["0,w9,1,rejected\n", "1,w9,0,withdrawn\n", "1,w8,,superseded\n", "99,w0,1,control\n", "99,w1,1,control\n"]
    export.write_text("item,worker,label,state\n" + "".join(lines))
    gold = ("--gold", crowd / "gold.csv")
    for command in (("aggregate", *gold), ("agreement",), ("replay", *gold, "--seeds", 1)):
        name, *options = command
        found, meant = answer(name, export, *options), answer(name, plain, *options)
        left_out = {name: found.pop(name, None) for name in ("seconds", "taken_back", "control")}
        assert found == {key: value for key, value in meant.items() if key not in left_out}
        said = call(name, export, *options).stderr
        assert "3 rows were left out: withdrawn, superseded or rejected." in said
        assert "2 rows were left out: answers to known items" in said
    found = answer("agreement", export)
    assert (found["taken_back"], found["control"]) == (3, 2)


def test_an_order_that_is_not_used_is_said(crowd: Path) -> None:
    said = call("agreement", crowd / "labels.csv", "--order", "1,0").stderr
    assert said == "--order was not used: nominal labels either differ or do not. Add --level ordinal.\n"
    interval = call("agreement", crowd / "labels.csv", "--order", "1,0", "--level", "interval")
    assert "interval labels are numbers" in interval.stderr
    assert call("agreement", crowd / "labels.csv", "--order", "1,0", "--level", "ordinal").stderr == ""


def test_the_default_method_is_right_about_the_weather() -> None:
    found = answer("aggregate", WEATHER / "labels.csv", "--gold", WEATHER / "gold.csv")
    assert found["accuracy"] > 0.97


def test_bad_files_get_one_sentence_and_an_exit_code(crowd: Path) -> None:
    labels, gold = crowd / "labels.csv", crowd / "gold.csv"
    assert "cannot be opened" in refusal("aggregate", crowd / "away.csv")
    assert "cannot be opened" in refusal("aggregate", labels, "--gold", crowd / "away.csv")
    assert "cannot be written" in refusal("aggregate", labels, "--out", crowd / "away" / "out.csv")
    assert "cannot be opened" in refusal("agreement", crowd / "away.csv")
    gold.write_text("task,label\nother,1\n")
    assert "none of the items" in refusal("aggregate", labels, "--gold", gold)
    labels.write_text("task,worker\n1,ada\n")
    assert "no column called 'label'" in refusal("aggregate", labels)
    assert call("aggregate", labels, "--method", "magic").exit_code == 2


def test_free_texts_are_told_from_labels(tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("task,worker,label\n" + "".join(f"{n // 6},w{n % 6},text number {n}\n" for n in range(120)))
    assert "free texts. Let people choose the best text" in refusal("aggregate", texts)
    assert answer("agreement", texts)["pairwise"] == 0.0


def test_a_matrix_for_each_worker_is_refused_where_it_does_not_fit(tmp_path: Path) -> None:
    rows = ((item, worker, item % 400) for item in range(800) for worker in (item % 500, (item + 1) % 500))
    many = tmp_path / "many.csv"
    many.write_text("task,worker,label\n" + "".join(f"{item},w{worker},{label}\n" for item, worker, label in rows))
    assert answer("aggregate", many)["items"] == 800
    for method in ("dawid-skene", "dawid-skene-hierarchical"):
        assert "400 different labels and 500 workers" in (said := refusal("aggregate", many, "--method", method))
        assert "--method auto" in said


def test_agreement_answers_with_its_documented_keys(crowd: Path) -> None:
    found = answer("agreement", crowd / "labels.csv")
    figures = [name + end for name in ("alpha", "fleiss_kappa", "pairwise") for end in ("", "_low", "_high")]
    counts = ["items", "shared_items", "workers", "annotations", "repeated", "taken_back", "control"]
    assert list(found) == ["level", *figures, *counts]
    assert (found["items"], found["shared_items"], found["workers"], found["annotations"]) == (8, 8, 4, 32)
    assert found["pairwise"] == pytest.approx(0.5)
    assert found["alpha_low"] <= found["alpha"] <= found["alpha_high"]


def test_agreement_orders_numbers_by_number(tmp_path: Path) -> None:
    rows = [
        (item, worker, (10, 2, 1)[item % 3] if worker else (2, 1, 1)[item % 3])
        for item in range(9)
        for worker in range(2)
    ]
    numbers, names = tmp_path / "numbers.csv", tmp_path / "names.csv"
    numbers.write_text("item,annotator,label\n" + "".join(f"{i},{w},{v}\n" for i, w, v in rows))
    called = {1: "low", 2: "middle", 10: "high"}
    names.write_text("item,annotator,label\n" + "".join(f"{i},{w},{called[v]}\n" for i, w, v in rows))
    by_number = answer("agreement", numbers, "--level", "ordinal")
    by_name = answer("agreement", names, "--level", "ordinal", "--order", "low, middle,high")
    assert by_number == by_name
    assert answer("agreement", names, "--level", "ordinal", "--order", "high,low,middle")["alpha"] != by_name["alpha"]
    assert answer("agreement", numbers, "--level", "interval")["alpha"] != by_number["alpha"]
    assert "give their order with --order" in refusal("agreement", names, "--level", "ordinal")
    assert "not all numbers" in refusal("agreement", names, "--level", "interval")
    assert "does not name 'middle'" in refusal("agreement", names, "--level", "ordinal", "--order", "low,high")


def test_agreement_of_single_answers_is_not_defined(tmp_path: Path) -> None:
    single = tmp_path / "single.csv"
    single.write_text("task,worker,label\n1,ada,yes\n2,bob,no\n")
    found = answer("agreement", single)
    assert (found["alpha"], found["fleiss_kappa"], found["pairwise"], found["shared_items"]) == (None, None, None, 0)
    assert "Alpha needs items with at least two answers" in call("agreement", single).stdout
