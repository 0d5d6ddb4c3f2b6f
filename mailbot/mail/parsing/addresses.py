"""Parse address lists (RFC 5322 section 3.4) in one pass."""

import re

from mailbot.domain.model import Contact
from mailbot.mail.parsing import encoded_words
from mailbot.mail.parsing.header_fields import VALUE_LIMIT

NAME_LIMIT = 150

_SIMPLE = re.compile(r'\s*(?:"([^"\\<>]*)"|([^"\\<>(),:;@]*?))\s*<([\w.+=-]+@[A-Za-z0-9.-]+)>\s*\Z', re.ASCII)
# Every character belongs to exactly one kind of token, so that the scan is linear.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|([<>,;:@.()])|(\s+)|((?:[^\s"<>,;:@.()\\]|\\.)+|\\)', re.DOTALL)
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@[^\s@<>(),;:\\\"\[\]]{1,253}\Z")
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*\Z")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

Token = tuple[str, str]  # kind ("text", "quoted", "mark" or "space"), text


def parse_addresses(value: str) -> tuple[Contact, ...]:
    """Return all addresses of an address field, groups opened. Only its first 4 KiB are read.

    Encoded words are decoded after the split (RFC 2047 section 5.3), so that a name can't add an address.
    """
    simple = _SIMPLE.match(value) if len(value) <= VALUE_LIMIT else None
    if simple:
        return (Contact(_name(simple[1] or simple[2] or ""), normalise_address(simple[3])),)
    listed = map(_named_address, _split(value[:VALUE_LIMIT]))
    return tuple(entry for entry in listed if entry.name or entry.address)


def normalise_address(text: str) -> str:
    """Return `text` as an address in lower case, "" when it isn't a usable one."""
    address = text.lower()
    _, _, domain = address.rpartition("@")
    if len(address) > 254 or not address.isprintable():
        return ""
    if not _ADDRESS.match(address) or not _DOMAIN.match(domain):
        return ""
    return address


def _split(value: str) -> list[list[Token]]:
    """Return the tokens of each address without comments."""
    groups: list[list[Token]] = [[]]
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
            groups[-1].clear()  # the name of a group
        elif quoted is not None:
            groups[-1].append(("quoted", _QUOTED_PAIR.sub(r"\1", quoted)))
        elif mark:
            angle = mark == "<" or (angle and mark != ">")
            groups[-1].append(("mark", mark))
        else:
            groups[-1].append(("space", " ") if space else ("text", text))
    return groups


def _named_address(tokens: list[Token]) -> Contact:
    marks = [text for kind, text in tokens if kind == "mark"]
    if "<" not in marks:
        address = normalise_address(_join_addr_spec(tokens))
        return Contact("" if address else _name(_join(tokens)), address)
    opening = next(i for i, token in enumerate(tokens) if token == ("mark", "<"))
    closing = next(
        (i for i, token in enumerate(tokens) if token == ("mark", ">") and i > opening), len(tokens)
    )
    inside = _join_addr_spec(tokens[opening + 1 : closing]).rpartition(":")[2].lstrip("<")  # no source route
    after = _join(tokens[closing + 1 :])
    # Two addresses without a comma are ambiguous: another program might choose the other one.
    address = "" if "@" in after or "<" in after else normalise_address(inside)
    return Contact(_name(_join(tokens[:opening])), address)


def _join_addr_spec(tokens: list[Token]) -> str:
    """Join the tokens without the white space that RFC 5322 section 4.4 allows around dots and "@"."""
    kept: list[str] = []
    for i, (kind, text) in enumerate(tokens):
        neighbours = tokens[i - 1 : i] + tokens[i + 1 : i + 2]
        if kind != "space" or not (len(neighbours) < 2 or any(token[0] == "mark" for token in neighbours)):
            kept.append(text)
    return "".join(kept)


def _join(tokens: list[Token]) -> str:
    return "".join(text for _, text in tokens)


def _name(text: str) -> str:
    return encoded_words.decode_line(text, NAME_LIMIT) if text else ""
