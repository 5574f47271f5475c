"""One of each thing that people are shown, with fixed times and ids, and with people's own words in their language."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.cards.accounts import LinkNotice, WorkspacesCard
from bot.cards.audit import AuditCard, AuditNone
from bot.cards.busy import Busy
from bot.cards.currency import CurrencyCard
from bot.cards.details import Details, ProjectLine
from bot.cards.dispute import DisputeCard
from bot.cards.edit import EditCard
from bot.cards.feedback import FeedbackCard
from bot.cards.finished import Finished
from bot.cards.help import HelpCard
from bot.cards.jobs import JobsCard
from bot.cards.log import LogCard
from bot.cards.members import InviteCard, MemberCard, MembersCard
from bot.cards.models import Files, ModelsCard, Standing, Version
from bot.cards.onboarding import ConsentCard, OperatorCard
from bot.cards.overview import Overview
from bot.cards.pieces import PieceCard
from bot.cards.post import HubCard, PriceCard, Remark, SampleCard
from bot.cards.preferences import AboutCard, Hours, QuietCard, ReadingCard
from bot.cards.settings import JobSettings, Preset, Reading, SettingCard
from bot.cards.stats import StatsCard
from bot.cards.status import JobStatus
from bot.cards.views import Choice, FileCard, FormCard, ItemCard, Notice, View
from bot.routes import COMMANDS
from bot.texts import Some
from bot.tokens import make
from core.acts import Act, ActsPage
from core.audit_sample import AuditCase, AuditSummary
from core.disputes import Dispute, Opinion
from core.enrolment import ROLES
from core.feedback import Difference, Feedback
from core.forecast import Estimate, Forecast
from core.hints import Hint
from core.leases import Lease
from core.members import Member, MembersPage
from core.openings import Opening, OpeningsPage
from core.progress import Progress
from core.stats import ProjectStats, ProjectSummary
from core.unsettling import Verdict
from core.views import LeaseView
from core.worker_stats import WorkerStats
from tests.unit.bot import audit_samples, flag_samples, quality_samples
from tests.unit.bot.explain_samples import of_explanations
from tests.unit.bot.gold_samples import of_gold
from tests.unit.bot.learning_samples import labeled_by_model, learning_notices, of_learning
from tests.unit.bot.model_samples import of_models
from tests.unit.bot.pilot_samples import AHEAD, of_pilots
from tests.unit.bot.sentence_samples import COUNTS, ITEM, JOB, NOON, OTHER, SAID, ZONE, Said, export_of, notices


def cards(locale: str) -> dict[type[View], dict[str, View]]:
    """Samples by kind of view, and by what is special about them."""
    said = SAID[locale]
    samples = [
        _of_workers,
        _of_experts,
        _of_posting,
        _of_jobs,
        _of_members,
        _of_people,
        of_models,
        of_learning,
        of_pilots,
        of_explanations,
        flag_samples.cards,
        quality_samples.cards,
    ]
    samples.append(audit_samples.of_audits)
    sentences = notices(locale) | flag_samples.notices(said) | audit_samples.notices()
    sentences |= learning_notices(locale)
    found: dict[type[View], dict[str, View]] = {Notice: sentences}
    shown = [*(sample(said) for sample in samples), of_gold(said, _lease_view(said))]
    for views in shown:
        for name, view in views.items():
            found.setdefault(type(view), {})[name] = view
    return found


def _schema(said: Said) -> dict[str, Any]:
    labels = [{"id": f"l{at}", "name": name} for at, name in enumerate(said.labels)]
    return {"kind": "choice", "labels": labels}


def _content(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}]


def _lease_view(said: Said, **changes: Any) -> LeaseView:
    values: dict[str, Any] = {
        "lease": Lease(1, ITEM, 3, 1, 1, NOON),
        "question": said.question,
        "label_schema": _schema(said),
        "content": _content(said.item),
        "guidelines": "",
        "guidelines_changed": False,
        "today": 12,
        "goal": 40,
        "done": 3,
        "total": 9,
    }
    return LeaseView(**(values | changes))


def _of_workers(said: Said) -> dict[str, View]:
    undo = Choice(make("undo", ITEM, version=2), "button_undo", said.labels[0])
    new = _lease_view(said, guidelines=said.guidelines, guidelines_changed=True)
    many = replace(said, labels=tuple(f"{said.labels[0]} {number}" for number in range(60)))
    listed = replace(said, labels=(said.guidelines * 2, *said.labels[1:]))
    openings = (
        Opening(JOB, said.job, 5, NOON + timedelta(hours=6), "zh", 1200, None, more=True),
        Opening(OTHER, said.column, 0, None, "", 1, None),
        Opening(ITEM, said.workspace, 0, None, "fr", 9, "why_language"),
        *(Opening(ITEM, said.name, 0, None, "", 9, f"why_{why}") for why in ("paused", "experts", "nothing_left")),
    )
    stats = WorkerStats(321, 7, 2, 12, 40, 5, 0.85, 1605, "USD", ((said.job, 300), (said.workspace, 21)))
    explained = {name: one.role for name, one in COMMANDS.items() if one.listed}
    groups = tuple((role, tuple(name for name, mine in explained.items() if mine == role)) for role in ROLES)
    return {
        "plain": ItemCard(_lease_view(said)),
        "undo": ItemCard(new, undo, cheer=True),
        "skipping": ItemCard(_lease_view(said), skipping=True),
        "hinted": ItemCard(_lease_view(said, hint=Hint(7, "l0", 0.834))),
        "pages": ItemCard(_lease_view(many, goal=0), page=1),
        "listed": ItemCard(_lease_view(listed)),
        "shortened": ItemCard(_lease_view(said, content=_content(said.item * 60))),
        "piece": PieceCard("full_heading", said.item, 1, 2),
        "guidelines": PieceCard("guidelines_heading", said.guidelines, rows=((Choice("x", "button_to_item"),),)),
        "several": JobsCard(OpeningsPage(openings), "USD", ZONE, NOON, coordinates=True),
        "second_page": JobsCard(OpeningsPage(openings[:2], 2, 3), "USD", ZONE, NOON, coordinates=True),
        "empty": JobsCard(OpeningsPage(()), "USD", "", NOON),
        "busy": StatsCard(stats),
        "first": StatsCard(WorkerStats(1, 1, 1, 1, 0, 1, None, None, "USD")),
        "none": StatsCard(WorkerStats(0, 0, 0, 0, 0, 0, None, None, "USD")),
        "feedback": FeedbackCard(Feedback(5, 4, (Difference(said.item, said.labels[2], said.labels[1]),))),
        "alike": FeedbackCard(Feedback(3, 3, ())),
        "owner": HelpCard(tuple((role, names) for role, names in groups if names)),
        "worker": HelpCard(groups[:1]),
    }


def _of_experts(said: Said) -> dict[str, View]:
    dispute = Dispute(
        item_public_id=ITEM,
        project_public_id=JOB,
        question=said.question,
        label_schema=_schema(said),
        content=_content(said.item),
        tallies={"l2": 3, "l1": 3},
        reasons=(("l2", said.reason),),
        skips={"hard": 2, "language": 1},
        position=3,
        total=12,
        aside=True,
    )
    before = Verdict(OTHER, said.other, said.labels[0])
    case = AuditCase(ITEM, said.question, _schema(said), _content(said.item), "l2", said.reason)
    summary = audit_samples.FOUND
    return {
        "dispute": DisputeCard(dispute),
        "asked": DisputeCard(dispute, replace(before, label="", reason="unclear", stamp=7), asked=said.other),
        "unclear": DisputeCard(dispute, replace(before, label="", reason="unclear", stamp=7)),
        "unanswerable": DisputeCard(dispute, replace(before, label="", reason="unanswerable", stamp=7)),
        "undoable": DisputeCard(dispute, replace(before, stamp=7)),
        "opinion": DisputeCard(dispute, before, Opinion(7, "l2", 0.81), unclear=2),
        "no_model": DisputeCard(dispute, replace(before, is_gold=True), Opinion(None)),
        "unseen": DisputeCard(replace(dispute, aside=False, skips={}), opinion=Opinion(7), unclear=1),
        "case": AuditCard(case, summary, "audit"),
        "choosing": AuditCard(case, summary, "auditjob", choosing=True),
        "audit_none": AuditNone(summary, said.job),
        "audit_none_yet": AuditNone(AuditSummary(0, 0)),
    }


def _of_posting(said: Said) -> dict[str, View]:
    reading, usual = Reading("USD", ZONE, NOON), JobSettings(3, 8, name=said.job)
    due = NOON + timedelta(days=3)
    changed = JobSettings(5, 5, 5, 7200, due, "experts", "zh", said.guidelines, 10, said.job, said.column)
    rows = ((Choice("x", "button_post", style="primary"), Choice("x", "button_cancel", style="quiet")),)
    facts = {
        "file": said.file,
        "rows": 120,
        "with_facts": True,
        "mapping": {"text": said.column, "gold": said.job},
        "columns": [said.column, said.job],
        "bad": [{"line": 3, "code": "empty_text"}, {"line": 7, "code": "wrong_column_count", "params": COUNTS}],
        "bad_count": 2,
        "question": said.question,
    }
    facts |= {"fit": {"filled": 12, "fitting": 11, "misfits": [[7, said.reason]]}}
    steps = ("items", "items_for", "await", "columns", "target", "question", "labels", "misfits", "misfits_none")
    known = (
        Remark("known_matched", {"count": 21, "used": 20}),
        Remark("known_unmatched", {"count": 1, "lines": "7", "key": "999"}),
        Remark("known_left_out", {"count": 7, "lines": Some((2, 3, 5, 8, 9), more=True)}),
    )
    priced = (Remark("price_aside", {"count": 20}), Remark("known_let_go", {"name": said.file}), *known)
    names = ("overlap", "price", "time", "deadline", "who", "language", "known", "guidelines", "priority", "name")
    settings = {
        f"setting_{name}": SettingCard(name, changed, reading, (Preset("x", usual),), (BACK,)) for name in names
    }
    forms = {step: FormCard("form_new", f"form_{step}", facts | {"with_facts": False}, rows) for step in steps}
    return {
        **settings,
        **forms,
        "facts": FormCard("form_file", "form_question", facts, rows),
        "hub": HubCard(said.job, 120, said.question, said.labels, usual, reading, rows),
        "hub_changed": HubCard(said.job, 1, said.question, said.labels * 5, changed, reading, rows),
        "hub_known": HubCard(said.job, 60, said.question, said.labels, usual, reading, rows, known),
        "sample": SampleCard(_lease_view(said)),
        "price": PriceCard(120, changed, reading, Estimate(500, 2500, 5400.0, 430, 610, AHEAD.accuracy), True, rows),
        "price_known": PriceCard(40, usual, reading, Estimate(238, 0, None, 200, 290), True, rows, priced),
        "free": PriceCard(1, usual, reading, Estimate(4, 0, None, 4, 4), False, rows),
        "edit": EditCard(JOB, "paused", said.question, said.labels, changed, reading, rows, saved=True),
    }


BACK = (Choice("x", "button_back", style="quiet"),)


def _stats(**changes: Any) -> ProjectStats:
    values: dict[str, Any] = {
        "items": 1200,
        "states": {"open": 400, "agreed": 700, "adjudicated": 50, "disputed": 45, "withdrawn": 5},
        "annotations": 3210,
        "surplus": 3,
        "max_annotations": 8,
        "workers": 21,
        "active_leases": 4,
        "open_slots": 900,
        "champion": 2,
        "champion_accuracy": 0.876,
        "newest_version": 2,
        "training": None,
        "batches_loading": 1,
        "gold_known": 40,
        "gold_right": 37,
    }
    return ProjectStats(**(values | changes))


def _status(said: Said, **changes: Any) -> JobStatus:
    values: dict[str, Any] = {
        "public_id": JOB,
        "name": said.job,
        "state": "open",
        "created_at": NOON - timedelta(days=3),
        "deadline": NOON + timedelta(hours=6),
        "price": 5,
        "currency": "USD",
        "time_zone": ZONE,
        "now": NOON,
        "stats": _stats(),
        "progress": Progress(((3600.0, 10), (86400.0, 750)), tuple(range(24)), 12, 0.79),
        "forecast": AHEAD,
        "spent": 16065,
        "audits_owed": 7,
        "model": Standing(2, 0.876, 2, "running", 200),
    }
    return JobStatus(**(values | changes))


VERSIONS: tuple[tuple[str, Files], ...] = (
    ("candidate", "there"),
    ("champion", "there"),
    ("held", "there"),
    ("retired", "cleared"),
)
"""State and files of versions, the newest first."""


def _waiting(said: Said) -> dict[str, View]:
    """What is said while the trainer is busy."""
    silent = Version(2, "champion", 0.81, "all-MiniLM-L6-v2", NOON, items=52, silent=True)
    left = Version(3, "retired", 0.82, "all-MiniLM-L6-v2", NOON, items=60, left=True)
    other = Standing(2, 0.81, 3, None, 200, busy=Busy("other", said.job, 0.4))
    hidden = Standing(2, 0.81, 3, "due", 200, busy=Busy("hidden"))
    return {
        "versions_waiting": ModelsCard(JOB, said.job, other, (left, silent), ZONE, NOON),
        "run_waiting": ModelsCard(JOB, said.job, hidden, (), ZONE, NOON),
        "run_under_way": _status(said, model=Standing(2, 0.876, 2, "running", 200, busy=Busy("own", done=0.4))),
    }


def _of_jobs(said: Said) -> dict[str, View]:
    unused = Standing(None, None, 3, "due", 200)
    empty = _stats(items=0, states={}, annotations=0, surplus=0, batches_loading=0, gold_known=0)
    quiet = {"deadline": None, "price": 0, "spent": 0, "forecast": Forecast(900, 0, None, 0.0)}
    versions = tuple(
        Version(4 - at, state, 0.91 - at / 10, "all-MiniLM-L6-v2", NOON - timedelta(days=at), files, items=52 - 17 * at)
        for at, (state, files) in enumerate(VERSIONS)
    )
    jobs = tuple(ProjectSummary(JOB, said.job, state, _stats().states) for state in ("open", "paused", "closed"))
    line = ProjectLine(said.job, JOB, "open", 8, 1, _stats())
    queues = {"default": {"waiting": 1, "scheduled": 2, "running": 0, "failed": 1}}
    done = Finished(JOB, said.job, 1195, 5, 3213, 21, 16065, "USD", timedelta(days=2), 40, 37, by_model=200)
    return {
        "in_words": _status(said),
        "pictured": _status(said, picture="status.png"),
        "labeled_by_model": labeled_by_model(_status(said)),
        "silent": _status(said, **quiet, model=unused),
        "job_paused": _status(said, state="paused", model=Standing(None, None, None, None, 200)),
        "job_closed": _status(said, state="closed", model=Standing(None, None, None, None, 0)),
        "through": _status(said, stats=_stats(states={"agreed": 1199, "disputed": 1})),
        "no_items": _status(said, stats=empty, **quiet),
        "versions": ModelsCard(JOB, said.job, Standing(3, 0.81, 4, None, 200), versions, ZONE, NOON, more=2),
        "no_versions": ModelsCard(JOB, said.job, Standing(None, None, None, "due", 200), (), ZONE, NOON),
        **_waiting(said),
        "nobody_left": _status(said, forecast=replace(AHEAD, nobody=True, done_at=None, on_time=None)),
        "piloted": _status(said, waiting=1170, deadline=NOON + timedelta(days=9), forecast=replace(AHEAD, on_time=0.8)),
        "too_small": _status(said, model=Standing(None, None, None, None, 200, 5, True)),
        "at_night": _status(said, model=Standing(None, None, None, None, 200, 50, True)),
        "overview": Overview(jobs, more=True),
        "details": Details((line,), queues, {1: {"expire": 4, "offer": 1}}),
        "details_away": Details((replace(line, state="closed", stats=_stats(batches_loading=0)),)),
        "finished": replace(done, file=(said.file, "text/csv", said.file)),
        "finished_bare": replace(done, decided=1, disputed=0, people=1, cost=0, known=0, by_model=0),
    }


def _of_members(said: Said) -> dict[str, View]:
    seen = NOON - timedelta(days=4)
    active = Member(1, JOB, said.name, "coordinator", "active", 120, 3, 0.93, NOON, seen)
    paused = Member(2, ITEM, "", "worker", "suspended", 1, 1, None, seen, seen)
    gone = Member(3, OTHER, said.workspace, "expert", "banned", 0, 0, None, None, seen)
    ban = ((Choice("x", "button_member_ban_sure", style="danger"), *BACK),)
    reask = ((Choice("x", "button_member_reask_sure", style="danger"), *BACK),)
    acts = [
        ("post", ((said.job, True),)),
        ("role", ((said.name, True), ("expert", False))),
        ("audit", ((said.item, True), ("rejected", False))),
        ("edit", ((said.job, True), ("price", False), ("0.05", True))),
        ("invite", (("worker", False), ("20", False))),
        *((act, ((said.name, True),)) for act in ("ban", "unban", "recollected", "forget", "settle", "promote")),
    ]
    log = tuple(Act((said.name, None, "")[at % 3], act, subject, seen) for at, (act, subject) in enumerate(acts))
    ways = (
        ("invite_telegram", "https://t.me/lightbot?start=abcd2345"),
        ("invite_slack", "abcd2345"),
        ("invite_web", "https://chat.example/join/abcd2345"),
    )
    return {
        "list": MembersCard(MembersPage((active, paused, gone), 2, 3, 43), "", ZONE, NOON),
        "nobody": MembersCard(MembersPage((), 1, 1, 0), said.name, ZONE, NOON),
        "member": MemberCard(active, ((Choice("x", "button_member_suspend"),), BACK), ZONE, NOON),
        "sure_ban": MemberCard(paused, ban, ZONE, NOON, "member_sure_ban"),
        "sure_reask": MemberCard(gone, reask, ZONE, NOON, "member_sure_reask"),
        "invite": InviteCard("worker", 20, NOON + timedelta(days=7), ways, ZONE, NOON),
        "invite_one": InviteCard("expert", 1, NOON + timedelta(hours=5), ways[:1], ZONE, NOON),
        "log": LogCard(ActsPage(log, 7), False, ZONE, NOON),
        "log_none": LogCard(ActsPage((), None), True, ZONE, NOON),
    }


def _of_people(said: Said) -> dict[str, View]:
    hours = Hours((1320, 480), ZONE, "14:00")
    unknown = Hours(None, "", "12:00")
    sure = ((Choice("x", "button_that_is_me", style="primary"), Choice("x", "button_no", style="quiet")),)
    links = {
        code: LinkNotice(code, said.name, "slack", sure if code in ("link_sure", "link_asked") else ())
        for code in ("link_sure", "link_asked", "link_claimed", "link_done", "link_refused")
    }
    return {
        **links,
        "one_community": WorkspacesCard(said.workspace, "owner", False, ((Choice("x", "button_currency", "EUR"),),)),
        "currency": CurrencyCard("EUR"),
        "currency_changed": CurrencyCard("JPY", "USD"),
        "two_communities": WorkspacesCard(said.workspace, "worker", True, ((Choice("x", text=said.job),),)),
        "consent": ConsentCard(said.workspace),
        "operator": OperatorCard(said.workspace, "coordinator"),
        "about": AboutCard(("en", "zh"), hours, 40),
        "about_new": AboutCard((), unknown, 0),
        "quiet": QuietCard(hours),
        "quiet_new": QuietCard(unknown),
        "reading": ReadingCard(("zh", "fr")),
        "reading_none": ReadingCard(()),
        "export": FileCard("export_ready", export_of(said) | {"rows": 1200}, said.file, "text/csv", said.file),
    }
