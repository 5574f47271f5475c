"""`make soak`: half an hour at 60 % of the highest rate; writes the report, and fails where memory or tables grow."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak import report
from tests.soak.soaking import Soaked, soak
from tests.soak.verdict import check


def main() -> int:
    """The exit status: 0 where all is flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--report", type=Path, default=Path("docs/reports/soak.md"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lightwork-soak-") as directory:
        soaked = asyncio.run(soak(Path(directory) / "home", options.minutes * 60.0, say))
    report.write(options.report, soaked)
    return tell(soaked)


def tell(soaked: Soaked) -> int:
    """The exit status, and a sentence."""
    try:
        check(soaked)
    except AssertionError as error:
        say(f"Not flat: {error}")
        return 1
    say("All is flat.")
    return 0


def say(line: str) -> None:
    """Tell whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
