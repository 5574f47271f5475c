"""Invites by coordinators: every way in, how long they last, and what is refused."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import SecretStr
from sqlalchemy import select

from core.clock import now
from core.models import Invite
from tests.fakes.chat import Chat


async def test_invites_by_button_with_expiry_and_every_way_in(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    assert "Whom do you want to invite?" in await otto.says("/invite")
    assert otto.buttons() == ["20 workers", "5 experts", "1 coordinator"]
    heard = await otto.taps("5 experts")
    assert "Invite as expert, for 5 in all" in heard
    assert re.search(r"http://\S+/join/[a-z2-7]{16}$", heard), "the only way in there is"
    chat.settings.telegram_bot_token = SecretStr("1:x")
    chat.settings.telegram_bot_name = "label_bot"
    chat.settings.slack_bot_token = SecretStr("xoxb-1")
    chat.settings.web_origin = "https://label.example.org"
    heard = await otto.says("/invite worker 20 3d")
    code = re.findall(r"https://t\.me/label_bot\?start=([a-z2-7]{16})", heard)[0]
    assert f"In Slack: /lightwork join {code}" in heard
    assert f"https://label.example.org/join/{code}" in heard
    with chat.writing() as session:
        invite = session.scalars(select(Invite).order_by(Invite.id.desc())).first()
        assert invite is not None
        assert (invite.role, invite.max_uses) == ("worker", 20)
        assert timedelta(days=2, hours=23) < invite.expires_at - now() <= timedelta(days=3)
    chat.settings.telegram_bot_name, chat.settings.web_origin = "", "http://127.0.0.1:8080"
    heard = await otto.says("/invite worker 1")
    assert "In Telegram, send the bot: /start" in heard
    assert "/join/" not in heard, "nobody else reaches this machine's own address"
    ann = chat.someone("Ann")
    assert "Lightwork" in await ann.says(f"/start {code}")


async def test_invites_that_cannot_be_are_refused_with_a_sentence(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    assert "That takes the role of" in await otto.says("/invite owner 1")
    for wrong in ("emperor 1", "worker 1 2", "worker x", "worker 3d 4d", "20 worker", "worker -3", "worker ²"):
        await otto.says(f"/invite {wrong}")
        assert otto.refused == "bad_invite", wrong
    for wrong in ("worker 1 0d", "worker 1 91d", "worker 1 9999w"):
        await otto.says(f"/invite {wrong}")
        assert otto.refused == "invite_length", wrong
    await otto.says("/invite worker 0")
    assert otto.refused == "invite_limit"
    for forged in ("invite..owner-1.0", "invite..worker-9999.0", "invite..x.0"):
        await otto.taps_payload(forged)
        assert otto.refused == "bad_invite"
