"""The command `lightwork`. Each command imports what it needs when it runs, so that all of them start quickly."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from core.cli.failures import Sentences
from core.cli.model_commands import learning, model, predict
from core.cli.output import ended_in_order

if TYPE_CHECKING:
    from redis import Redis

    from core.config import Settings

METHOD_NAMES = ["auto", "majority", "wawa", "dawid-skene", "dawid-skene-hierarchical", "one-coin", "glad"]
"""Those of `core.aggregation.methods`, which takes long to import."""


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lightwork")
def main() -> None:
    """Label your data in the chat you already have open, and a model learns from it."""


@main.command()
def up() -> None:
    """Start everything on this machine and stay until Ctrl-C."""
    from core.cli.up import up as run

    run(_settings())


@main.command()
def migrate() -> None:
    """Bring the database to this version."""
    from core.cli.migrate import migrate as run

    click.echo("The database has been brought to this version." if run(_settings()) else "Nothing to do.")


@main.command()
def release() -> None:
    """What a release does before its processes start: migrate."""
    from core.cli.beside import stay_beside_the_others
    from core.cli.migrate import migrate as run

    run(_settings())
    stay_beside_the_others()


@main.command()
def bot() -> None:
    """Talk to people: web chat, Telegram, Slack."""
    import os

    from core.cli.beside import await_release

    await_release(_settings())
    os.execv(sys.executable, [sys.executable, "-m", "bot"])  # noqa: S606 (no shell is meant)


@main.command()
def worker() -> None:
    """Run light jobs: leases, offers, consensus, imports, exports."""
    from core.cli.workers import light_worker

    _work("worker", light_worker)


@main.command()
def trainer() -> None:
    """Run training and prediction, each in a process of its own."""
    from importlib.util import find_spec

    from core.cli.workers import training_worker
    from core.errors import SettingsError

    if missing := [name for name in ("torch", "transformers", "safetensors", "sklearn") if find_spec(name) is None]:
        raise SettingsError(
            f"The trainer needs {', '.join(missing)}; in the checkout, install them with: pip install '.[train]'."
        )
    _work("trainer", training_worker)


@main.command()
def schedule() -> None:
    """Run what is timed. One process is enough, two do no harm."""
    from core.cli.watched import watched_schedule
    from core.embedded import reachable_redis_url
    from core.queue import connect
    from core.schedule import Schedule
    from core.stopping import leave_now

    settings = _settings()
    url = reachable_redis_url(settings)
    with watched_schedule(settings, url):
        Schedule(connect(url)).run()
    leave_now()


@main.command()
def valkey() -> None:
    """Run the embedded Valkey alone, in the foreground."""
    from core.embedded import run_server

    run_server(_settings().home)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Show the database, Redis, the processes, the queues and the projects."""
    from core.cli.status import describe, look

    found = look(_settings(make_home=False))
    click.echo(json.dumps(found, indent=2) if as_json else describe(found))
    if not (found["database"]["reachable"] and found["redis"]["reachable"]):
        sys.exit(2)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
