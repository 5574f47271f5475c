"""Views become messages, in the person's language. Called after the commit: a fault here never costs an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.cards import (
    accounts,
    audit,
    details,
    dispute,
    edit,
    feedback,
    finished,
    forms,
    help,
    item,
    jobs,
    log,
    members,
    models,
    notices,
    onboarding,
    overview,
    pieces,
    post,
    preferences,
    settings,
    stats,
    status,
)
from bot.cards.views import FileCard, FormCard, ItemCard, Notice, View
from bot.surface import Message

RENDERERS: Mapping[type[View], Callable[[Any, str], Message]] = {
    audit.AuditCard: audit.render,
    audit.AuditNone: audit.render_none,
    dispute.DisputeCard: dispute.render,
    feedback.FeedbackCard: feedback.render,
    finished.Finished: finished.render,
    FileCard: notices.render_file,
    FormCard: forms.render,
    post.HubCard: post.render_hub,
    post.SampleCard: post.render_sample,
    post.PriceCard: post.render_price,
    settings.SettingCard: settings.render,
    edit.EditCard: edit.render,
    ItemCard: item.render,
    Notice: notices.render,
    accounts.LinkNotice: accounts.render_link,
    accounts.WorkspacesCard: accounts.render_workspaces,
    members.MembersCard: members.render,
    members.MemberCard: members.render_member,
    members.InviteCard: members.render_invite,
    log.LogCard: log.render,
    onboarding.ConsentCard: onboarding.render_consent,
    onboarding.OperatorCard: onboarding.render_operator,
    preferences.AboutCard: preferences.render_about,
    preferences.QuietCard: preferences.render_quiet,
    preferences.ReadingCard: preferences.render_reading,
    details.Details: details.render,
    models.ModelsCard: models.render,
    overview.Overview: overview.render,
    status.JobStatus: status.render,
    help.HelpCard: help.render,
    jobs.JobsCard: jobs.render,
    pieces.PieceCard: pieces.render,
    stats.StatsCard: stats.render,
}


def render(view: View, locale: str) -> Message:
    """The message that shows `view`."""
    return RENDERERS[type(view)](view, locale)
