"""What coordinators and experts do, by the services that their buttons call."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import appeals, changes, gold_doubts, pilot
from core.adjudication import adjudicate, promote_to_gold, put_aside, rule_unanswerable
from core.aggregation.finding import Finding
from core.aims import Aim
from core.answered import read_answers
from core.audit_sample import draw
from core.auditing import accept, find_annotation, reject
from core.changes import change_overlap, change_quality, change_settings
from core.disputes import next_dispute
from core.errors import Conflict
from core.flagging import take
from core.gold_pool import ask_like_others, change_gold
from core.importing.append import append_item
from core.members import find_member
from core.membership import set_status
from core.models import Adjudication, Flag, Gold, Item, Worker
from core.projects import set_state
from core.qualification import pass_by_hand
from core.recollection import order_recollection
from core.second_looks import next_difference, settle_finally
from core.steering import set_aim
from core.unsettling import stamp_of, take_back
from tests.integration.composition.world import World, add_known, true_label

FEW, ENOUGH = 3, 40
OFTEN = 0.2
VERDICT = Adjudication.reason.in_(("", "unanswerable"))
USUAL = ("open", "", "everyone")
"""State, language and audience of a job that all can work in."""


def owner_id(world: World) -> int:
    """The coordinator's worker."""
    return int(world.owner.rpartition("-")[2])


def set_member(world: World, account: str, act: str, *, recollected: bool = False) -> None:
    """Suspend, resume, ban or unban somebody; after a ban, have asked again what they alone decided."""

    def change(session: Session) -> int:
        worker_id = _worker(session, world, account)
        olga, public_id = world.account(session, world.owner), session.get_one(Worker, worker_id).public_id
        member = set_status(session, olga, public_id, act, world.clock())
        if recollected and act == "ban":
            order_recollection(session, olga, find_member(session, world.workspace_id, public_id), world.clock())
        return member.worker_id if act == "ban" else 0

    world.do(act, change, world.journal.shut_out.add)


def find_fault(world: World, account: str, kind: str, rule: str) -> None:
    """A score finds something about somebody, and the job's rule for that is followed."""

    def flag(session: Session) -> int:
        project = world.project(session)
        change_quality(session, project, owner_id(world), world.clock(), rules={kind: rule})
        answered, worker_id = read_answers(session, project), _worker(session, world, account)
        if answered is None or worker_id not in answered.worker_ids:
            return 0
        given = float((answered.log.workers == answered.worker_ids.index(worker_id)).sum())
        finding = Finding(answered.worker_ids.index(worker_id), kind, 5.0, {"answers": given})
        take(session, world.project_id, answered, finding, world.clock())
        return worker_id

    world.do(f"flag {kind}: {rule}", flag, world.journal.shut_out.add)


def appeal(world: World, account: str) -> None:
    """Somebody disagrees with their newest flag."""

    def say(session: Session) -> None:
        worker_id = _worker(session, world, account)
        newest = select(Flag.public_id).where(Flag.worker_id == worker_id).order_by(Flag.id.desc()).limit(1)
        if (public_id := session.scalar(newest)) is not None:
            appeals.appeal(session, world.workspace_id, worker_id, public_id, "I was careful", world.clock())

    world.do("appeal", say)


def settle_flag(world: World, which: int, act: str) -> None:
    """A coordinator decides on a flag."""

    def decide(session: Session) -> int:
        flags = session.scalars(select(Flag).order_by(Flag.id.desc()).limit(8)).all()
        if not flags:
            return 0
        flag, olga = flags[which % len(flags)], world.account(session, world.owner)
        appeals.settle(session, olga, world.workspace_id, flag.public_id, act, world.clock())
        return flag.worker_id

    world.do(f"settle a flag: {act}", decide, world.journal.shut_out.add)


def change_range(world: World, least: int, more: int) -> None:
    """Another range of answers per item."""
    owner, now = owner_id(world), world.clock()
    world.do(
        f"answers {least}-{least + more}",
        lambda session: change_overlap(session, world.project(session), least, least + more, owner, now),
    )


def change_aim(world: World, aim: Aim) -> None:
    """Another aim."""
    owner = owner_id(world)
    world.do(f"{aim}", lambda session: set_aim(session, world.project(session), aim, owner, world.clock()))


def change_known(world: World, **values: object) -> None:
    """Other settings about gold and lessons."""
    owner = owner_id(world)
    world.do(f"{values}", lambda session: change_gold(session, world.project(session), owner, world.clock(), **values))


