"""Files become items: looked at, kept, loaded. A new format is one new file `core/importing/<format>_file.py`."""

from core.importing.append import append_item
from core.importing.known import ItemsFile, Matched, compare, match_known
from core.importing.load import fail_batch, load_batch
from core.importing.pasted import receive_pasted
from core.importing.receive import Received, receive
from core.importing.rows import BadRow, Dialect, Row
from core.importing.store import create_batch, received_before, store
from core.importing.values import Fit, fit, is_label

__all__ = [
    "BadRow",
    "Dialect",
    "Fit",
    "ItemsFile",
    "Matched",
    "Received",
    "Row",
    "append_item",
    "compare",
    "create_batch",
    "fail_batch",
    "fit",
    "is_label",
    "load_batch",
    "match_known",
    "receive",
    "receive_pasted",
    "received_before",
    "store",
]
