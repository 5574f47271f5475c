"""The servers that `benchmarks.peers` measures: how each is started, filled, joined and answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import aiohttp
import psutil

LABELS = ("Positive", "Negative", "Neutral")
QUESTION = "How does the author feel?"
TEXT = "The {} lands three hours late and nobody tells us why, but the crew was as kind as can be about it."
START_SECONDS = 180.0
LOAD_SECONDS = 900.0
STOP_SECONDS = 40.0
Json = Any
"""What a server says."""


class Failed(Exception):
    """A server refused a request."""


class Session(Protocol):
    """One person."""

    async def answer(self) -> None:
        """Answer one item and see the next. Raises `Failed` where the server refused."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


class Server(ABC):
    """A server process on a free port of this machine, with its data in `home`."""

    packages: ClassVar[tuple[str, ...]] = ()
    """What its environment is made of."""

    def __init__(self, home: Path, environments: Path) -> None:
        self.home, self.environments = home, environments
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its first process."""
        if self.process is None:
            raise RuntimeError("the server does not run")
        return self.process.pid

    @abstractmethod
    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """Run it with one project of so many items, and wait until they can be answered."""

    @abstractmethod
    async def join(self, number: int) -> Session:
        """Somebody who can answer."""

    def run(self, command: tuple[str | Path, ...], settings: Mapping[str, str]) -> None:
        """Start its process; what it says goes into a file of its home."""
        with (self.home / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.home,
            )

    def stop(self) -> None:
        """End all of its processes."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    async def up(self, outside: aiohttp.ClientSession, path: str) -> None:
        """Wait until it answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with outside.get(self.url + path) as response:
                    if response.status < 500:
                        return
            await asyncio.sleep(0.2)
        raise SystemExit("A server did not start: " + (self.home / "server.log").read_text()[-2000:])


# --- Lightwork -------------------------------------------------------------------------------------------------------


class Lightwork(Server):
    """`lightwork up` with its defaults, all of its processes."""

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """The owner posts a file in the web chat; every item wants one answer."""
        unset = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "TELEGRAM_BOT_TOKEN", "SLACK_BOT_TOKEN"), "")
        settings = {"LIGHTWORK_HOME": str(self.home / "lightwork"), "LIGHTWORK_WEB_PORT": str(self.port), **unset}
        (self.home / "lightwork").mkdir()
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self.run((sys.executable, "-m", "core.cli", "up"), {**settings, "PYTHONPATH": path})
        await self.up(outside, "/healthz")
        owner = WebPerson(self.url)
        await owner.join(await self._owner_code(), "Owner")
        await owner.upload("items.csv", csv_of(items), f"/post {QUESTION} | {' | '.join(LABELS)} | overlap=1-1")
        await owner.wait_for("items are open")
        link = await owner.say(f"/invite worker {people}")
        self._code = link.split("/join/", 1)[1][:16]
        await owner.close()

    async def join(self, number: int) -> Session:
        """By the invite link, to the first card."""
        person = WebPerson(self.url)
        await person.join(self._code, f"Person {number}")
        await person.first_card()
        return person

    async def _owner_code(self) -> str:
        end = time.monotonic() + START_SECONDS
        while "/join/" not in (said := (self.home / "server.log").read_text()):
            if time.monotonic() > end:
                raise SystemExit("lightwork up printed no link: " + said[-2000:])
            await asyncio.sleep(0.1)
        return said.split("/join/", 1)[1][:16]


class WebPerson:
    """The web chat as docs/web-chat.md describes it."""

    def __init__(self, url: str) -> None:
        self._client = aiohttp.ClientSession(
            base_url=url, cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(60)
        )
        self._messages: dict[str, Json] = {}
        self._revision = 0
        self._card: Json = None

    async def join(self, code: str, name: str) -> None:
        """Redeem an invite."""
        await self._told("/api/join", {"code": code, "name": name}, follow=False)

    async def say(self, text: str) -> str:
        """Say something; returns what the bot replied."""
        said = await self._told("/api/text", {"text": text})
        return "\n".join(json.dumps(one["content"]) for one in said if one["author"] == "bot")

    async def upload(self, name: str, content: bytes, caption: str) -> None:
        """Share a file."""
        form = aiohttp.FormData({"caption": caption})
        form.add_field("file", content, filename=name, content_type="text/csv")
        async with self._client.post(f"/api/upload?after={self._revision}", data=form) as response:
            said = await response.json()
            if response.status >= 400 or said["refused"]:
                raise SystemExit(f"Lightwork refused the file: {said}")
        self._note(said)

    async def wait_for(self, text: str) -> None:
        """Until the bot has said so."""
        await self._until(lambda: any(text in one["content"]["text"] for one in self._messages.values()) or None)

    async def first_card(self) -> None:
        """Press on through consent and guidelines to the first item."""
        while self._card is None:
            form = await self._until(
                lambda: self._card or next((one for one in self._messages.values() if one["content"]["buttons"]), None)
            )
            if self._card is None:
                del self._messages[form["id"]]
                await self._press(form, form["content"]["buttons"][0][0])

    async def answer(self) -> None:
        """One tap, whose answer brings the next card."""
        card, self._card = self._card, None
        if card is None:
            raise Failed("no card")
        await self._press(card, card["content"]["buttons"][0][0])
        await self._until(lambda: self._card)

    async def close(self) -> None:
        """Leave."""
        await self._client.close()

    async def _until(self, found: Callable[[], Json]) -> Json:
        """What is looked for among the messages, as soon as it is there."""
        end = time.monotonic() + LOAD_SECONDS
        while (it := found()) is None:
            if time.monotonic() > end:
                raise SystemExit(
                    "Lightwork fell silent after "
                    + " / ".join(one["content"]["text"] for one in self._messages.values())[-2000:]
                )
            await self._news()
        return it

    async def _press(self, message: Json, button: Json) -> None:
        await self._told("/api/tap", {"message": message["id"], "payload": button["payload"]})

    async def _news(self) -> None:
        query = {"after": self._revision, "wait": 25}
        async with self._client.get("/api/messages", params=query) as response:
            self._note(await response.json())

    async def _told(self, path: str, body: Json, follow: bool = True) -> list[Json]:
        body = {**body, "after": self._revision} if follow else body
        async with self._client.post(path, json=body) as response:
            said = await response.json()
            if response.status >= 400:
                raise Failed(f"{response.status} {said}")
        self._note(said)
        messages: list[Json] = said["messages"]
        return messages

    def _note(self, said: Json) -> None:
        for message in said["messages"]:
            self._messages[message["id"]] = message
            self._revision = max(self._revision, message["revision"])
            if message["content"]["kind"] == "card" and message["content"]["buttons"]:
                self._card = message
        while len(self._messages) > 50:
            del self._messages[next(iter(self._messages))]


# --- Label Studio ----------------------------------------------------------------------------------------------------


class LabelStudio(Server):
    """`label-studio start`, one account, whose tasks are locked while somebody has them open."""

    packages = ("label-studio",)
    TOKEN = "b" * 40
    CONFIG = (
        '<View><Text name="text" value="$text"/><Choices name="choice" toName="text" choice="single">'
        + "".join(f'<Choice value="{label}"/>' for label in LABELS)
        + "</Choices></View>"
    )

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """One project, filled by its import endpoint."""
        account = ("--username", "a@example.org", "--password", "secret-enough", "--user-token", self.TOKEN)
        program = self.environments.resolve() / "label-studio" / "bin" / "label-studio"
        where = ("--data-dir", self.home / "data", "--port", str(self.port), "--no-browser")
        settings = {
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "COLLECT_ANALYTICS": "false",
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.home / "data"),
        }
        self.run((program, "start", *account, *where), settings)
        await self.up(outside, "/health")
        self._client = aiohttp.ClientSession(
            base_url=self.url,
            headers={"Authorization": f"Token {self.TOKEN}"},
            timeout=aiohttp.ClientTimeout(LOAD_SECONDS),
        )
        project = await asked(
            self._client, "POST", "/api/projects/", {"title": "Benchmark", "label_config": self.CONFIG}
        )
        self._project = int(project["id"])
        for first in range(0, items, 10_000):
            rows = [{"text": TEXT.format(number)} for number in range(first, min(items, first + 10_000))]
            await asked(self._client, "POST", f"/api/projects/{self._project}/import", rows)
        await self._imported(items)
        await self._client.close()

    async def join(self, number: int) -> Session:
        """The account's token, on connections of one's own."""
        return LabelStudioPerson(self.url, self.TOKEN, self._project)

    async def _imported(self, items: int) -> None:
        end = time.monotonic() + LOAD_SECONDS
        while (await asked(self._client, "GET", f"/api/projects/{self._project}/"))["task_number"] < items:
            if time.monotonic() > end:
                raise SystemExit("Label Studio did not import all items.")
            await asyncio.sleep(0.5)


class LabelStudioPerson:
    """Two requests for an answer."""

    def __init__(self, url: str, token: str, project: int) -> None:
        headers = {"Authorization": f"Token {token}"}
        self._client = aiohttp.ClientSession(base_url=url, headers=headers, timeout=aiohttp.ClientTimeout(60))
        self._project = project

    async def answer(self) -> None:
        """GET next, POST the annotation."""
        task = await asked(self._client, "GET", f"/api/projects/{self._project}/next")
        choice = {"from_name": "choice", "to_name": "text", "type": "choices", "value": {"choices": [LABELS[0]]}}
        await asked(self._client, "POST", f"/api/tasks/{task['id']}/annotations/", {"result": [choice]})

    async def close(self) -> None:
        """Leave."""
        await self._client.close()


# --- doccano ---------------------------------------------------------------------------------------------------------


class Doccano(Server):
    """`doccano webserver`; examples are put in by its own models, because its upload needs one more process."""

    packages = ("doccano", "setuptools<80")
    FILL = """
