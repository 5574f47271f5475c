"""The end of the demo, for a person: what happened, how good it is, where it lies, what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from core.cli.calling import called
from demo.report import Promise
from demo.sentences import counted

BAR_WIDTH = 40
INDENT = 2


def show(console: Console, report: Mapping[str, Any], promised: Sequence[Promise], home: Path) -> None:
    """Print the summary; where nobody sees colours, without the blanks that fill its lines up."""
    if console.is_terminal:
        _print(console, report, promised, home)
        return
    with console.capture() as captured:
        _print(console, report, promised, home)
    console.out("\n".join(line.rstrip() for line in captured.get().splitlines()), highlight=False)


def _print(console: Console, report: Mapping[str, Any], promised: Sequence[Promise], home: Path) -> None:
    parts: list[RenderableType] = [Text("\nWhat happened\n", style="bold"), _story(report), _table(report)]
    if report["model"]:
        parts += [Text("\nRight on tweets that the model never saw\n", style="bold"), _bars(report["model"])]
    parts += [*_promises(promised), Text("\nWhere it lies\n", style="bold")]
    console.print(_indented(parts), highlight=False)
    console.print(f"{' ' * INDENT}{home}/", soft_wrap=True, highlight=False, markup=False)  # never folded
    console.print(_indented([_files(home), _next()]), highlight=False)


def _indented(parts: Sequence[RenderableType]) -> RenderableType:
    return Padding(Group(*parts), (0, INDENT), expand=False)


def _story(report: Mapping[str, Any]) -> Text:
    minutes, seconds = divmod(int(report["seconds"]["total"]), 60)
    sentences = [
        f"{report['workers']} people joined, each in a chat of their own; {report['workers_who_answered']} of them "
        f"gave {report['annotations']} answers to {counted(report['items'], 'tweet')}. "
        f"It took {minutes} min {seconds} s.",
        *_twice(report),
        f"Asking stopped as soon as they agreed: {report['annotations_per_item']:.2f} answers a tweet on average, "
        f"never more than {report['max_annotations_on_an_item']}.",
        f"The crowd agreed on {counted(report['agreed'], 'tweet')}. The coordinator, who settles only what the right "
        f"label is known of, settled {report['adjudicated']}; still disputed: {report['disputed']}.",
        *_left_open(report),
    ]
    if report["agreed_accuracy"] is not None:
        known = report["agreed_with_gold"]
        sentences.append(
            f"Where the right label is known ({known} of the agreed), {report['agreed_accuracy']:.1%} are right."
        )
    return Text("\n".join([*sentences, *_learning(report)]) + "\n")


def _twice(report: Mapping[str, Any]) -> list[str]:
    """Texts that a job has already are not asked again."""
    twice = report["tweets_posted"] - report["items"]
    return [f"Of {report['tweets_posted']} posted, {twice} had a text that was there already."] if twice else []


def _left_open(report: Mapping[str, Any]) -> list[str]:
    return [f"Still open, because nobody here could say more: {report['open']}."] if report["open"] else []


def _learning(report: Mapping[str, Any]) -> list[str]:
    sentences = []
    if trained := report["models_trained"]:
        number = report["model"]["version"] if report["model"] else 0
        use = f"version {number} is in use" if number else "none was good enough to be used"
        sentences.append(f"{counted(trained, 'model')} learned from the labels; {use}.")
    if (order := report["order_of_asking"]) is not None:
        sentences.append(
            f"How much the model of that moment doubted the tweets added later, from 0 (sure) to 1 (no idea): "
            f"{order['asked_first']:.2f} on average for the {order['ends']} asked first, "
            f"{order['asked_last']:.2f} for the {order['ends']} asked last."
        )
    return sentences


def _table(report: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(justify="right")
    jobs = ", ".join(f"{count} {queue}" for queue, count in report["jobs"].items())
    journal = report["journal"]
    states = " / ".join(str(report[state]) for state in ("agreed", "adjudicated", "disputed", "open"))
    for name, value in (
        ("tweets", report["items"]),
        ("answers", report["annotations"]),
        ("answers a tweet", f"{report['annotations_per_item']:.2f}"),
        ("agreed / settled / disputed / open", states),
        ("predictions", report["predictions"]),
        ("acknowledged / lost / doubled", f"{journal['acknowledged']} / {journal['lost']} / {journal['doubled']}"),
        ("background jobs", jobs),
    ):
        table.add_row(name, str(value))
    return table


def _bars(model: Mapping[str, Any]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for name, share, style in (
        ("always the commonest label", model["majority_class_accuracy"], "dim"),
        ("TF-IDF + logistic regression", model["tfidf_logreg_accuracy"], "yellow"),
        (f"the model, version {model['version']}", model["holdout_accuracy"], "green"),
    ):
        table.add_row(name, Text("█" * round(share * BAR_WIDTH), style=style), f"{share:.1%}")
    items, coverage = model["holdout_items"], model["holdout_coverage"]
    return Group(
        table,
        Text(f"Measured on {items} tweets that were set aside; {coverage:.0%} of those set aside were decided.", "dim"),
    )


def _promises(promised: Sequence[Promise]) -> list[RenderableType]:
    binding = [one for one in promised if one.binding]
    missed = any(not one.kept for one in binding)
    heading = "Promised, and not all of it kept" if missed else "Promised and kept"
    parts: list[RenderableType] = [Text(f"\n{heading}\n", style="bold")]
    for one in binding:
        parts.append(_line("✓" if one.kept else "✗", one, "green" if one.kept else "bold red"))
    if rest := [one for one in promised if not one.binding]:
        parts.append(Text("\nPromised of the whole demo only, and measured here\n", style="bold"))
        parts += [_line("·", one, "dim") for one in rest]
    return parts


def _line(mark: str, promise: Promise, style: str) -> Text:
    return Text(f"  {mark} {promise.says}: {promise.measured}", style=style)


def _files(home: Path) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for name, what in (
        ("labels.csv", "the decided labels, as exported"),
        ("annotations.jsonl", "every answer, with pseudonyms"),
        ("report.json", "all figures of this run"),
        ("journal.jsonl", "what each person was told is accepted"),
        ("models", "the trained models"),
    ):
        if (home / name).exists():
            table.add_row(name, what)
    return table


def _next() -> Text:
    text = Text("\nWhat to try next\n\n", style="bold")
    for command, what in (
        ("demo --keep", "the same, and it stays open for you to look around"),
        ("up", "start it empty, open the link, and send it a CSV file of your own"),
    ):
        text.append(f"  {called(command)}\n", style="cyan").append(f"      {what}\n", style="not bold")
    return text
