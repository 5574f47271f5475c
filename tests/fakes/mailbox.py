"""A mailbox in memory, with the semantics that the web chat needs of the real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.ids import new_public_id


@dataclass
class MemoryMailbox:
    """Rows of all people; one counter of revisions for the whole chat. Counts its calls."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    revision: int = 0
    writes: int = 0
    reads: int = 0

    async def put(
        self, external_id: str, author: str, content: dict[str, Any], public_id: str | None = None
    ) -> dict[str, Any]:
        """Store a bubble, or replace the one with `public_id`, which keeps its author."""
        self.writes += 1
        self.revision += 1
        message_id = public_id or new_public_id()
        if message_id in self.rows:
            assert self.rows[message_id]["external_id"] == external_id, "a bubble of somebody else's was replaced"
            author = self.rows[message_id]["author"]
        self.rows[message_id] = {
            "id": message_id,
            "external_id": external_id,
            "author": author,
            "revision": self.revision,
            "content": content,
        }
        return {key: self.rows[message_id][key] for key in ("id", "author", "revision", "content")}

    async def since(self, external_id: str, revision: int, limit: int = 200) -> list[dict[str, Any]]:
        """Bubbles newer than `revision`, oldest first."""
        self.reads += 1
        found = [row for row in self.rows.values() if row["external_id"] == external_id and row["revision"] > revision]
        found.sort(key=lambda row: int(row["revision"]))
        return [{key: row[key] for key in ("id", "author", "revision", "content")} for row in found[:limit]]
