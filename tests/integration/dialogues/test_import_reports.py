"""What a coordinator is told of a file that was loaded, and which job a further item is for."""

from __future__ import annotations

from pathlib import Path

from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox, load_all, write


async def test_what_was_left_out_of_a_file_is_said_only_where_something_was(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, "id,text\n1,Sun\n"), "/post Weather? | Good | Bad")
    load_all(chat)
    assert (await inbox(chat, olga))[-1].endswith("1 item is open for labeling.")


async def test_ids_that_are_there_twice_are_named(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    content = "id,text\n1,Sun\n1,Rain\n2,Snow\n3,Fog\n3,Fog\n"
    await olga.uploads(write(tmp_path, content), "/post Weather? | Good | Bad")
    load_all(chat)
    heard = (await inbox(chat, olga))[-1]
    assert "4 items are open for labeling.\nLeft out: 1 duplicate (line 6)" in heard
    assert heard.endswith("share an id, so an export cannot tell them apart by it: 1"), "a duplicate is no second item"


async def test_adding_where_it_could_be_several_jobs_names_their_ids(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        first, second = make_project(session, name="First"), make_project(session, name="Second")
    heard = await olga.says("/add What a lovely day")
    assert olga.refused == "several_projects"
    assert f"\nSecond: {second.public_id}\nFirst: {first.public_id}" in heard
    assert "First" in await olga.says(f"/add {first.public_id} What a lovely day")
