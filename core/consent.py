"""What members say to what is stored about them: yes, kept with its version, or no, which ends their membership."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.assignment import release_leases
from core.enrolment import CONSENT_VERSION, Account, has_consented
from core.errors import Refused
from core.forgetting import forget, other_owners
from core.models import Identity, Invite, Membership, Workspace


def agree(session: Session, account: Account, now: datetime) -> None:
    """Keep that a member has agreed to what is stored, with the version of its wording. A second time changes nothing.

    Raises:
        Refused: they are no member any more.
    """
    mine = Membership.workspace_id == account.workspace_id, Membership.worker_id == account.worker.id
    membership = session.scalars(select(Membership).where(*mine).with_for_update()).first()
    if membership is None:
        raise Refused("not_enrolled")
    if not has_consented(membership):
        membership.consented_at, membership.consent_version = now, CONSENT_VERSION
        session.flush()


def decline(session: Session, account: Account, invite_id: int | None, now: datetime) -> None:
    """End the membership of somebody who does not agree to what is stored; who is a member nowhere else is forgotten.

    What they hold goes back; answers that they gave stay under their pseudonym.

    Args:
        invite_id: the invite that let them in; it gets its use back.

    Raises:
        Refused: the workspace would have no owner.
    """
    if invite_id is not None:
        returned = update(Invite).where(Invite.id == invite_id, Invite.uses > 0).values(uses=Invite.uses - 1)
        session.execute(returned.execution_options(synchronize_session=False))
    worker_id, workspace_id = account.worker.id, account.workspace_id
    others = select(Membership.workspace_id).where(
        Membership.worker_id == worker_id, Membership.workspace_id != workspace_id
    )
    elsewhere = session.scalars(others.order_by(Membership.id.desc()).limit(1)).first()
    if elsewhere is None or workspace_id is None:
        forget(session, worker_id, now)
    else:
        _leave(session, worker_id, account.role, workspace_id, elsewhere, now)


def _leave(
    session: Session, worker_id: int, role: str | None, workspace_id: int, elsewhere: int, now: datetime
) -> None:
    """End one of several memberships; accounts that acted there act `elsewhere` from now on."""
    if role == "owner" and not other_owners(session, workspace_id, worker_id):
        raise Refused("last_owner", workspace=session.get_one(Workspace, workspace_id).name)
    release_leases(session, worker_id, now, workspace_id)
    here = Identity.worker_id == worker_id, Identity.workspace_id == workspace_id
    session.execute(update(Identity).where(*here).values(workspace_id=elsewhere))
    mine = Membership.worker_id == worker_id, Membership.workspace_id == workspace_id
    session.execute(delete(Membership).where(*mine))
