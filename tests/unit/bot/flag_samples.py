"""Samples of the cards about flags and rules, and of what is said to those who are flagged."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.flags import FlagCard, FlagsCard
from bot.cards.rules import RulesCard
from bot.cards.views import Choice, Notice, View
from core.flags import FlagLine, FlagReport, FlagsPage, Sampled
from core.quality import ACTIONS, RULES
from tests.unit.bot.sentence_samples import JOB, NOON, OTHER, Said

BACK = Choice("x", "button_back", style="quiet")
EVIDENCE: dict[str, dict[str, object]] = {
    "fast": {"answers": 60.0, "quick": 54.0, "seconds": 1.2, "usual": 14.6, "score": 21.0},
    "one_label": {"answers": 60.0, "same": 60.0, "expected": 31.4, "score": 12.0},
    "pattern": {"answers": 60.0, "lag": 2.0, "matches": 58.0, "compared": 58.0, "expected": 29.0, "score": 17.0},
    "copying": {"answers": 60.0, "same": 58.0, "wrong": 12.0, "expected": 44.1, "other": 7, "score": 4.2},
    "majority": {"answers": 60.0, "same": 58.0, "wrong": 12.0, "expected": 44.1, "other": -1, "score": 2.3},
    "last": {"answers": 60.0, "same": 58.0, "wrong": 12.0, "expected": 44.1, "other": -2, "score": 2.3},
    "gold": {"answers": 12.0, "right": 4.0, "chance": 3.8, "usual": 10.4, "known": 1.0, "score": 1.4},
    "crowd": {"answers": 120.0, "right": 41.0, "chance": 38.2, "usual": 98.3, "known": 0.0, "score": 1.4},
    "below": {"answers": 12.0, "right": 4.0, "chance": 9.6, "known": 2.0, "score": 2.4},
}
KIND_OF = {"majority": "copying", "last": "copying", "crowd": "gold", "below": "gold"}


def cards(said: Said) -> dict[str, View]:
    """The list, one flag of each kind, and the rules."""
    lines = (
        _line(said.name, said, "copying", "pause", "appealed"),
        _line("", said, "fast", "gold", "open"),
        _line(said.workspace, said, "gold", "none", "lifted"),
    )
    return {
        "flags": FlagsCard(FlagsPage(lines, 2, 3, 2)),
        "flags_of_job": FlagsCard(FlagsPage(lines[2:], 1, 1, 0), JOB, said.job),
        "flags_none": FlagsCard(FlagsPage((), 1, 1, 0)),
        "flags_none_in": FlagsCard(FlagsPage((), 1, 1, 0), JOB, said.job),
        **{name: FlagCard(_report(said, name), ((BACK,),)) for name in EVIDENCE},
        "lifted": FlagCard(_lifted(said), ((BACK,),)),
        "sure": FlagCard(_report(said, "fast"), ((BACK,),), "member_sure_ban"),
        "rules": RulesCard(said.job, JOB, RULES, BACK),
        "rules_all": RulesCard(said.job, JOB, dict(zip(RULES, ACTIONS, strict=True)), BACK),
        "rule": RulesCard(said.job, JOB, RULES, BACK, "copying"),
        "rule_ban": RulesCard(said.job, JOB, RULES, BACK, "fast", asks_ban=True),
    }


def notices(said: Said) -> dict[str, View]:
    """What people are told about flags, and asked."""
    job: dict[str, object] = {"project": said.job}
    row = ((Choice("x", "button_disagree", style="quiet"),),)
    told: dict[str, dict[str, object]] = {
        code: job | {"problem": "flag_why_fast"} for code in ("flag_warned", "flag_paused", "standing_pause")
    }
    told |= {
        "standing_warn": job | {"problem": "flag_why_gold"},
        "standing_appealed": job | {"problem": "flag_why_gold"},
    }
    told |= {code: job | {"words": said.reason} for code in ("flag_lifted", "flag_lifted_reply", "flag_upheld_reply")}
    told |= dict.fromkeys(("flag_upheld", "appeal_ask", "appeal_dropped"), job)
    told |= {code: {} for code in ("appeal_sent", "flag_reply_ask", "flag_reply_kept")}
    told["flag_appealed"] = job | {"name": said.name, "words": said.reason}
    told["flags_new"] = {**job, "count": 2, "names": [said.name, said.workspace]}
    return {code: Notice(code, dict(params), row) for code, params in told.items()}


def _line(name: str, said: Said, kind: str, action: str, state: str) -> FlagLine:
    return FlagLine(OTHER, name, said.job, kind, action, state)


def _lifted(said: Said) -> FlagReport:
    """One that was lifted, of somebody who is paused because of another, with a known item in the sample."""
    report = _report(said, "crowd")
    sample = (*report.sample, Sampled(said.item, said.labels[0], said.labels[1], known=True))
    return replace(report, line=replace(report.line, state="lifted"), sample=sample, restriction="paused")


def _report(said: Said, name: str) -> FlagReport:
    kind = KIND_OF.get(name, name)
    appealed = name in ("fast", "gold")
    evidence = EVIDENCE[name] | {"label": said.labels[0], "other_name": said.workspace}
    return FlagReport(
        line=_line(said.name, said, kind, RULES[kind], "appealed" if appealed else "open"),
        worker_public_id=OTHER,
        project_public_id=JOB,
        evidence=evidence,
        appeal=said.reason if appealed else "",
        reply=said.guidelines if appealed else "",
        sample=(Sampled(said.item, said.labels[0], said.labels[2]), Sampled(said.other, said.labels[0], "")),
        updated_at=NOON,
    )
