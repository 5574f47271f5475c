"""A model at work on a file: rows in, the same rows with labels and confidences out, in pieces of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from core.config import Settings
from core.drafts import drafted
from core.errors import Conflict, InvalidInput, SettingsError
from core.exporting import export_formats, jsonl_file
from core.exporting.write import ExportFormat
from core.importing import BadRow, Received, Row, receive
from core.importing.checks import Candidate, ColumnMapping, check_mapping, check_row
from core.importing.formats import formats
from core.importing.rows import MAX_COLUMNS
from core.labels import LabelSchema, name_of
from core.labels import load as load_schema
from core.models import ModelVersion, Project
from trainer.measuring import Speaker, load_speaker
from trainer.redaction import Redaction
from trainer.redaction import load as load_redaction
from trainer.settings import Device, choose_device

PIECE = 1000
ADDED = ("label", "confidence")
BAD_NAMED = 5

Object = Mapping[str, Any]
Checked = tuple[Row, Candidate]


@dataclass
class Outcome:
    """What became of the rows of a file. bad: how many could not be used; first_bad: the first of them.

    text_column: the column that was read. guessed: why (name, only_column or longest); empty where it was said.
    header: whether the first line was taken for the names of the columns.
    added: the names that the label and the confidence have in the output.
    """

    text_column: str
    guessed: str
    header: bool
    added: Mapping[str, str]
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

    `out` has all columns of `source`, as they stand there, then the label and the confidence.

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
    mapping = check_mapping({"text": text_column or received.text_column}, received.columns)
    columns, taken = _columns(source, received)
    why = "" if text_column else dict(received.text_candidates)[mapping.text]
    outcome = Outcome(mapping.text, why, received.dialect.has_header, {name: free_name(name, taken) for name in ADDED})
    speaker = load_speaker(settings.model_directory, version, project.label_schema)
    if speaker is None:
        raise Conflict("artifact_missing", artifact=f"v{version.number}")
    spoken = _Spoken(
        speaker, choose_device(settings.device), load_redaction(settings.redaction), load_schema(project.label_schema)
    )
    objects = _labeled(source, received, mapping, spoken, outcome, progress)
    with drafted(out) as draft:
        outcome.rows = _write(writer, draft, (*columns, *outcome.added.values()), objects)
    return outcome


def free_name(name: str, taken: Collection[str]) -> str:
    """`name`, or the first of `name_2`, `name_3` and so on that is not taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _columns(source: Path, received: Received) -> tuple[tuple[str, ...], Collection[str]]:
    """All columns, and all names that are taken. Where each row has keys of its own, all rows are looked at.

    Raises:
        InvalidInput: too_many_columns.
    """
    if received.format != jsonl_file.FORMAT:
        return received.columns, received.columns
    found, keys = dict.fromkeys(received.columns), set[str]()
    with closing(formats()[received.format].rows(source, received.dialect)) as rows:
        for row in rows:
            if isinstance(row, Row):
                found.update(dict.fromkeys(row.values))
                keys.update(row.whole or ())
            if len(found) > MAX_COLUMNS:
                raise InvalidInput("too_many_columns", count=len(found), limit=MAX_COLUMNS)
    return tuple(found), keys | found.keys()


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


def _write(writer: ExportFormat, draft: Path, columns: Sequence[str], rows: Iterable[Object]) -> int:
    """Write rows, as the objects that they are where the format has objects."""
    if writer.FORMAT == jsonl_file.FORMAT:
        return jsonl_file.write_objects(draft, rows)
    return writer.write(draft, columns, ([row.get(name, "") for name in columns] for row in rows))


@dataclass(frozen=True, slots=True)
class _Spoken:
    speaker: Speaker
    device: Device
    redact: Redaction
    labels: LabelSchema

    def about(self, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
        """A label and its confidence for each text."""
        for shares in self.speaker.says([self.redact(text) for text in texts], self.device):
            best = int(shares.argmax())
            yield name_of(self.labels, self.speaker.head.label_ids[best]), round(float(shares[best]), 6)


def _labeled(
    source: Path,
    received: Received,
    mapping: ColumnMapping,
    spoken: _Spoken,
    outcome: Outcome,
    progress: Callable[[int, int], None],
) -> Iterator[Object]:
    """Each good row with its label and its confidence."""
    done, (label_name, sure_name) = 0, (outcome.added[name] for name in ADDED)
    with closing(_texts(source, received, mapping, outcome)) as texts:
        while piece := list(islice(texts, PIECE)):
            said = spoken.about([candidate.text for _, candidate in piece])
            for (row, _), (label, sure) in zip(piece, said, strict=True):
                yield {**(row.values if row.whole is None else row.whole), label_name: label, sure_name: sure}
            done += len(piece)
            progress(done, max(received.rows, done))


def _texts(source: Path, received: Received, mapping: ColumnMapping, outcome: Outcome) -> Generator[Checked]:
    """The good rows; the bad ones are counted."""
    with closing(formats()[received.format].rows(source, received.dialect)) as rows:
        for row in rows:
            checked = check_row(row, mapping, None) if isinstance(row, Row) else row
            if isinstance(row, Row) and isinstance(checked, Candidate):
                yield row, checked
            elif isinstance(checked, BadRow):
                outcome.bad += 1
                if len(outcome.first_bad) < BAD_NAMED:
                    outcome.first_bad.append(checked)
