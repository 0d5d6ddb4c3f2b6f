"""Define a web form: its fields, in both languages, and what becomes of their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    LONG_TEXT = "long text"
    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a field. `tag`: what the ticket is tagged with where it is chosen, "" for nothing."""

    value: str
    labels: Mapping[str, str]  # by language
    tag: str = ""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field beside address, name and message, which each form has.

    - `pattern`: RE2 that the whole of a text must match, "" for any text. `example`: one that does.
    - `detail`: the detail of the ticket that the answer becomes, "" for none.
    - `is_subject`: the answer is the subject of the message.
    """

    name: str
    labels: Mapping[str, str]  # by language
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    pattern: str = ""
    example: str = ""
    options: tuple[Option, ...] = ()
    detail: str = ""
    is_subject: bool = False


@dataclass(frozen=True, slots=True)
class WebForm:
    """A form at `/forms/NAME`.

    - `mailbox`: the address of ours that its messages are for.
    - `embed_on`: origins of pages that may show it in a frame.
    - `files`: whether it takes files. `confirm`: whether the sender confirms the address by a mailed link.
    """

    name: str
    mailbox: str
    titles: Mapping[str, str]  # by language
    fields: tuple[FormField, ...] = ()
    embed_on: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("id", "en")
    files: bool = True
    confirm: bool = True