def change_job(world: World, **values: object) -> None:
    """Other settings of the job."""
    owner, now = owner_id(world), world.clock()
    world.do(f"{values}", lambda session: change_settings(session, world.project(session), owner, now, **values))


def put(world: World, state: str) -> None:
    """Pause, open or close the job."""
    owner = owner_id(world)
    world.do(f"job {state}", lambda session: set_state(session, world.project(session), state, owner, world.clock()))


def add_label(world: World) -> None:
    """One more label, up to five."""

    def add(session: Session) -> None:
        project = world.project(session)
        if (count := len(project.label_schema["labels"])) < 5:
            changes.add_labels(session, project, [f"Label {count}"], owner_id(world), world.clock())

    world.do("add a label", add)


def append(world: World, count: int) -> None:
    """Further items, one by one."""

    def add(session: Session) -> None:
        for _ in range(count):
            world.added += 1
            append_item(session, world.project(session), f"more {world.added}", owner_id(world), world.clock())

    world.do("append", add)


def keep_going(world: World) -> None:
    """What a coordinator sees to: there is work, and now and then the job is open to everybody again."""
    with world.runtime.reading() as session:
        wanted = select(func.count()).where(Item.purpose == "label", Item.state == "open")
        open_items, items = session.scalar(wanted) or 0, session.scalar(select(func.count(Item.id))) or 0
        project = world.project(session)
    if open_items < FEW and items < ENOUGH:
        append(world, FEW)
    if world.chance.random() < OFTEN and (project.state, project.language, project.audience) != USUAL:
        put(world, "open")
        change_job(world, language="", audience="everyone")


def append_known(world: World) -> None:
    """A further file with known labels; not where items have to wait for their places."""

    def add(session: Session) -> None:
        project = world.project(session)
        if project.aim != "budget" and not pilot.holds_back(project):
            add_known(session, world, 2)

    world.do("append known", add)


def begin_pilot(world: World) -> None:
    """A few items come first."""
    world.do("pilot", lambda session: pilot.begin(session, world.project(session), owner_id(world), world.clock()))


def end_pilot(world: World) -> None:
    """All items are asked."""
    world.do("go on", lambda session: pilot.go_on(session, world.project(session), owner_id(world), world.clock()))


def admit_by_hand(world: World, account: str) -> None:
    """Somebody may work whatever they made of the quiz."""

    def admit(session: Session) -> None:
        pass_by_hand(session, world.project(session), _worker(session, world, account), world.clock())

    world.do("pass by hand", admit)


def settle(world: World, expert: str, how: str, *, promoted: bool) -> None:
    """An expert deals with the dispute that is worth most: a verdict, which may become gold, or none."""
    keys = {"workspace_id": world.workspace_id, "now": world.clock()}

    def decide(session: Session) -> tuple[int, str | None, bool] | None:
        expert_id = _worker(session, world, expert)
        dispute = next_dispute(session, world.workspace_id, expert_id, world.clock())
        if dispute is None:
            return None
        chosen = {**keys, "worker_id": expert_id, "item_public_id": dispute.item_public_id}
        item = session.scalars(select(Item).where(Item.public_id == dispute.item_public_id)).one()
        if how == "aside":
            put_aside(session, reason="unclear", **chosen)  # type: ignore[arg-type]
            return None
        settled_before = item.id in world.journal.verdicts  # then this is a second look, and changes nothing
        world.journal.said = expert, dispute.item_public_id, stamp_of(world.clock())
        if how == "unanswerable":
            rule_unanswerable(session, **chosen)  # type: ignore[arg-type]
            return None if settled_before else (item.id, None, False)
        label = true_label(item.id) if how == "right" else "c"
        adjudicate(session, label_id=label, **chosen)  # type: ignore[arg-type]
        if settled_before:
            return None
        if promoted:
            promote_to_gold(session, **chosen)  # type: ignore[arg-type]
        return item.id, label, promoted

    def told(verdict: tuple[int, str | None, bool] | None) -> None:
        if verdict is not None:
            world.journal.verdicts[verdict[0]] = verdict[1]
        if verdict is not None and verdict[2]:
            world.journal.gold[verdict[0]] = str(verdict[1])
            world.journal.promoted.add(verdict[0])

    world.do(f"settle: {how}", decide, told)


