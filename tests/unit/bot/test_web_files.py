"""Files in and out: bounded, removed again, safely named, and only for whom they are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.surface import Attachment, Event, Message, Outcome, Send, Uploaded
from bot.surfaces.web_content import safe_file_name
from core.ids import new_public_id
from tests.unit.bot.conftest import WebChat

LIMIT = 10_000
BOUNDARY = "multipart/form-data; boundary=xyz"


def uploaded(web: WebChat) -> Uploaded:
    event = web.dispatch.events[-1]
    assert isinstance(event, Uploaded)
    return event


async def test_an_upload_is_dispatched_and_then_removed(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(Outcome((Send(Message(text="Got it.")),)))
    files = {"file": ("../../tweets.csv", b"text\nhello\n", "text/csv")}
    body = (await client.post("/api/upload", files=files, data={"caption": "/post Sunny?"})).json()
    event = uploaded(web)
    assert (event.name, event.caption) == ("tweets.csv", "/post Sunny?")
    assert web.dispatch.contents == [b"text\nhello\n"]
    assert not event.path.exists()
    assert not event.path.parent.exists()
    own, reply = body["messages"]
    assert (own["author"], own["content"]["heading"], own["content"]["text"]) == (
        "person",
        "tweets.csv",
        "/post Sunny?",
    )
    assert reply["content"]["text"] == "Got it."


async def test_an_upload_stays_until_a_late_outcome_is_there(web: WebChat) -> None:
    client = await web.joined()
    read = asyncio.Event()
    contents = []

    async def slow(event: Event) -> Outcome:
        async def commit() -> Outcome:
            await read.wait()
            assert isinstance(event, Uploaded)
            contents.append(event.path.read_bytes())
            return Outcome((Send(Message(text="Imported.")),))

        return Outcome(follow_up=commit())

    web.dispatch.answers.append(slow)
    response = await client.post("/api/upload", files={"file": ("a.csv", b"abc")})
    assert response.status_code == 202
    read.set()
    await web.surface._late.close()
    assert contents == [b"abc"]
    assert not uploaded(web).path.exists()


async def test_an_upload_is_removed_when_dispatch_fails(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(RuntimeError("boom"))
    response = await client.post("/api/upload", files={"file": ("a.csv", b"abc")})
    assert (response.status_code, response.json()["error"]) == (500, "web_failed")
    assert not uploaded(web).path.parent.exists()


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 40])
async def test_a_file_beyond_the_limit_is_refused(web: WebChat, size: int) -> None:
    client = await web.joined()
    response = await client.post("/api/upload", files={"file": ("big.csv", b"x" * size)})
    assert (response.status_code, response.json()["error"]) == (413, "web_upload_too_large")
    assert "0.01" in response.json()["message"]
    assert len(web.dispatch.events) == 1


async def test_a_body_without_a_declared_length_is_bounded_too(web: WebChat) -> None:
    async def endless() -> Any:
        yield b'--xyz\r\nContent-Disposition: form-data; name="noise"\r\n\r\n'
        while True:
            yield b"x" * 65_536

    client = await web.joined()
    response = await client.post("/api/upload", content=endless(), headers={"content-type": BOUNDARY})
    assert response.status_code == 413


async def test_a_file_of_exactly_the_limit_is_taken(web: WebChat) -> None:
    client = await web.joined()
    response = await client.post("/api/upload", files={"file": ("big.csv", b"x" * LIMIT)})
    assert response.status_code == 200
    assert len(web.dispatch.contents[0]) == LIMIT


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{}", "application/json", 415, "web_content_type"),
        (b"", "multipart/form-data", 415, "web_content_type"),
        (b"nonsense", BOUNDARY, 400, "web_bad_upload"),
        (
            b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut',
            BOUNDARY,
            400,
            "web_bad_upload",
        ),
        (
            b'--xyz\r\nContent-Disposition: form-data; name="caption"\r\n\r\nhi\r\n--xyz--\r\n',
            BOUNDARY,
            400,
            "web_no_file",
        ),
        (
            b'--xyz\r\nContent-Disposition: form-data; name="file"\r\n\r\nhi\r\n--xyz--\r\n',
            BOUNDARY,
            400,
            "web_no_file",
        ),
    ],
)
async def test_a_malformed_upload_is_refused(
    web: WebChat, content: bytes, media_type: str, status: int, code: str
) -> None:
    client = await web.joined()
    response = await client.post("/api/upload", content=content, headers={"content-type": media_type})
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert len(web.dispatch.events) == 1


async def test_two_files_at_once_are_refused(web: WebChat) -> None:
    client = await web.joined()
    response = await client.post("/api/upload", files=[("file", ("a", b"1")), ("file", ("b", b"2"))])
    assert (response.status_code, response.json()["error"]) == (400, "web_one_file")


async def test_too_long_a_caption_is_refused(web: WebChat) -> None:
    client = await web.joined()
    response = await client.post("/api/upload", files={"file": ("a", b"1")}, data={"caption": "x" * 20_001})
    assert (response.status_code, response.json()["error"]) == (400, "web_bad_field")


# --- out ---------------------------------------------------------------------------------------------------------


async def test_an_attachment_is_shown_without_its_path_and_can_be_fetched(web: WebChat, tmp_path: Path) -> None:
    stored = tmp_path / "3f2a"
    stored.write_bytes(b"id,label\n1,good\n")
    client = await web.joined()
    attachment = Attachment('evil"\r\n/../labels.csv', "text/csv", str(stored))
    ref = await web.surface.send(web.last_person(), Message(kind="file", text="Here.", attachment=attachment))
    response = await client.get("/api/messages", params={"after": 1})
    (message,) = response.json()["messages"]
    assert message["content"]["attachment"] == {
        "name": "labels.csv",
        "media_type": "text/csv",
        "alt": "",
        "url": f"/api/files/{ref.message}",
    }
    assert str(tmp_path) not in response.text
    file = await client.get(message["content"]["attachment"]["url"])
    assert file.content == b"id,label\n1,good\n"
    assert file.headers["content-disposition"] == 'attachment; filename="labels.csv"'
    assert file.headers["content-type"].startswith("text/csv")
    assert file.headers["x-content-type-options"] == "nosniff"


async def test_a_picture_says_what_it_shows_and_the_page_may_show_it(web: WebChat, tmp_path: Path) -> None:
    stored = tmp_path / "picture"
    stored.write_bytes(b"\x89PNG")
    client = await web.joined()
    picture = Attachment("status.png", "image/png", str(stored), "62% decided")
    await web.surface.send(web.last_person(), Message(kind="picture", attachment=picture))
    (message,) = (await client.get("/api/messages", params={"after": 1})).json()["messages"]
    shown = message["content"]["attachment"]
    assert (shown["media_type"], shown["alt"]) == ("image/png", "62% decided")
    file = await client.get(shown["url"], params={"revision": message["revision"]})
    assert (file.content, file.headers["content-type"]) == (b"\x89PNG", "image/png")
    policy = (await client.get("/")).headers["content-security-policy"]
    assert "img-src 'self';" in policy, "a picture of our own, and no other"


async def test_somebody_elses_file_is_not_found(web: WebChat, tmp_path: Path) -> None:
    stored = tmp_path / "secret"
    stored.write_bytes(b"secret")
    await web.joined("Ada")
    message = Message(attachment=Attachment("a.csv", "text/csv", str(stored)))
    ref = await web.surface.send(web.last_person(), message)
    eve = await web.joined("Eve")
    stranger = await web.browser()
    assert (await eve.get(f"/api/files/{ref.message}")).json()["error"] == "web_not_found"
    assert (await stranger.get(f"/api/files/{ref.message}")).status_code == 401


async def test_a_message_without_a_file_and_a_file_that_is_gone(web: WebChat, tmp_path: Path) -> None:
    client = await web.joined()
    me = web.last_person()
    plain = await web.surface.send(me, Message(text="no file"))
    gone = await web.surface.send(me, Message(attachment=Attachment("a", "bad type\r\n", str(tmp_path / "gone"))))
    for message_id, status in ((plain.message, 404), (new_public_id(), 404), ("x", 404), (gone.message, 410)):
        response = await client.get(f"/api/files/{message_id}")
        assert response.status_code == status
        assert response.json()["message"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("labels.csv", "labels.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.csv", "a.csv"),
        ("..", "file"),
        ("", "file"),
        ("a\x00b\u202egnp.exe", "ab_gnp.exe"),
        ("Größe ☀.csv", "Größe ☀.csv"),
        ("x" * 300 + ".jsonl", "x" * 114 + ".jsonl"),
    ],
)
def test_file_names_are_made_safe(name: str, expected: str) -> None:
    assert safe_file_name(name) == expected
