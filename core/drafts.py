"""Files that readers see whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to be written, for its owner's eyes alone (mode 0600); at the end it becomes `path`.

    Where the block raises it goes away again, and `path` is as it was before.

    Raises:
        OSError: the folder of `path` cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=".draft-", suffix=path.suffix)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
