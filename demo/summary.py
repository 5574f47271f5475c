"""The end of the demo, for a person: what happened, how good it is, where it lies, what to try."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

BAR_WIDTH = 40


def summary(report: Mapping[str, Any], kept: Mapping[str, bool], home: Path) -> RenderableType:
    """The whole summary."""
    parts: list[RenderableType] = [Text("\nWhat happened\n", style="bold"), _story(report), _table(report)]
    if report["model"]:
        parts += [Text("\nRight on tweets that the model never saw\n", style="bold"), _bars(report["model"])]
    parts += [Text("\nPromised and kept\n", style="bold"), _promises(kept)]
    parts += [Text("\nWhere it lies\n", style="bold"), _files(home), _next()]
    return Padding(Group(*parts), (0, 2), expand=False)


def show(console: Console, report: Mapping[str, Any], kept: Mapping[str, bool], home: Path) -> None:
    """Print the summary."""
    console.print(summary(report, kept, home), highlight=False)


def _story(report: Mapping[str, Any]) -> Text:
    total = report["seconds"]["total"]
    sentences = [
        f"{report['workers']} people joined, each in a chat of their own, and gave {report['annotations']} answers to "
        f"{report['items']} tweets. It took {int(total) // 60}:{int(total) % 60:02d} minutes.",
        f"Asking stopped as soon as they agreed: {report['annotations_per_item']:.2f} answers a tweet on average, "
        f"never more than {report['max_annotations_on_an_item']}.",
        f"The crowd agreed on {report['agreed']} tweets; the coordinator settled {report['adjudicated']}, "
        f"and {report['disputed']} are still disputed.",
    ]
    if report["agreed_accuracy"] is not None:
        known = report["agreed_with_gold"]
        sentences.append(
            f"Where the right label is known ({known} of the agreed), {report['agreed_accuracy']:.1%} are right."
        )
    if (model := report["model"]) is not None:
        sentences.append(
            f"{model['versions_trained']} models were trained on the way; version {model['version']} is in use and has "
            f"made the order of what was asked."
        )
    if (order := report["order_of_asking"]) is not None:
        sentences.append(
            f"Of the second upload, the first {order['ends']} tweets asked had a doubt of {order['asked_first']:.2f}, "
            f"the last {order['ends']} of {order['asked_last']:.2f}."
        )
    return Text("\n".join(sentences) + "\n")


def _table(report: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(justify="right")
    jobs = ", ".join(f"{count} {queue}" for queue, count in report["jobs"].items())
    journal = report["journal"]
    for name, value in (
        ("tweets", report["items"]),
        ("answers", report["annotations"]),
        ("answers a tweet", f"{report['annotations_per_item']:.2f}"),
        ("agreed / settled / disputed", f"{report['agreed']} / {report['adjudicated']} / {report['disputed']}"),
        ("predictions", report["predictions"]),
        ("acknowledged / lost / doubled", f"{journal['acknowledged']} / {journal['lost']} / {journal['doubled']}"),
        ("background jobs", jobs),
    ):
        table.add_row(name, str(value))
    return table


def _bars(model: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for name, share, style in (
        ("always the commonest label", model["majority_class_accuracy"], "dim"),
        ("TF-IDF + logistic regression", model["tfidf_logreg_accuracy"], "yellow"),
        (f"the model, version {model['version']}", model["holdout_accuracy"], "green"),
    ):
        table.add_row(name, Text("█" * round(share * BAR_WIDTH), style=style), f"{share:.1%}")
    table.caption = f"{model['holdout_items']} tweets, {model['holdout_coverage']:.0%} of those set aside"
    table.caption_justify = "left"
    return table


def _promises(kept: Mapping[str, bool]) -> Text:
    text = Text()
    for promise, good in kept.items():
        text.append(f"  {'✓' if good else '✗'} {promise}\n", style="green" if good else "bold red")
    return text


def _files(home: Path) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, what in (
        ("labels.csv", "the agreed labels, as exported"),
        ("annotations.jsonl", "every answer, with pseudonyms"),
        ("report.json", "all figures of this run"),
        ("journal.jsonl", "what each person was told is accepted"),
        ("models", "the trained models"),
    ):
        table.add_row(Text(str(home / name), overflow="fold"), what)
    return table


def _next() -> Text:
    return Text.assemble(
        ("\nWhat to try next\n\n", "bold"),
        ("  lightwork demo --keep", "cyan"),
        "   the same, and it stays open for you to look around\n",
        ("  lightwork up", "cyan"),
        "            start it empty, open the link, and send it a CSV file of your own\n",
    )
