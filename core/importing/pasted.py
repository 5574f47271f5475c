"""Lines that were pasted into the chat: kept and read as a text file, each line an item."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.config import Settings
from core.errors import InvalidInput
from core.importing.receive import Received, receive
from core.media import Media, keep

NAME = "pasted.txt"
"""Lines with tabs are a table that was copied from a spreadsheet: then the first line names the columns."""
MAX_CHARACTERS = 200_000


def receive_pasted(settings: Settings, text: str) -> tuple[Received, Media]:
    """Look at pasted lines as at a file, and keep them. They are few, so a transaction may wait for it.

    Raises:
        InvalidInput: pasted_too_long, or as `receive`.
        OSError: the home cannot be written.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput("pasted_too_long", limit=MAX_CHARACTERS)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / NAME
        path.write_text(text.strip() + "\n", encoding="utf-8", errors="replace", newline="")
        return receive(path, NAME), keep(settings, path)
