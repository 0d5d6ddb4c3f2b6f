"""Read query strings and bodies of programs into typed values; what is wrong is named with its place."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

from mailbot.console.problems import Problem

T = TypeVar("T", bound=msgspec.Struct)

LARGEST_KEY = 60  # characters of a name that an error repeats


def read_query(pairs: Iterable[tuple[str, str]], kind: type[T]) -> T:
    """Read the parameters of an address. Those that are lists may come several times. Raises Problem."""
    hints, given = get_type_hints(kind), dict[str, Any]()
    for name, value in pairs:
        if get_origin(hints.get(name)) is list:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    return _convert(given, kind, strict=False)


def read_body(raw: bytes, kind: type[T]) -> T:
    """Read a JSON object; an empty body is one without fields. Raises Problem."""
    try:
        given = msgspec.json.decode(raw) if raw.strip() else {}
    except msgspec.DecodeError as error:
        raise Problem("malformed", _place(str(error), raw)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed", "The body is no UTF-8, or nested too deeply.") from error
    if not isinstance(given, dict):
        raise Problem("malformed", f"The body must be one JSON object, not {_article(given)}.")
    return _convert(given, kind, strict=True)


def _place(error: str, raw: bytes) -> str:
    """Put line and column in the place of the byte that msgspec names."""
    text, _, rest = error.partition(" (byte ")
    if not rest:
        return f"{text} at the end of the body."
    before = raw[: int(rest.rstrip(")"))]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f"{text} in line {line}, column {column}."


def _article(value: object) -> str:
    names = {list: "an array", str: "a string", type(None): "null", bool: "a truth value"}
    return names.get(type(value), "a number")


def _convert(given: Mapping[str, Any], kind: type[T], *, strict: bool) -> T:
    if _has_nul(given):
        raise invalid(("", "a text has the character NUL, which no store keeps"))
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    if unknown := [name for name in given if name not in known]:
        raise invalid(*((name, _unknown(name, known)) for name in unknown))
    try:
        return msgspec.convert(given, kind, strict=strict)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        raise invalid((place.rstrip("`").lstrip("."), text)) from error


def _has_nul(value: Any) -> bool:
    """Check all texts: PostgreSQL refuses the character, SQLite cuts at it."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


def _unknown(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    if near:
        return f"there is no such field; did you mean {near[0]}?"
    return f"there is no such field; there are: {', '.join(known)}" if known else "there are no fields"


def invalid(*errors: tuple[str, str]) -> Problem:
    """Return the problem that names each field and what is wrong with it."""
    shown = [{"field": name[:LARGEST_KEY], "message": message} for name, message in errors]
    detail = "; ".join(
        f"{each['field']}: {each['message']}" if each["field"] else each["message"] for each in shown
    )
    return Problem("invalid", detail if detail.endswith("?") else f"{detail}.", errors=shown)
