"""What the RQ jobs of the trainer have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from core.job_frame import counted_job
from core.models import ModelVersion
from core.queue import TRAINING
from core.runtime import Runtime


@contextmanager
def model_job(runtime: Runtime, name: str) -> Iterator[None]:
    """A job of the training queue that is counted once, whatever becomes of it."""
    quiet()
    with counted_job(runtime, TRAINING, name):
        yield


def quiet() -> None:
    """Keep what the library of models shows at every load out of the log."""
    set_verbosity_error()  # type: ignore[no-untyped-call]  # a table of new weights
    disable_progress_bar()  # type: ignore[no-untyped-call]


def find_champion(runtime: Runtime, version_id: int) -> ModelVersion | None:
    """A version of a model, or None where it is not its project's champion (any more)."""
    with runtime.reading() as session:
        version = session.get(ModelVersion, version_id)
    return version if version is not None and version.state == "champion" else None
