"""Jobs that become due, most of them by time: one per project and bucket of ten seconds, however many events ask."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.clock import bucket, bucket_end
from core.effects import EnqueueJob
from core.queue import APPLY_OVERLAP, ASSIGNMENTS, DEFAULT, EXPIRE, IMPORT, OFFER, REESTIMATE

COMMIT_MARGIN = timedelta(seconds=2)
"""A bucket's job runs at least so long after the events that ask for it, so that it sees what they commit."""


def expiry_effect(project_id: int, expires_at: datetime) -> EnqueueJob:
    """The job that ends all leases whose deadline lies in the bucket of `expires_at`."""
    number = bucket(expires_at)
    return EnqueueJob(ASSIGNMENTS, EXPIRE, (project_id,), f"expire-{project_id}-{number}", bucket_end(number))


def offer_effect(project_id: int, now: datetime) -> EnqueueJob:
    """The job that offers a shortfall of overlap to idle workers."""
    number = bucket(now + COMMIT_MARGIN)
    return EnqueueJob(ASSIGNMENTS, OFFER, (project_id,), f"offer-{project_id}-{number}", bucket_end(number))


def reestimate_effect(project_id: int, now: datetime) -> EnqueueJob:
    """The job that re-estimates a project's consensus and looks whether training is due."""
    number = bucket(now + COMMIT_MARGIN)
    return EnqueueJob(ASSIGNMENTS, REESTIMATE, (project_id,), f"reestimate-{project_id}-{number}", bucket_end(number))


def overlap_effect(project_id: int, now: datetime) -> EnqueueJob:
    """The job that holds a project's items against a range of answers that was changed."""
    number = bucket(now + COMMIT_MARGIN)
    return EnqueueJob(ASSIGNMENTS, APPLY_OVERLAP, (project_id,), f"overlap-{project_id}-{number}", bucket_end(number))


def import_effect(batch_id: int) -> EnqueueJob:
    """The job that loads a batch."""
    return EnqueueJob(DEFAULT, IMPORT, (batch_id,), f"import-{batch_id}")
