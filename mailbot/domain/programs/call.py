"""What a call of a program says: who wrote what, by the places that an admin named."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailbot.domain.programs.places import Place, Template, read_place, read_template, text_of

MOST_FILES = 20
TEXTS = ("author", "text", "external_id", "name", "subject", "answers")


@dataclass(frozen=True, slots=True)
class FilesMap:
    """Where files are: `each` leads to a list, the others are read in each of its items; `content` is base64."""

    each: str
    content: str
    name: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class CallMap:
    """Texts with places, as written: see `places`.

    - `author`: an address of mail, or who it is in the channel. `external_id` names the message for good.
    - `answers`: which message of ours it answers. `when`: place to the values that make it a message.
    """

    author: str
    text: str
    external_id: str
    name: str = ""
    subject: str = ""
    answers: str = ""
    files: FilesMap | None = None
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallFile:
    """A file of a call, as its sender declared it."""

    name: str
    type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What a call says. `unread`: names of files that could not be read."""

    author: str
    text: str
    external_id: str
    name: str = ""
    subject: str = ""
    answers: str = ""
    files: tuple[CallFile, ...] = ()
    unread: tuple[str, ...] = ()


class CallReader:
    """Reads calls by a map. Raises ValueError(message, hint) for a map that can't be used."""

    def __init__(self, chosen: CallMap) -> None:
        self._texts: dict[str, Template] = {
            name: read_template(getattr(chosen, name)) for name in TEXTS if getattr(chosen, name)
        }
        self._when: list[tuple[Place, frozenset[str]]] = [
            (read_place(place), frozenset(values)) for place, values in chosen.when.items()
        ]
        self._files = _FilesReader(chosen.files) if chosen.files else None

    def is_message(self, document: object) -> bool:
        """Check whether a call is one of those that bring messages; others are known and of no interest."""
        return all(_single(place, document) in values for place, values in self._when)

    def external_id(self, document: object) -> str:
        """Return what names the message. Raises ValueError where nothing does."""
        if found := self._texts["external_id"].fill(document).strip():
            return found
        raise ValueError("`external_id` leads to nothing: a repetition could not be known")

    def read(self, document: object) -> Said:
        """Return what it says. Raises ValueError with what is missing."""
        texts = {name: template.fill(document).strip() for name, template in self._texts.items()}
        texts["external_id"] = self.external_id(document)
        files, unread = self._files.read(document) if self._files else ((), ())
        if not texts["author"]:
            raise ValueError("`author` leads to nothing")
        if not (texts["text"] or files or unread):
            raise ValueError("`text` leads to nothing, and there are no files")
        return Said(**texts, files=files, unread=unread)


def _single(place: Place, document: object) -> str | None:
    found = place.find(document)
    return None if isinstance(found, dict | list) else text_of(found, "")


class _FilesReader:
    """Reads the files of a call."""

    def __init__(self, chosen: FilesMap) -> None:
        self._each, self._content = read_place(chosen.each), read_place(chosen.content)
        self._name, self._type = (read_template(each) for each in (chosen.name, chosen.type))

    def read(self, document: object) -> tuple[tuple[CallFile, ...], tuple[str, ...]]:
        """Return the files, and the names of those that can't be read. Raises ValueError."""
        items = self._each.find(document)
        if items is None:
            return (), ()
        if not isinstance(items, Sequence) or isinstance(items, str):
            raise ValueError("`files` leads to no list")
        files, unread = [], []
        for item in items[:MOST_FILES]:
            name, kind = self._name.fill(item), self._type.fill(item)
            try:
                files.append(CallFile(name, kind, b64decode(self._content.text(item), validate=True)))
            except ValueError:
                unread.append(name or "file")
        unread += ["file"] * (len(items) - MOST_FILES)
        return tuple(files), tuple(unread)


def example(chosen: CallMap, document: Any) -> Said:
    """Return what an example says, as a call of it would. Raises ValueError."""
    reader = CallReader(chosen)
    if not reader.is_message(document):
        raise ValueError("`when` does not take it for a message")
    return reader.read(document)
