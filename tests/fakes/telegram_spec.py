"""The Bot API as data (tests/fakes/specs): refuses calls that do not follow it.

Stricter than Telegram, which ignores unknown parameters: here a misspelled one is a refusal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parent / "specs" / "telegram-bot-api.json"
RANGE = re.compile(r"(\d+)-(\d+) (characters|bytes)")
PRIMITIVES = ("Integer", "Float", "Boolean", "String", "InputFile")


class ApiError(Exception):
    """An answer of the Bot API other than ok."""

    def __init__(self, status: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.retry_after = retry_after


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart request."""

    name: str
    media_type: str
    content: bytes


@cache
def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text(encoding="utf-8"))
    return found


def check(method: str, fields: dict[str, str | Upload]) -> dict[str, Any]:
    """The parsed parameters of a call. Raises `ApiError` where the specification does not allow it."""
    known = _spec()["methods"].get(method)
    if known is None:
        raise ApiError(404, "Not Found: method not found")
    return _fields(f"{method}", known.get("fields", []), fields, from_form=True)


def units(text: str) -> int:
    """UTF-16 code units, in which Telegram counts (https://core.telegram.org/api/entities#entity-length)."""
    return len(text.encode("utf-16-le")) // 2


def _fields(where: str, known: list[dict[str, Any]], given: dict[str, Any], from_form: bool) -> dict[str, Any]:
    by_name = {field["name"]: field for field in known}
    if unknown := set(given) - set(by_name):
        raise ApiError(400, f"Bad Request: {where} has no parameter {sorted(unknown)}")
    missing = [name for name, field in by_name.items() if field["required"] and name not in given]
    if missing:
        raise ApiError(400, f"Bad Request: {where} needs the parameters {missing}")
    parsed = {
        name: _value(f"{where}.{name}", by_name[name]["types"], value, from_form) for name, value in given.items()
    }
    for name, value in parsed.items():
        _check_range(f"{where}.{name}", by_name[name]["description"], value)
    return parsed


def _check_range(where: str, description: str, value: Any) -> None:
    """The bounds that the description of a parameter names: "1-4096 characters", "1-64 bytes"."""
    found = RANGE.search(description)
    if found is None or not isinstance(value, str):
        return
    size = units(value) if found[3] == "characters" else len(value.encode())
    if size > int(found[2]):
        what = "message is too long" if where.endswith(".text") else f"{where} is too long"
        raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID" if found[3] == "bytes" else f"Bad Request: {what}")
    if size < int(found[1]):
        raise ApiError(400, f"Bad Request: {where} is empty")


def _value(where: str, types: list[str], value: Any, from_form: bool) -> Any:
    refusals = []
    for kind in types:
        try:
            return _of_type(where, kind, value, from_form)
        except ApiError as error:
            refusals.append(error)
    raise refusals[0]


def _of_type(where: str, kind: str, value: Any, from_form: bool) -> Any:
    wrong = ApiError(400, f"Bad Request: {where} is not of type {kind}")
    if kind == "InputFile":
        if not isinstance(value, Upload):
            raise wrong
        return value
    if isinstance(value, Upload):
        raise wrong
    if kind == "String":
        if not isinstance(value, str):
            raise wrong
        return value
    if from_form:
        try:
            value = json.loads(value)
        except (ValueError, TypeError):
            raise wrong from None
    if kind in PRIMITIVES:
        expected = {"Integer": int, "Float": (int, float), "Boolean": bool}[kind]
        if not isinstance(value, expected) or (isinstance(value, bool) and kind != "Boolean"):  # type: ignore[arg-type]
            raise wrong
        return value
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            raise wrong
        return [_of_type(f"{where}[{i}]", kind[len("Array of ") :], part, False) for i, part in enumerate(value)]
    return _object(where, kind, value)


def _object(where: str, kind: str, value: Any) -> Any:
    known = _spec()["types"][kind]
    if not isinstance(value, dict):
        raise ApiError(400, f"Bad Request: {where} is not of type {kind}")
    if "subtypes" in known:
        return _value(where, known["subtypes"], value, False)
    return _fields(where, known.get("fields", []), value, from_form=False)
