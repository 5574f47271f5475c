"""The command `lightwork`. Each command imports what it needs when it runs, so that all of them start quickly."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from core.cli.failures import Sentences

if TYPE_CHECKING:
    from redis import Redis

    from core.config import Settings


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

    _work(light_worker)


@main.command()
def trainer() -> None:
    """Run training and prediction, each in a process of its own."""
    from importlib.util import find_spec

    from core.cli.workers import training_worker
    from core.errors import SettingsError

    if missing := [name for name in ("torch", "transformers", "safetensors", "sklearn") if find_spec(name) is None]:
        raise SettingsError(
            f"The trainer needs {', '.join(missing)}; install them with: pip install 'lightwork[train]'."
        )
    _work(training_worker)


@main.command()
def schedule() -> None:
    """Run what is timed. One process is enough, two do no harm."""
    from core.embedded import reachable_redis_url
    from core.queue import connect
    from core.schedule import Schedule

    settings = _settings()
    Schedule(connect(reachable_redis_url(settings))).run()


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

    found = look(_settings())
    click.echo(json.dumps(found, indent=2) if as_json else describe(found))
    if not (found["database"]["reachable"] and found["redis"]["reachable"]):
        sys.exit(2)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
def doctor(as_json: bool) -> None:
    """Check everything that Lightwork stands on, and say what to do about each failure."""
    from dataclasses import asdict

    from core.cli.doctor import examine, line

    findings = []
    for finding in examine(_settings()):
        findings.append(finding)
        if not as_json:
            click.echo(line(finding))
    healthy = not any(finding.health == "failure" for finding in findings)
    if as_json:
        click.echo(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
    if not healthy:
        sys.exit(1)


@main.command()
@click.option("--role", default="worker", show_default=True, help="worker, expert, coordinator or owner.")
@click.option("--uses", default=1, show_default=True, type=click.IntRange(1, 10_000), help="How many may join by it.")
@click.option("--hours", default=168.0, show_default=True, type=click.FloatRange(0, 8760, min_open=True))
def invite(role: str, uses: int, hours: float) -> None:
    """Print a link by which people join."""
    from core.cli.invite import invite as run

    click.echo(run(_settings(), role, uses, hours))


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Show the whole product at work on real data."""
    from importlib import import_module
    from pathlib import Path

    from core.errors import SettingsError

    checkout = Path(__file__).parents[2]
    if not (checkout / "demo" / "run.py").exists():
        raise SettingsError("The demo comes with its data in the source tree; clone the repository and run it there.")
    sys.path.insert(0, str(checkout))
    sys.exit(import_module("demo.run").main(list(arguments)))


def _settings() -> Settings:
    import logging

    from core.config import load_settings
    from core.errors import SettingsError
    from core.log import setup_logging

    settings = load_settings()
    setup_logging(settings.log_format, settings.secrets_to_hide())
    for noisy in ("alembic", "rq.job"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"LIGHTWORK_HOME: {settings.home} cannot be used ({error.strerror}).") from None
    return settings


def _work(make_worker: Callable[[Redis], Any]) -> None:
    from core.cli.beside import await_release
    from core.cli.workers import work
    from core.embedded import reachable_redis_url

    settings = _settings()
    await_release(settings)
    work(reachable_redis_url(settings), make_worker)
