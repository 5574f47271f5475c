"""Files that coordinators send, and what comes of them in the background."""

from __future__ import annotations

from pathlib import Path

from openpyxl import Workbook
from sqlalchemy import select

from core.importing import load_batch
from core.models import Batch
from tests.fakes.chat import Chat, Someone

TWEETS = "id,text,gold\n1,What a lovely day,Good\n2,Rain again,Bad\n3,,Good\n4,Snow,Bad\n4,Snow,Bad\n"


def write(tmp_path: Path, text: str | bytes = TWEETS, name: str = "tweets.csv") -> Path:
    """A file to upload."""
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def write_workbook(tmp_path: Path, *rows: tuple[object, ...], name: str = "tweets.xlsx") -> Path:
    """An Excel file to upload."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / name)
    return tmp_path / name


def load_all(chat: Chat) -> None:
    """What the RQ job `import_batch` does."""
    with chat.writing() as session:
        batch_ids = list(session.scalars(select(Batch.id).where(Batch.state == "loading")))
    for batch_id in batch_ids:
        load_batch(chat.engine, chat.settings, batch_id, chat.run_effects)


async def inbox(chat: Chat, person: Someone) -> list[str]:
    """Everything that was owed to a person and is now delivered."""
    await chat.deliver()
    return [message.plain() for address, message in chat.surface.sent if address == person.person.address]
