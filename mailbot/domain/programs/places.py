"""Texts with places that a JSON document fills: "/buyer/id", or "Order {/order/id}". Nothing in them is executed.

A place is a JSON Pointer (RFC 6901). After `|lower` its text is in small letters. `{{` and `}}` write a brace.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

LOWER = "|lower"
_PARTS = re.compile(r"\{\{|\}\}|\{(?P<place>[^{}]*)\}|(?P<odd>[{}])|[^{}]+")
_BAD_ESCAPE = re.compile("~(?![01])")
_INDEX = re.compile("0|[1-9][0-9]{0,8}")
HINT = "such as /buyer/id, or Order {/order/id}"


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a document: the keys that lead to it. `lower`: in small letters."""

    keys: tuple[str, ...]
    lower: bool = False

    def find(self, document: object) -> object:
        """Return the value there, None where there is none."""
        found = document
        for key in self.keys:
            if isinstance(found, Mapping):
                found = found.get(key)
            elif isinstance(found, Sequence) and not isinstance(found, str) and _INDEX.fullmatch(key):
                found = found[int(key)] if int(key) < len(found) else None
            else:
                return None
        return found

    def text(self, document: object) -> str:
        """Return the text there, "" where there is none. Raises ValueError for a list or a mapping."""
        found = text_of(self.find(document), "/" + "/".join(self.keys))
        return found.lower() if self.lower else found


def text_of(value: object, where: str) -> str:
    """Return a single value as text. Raises ValueError for a list or a mapping."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # JSON may hold half a character
    raise ValueError(f"{where} is no text")


def read_place(text: str) -> Place:
    """Read "/buyer/id" or "/buyer/id|lower". Raises ValueError(message, hint)."""
    pointer = text.removesuffix(LOWER)
    if not pointer.startswith("/") or _BAD_ESCAPE.search(pointer) or "|" in pointer:
        raise ValueError(f"`{text[:60]}` is no JSON Pointer", HINT)
    keys = (key.replace("~1", "/").replace("~0", "~") for key in pointer[1:].split("/"))
    return Place(tuple(keys), lower=text.endswith(LOWER))


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places."""

    parts: tuple[str | Place, ...]

    def fill(self, document: object) -> str:
        """Return the text with the values of a document. Raises ValueError for a place that is no text."""
        return "".join(each if isinstance(each, str) else each.text(document) for each in self.parts)


def read_template(text: str) -> Template:
    """Read a text with places; one that begins with "/" is a place alone. Raises ValueError(message, hint)."""
    if text.startswith("/"):
        return Template((read_place(text),))
    parts: list[str | Place] = []
    for match in _PARTS.finditer(text):
        if match["odd"]:
            raise ValueError(f"`{match['odd']}` stands alone in `{text[:60]}`", HINT)
        if match["place"] is not None:
            parts.append(read_place(match["place"]))
        else:
            parts.append({"{{": "{", "}}": "}"}.get(match[0], match[0]))
    return Template(tuple(parts))


def read_document(content: bytes) -> Any:
    """Read a JSON object; numbers stay as they are written. Raises ValueError for anything else."""
    try:
        found = json.loads(
            content.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_refuse
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"it is no JSON: {name}")
