"""Label Studio as `benchmarks.peers` measures it: `label-studio start`, two requests for an answer."""

from __future__ import annotations

import re

import aiohttp

from benchmarks.peer_people import Failed, Session, TokenPerson
from benchmarks.peer_servers import LABELS, LOAD_SECONDS, PASSWORD, TEXT, Server

TOKEN = "b" * 40
AT_ONCE = 10_000
"""Items in one import."""
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="choice" toName="text" choice="single">'
    + "".join(f'<Choice value="{label}"/>' for label in LABELS)
    + "</Choices></View>"
)


class LabelStudio(Server):
    """Its defaults: SQLite, one annotation for each of its tasks, which are locked while somebody has them open."""

    packages = ("label-studio",)
    database = "data/label_studio.sqlite3"
    counts = "SELECT count(*) FROM task_completion", "SELECT count(DISTINCT task_id) FROM task_completion"

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """One project, filled by its import endpoint."""
        account = ("--username", "owner@example.org", "--password", PASSWORD, "--user-token", TOKEN)
        program = self.environments.resolve() / "label-studio" / "bin" / "label-studio"
        where = ("--data-dir", self.home / "data", "--port", str(self.port), "--no-browser", "--log-level", "ERROR")
        quiet = {"COLLECT_ANALYTICS": "false", "LABEL_STUDIO_BASE_DATA_DIR": str(self.home / "data")}
        self.run((program, "start", *account, *where, "--enable-legacy-api-token"), quiet)
        await self.up(outside, "/health")
        owner = TokenPerson(self.url, TOKEN, seconds=LOAD_SECONDS)
        made = await owner.ask("POST", "/api/projects/", {"title": "Benchmark", "label_config": CONFIG})
        self._project = int(made["id"])
        for first in range(0, items, AT_ONCE):
            rows = [{"text": TEXT.format(number)} for number in range(first, min(items, first + AT_ONCE))]
            await owner.ask("POST", f"/api/projects/{self._project}/import", rows)
        await self._imported(owner, items)
        await owner.close()

    async def join(self, number: int) -> Session:
        """Signs up on its page; the account has a token."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(base_url=self.url, cookie_jar=jar) as browser:
            async with browser.get("/user/signup/") as page:
                found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', await page.text())
            if found is None:
                raise SystemExit("Label Studio showed no form to sign up.")
            said = {"email": f"person{number}@example.org", "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
            async with browser.post("/user/signup/", data=said, allow_redirects=False) as joined:
                if joined.status != 302:
                    raise SystemExit(f"Label Studio let nobody sign up: {(await joined.text())[:500]}")
            async with browser.get("/api/current-user/token") as told:
                token = (await told.json())["token"]
        return LabelStudioPerson(self.url, token, self._project, number)

    async def _imported(self, owner: TokenPerson, items: int) -> None:
        async def all_are_there() -> bool:
            project = await owner.ask("GET", f"/api/projects/{self._project}/")
            return bool(project["task_number"] >= items)

        await self.until(all_are_there, LOAD_SECONDS, "Label Studio did not import all items")


class LabelStudioPerson(TokenPerson):
    """The next one, and its annotation."""

    def __init__(self, url: str, token: str, project: int, number: int) -> None:
        super().__init__(url, token, number)
        self._project = project

    async def answer(self) -> None:
        """GET next, POST the annotation. Raises `Failed`."""
        item = await self.ask("GET", f"/api/projects/{self._project}/next")
        if not isinstance(item, dict) or "id" not in item:
            raise Failed("no open item")
        label = self.choice(LABELS)
        choice = {"from_name": "choice", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
        await self.ask("POST", f"/api/tasks/{item['id']}/annotations/", {"result": [choice]})
