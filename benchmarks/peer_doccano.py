"""doccano as `benchmarks.peers` measures it: `doccano webserver` and `doccano task`, three requests for an answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from benchmarks.peer_people import Failed, Json, Session, TokenPerson, asked
from benchmarks.peer_servers import LABELS, PASSWORD, TEXT, Server

APART = 64
"""Open examples between the places of two people. doccano locks nothing: nearer, they would answer the same ones."""
PROJECT = {
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
FILL = """
import sys, django
django.setup()
from examples.models import Example
from projects.models import Project
from django.db import transaction
project, items = Project.objects.get(pk=int(sys.argv[1])), int(sys.argv[2])
with transaction.atomic():
    for first in range(0, items, 1000):
        rows = [Example(project=project, text=sys.argv[3].format(n)) for n in range(first, min(items, first + 1000))]
        Example.objects.bulk_create(rows)
"""


class Doccano(Server):
    """Its defaults: SQLite, as many workers of gunicorn as it takes for this machine, and its queue's processes.

    Examples are put in by its own models, which is quicker than its upload and leaves the same rows.
    """

    # What it asks for lets in newer ones of these, with which it does not start.
    packages = ("doccano", "marshmallow<4", "numpy<2", "setuptools<80")
    database = "doccano.db"
    counts = "SELECT count(*) FROM labels_category", "SELECT count(DISTINCT example_id) FROM labels_category"

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """One project for the classification of texts, with one label for each example, confirmed for all."""
        self._bin = self.environments.resolve() / "doccano" / "bin"
        self._settings = {"DOCCANO_HOME": str(self.home), "DATABASE_URL": f"sqlite:///{self.home / self.database}"}
        self._once(self._bin / "doccano", "init")
        self._once(self._bin / "doccano", "createuser", "--username", "owner", "--password", PASSWORD)
        self.run((self._bin / "doccano", "webserver", "--port", str(self.port)), self._settings)
        self.run((self._bin / "doccano", "task"), self._settings)
        await self.up(outside, "/v1/health/")
        owner = TokenPerson(self.url, await self._key("owner"))
        self._project = int((await owner.ask("POST", "/v1/projects", PROJECT))["id"])
        root = f"/v1/projects/{self._project}"
        kinds = [await owner.ask("POST", f"{root}/category-types", {"text": label}) for label in LABELS]
        self._labels = [int(kind["id"]) for kind in kinds]
        role = next(one["id"] for one in await owner.ask("GET", "/v1/roles") if one["name"] == "annotator")
        for number in range(people):
            said = {"username": f"person{number}", "password1": PASSWORD, "password2": PASSWORD}
            made = await owner.ask("POST", "/v1/users/create", said)
            await owner.ask("POST", f"{root}/members", {"user": made["id"], "role": role})
        await owner.close()
        await asyncio.to_thread(self._fill, items)

    async def join(self, number: int) -> Session:
        """An account's key, and a place of its own in the list of open examples."""
        key = await self._key(f"person{number}")
        return DoccanoPerson(self.url, key, self._project, self._labels, number)

    async def _key(self, name: str) -> str:
        said = {"username": name, "password": PASSWORD}
        async with aiohttp.ClientSession() as outside:
            found: Json = await asked(outside, "POST", f"{self.url}/v1/auth/login/", said)
        return str(found["key"])

    def _fill(self, items: int) -> None:
        found = self._once(self._bin / "python", "-c", "import backend, os; print(os.path.dirname(backend.__file__))")
        backend = found.strip().splitlines()[-1]
        self._settings |= {"PYTHONPATH": backend, "DJANGO_SETTINGS_MODULE": "config.settings.production"}
        self._once(self._bin / "python", "-c", FILL, str(self._project), str(items), TEXT)

    def _once(self, *command: str | Path) -> str:
        done = subprocess.run(
            command, env={**os.environ, **self._settings}, capture_output=True, text=True, cwd=self.home
        )
        if done.returncode:
            raise SystemExit(f"{command[:3]} failed: {done.stderr[-2000:]}")
        return done.stdout


class DoccanoPerson(TokenPerson):
    """The next open example, its category, its confirmation."""

    def __init__(self, url: str, token: str, project: int, labels: Sequence[int], number: int) -> None:
        super().__init__(url, token, number)
        self._root = f"/v1/projects/{project}/examples"
        self._labels, self._place = labels, number * APART

    async def answer(self) -> None:
        """As its page does. Raises `Failed`."""
        page = await self.ask("GET", f"{self._root}?limit=1&offset={self._place}&confirmed=false")
        if not page["results"]:
            raise Failed("no open example")
        example = page["results"][0]["id"]
        await self.ask("POST", f"{self._root}/{example}/categories", {"label": self.choice(self._labels)})
        await self.ask("POST", f"{self._root}/{example}/states", {})
