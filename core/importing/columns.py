"""Names of columns, as every format with a header gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.importing.rows import MAX_COLUMN_NAME


def column_names(header: Iterable[str]) -> tuple[str, ...]:
    """Names by which columns are called: never empty, never twice."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for number, cell in enumerate(header, start=1):
        name = " ".join(cell.split())[:MAX_COLUMN_NAME] or f"column_{number}"
        while name in seen:
            seen[name] += 1
            name = f"{name}_{seen[name]}"
        seen[name] += 1
        names.append(name)
    return tuple(names)