import sys
from examples.models import Example
from projects.models import Project
from django.db import transaction
project, items = Project.objects.get(pk=int(sys.argv[1])), int(sys.argv[2])
with transaction.atomic():
    for first in range(0, items, 1000):
        rows = [Example(project=project, text=sys.argv[3].format(n)) for n in range(first, min(items, first + 1000))]
        Example.objects.bulk_create(rows)
"""

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """One project for the classification of texts, with one label for each example."""
        settings = {"DATABASE_URL": f"sqlite:///{self.home / 'doccano.db'}", "HOME": str(self.home), "DEBUG": "False"}
        program = self.environments.resolve() / "doccano" / "bin" / "doccano"
        for arguments in (("init",), ("createuser", "--username", "admin", "--password", "secret-enough")):
            subprocess.run(
                (program, *arguments), env={**os.environ, **settings}, check=True, capture_output=True, cwd=self.home
            )
        self.run((program, "webserver", "--port", str(self.port), "--workers", "2"), settings)
        await self.up(outside, "/v1/health/")
        self._key = (
            await asked(
                outside, "POST", self.url + "/v1/auth/login/", {"username": "admin", "password": "secret-enough"}
            )
        )["key"]
        person = await self._person()
        self._project, self._label = await person.make_project()
        await person.close()
        await asyncio.to_thread(self._fill, settings, items)

    async def join(self, number: int) -> Session:
        """The account's key, and its own place in the list of open examples."""
        person = await self._person()
        person.aim(self._project, self._label, number)
        return person

    async def _person(self) -> DoccanoPerson:
        return DoccanoPerson(self.url, self._key)

    def _fill(self, settings: Mapping[str, str], items: int) -> None:
        python = self.environments.resolve() / "doccano" / "bin" / "python"
        found = subprocess.run(
            (python, "-c", "import backend, os; print(os.path.dirname(backend.__file__))"),
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        backend = found.stdout.strip()
        setup = "import django; django.setup()\n"
        paths = {"PYTHONPATH": backend, "DJANGO_SETTINGS_MODULE": "config.settings.production"}
        subprocess.run(
            (python, "-c", setup + self.FILL, str(self._project), str(items), TEXT),
            env={**os.environ, **settings, **paths}, check=True, cwd=backend,
        )  # fmt: skip


class DoccanoPerson:
    """Three requests for an answer: the next unconfirmed example, its category, its confirmation."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Token {key}"}
        self._client = aiohttp.ClientSession(base_url=url, headers=headers, timeout=aiohttp.ClientTimeout(60))
        self._project = self._label = self._place = 0

    def aim(self, project: int, label: int, place: int) -> None:
        """What to answer, with which label, and how many open examples to leave to others."""
        self._project, self._label, self._place = project, label, place

    async def make_project(self) -> tuple[int, int]:
        """A project and its labels; returns its id and that of the first label."""
        said = {
            "name": "Benchmark",
            "description": "Benchmark",
            "guideline": "",
            "project_type": "DocumentClassification",
            "resourcetype": "TextClassificationProject",
            "single_class_classification": True,
            "random_order": False,
            "collaborative_annotation": True,
            "tags": [],
        }
        project = await asked(self._client, "POST", "/v1/projects", said)
        types = [
            await asked(self._client, "POST", f"/v1/projects/{project['id']}/category-types", {"text": label})
            for label in LABELS
        ]
        return int(project["id"]), int(types[0]["id"])

    async def answer(self) -> None:
        """As its page does."""
        root = f"/v1/projects/{self._project}/examples"
        page = await asked(self._client, "GET", f"{root}?limit=1&offset={self._place}&confirmed=false")
        if not page["results"]:
            raise Failed("no open example")
        example = page["results"][0]["id"]
        await asked(self._client, "POST", f"{root}/{example}/categories", {"label": self._label})
        await asked(self._client, "POST", f"{root}/{example}/states", {})

    async def close(self) -> None:
        """Leave."""
        await self._client.close()


PEERS: Mapping[str, type[Server]] = {"lightwork": Lightwork, "label-studio": LabelStudio, "doccano": Doccano}


async def asked(client: aiohttp.ClientSession, method: str, path: str, body: Json = None) -> Json:
    """What the server answers to a request in JSON.

    Raises:
        Failed: its status is 400 or more.
    """
    async with client.request(method, path, json=body) as response:
        if response.status >= 400:
            raise Failed(f"{method} {path}: {response.status} {(await response.text())[:300]}")
        return await response.json(content_type=None)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all of its children, the ended ones that were waited for too."""
    total = 0.0
    first = psutil.Process(pid)
    for process in (first, *first.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def csv_of(items: int) -> bytes:
    """A file with a column of texts."""
    return ("text\n" + "".join(f'"{TEXT.format(number)}"\n' for number in range(items))).encode()


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
