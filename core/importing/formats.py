"""The formats that can be imported: every module `core/importing/<format>_file.py`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import cast

import core.importing
from core.importing.rows import Format


@cache
def formats() -> dict[str, Format]:
    """All formats by name."""
    names = [module.name for module in pkgutil.iter_modules(core.importing.__path__) if module.name.endswith("_file")]
    found = [cast(Format, importlib.import_module(f"core.importing.{name}")) for name in sorted(names)]
    return {module.FORMAT: module for module in found}


def binary_format(head: bytes) -> Format | None:
    """The format of a file that is no text and begins with `head`, if it is one that can be imported."""
    return next((module for module in formats().values() if module.STARTS and head.startswith(module.STARTS)), None)


def find_format(name: str, head: Sequence[str]) -> Format:
    """The format that a file with this name and these first lines most likely has."""
    extension = Path(name).suffix.lower()
    return max(formats().values(), key=lambda module: module.likelihood(extension, head))
