"""Samples of sentences alone and of forms, and what samples have in common: the words of people, times and ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from bot.cards.forms import bad_row_line
from bot.cards.views import Choice, Notice, View
from bot.post_draft import empty_draft
from bot.post_form import form_of
from bot.surface import Form
from bot.texts import say
from bot.tokens import make

NOON = datetime(2026, 6, 12, 12, 0, tzinfo=UTC)
ZONE = "Europe/Berlin"
JOB, ITEM, OTHER = "jobabcdefgh23456", "itemabcdefgh2345", "otherabcdefgh234"
COUNTS = {"found": 3, "expected": 2}


@dataclass(frozen=True, slots=True)
class Said:
    """What people have written themselves."""

    job: str
    question: str
    labels: tuple[str, ...]
    item: str
    other: str
    reason: str
    guidelines: str
    name: str
    workspace: str
    column: str
    file: str


SAID: Mapping[str, Said] = {
    "en": Said(
        "Tweets",
        "What is the sentiment of this tweet?",
        ("Positive", "Neutral", "Negative"),
        "Three hours late, and not a word from the airline.",
        "Landed early. Lovely crew!",
        "they are angry",
        "Judge the words, not the topic.",
        "Ana",
        "Bird watchers",
        "tweet",
        "tweets.csv",
    ),
    "zh": Said(
        "微博",
        "这条微博是什么情绪？",
        ("正面", "中性", "负面"),
        "晚点三小时，航空公司一句话也没有。",
        "提前到达，机组人员很好！",
        "他很生气",
        "看文字，不看话题。",
        "安娜",
        "观鸟小组",
        "正文",
        "微博.csv",
    ),
}
START = ((Choice(make("next"), "button_start", style="primary"),),)


def export_of(said: Said) -> dict[str, Any]:
    """What is said of an export."""
    return {"project": said.job, "kind": say("export_kind_labels", "zh" if said is SAID["zh"] else "en")}


def notices(locale: str) -> dict[str, View]:
    """Sentences alone: those owed to people, and those that dialogues say most."""
    said = SAID[locale]
    job, workspace = {"project": said.job}, {"workspace": said.workspace}
    bad = "\n" + bad_row_line({"line": 3, "code": "empty_text"}, locale)
    duplicates = say("import_duplicates", locale, count=2, lines="4, 9")
    left_out = "\n" + say("import_left_out", locale, what=f"{duplicates}, {say('import_bad', locale, count=1)}")
    reason = say("no_text_column", locale, columns=[said.column, said.job])
    shown: dict[str, dict[str, Any]] = {
        "offer": job | {"count": 12},
        "offer_of_several": job | {"count": 3},
        "reminder": job | {"count": 2},
        "import_done": job | {"count": 120, "lines": left_out + bad},
        "import_pilot": job | {"count": 90, "items": 30, "lines": left_out},
        "import_held": job | {"count": 20, "lines": ""},
        "import_failed": job | {"reason": reason, "lines": bad},
        "import_failed_wholly": job | {"reason": reason, "lines": bad},
        "overlap_applied": job | {"minimum": 3, "maximum": 8},
        "export_failed": export_of(said),
        "export_what": job,
        "export_started": job | {"export_kind": "labels", "format": "csv"},
        "training_failed": job | {"reason": say("training_gave_up", locale, attempts=3)},
        "told_role": workspace | {"role": "expert"},
        **{f"told_{kind}": workspace for kind in ("suspended", "unsuspended", "banned", "unbanned")},
        "recollected": {"name": said.name, "count": 5, "kept": 7},
        "recollected_none": {"name": said.name, "kept": 7},
        "welcome_back": workspace | {"role": "worker"},
        "role_raised": workspace | {"role": "coordinator"},
        "declined": workspace,
        "posted": {"name": said.job, "rows": 120, "project": JOB},
        "appended": {"name": said.job, "rows": 12},
        "caption_aside": {"words": said.reason},
        "close_ask": job | {"count": 7},
        "closed": job,
        "link_code": {"code": "abcd2345", "minutes": 10},
        "workspace_made": {"name": said.workspace},
        "workspace_switched": {"name": said.workspace, "role": "owner"},
        "goal_set": {"count": 40},
        "nothing_left_goal": {"count": 40},
        "note_ask": {"label": said.labels[0]},
        "pick_job": {"command": "export"},
        "model_ask_instead": {"version": 4, "accuracy": "91.0%", "other": 3, "other_accuracy": "81.0%"},
        "train_started": job,
    }
    plain = ("say_hint", "nothing_left", "nothing_fits", "no_projects", "paused", "resumed", "given_back")
    asking = ("forget_explained", "forgotten", "zone_ask", "invite_whom", "audit_words", "status_none", "settle_none")
    owed: dict[str, View] = {code: Notice(code, params, START) for code, params in shown.items()}
    return owed | {code: Notice(code) for code in (*plain, *asking)} | {"training_done": _training(said, locale)}


def _training(said: Said, locale: str) -> Notice:
    compared = say("training_compared", locale, champion="81.0%")
    told = {"project": said.job, "version": 4, "accuracy": "91.0%", "compared": compared}
    return Notice("training_done", told | {"verdict": say("training_promoted", locale)})


def refusals(locale: str) -> dict[str, str]:
    """Sentences of errors as somebody is told them in a message of its own."""
    said = SAID[locale]
    told: dict[str, dict[str, Any]] = {
        "not_enrolled": {},
        "invite_expired": {},
        "needs_role": {"role": "coordinator"},
        "unknown_command": {"command": "labels"},
        "project_unknown": {"project": said.job},
        "job_refused": {"project": said.job, "problem": "why_experts"},
        "last_owner": {"workspace": said.workspace},
        "no_good_row": {"line": 3, "problem": "wrong_column_count", **COUNTS},
        "duplicate_label": {"label": said.labels[0]},
        "too_few_labels": {"count": 1, "limit": 2},
        "unknown_option": {"option": "speed", "options": ["overlap", "price"]},
        "bad_gold_use": {"value": said.reason},
        "known_label_unknown": {"line": 7, "label": said.reason, "labels": said.labels},
        "known_file_strange": {"line": 2, "key": "999", "column": said.column},
        "known_column_strange": {"column": said.column, "line": 2, "label": said.reason, "labels": said.labels},
        "bad_export": {"formats": ["csv", "jsonl"]},
        "deadline_unclear": {"text": said.reason},
        "bad_invite": {},
        "add_how": {},
        "unexpected": {},
        "overloaded": {},
    }
    return {code: say(code, locale, **params) for code, params in told.items()}


def toasts(locale: str) -> dict[str, str]:
    """Short notices at a button."""
    label = {"label": SAID[locale].labels[0]}
    told: dict[str, dict[str, Any]] = {
        "answered": label,
        "skipped": {},
        "undone": {},
        "agreed": {},
        "stale_button": {},
        "unknown_button": {},
        "lease_over": {},
        "too_late_to_undo": {},
        "settled": label,
        "settle_put_unclear": {},
        "audit_accepted": {},
        "member_done_ban": {},
        "sample_tapped": {},
    }
    return {code: say(code, locale, **params) for code, params in told.items()}


def forms(locale: str) -> dict[str, Form]:
    """Forms of platforms with modals: posting a job, from the start and with what is known."""
    said = SAID[locale]
    worker = SimpleNamespace(locale=locale, time_zone=ZONE)
    context: Any = SimpleNamespace(now=NOON, account=SimpleNamespace(worker=worker))
    known = empty_draft() | {"question": said.question, "labels": list(said.labels), "guidelines": said.guidelines}
    return {"post": form_of(context, empty_draft()), "post_known": form_of(context, known)}
