"""Who a mail says it is from: address lists of RFC 5322 3.4, read in one pass."""

import re
from dataclasses import dataclass

from mailbot.mail.parsing import charsets, encoded_words
from mailbot.mail.parsing.header_fields import VALUE_LIMIT

NAME_LIMIT = 150

_USUAL = re.compile(r'\s*(?:"([^"\\<>]*)"|([^"\\<>(),:;@]*?))\s*<([\w.+=-]+@[A-Za-z0-9.-]+)>\s*\Z', re.ASCII)
# Every character belongs to exactly one kind of token, so that the scan is linear.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|([<>,;:@.()])|(\s+)|((?:[^\s"<>,;:@.()\\]|\\.)+|\\)', re.DOTALL)
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@[^\s@<>(),;:\\\"\[\]]{1,253}\Z")
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*\Z")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NamedAddress:
    """`address` is in lower case, "" when what stood there is none; `name` is safe to show."""

    name: str
    address: str


def parse_addresses(value: str) -> tuple[NamedAddress, ...]:
    """Everybody named in an address field, groups opened; only its first 4 KiB are read.

    Encoded words are decoded after the split (RFC 2047 5.3): a name can't smuggle an address in.
    """
    usual = _USUAL.match(value) if len(value) <= VALUE_LIMIT else None
    if usual:
        return (NamedAddress(_name(usual[1] or usual[2] or ""), normalise_address(usual[3])),)
    found = []
    for tokens in _split(value[:VALUE_LIMIT]):
        found.append(_person(tokens))
    return tuple(person for person in found if person.name or person.address)


def normalise_address(text: str) -> str:
    """`text` as an address in lower case, "" when it isn't a usable one."""
    address = text.lower()
    _, _, domain = address.rpartition("@")
    if len(address) > 254 or not address.isprintable():
        return ""
    if not _ADDRESS.match(address) or not _DOMAIN.match(domain):
        return ""
    return address


def _split(value: str) -> list[list[tuple[str, str]]]:
    """The tokens of each address: ("text" | "quoted" | "mark" | "space", text), comments left out."""
    groups: list[list[tuple[str, str]]] = [[]]
    depth = 0
    angle = False
    for match in _TOKEN.finditer(value):
        quoted, mark, space, text = match.groups()
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif mark in (",", ";") and not angle:
            groups.append([])
        elif mark == ":" and not angle:
            groups[-1].clear()  # that was the name of a group
        elif quoted is not None:
            groups[-1].append(("quoted", _QUOTED_PAIR.sub(r"\1", quoted)))
        elif mark:
            angle = mark == "<" or (angle and mark != ">")
            groups[-1].append(("mark", mark))
        else:
            groups[-1].append(("space", " ") if space else ("text", text))
    return groups


def _person(tokens: list[tuple[str, str]]) -> NamedAddress:
    marks = [text for kind, text in tokens if kind == "mark"]
    if "<" not in marks:
        address = normalise_address(_joined(tokens))
        return NamedAddress("" if address else _name(_shown(tokens)), address)
    opens = next(i for i, token in enumerate(tokens) if token == ("mark", "<"))
    closes = next((i for i, token in enumerate(tokens) if token == ("mark", ">") and i > opens), len(tokens))
    inside = _joined(tokens[opens + 1 : closes]).rpartition(":")[2].lstrip("<")  # a source route is dropped
    after = "".join(text for _, text in tokens[closes + 1 :])
    # Two addresses without a comma: whichever we took, somebody else would read the other one.
    address = "" if "@" in after or "<" in after else normalise_address(inside)
    return NamedAddress(_name(_shown(tokens[:opens])), address)


def _joined(tokens: list[tuple[str, str]]) -> str:
    """An addr-spec without the white space that RFC 5322 4.4 allows around its dots and its "@"."""
    kept: list[str] = []
    for i, (kind, text) in enumerate(tokens):
        beside = tokens[i - 1 : i] + tokens[i + 1 : i + 2]
        if kind != "space" or not (len(beside) < 2 or any(side[0] == "mark" for side in beside)):
            kept.append(text)
    return "".join(kept)


def _shown(tokens: list[tuple[str, str]]) -> str:
    return "".join(text for _, text in tokens)


def _name(text: str) -> str:
    return charsets.clean_line(encoded_words.decoded(text), NAME_LIMIT) if text else ""
