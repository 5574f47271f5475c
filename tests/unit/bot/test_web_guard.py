"""What every request passes: hosts, origins, headers, bodies, and errors without a traceback."""

from __future__ import annotations

import json

import pytest

from tests.unit.bot.conftest import WebChat


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost:9000", 200),
        ("[::1]:8080", 200),
        ("LABEL.example.org", 200),
        ("evil.example.org", 421),
        ("label.example.org.evil.net", 421),
        ("localhost.evil.net:8080", 421),
        ("", 421),
    ],
)
async def test_only_known_hosts_are_served(web: WebChat, host: str, status: int) -> None:
    web.build(origin="https://label.example.org")
    client = await web.browser()
    response = await client.get("/", headers={"host": host})
    assert response.status_code == status
    assert (await client.get("/healthz", headers={"host": host})).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:8080"}, 200),
        ({"origin": "https://label.example.org"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "http://localhost:8080"}, 403),
        ({"origin": "https://evil.example.org"}, 403),
        ({"origin": "http://label.example.org"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
async def test_only_our_own_pages_and_scripts_change_state(web: WebChat, headers: dict[str, str], status: int) -> None:
    web.build(origin="https://label.example.org")
    client = await web.joined()
    before = len(web.dispatch.events)
    response = await client.post("/api/text", json={"text": "hi"}, headers=headers)
    assert response.status_code == status
    assert len(web.dispatch.events) == before + (status == 200)
    if status != 200:
        assert response.json()["error"] == "web_origin"


@pytest.mark.parametrize("path", ["/", "/join/abc", "/static/chat.js", "/api/messages", "/nowhere", "/healthz"])
async def test_every_response_carries_the_security_headers(web: WebChat, path: str) -> None:
    client = await web.browser()
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


async def test_the_page_has_no_inline_code_and_names_no_other_server(web: WebChat) -> None:
    client = await web.browser()
    page = (await client.get("/")).text
    assert page.count("<script") == 1
    assert '<script type="module" src="/static/chat.js"></script>' in page
    for forbidden in ("<style", " style=", " onclick", "javascript:", "http://", "https://", "{{"):
        assert forbidden not in page
    for name in ("bubbles.js", "chat.js", "composer.js", "log.js", "net.js"):
        source = (await client.get(f"/static/{name}")).text
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "http://",
            "https://",
        ):
            assert forbidden not in source


async def test_static_files_are_revalidated_by_their_hash(web: WebChat) -> None:
    client = await web.browser()
    first = await client.get("/static/chat.css")
    assert first.headers["content-type"].startswith("text/css")
    again = await client.get("/static/chat.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "web_not_found"),
        ("GET", "/static/index.html", 404, "web_not_found"),
        ("GET", "/static/..%2fweb.py", 404, "web_not_found"),
        ("GET", "/api/tap", 405, "web_method"),
        ("DELETE", "/api/messages", 405, "web_method"),
    ],
)
async def test_unknown_paths_and_methods_are_refused_in_json(
    web: WebChat, method: str, path: str, status: int, code: str
) -> None:
    client = await web.browser(headers={"accept-language": "fr;q=1"})
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.json() == {"error": code, "message": f"fr: {code} {{}}"}


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b'{"text": "hi"}', "text/plain", 415, "web_content_type"),
        (b'{"text": "hi"}', "application/x-www-form-urlencoded", 415, "web_content_type"),
        (b'{"text": ', "application/json", 400, "web_bad_json"),
        (b'["text"]', "application/json", 400, "web_bad_json"),
        (b"\xff\xfe\x00", "application/json", 400, "web_bad_json"),
        (b"[" * 60_000, "application/json", 400, "web_bad_json"),
        (b'{"text": "' + b"x" * 66_000 + b'"}', "application/json; charset=utf-8", 413, "web_body_too_large"),
    ],
)
async def test_bodies_are_checked(web: WebChat, content: bytes, media_type: str, status: int, code: str) -> None:
    client = await web.joined()
    response = await client.post("/api/text", content=content, headers={"content-type": media_type})
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert len(web.dispatch.events) == 1


async def test_a_fault_of_ours_is_one_sentence_without_a_traceback(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(RuntimeError("password=hunter2"))
    response = await client.post("/api/text", json={"text": "hi"})
    assert response.status_code == 500
    assert json.loads(response.text) == {"error": "web_failed", "message": "en: web_failed {}"}
