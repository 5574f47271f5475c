"""How long each table keeps its rows. A table without a rule here fails a test: whoever adds one has to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ANSWER, PERSON, JOB, ACT, SHORT = "answer", "person", "job", "act", "short"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a table grows with, and when its rows go.

    grows_with: answer, person, job (with its items, models and uploads), act (something that somebody does by hand, a
        few times a day), or short: rows go by themselves.
    """

    grows_with: str
    rule: str


KEPT = "kept"
RULES: Mapping[str, Rule] = {
    # what people said, and how it came about
    "assignment": Rule(ANSWER, "kept: one for each lease, the provenance of each answer"),
    "annotation": Rule(ANSWER, "kept: what was taken back or rejected too, with its state"),
    "adjudication": Rule(ACT, "kept: verdicts; what was put aside goes with its verdict"),
    "flag": Rule(ACT, "kept: one open for each person, job and kind, and those that were settled"),
    "log_entry": Rule(ACT, "kept: never changed, so that it can be believed"),
    # jobs
    "project": Rule(JOB, KEPT),
    "upload": Rule(JOB, KEPT),
    "batch": Rule(JOB, KEPT),
    "item": Rule(JOB, KEPT),
    "gold": Rule(JOB, "kept: one for each known item"),
    "export_request": Rule(ACT, "kept: one for each file asked for; the files go after a week"),
    "training_run": Rule(JOB, KEPT),
    "model_version": Rule(JOB, KEPT),
    "prediction": Rule(
        JOB, "of models out of use they go, as far as nothing rests on them (core/spent_predictions.py)"
    ),
    # people
    "workspace": Rule(PERSON, KEPT),
    "worker": Rule(PERSON, "kept: emptied of all that names them by /forget"),
    "identity": Rule(PERSON, "until /forget"),
    "membership": Rule(PERSON, "until /forget"),
    "invite": Rule(ACT, KEPT),
    "participation": Rule(PERSON, "one for each person and job"),
    "cursor": Rule(PERSON, "one for each person, job and band"),
    "skill": Rule(PERSON, "one for each person and job"),
    "dialogue": Rule(PERSON, "one for each account at most; goes with the end of the conversation"),
    # what is on its way
    "outbox_message": Rule(SHORT, "seven days, once sent, expired or failed (core/outbox.py); owed ones expire"),
    "chat_message": Rule(SHORT, "the newest 300 of each account (bot/mailbox.py)"),
    "link_request": Rule(SHORT, "a day (core/link_requests.py)"),
    "attempt": Rule(SHORT, "24 hours (core/sweep.py)"),
    "singleton_lease": Rule(SHORT, "one for each thing that one process may do"),
    "poll_offset": Rule(SHORT, "one for each token"),
    "job_tally": Rule(SHORT, "one for each kind of RQ job"),
}
