"""Known labels of a job that is being posted: whether they fit its labels and its items is said before it is posted."""

from __future__ import annotations

from typing import Any

from bot.cards.post import Remark
from bot.context import Context
from bot.post_draft import GOLD_USE, Draft, labeled_count, misfit_count
from bot.texts import Some
from core.errors import Conflict, InvalidInput
from core.importing import Matched, fit, is_label
from core.labels import choice, load
from core.models import Project, Upload

LINES_NAMED = 5


def upload_of(context: Context, public_id: str) -> Upload:
    """A file of this workspace that was kept.

    Raises:
        Conflict: upload_gone.
    """
    mine = context.session.query(Upload).filter_by(workspace_id=context.workspace_id, public_id=public_id)
    upload = mine.one_or_none()
    if upload is None:
        raise Conflict("upload_gone")
    return upload


def settle(context: Context, draft: Draft) -> Draft:
    """The draft with how its known labels fit its labels, under "fit".

    A column that was only guessed, and of which no value is a label, is taken for something else and let go; so is a
    file of known labels where the labels have changed since.
    """
    draft = draft | {"fit": {}}
    if not draft["upload"] or not draft["labels"]:
        return draft
    schema = choice.make(draft["labels"])
    if not all(is_label(name, schema) for name in draft.get("matched", {}).get("labels", ())):
        return _let_go(draft, draft["known_file"])
    column = draft["mapping"]["gold"]
    found = fit(_surveyed(context, draft), column, schema) if column else None
    if found is None:
        return draft
    wanted = GOLD_USE in draft or column in (draft.get("wanted_gold"), draft.get("chosen_gold"))
    if not found.fitting and not wanted:
        return _let_go(draft, column)
    misfits = [list(misfit) for misfit in found.misfits]
    seen = {"rows": found.rows, "filled": found.filled, "fitting": found.fitting, "misfits": misfits}
    return draft | {"fit": seen, "let_go": ""}


def for_project(context: Context, draft: Draft, project: Project) -> Draft:
    """The draft of items that are added to a job: known labels that do not fit its labels are left aside."""
    names = [label.name for label in load(project.label_schema).labels]
    fitted = settle(context, draft | {"labels": names})
    return with_known_column(context, fitted, None) if undecided(fitted) and not usable(fitted) else fitted


def _surveyed(context: Context, draft: Draft) -> dict[str, Any]:
    seen = upload_of(context, draft["upload"]).dialect.get("seen", {})
    return dict(seen.get("values", {}))


def _let_go(draft: Draft, name: str) -> Draft:
    mapping = {role: column for role, column in draft["mapping"].items() if role != "known"} | {"gold": None}
    return draft | {"mapping": mapping, "known_file": "", "matched": {}, "let_go": name}


def with_known_column(context: Context, draft: Draft, column: str | None) -> Draft:
    """The draft with the known labels of this column, in place of what held them; or with none.

    Raises:
        InvalidInput: known_column_strange, where no value of it is a label of the job; known_column_empty.
    """
    mapping = {role: name for role, name in draft["mapping"].items() if role != "known"} | {"gold": column}
    chosen = draft | {"mapping": mapping, "known_file": "", "matched": {}, "chosen_gold": column or "", "let_go": ""}
    chosen = settle(context, chosen)
    found = chosen["fit"]
    if not found or found["fitting"]:
        return chosen
    if not found["filled"]:
        raise InvalidInput("known_column_empty", column=column)
    line, label = found["misfits"][0]
    raise InvalidInput("known_column_strange", column=column, line=line, label=label[:40], labels=draft["labels"])


def matched_in(matched: Matched) -> dict[str, Any]:
    """How a file of known labels fits the items, as the draft keeps it."""
    return {
        "rows": matched.rows,
        "used": matched.used,
        "missing": matched.missing,
        "lines": list(matched.lines),
        "example": matched.example,
        "labels": list(matched.labels),
    }


def undecided(draft: Draft) -> bool:
    """Whether some known labels are none of the job's, and nobody has said yet what becomes of their rows."""
    return misfit_count(draft) > 0 and draft.get("accepted") != draft["fit"]


def usable(draft: Draft) -> bool:
    """Whether the known labels that fit can be used and the other rows left out: most rows have to remain."""
    return bool(draft["fit"].get("fitting")) and 2 * (draft["bad_count"] + misfit_count(draft)) <= draft["rows"]


def remarks(draft: Draft) -> tuple[Remark, ...]:
    """What is to be known of the known labels before the job is posted."""
    said = [Remark("known_let_go", {"name": draft["let_go"]})] if draft.get("let_go") else []
    if matched := draft.get("matched"):
        said.append(Remark("known_matched", {"count": matched["rows"], "used": matched["used"]}))
        if missing := matched["missing"]:
            lines = _lines(matched["lines"], missing)
            said.append(Remark("known_unmatched", {"count": missing, "lines": lines, "key": matched["example"]}))
    if count := misfit_count(draft):
        lines = _lines([line for line, _ in draft["fit"]["misfits"]], count)
        said.append(Remark("known_left_out", {"count": count, "lines": lines}))
    return tuple(said)


def priced_remarks(draft: Draft) -> tuple[Remark, ...]:
    """As `remarks`, with the items that only check people and are no part of the price."""
    _, aside = labeled_count(draft)
    return (*((Remark("price_aside", {"count": aside}),) if aside else ()), *remarks(draft))


def _lines(lines: list[int], count: int) -> Some:
    named = tuple(lines[:LINES_NAMED])
    return Some(named, more=count > len(named))