def doctor(as_json: bool) -> None:
    """Check everything that Lightwork stands on, and say what to do about each failure."""
    from dataclasses import asdict

    from core.cli.doctor import examine, faults, line
    from core.config import load_what_can_be

    settings, problems = load_what_can_be()
    _quieten(settings)
    findings = []
    for finding in chain(faults(problems), examine(settings)):
        findings.append(finding)
        if not as_json:
            click.echo(line(finding))
    healthy = not any(finding.health == "failure" for finding in findings)
    if as_json:
        click.echo(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
    if not healthy:
        sys.exit(1)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--whole", is_flag=True, help="An archive with uploads, models and the key of the web chat too.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@ended_in_order()
def backup(file: Path | None, whole: bool, force: bool) -> None:
    """Copy the database into one verified file, while everything runs."""
    from core.cli.backup import backup as run

    made = run(_settings(make_home=False), file, whole=whole, force=force)
    click.echo(f"Backed up to {made.file} ({made.size / 1e6:.1f} MB, {made.seconds:.1f} s, verified).")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Also over a database that holds what the backup does not.")
def restore(file: Path, force: bool) -> None:
    """Put a backup in the place of the database, which is kept aside. Stop everything first."""
    from core.cli.calling import called
    from core.cli.restore import restore as run

    done = run(_settings(), file, force=force)
    click.echo(f"Restored to {done.database}." + (f" What was there lies in {done.aside}." if done.aside else ""))
    if done.queues_elsewhere:
        click.echo("The Redis at REDIS_URL was left as it is. If it serves nothing else, empty it: redis-cli FLUSHDB")
    click.echo(f"Start everything with: {called('up')}")


@main.command()
@click.option("--role", default="worker", show_default=True, help="worker, expert, coordinator or owner.")
@click.option("--uses", default=1, show_default=True, type=click.IntRange(1, 10_000), help="How many may join by it.")
@click.option("--hours", default=168.0, show_default=True, type=click.FloatRange(0, 8760, min_open=True))
def invite(role: str, uses: int, hours: float) -> None:
    """Print a link by which people join."""
    from core.cli.invite import invite as run

    click.echo(run(_settings(make_home=False), role, uses, hours))


@main.command()
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--method", default="auto", show_default=True, type=click.Choice(METHOD_NAMES))
@click.option("--gold", type=click.Path(path_type=Path), help="A CSV of known labels: task, label.")
@click.option("--out", type=click.Path(path_type=Path), help="Write task, label and confidence to this CSV.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
@ended_in_order()
def aggregate(labels: Path, method: str, gold: Path | None, out: Path | None, force: bool, as_json: bool) -> None:
    """Decide one label for each item of a CSV of answers: task, worker, label."""
    from core.cli.aggregate import run

    found, sentences = run(labels, method, gold, out, _tell, force=force)
    click.echo(json.dumps(found) if as_json else sentences)


@main.command()
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--level", default="nominal", show_default=True, type=click.Choice(["nominal", "ordinal", "interval"]))
@click.option("--order", help="The labels from low to high, with commas between them; for ordinal labels.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the intervals' bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
def agreement(
    labels: Path, level: Literal["nominal", "ordinal", "interval"], order: str | None, seed: int, as_json: bool
) -> None:
    """Say how much the people behind a CSV of answers agree: task, worker, label."""
    from core.cli.agreement import describe, measure

    found = measure(labels, level, order, seed, _tell)
    click.echo(json.dumps(found) if as_json else describe(found))


@main.command()
@click.argument("project")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
def forecast(project: str, as_json: bool) -> None:
    """Say what a job will still take, and how right its labels will be; by its id or its name."""
    from core.cli.forecast import describe, look
    from core.clock import now

    found = look(_settings(make_home=False), project)
    click.echo(json.dumps(found) if as_json else describe(found, now()))


@main.command()
@click.argument("project")
@click.argument("item", required=False)
@click.option("--limit", type=click.IntRange(1), help="Of each list, so many items.  [default: the first few]")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
def explain(project: str, item: str | None, limit: int | None, as_json: bool) -> None:
    """Say where people and the model in use differ, or why the model says what it says of one ITEM."""
    from core.cli.explain import describe, look

    found = look(_settings(make_home=False), project, item, limit)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else describe(found))


@main.command()
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--gold", required=True, type=click.Path(path_type=Path), help="A CSV of known labels: task, label.")
@click.option("--seeds", default=8, show_default=True, type=click.IntRange(1, 1000), help="How many random orders.")
@click.option("--file-order", is_flag=True, help="Once, in the order of the file.")
@click.option("--information", type=click.FloatRange(0, 1, min_open=True), help="What an answer has to be worth.")
@click.option("--target", type=click.FloatRange(0.5, 0.999), help="Wanted share of right labels.")
@click.option("--error-cost", type=click.FloatRange(1), help="As how many answers an error costs.  [default: 20]")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
def replay(
    labels: Path,
    gold: Path,
    seeds: int,
    file_order: bool,
    information: float | None,
    target: float | None,
    error_cost: float | None,
    as_json: bool,
) -> None:
    """Say what a CSV of answers would have cost, and how right its labels would be, with dynamic overlap."""
    from core.cli.replay import aim_from, describe, run

    aim = aim_from(information, target, error_cost)
    found = run(labels, gold, seeds, file_order=file_order, aim=aim, progress=_tell)
    click.echo(json.dumps(found) if as_json else describe(found))


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Show the whole product at work on real data."""
    import os
    from importlib import import_module

    from core.errors import SettingsError

    checkout = Path(__file__).parents[2]
    if not (checkout / "demo" / "run.py").exists():
        raise SettingsError("The demo comes with its data in the source tree; clone the repository and run it there.")
    os.umask(0o077)  # as of every command that makes a home
    sys.path.insert(0, str(checkout))
    sys.exit(import_module("demo.run").main(list(arguments)))


main.add_command(learning)
main.add_command(model)
main.add_command(predict)


def _settings(*, make_home: bool = True) -> Settings:
    """The settings of this command. make_home: not for commands that only look."""
    import os

    from core.config import load_settings
    from core.errors import SettingsError

    settings = load_settings()
    _quieten(settings)
    os.umask(0o077)  # for the children too: what lies in the home is nobody else's business
    try:
        if make_home:
            settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"LIGHTWORK_HOME: {settings.home} cannot be used ({error.strerror}).") from None
    return settings


def _quieten(settings: Settings) -> None:
    import logging

    from core.log import setup_logging

    setup_logging(settings.log_format, settings.secrets_to_hide())
    for noisy in ("alembic", "rq.job"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _tell(line: str) -> None:
    """Beside the answer, which alone goes to the standard output."""
    click.echo(line, err=True)


def _work(process: str, make_worker: Callable[[Redis], Any]) -> None:
    from core.cli.beside import await_release
    from core.cli.watched import watched
    from core.cli.workers import work
    from core.embedded import reachable_redis_url
    from core.steady import keep_steady
    from core.stopping import leave_now

    settings = _settings()
    await_release(settings)
    url = reachable_redis_url(settings)
    with watched(settings, process, url):
        keep_steady()
        work(url, make_worker)
    leave_now()
