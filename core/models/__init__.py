"""Tables: data without verbs."""

from core.models.base import Base
from core.models.labeling import Adjudication, Annotation, Assignment, Cursor, Flag, Participation, Skill
from core.models.learning import ModelVersion, Prediction, TrainingRun
from core.models.messages import (
    ChatMessage,
    Dialogue,
    ExportRequest,
    JobTally,
    OutboxMessage,
    PollOffset,
    SingletonLease,
)
from core.models.people import Attempt, Identity, Invite, LinkRequest, LogEntry, Membership, Worker, Workspace
from core.models.projects import Batch, Gold, Item, Project, Upload

__all__ = [
    "Adjudication",
    "Annotation",
    "Assignment",
    "Attempt",
    "Base",
    "Batch",
    "ChatMessage",
    "Cursor",
    "Dialogue",
    "ExportRequest",
    "Flag",
    "Gold",
    "Identity",
    "Invite",
    "Item",
    "JobTally",
    "LinkRequest",
    "LogEntry",
    "Membership",
    "ModelVersion",
    "OutboxMessage",
    "Participation",
    "PollOffset",
    "Prediction",
    "Project",
    "SingletonLease",
    "Skill",
    "TrainingRun",
    "Upload",
    "Worker",
    "Workspace",
]
