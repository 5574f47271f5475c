"""The people of the Slack fake's one workspace: what they type, tap, share and fill in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack_blocks import texts
from tests.fakes.slack_delivery import SlackDelivery
from tests.fakes.slack_error import SlackError

TEAM = "T0LIGHT"
BOT_USER = "U0BOT"
# https://docs.slack.dev/interactivity/handling-user-interaction#message_responses: 5 times within 30 minutes.
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60
# https://docs.slack.dev/interactivity/handling-user-interaction#trigger-expiration: "expires in three seconds".
TRIGGER_SECONDS = 3.0


@dataclass
class ResponseUrl:
    """Where a tap may be answered, how often it was, and since when it can be."""

    user: str
    channel: str
    ts: str
    since: float
    uses: int = 0


@dataclass
class Trigger:
    """The right to open one modal."""

    user: str
    since: float
    used: bool = False


@dataclass
class Modal:
    """A view that a person has open, and the errors that stand in it."""

    id: str
    view: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)


class SlackPeople(SlackDelivery):
    """Everybody has one channel with the app; some speak another language than English."""

    def __init__(self, signing_secret: str) -> None:
        super().__init__(signing_secret)
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.urls_work = True
        self.triggers: dict[str, Trigger] = {}
        self.modals: dict[str, Modal] = {}
        self.profiles: dict[str, dict[str, str]] = {}
        self.submission: dict[str, Any] = {}
        self._users: dict[str, str] = {}
        self._submitted: dict[str, str] = {}

    def join(self, user: str, **profile: str) -> str:
        """A member of the workspace; returns the channel of their direct messages with the app."""
        channel = self._users.setdefault(user, f"D{user}")
        self.messages.setdefault(channel, {})
        self.profiles.setdefault(user, {"real_name": f"{user} Real", "locale": "en-US"}).update(profile)
        return channel

    def inbox(self, user: str) -> list[dict[str, Any]]:
        """What `user` sees from the app now, oldest first."""
        return [message for message in self.messages[self.join(user)].values() if message["user"] == BOT_USER]

    def seen(self, user: str) -> list[list[str]]:
        """The texts of everything that `user` sees from the app now."""
        return [texts(message) for message in self.inbox(user)]

    async def command(self, user: str, line: str, channel: str = "C0GENERAL") -> str:
        """`user` types a slash command somewhere; returns the envelope id."""
        name, _, text = line.partition(" ")
        payload = {
            "command": name,
            "text": text,
            "user_id": user,
            "user_name": user.lower(),
            "team_id": TEAM,
            "channel_id": channel,
            "response_url": self._response_url(user, channel, ""),
            "trigger_id": self._trigger(user),
        }
        return await self.deliver("slash_commands", payload)

    async def tap(self, user: str, ts: str, button: str) -> str:
        """`user` taps the button that shows `button`; returns the envelope id."""
        blocks = self.messages[self.join(user)][ts]["blocks"]
        elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
        values = [element["value"] for element in elements if element["text"]["text"] == button]
        assert len(values) == 1, f"no single button {button!r} in {elements}"
        return await self.forge(user, ts, values[0])

    async def forge(self, user: str, ts: str, value: str) -> str:
        """A tap with any value."""
        channel = self.join(user)
        payload = {
            "type": "block_actions",
            **_who(user),
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
            "channel": {"id": channel, "name": "directmessage"},
            "message": self.messages[channel].get(ts, {}),
            "response_url": self._response_url(user, channel, ts),
            "trigger_id": self._trigger(user),
            "actions": [{"type": "button", "action_id": "button-0", "block_id": "b", "value": value}],
        }
        return await self.deliver("interactive", payload)

    async def submit(self, user: str, *files: str, **values: str) -> str:
        """`user` fills in the open modal and sends it off; fields that are not named keep what stands in them.

        Args:
            user: has a modal open.
            files: ids of uploaded files, for its field for files.
            values: a text, or the text of an option, by field.
        """
        modal = self.modals[user]
        names = {block["block_id"] for block in modal.view["blocks"]}
        assert set(values) <= names, f"no such field: {set(values) - names}"
        state = {
            block["block_id"]: {block["element"]["action_id"]: self._input(block, values, files)}
            for block in modal.view["blocks"]
        }
        self.submission = {
            "type": "view_submission",
            **_who(user),
            "view": {"id": modal.id, **modal.view, "state": {"values": state}},
            "trigger_id": self._trigger(user),
            "response_urls": [],
        }
        envelope_id = f"envelope{next(self._ids)}"
        self._submitted[envelope_id] = user
        return await self.deliver("interactive", self.submission, envelope_id)

    async def say(self, user: str, text: str, **more: Any) -> str:
        """`user` writes to the app; `more` goes into the event."""
        channel = self.join(user)
        event = {"type": "message", "user": user, "text": text, "channel": channel, "channel_type": "im", **more}
        event["ts"] = self._ts()
        return await self.event(event)

    async def share(self, user: str, name: str, content: bytes, text: str = "", url: str = "") -> str:
        """`user` shares a file with the app; `url` pretends another place."""
        shown = self.file_object(self.upload(name, content))
        return await self.say(user, text, subtype="file_share", files=[shown | ({"url_private": url} if url else {})])

    def upload(self, name: str, content: bytes, *, bare: bool = False) -> str:
        """A file that a person gives; `bare`: the app is told its id alone and has to ask for the rest."""
        file_id = f"F{next(self._ids)}"
        self.files[file_id] = {"name": name, "content": content, "bare": bare}
        return file_id

    def file_object(self, file_id: str) -> dict[str, Any]:
        """All that Slack tells about a file."""
        file = self.files[file_id]
        place = f"{self.url}/files/{file_id}"
        return {"id": file_id, "name": file["name"], "size": len(file["content"]), "url_private": place}

    async def event(self, event: dict[str, Any], event_id: str = "") -> str:
        """Any event of the Events API; one that was told before carries its id again."""
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": event_id or f"Ev{next(self._ids)}",
            "event": event,
            "event_time": 1,
            "authorizations": [],
        }
        return await self.deliver("events_api", payload)

    async def take_ack(self, envelope_id: str, payload: Any) -> None:
        """As a client does: a modal that was sent off closes, or shows what is wrong in it."""
        user = self._submitted.get(envelope_id, "")
        if modal := self.modals.get(user):
            if payload and payload.get("response_action") == "errors":
                names = {block["block_id"] for block in modal.view["blocks"]}
                assert set() < set(payload["errors"]) <= names, "Slack would show no error at all"
                modal.errors = payload["errors"]
            else:
                del self.modals[user]
        await super().take_ack(envelope_id, payload)

    def open_modal(self, trigger_id: str, view: dict[str, Any]) -> str:
        """Open `view` for who has the trigger; returns its id. Raises `SlackError`."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if self.clock() - trigger.since > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        trigger.used = True
        modal = Modal(f"V{next(self._ids)}", view)
        self.modals[trigger.user] = modal
        return modal.id

    def is_alive(self, place: ResponseUrl) -> bool:
        """Whether a response_url may be used once more."""
        return self.urls_work and place.uses < RESPONSE_URL_USES and self.clock() - place.since <= RESPONSE_URL_SECONDS

    def _input(self, block: dict[str, Any], values: dict[str, str], files: tuple[str, ...]) -> dict[str, Any]:
        """What the state holds for a block, once the client is content with it."""
        element, name, needed = block["element"], block["block_id"], not block.get("optional", False)
        kind = element["type"]
        if kind == "file_input":
            assert files or not needed, f"{name} is required"
            assert len(files) <= element.get("max_files", 10)
            shown = [{"id": file} if self.files[file]["bare"] else self.file_object(file) for file in files]
            return {"type": kind, "files": shown}
        if kind == "static_select":
            chosen = [option for option in element["options"] if option["text"]["text"] == values.get(name)]
            option = chosen[0] if chosen else element.get("initial_option")
            assert chosen or name not in values, f"no option {values[name]!r}"
            assert option or not needed, f"{name} is required"
            return {"type": kind, "selected_option": option}
        value = values.get(name, element.get("initial_value")) or None
        assert value or not needed, f"{name} is required"
        return {"type": kind, "value": value}

    def _trigger(self, user: str) -> str:
        trigger_id = f"trigger{next(self._ids)}"
        self.triggers[trigger_id] = Trigger(user, self.clock())
        return trigger_id

    def _response_url(self, user: str, channel: str, ts: str) -> str:
        key = f"r{next(self._ids)}"
        self.response_urls[key] = ResponseUrl(user, channel, ts, self.clock())
        return f"{self.url}/response/{key}"

    def _ts(self) -> str:
        return f"1700000000.{next(self._ids):06}"


def _who(user: str) -> dict[str, Any]:
    return {
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM},
        "team": {"id": TEAM, "domain": "light"},
    }
