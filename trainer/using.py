"""A model at work on a file: texts in, labels with confidences out, in pieces, so that memory does not grow."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from core.config import Settings
from core.drafts import drafted
from core.errors import Conflict, SettingsError
from core.exporting import export_formats
from core.exporting.write import ExportFormat
from core.importing import BadRow, Received, Row, receive
from core.importing.checks import Candidate, ColumnMapping, check_mapping, check_row
from core.importing.formats import formats
from core.labels import load as load_schema
from core.labels import name_of
from core.models import ModelVersion, Project
from trainer.measuring import Speaker, load_speaker
from trainer.redaction import Redaction
from trainer.redaction import load as load_redaction
from trainer.settings import Device, choose_device

PIECE = 1000
COLUMNS = ("id", "text", "label", "confidence")
BAD_NAMED = 5

Cells = tuple[str, str, str, float]


@dataclass
class Outcome:
    """What became of the rows of a file. bad: how many could not be used; first_bad: the first of them."""

    rows: int = 0
    bad: int = 0
    first_bad: list[BadRow] = field(default_factory=list)


def predict_file(
    settings: Settings,
    project: Project,
    version: ModelVersion,
    source: Path,
    out: Path,
    text_column: str | None,
    progress: Callable[[int, int], None],
) -> Outcome:
    """Label every text of a CSV, JSON Lines or XLSX file; `out` is there whole at the end, or as it was before.

    Args:
        out: its ending says the format: .csv, .jsonl or .xlsx.
        text_column: guessed where it is not said.
        progress: called with (rows done, about how many there are) after each piece.

    Raises:
        InvalidInput: the file or a column cannot be used.
        SettingsError: there is no format of that ending.
        Conflict: artifact_missing, or redaction_failed.
        OSError: `out` cannot be written.
    """
    writer = _format_of(out)
    received = receive(source, source.name)
    text, identifier = text_column or received.text_column, received.id_column
    mapping = check_mapping({"text": text, "id": identifier if identifier != text else None}, received.columns)
    speaker = load_speaker(settings.model_directory, version, project.label_schema)
    if speaker is None:
        raise Conflict("artifact_missing", artifact=f"v{version.number}")
    names = load_schema(project.label_schema)
    spoken = _Spoken(
        speaker, choose_device(settings.device), load_redaction(settings.redaction), lambda label: name_of(names, label)
    )
    outcome = Outcome()
    cells = _cells(source, received, mapping, spoken, outcome, progress)
    with drafted(out) as draft:
        outcome.rows = writer.write(draft, COLUMNS, cells)
    return outcome


def _format_of(out: Path) -> ExportFormat:
    """The format that a file's ending says.

    Raises:
        SettingsError: none has that ending.
    """
    known = {one.EXTENSION: one for one in export_formats().values()}
    if (found := known.get(out.suffix.lower())) is None:
        endings = ", ".join(sorted(known))
        raise SettingsError(f"{out} has no ending that says its format; let it end in one of {endings}.")
    return found


@dataclass(frozen=True, slots=True)
class _Spoken:
    speaker: Speaker
    device: Device
    redact: Redaction
    name: Callable[[str], str]

    def about(self, piece: list[Candidate]) -> Iterator[Cells]:
        """A label and its confidence for each text."""
        said = self.speaker.says([self.redact(one.text) for one in piece], self.device)
        for one, shares in zip(piece, said, strict=True):
            best = int(shares.argmax())
            label = self.name(self.speaker.head.label_ids[best])
            yield one.external_id, one.text, label, round(float(shares[best]), 6)


def _cells(
    source: Path,
    received: Received,
    mapping: ColumnMapping,
    spoken: _Spoken,
    outcome: Outcome,
    progress: Callable[[int, int], None],
) -> Iterator[Cells]:
    done = 0
    with closing(_texts(source, received, mapping, outcome)) as texts:
        while piece := list(islice(texts, PIECE)):
            yield from spoken.about(piece)
            done += len(piece)
            progress(done, max(received.rows, done))


def _texts(source: Path, received: Received, mapping: ColumnMapping, outcome: Outcome) -> Generator[Candidate]:
    """The good rows; the bad ones are counted."""
    with closing(formats()[received.format].rows(source, received.dialect)) as rows:
        for row in rows:
            checked = check_row(row, mapping, None) if isinstance(row, Row) else row
            if isinstance(checked, Candidate):
                yield checked
                continue
            outcome.bad += 1
            if len(outcome.first_bad) < BAD_NAMED:
                outcome.first_bad.append(checked)