def take_verdict_back(world: World) -> None:
    """The expert who settled last undoes it."""
    if world.journal.said is None:
        return
    expert, public_id, stamp = world.journal.said

    def undo(session: Session) -> int:
        keys = {"workspace_id": world.workspace_id, "worker_id": _worker(session, world, expert)}
        before = session.scalars(select(Item).where(Item.public_id == public_id)).one()
        was = before.state, before.label_id, before.posterior, before.submitted
        item, _ = take_back(session, item_public_id=public_id, stamp=stamp, now=world.clock(), **keys)
        session.refresh(item)
        first = session.scalars(select(Adjudication.id).where(Adjudication.item_id == item.id, VERDICT)).first() is None
        after = item.state, item.label_id, item.posterior, item.submitted
        assert first or after == was, "a second look has changed nothing"
        return item.id if first else 0

    def told(item_id: int) -> None:
        world.journal.verdicts.pop(item_id, None)
        if item_id in world.journal.promoted:
            world.journal.gold.pop(item_id)
            world.journal.promoted.discard(item_id)

    world.do("unsettle", undo, told)


def promote(world: World, expert: str, which: int) -> None:
    """A verdict of before becomes gold."""
    settled = sorted(item_id for item_id, label in world.journal.verdicts.items() if label is not None)
    if not settled:
        return
    item_id = settled[which % len(settled)]

    def keep(session: Session) -> None:
        public_id = session.scalars(select(Item.public_id).where(Item.id == item_id)).one()
        keys = {"workspace_id": world.workspace_id, "worker_id": _worker(session, world, expert)}
        promote_to_gold(session, item_public_id=public_id, now=world.clock(), **keys)

    label = world.journal.verdicts[item_id]

    def told(_: None) -> None:
        world.journal.gold[item_id] = str(label)
        world.journal.promoted.add(item_id)

    world.do("promote", keep, told)


def last_word(world: World, label: str) -> None:
    """The last word where two experts differ; empty: nobody can answer it."""

    def speak(session: Session) -> int:
        differing = next_difference(session, world.workspace_id)
        if differing is None:
            raise Conflict("final_gone")
        public_id = differing.item_public_id
        keys = {"workspace_id": world.workspace_id, "worker_id": owner_id(world)}
        settle_finally(session, item_public_id=public_id, label_id=label, now=world.clock(), **keys)
        return session.scalars(select(Item.id).where(Item.public_id == public_id)).one()

    def told(item_id: int) -> None:
        world.journal.verdicts[item_id] = label or None
        if item_id in world.journal.gold and label:
            world.journal.gold[item_id] = label

    world.do("last word", speak, told)


def audit(world: World, expert: str, how: str) -> None:
    """An expert looks at an answer: accept, reject, or reject and say what is right."""

    def look(session: Session) -> str:
        expert_id = _worker(session, world, expert)
        case = draw(session, world.workspace_id, expert_id)[1]
        if case is None:
            return ""
        found, project = find_annotation(session, world.workspace_id, case.annotation_public_id)
        if how == "accept":
            accept(session, world.workspace_id, expert_id, case.annotation_public_id, world.clock())
            return ""
        others = [one["id"] for one in project.label_schema["labels"] if one["id"] != found.label_id]
        right = others[0] if how == "correct" else ""
        reject(session, world.workspace_id, expert_id, case.annotation_public_id, "careless", world.clock(), right)
        return case.annotation_public_id

    world.do(f"audit: {how}", look, world.journal.audited.add)


def decide_doubt(world: World, how: str) -> None:
    """A known label that most contradict: it is kept, corrected, or asked like any other."""

    def decide(session: Session) -> tuple[int, str]:
        project, doubts = world.project(session), gold_doubts.doubts(session, world.project(session))
        if not doubts:
            raise Conflict("gold_decided")
        doubt, owner, now = doubts[0], owner_id(world), world.clock()
        item_id = session.scalars(select(Item.id).where(Item.public_id == doubt.item_public_id)).one()
        if how == "keep":
            gold_doubts.keep(session, project, doubt.item_public_id, owner, now)
        elif how == "correct":
            gold_doubts.correct(session, project, doubt.item_public_id, doubt.said_id, owner, now)
            return item_id, doubt.said_id
        else:
            ask_like_others(session, project, doubt.item_public_id, owner, now)
        return item_id, session.scalars(select(Gold.label_id).where(Gold.item_id == item_id)).one()

    world.do(f"doubt: {how}", decide, lambda told: world.journal.gold.update([told]))


def _worker(session: Session, world: World, account: str) -> int:
    worker_id = world.worker_of(session, account)
    if worker_id is None:
        raise Conflict("member_unknown")
    return worker_id
