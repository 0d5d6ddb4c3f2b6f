"""A message as the index keeps it: its words by the part of the message that they stand in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mailbot.domain.search.words import words_of

LONGEST_TEXT = 20_000  # characters that are read of a text
_LONGEST_LINE = 500
_MOST_NAMES = 50  # people and files


@dataclass(frozen=True, slots=True)
class Document:
    """Words of a message. `people`: others than the author, and names of files."""

    title: list[str]
    author: list[str]
    people: list[str]
    body: list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """What the words of a message are read from. `addresses`: see the column of `messages`.

    `subject`: of the message and its ticket.
    """

    number: str
    customer: str
    author: str
    subject: str
    text: str
    addresses: Mapping[str, Any]
    files: tuple[str, ...] = ()


def document(source: Source) -> Document:
    addresses = source.addresses
    people = [source.customer, str(addresses.get("reply_to", "")), str(addresses.get("original_from", ""))]
    people += _contacts(addresses)
    return Document(
        words_of(f"{source.number} {source.subject[: 2 * _LONGEST_LINE]}"),
        words_of(f"{source.author} {addresses.get('name', '')}"[:_LONGEST_LINE]),
        words_of(" | ".join([each for each in people if each] + _names(source.files))),
        words_of(source.text[:LONGEST_TEXT]),
    )


def _contacts(addresses: Mapping[str, Any]) -> Iterable[str]:
    found = (*addresses.get("to", ()), *addresses.get("cc", ()))
    return (f"{name} {address}"[:_LONGEST_LINE] for name, address in found[:_MOST_NAMES])


def _names(files: tuple[str, ...]) -> list[str]:
    return [name[:_LONGEST_LINE] for name in files[:_MOST_NAMES]]
