"""`python -m core.cli` is `lightwork`."""

from core.cli import main

main(prog_name="lightwork")
