"""Convert HTML to text in one pass over the pieces between "<" signs: without a tree, so in linear time."""

import html
import re
from collections.abc import Mapping
from types import MappingProxyType

from mailbot.mail.parsing import html_links

SIZE_LIMIT = 512 * 1024  # characters of HTML that are converted
PIECE_LIMIT = 100_000  # tags that are converted
_QUOTE_DEPTH = 3  # levels of "> " that are shown
_NO_NAMES: Mapping[str, str] = MappingProxyType({})

_TAG = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:-]*")
_NAME_ENDS = frozenset("> /\t\n\r\f")
_SPACE = re.compile(r"[ \t\n\r\f\v\xa0]+")
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_INDENTED = re.compile(r"border:\s?(?:none|0)|webkit-indent", re.IGNORECASE)
_QUOTE_CLASS = re.compile(r"cite|gmail_quote|yahoo_quoted", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")
_HIDDEN = frozenset({"script", "style", "title", "template", "svg"})
_LINE = ("address", "article", "center", "dd", "div", "dl", "dt", "footer", "form", "header", "hr", "tr")
_PARAGRAPH = ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul")
_FRESH = "\1"  # a new line, unless one has just begun: programs write each line as a <div>
_BREAKS = (
    {"br": "\n", "li": f"{_FRESH}- ", "/li": _FRESH, "td": " ", "th": " "}
    | {slash + name: _FRESH for name in _LINE for slash in ("", "/")}
    | {slash + name: "\n\n" for name in _PARAGRAPH for slash in ("", "/")}
)
_INLINE = frozenset({"a", "/a", "img"})


def html_to_text(source: str, names: Mapping[str, str] = _NO_NAMES) -> tuple[str, bool]:
    """Return the text of an HTML document, and whether a limit cut some of it off.

    Links keep their text and address, list items get a dash or their number, lines of quotations get "> ". A
    picture becomes "[image: NAME]"; `names` has those of the mail's inline pictures by Content-ID.
    """
    pieces = source[:SIZE_LIMIT].replace("\0", "").replace(_FRESH, "").split("<", PIECE_LIMIT)
    cut = len(source) > SIZE_LIMIT
    if len(pieces) > PIECE_LIMIT:
        pieces.pop()
        cut = True
    return _clean_lines("".join(_texts(pieces, names))), cut


def _texts(pieces: list[str], names: Mapping[str, str]) -> list[str]:
    text = _Text(names, _SPACE.sub(" ", pieces[0]))
    ends = _last_ends(pieces)
    until = ""  # the end of the hidden text: "-->" or "/script"
    for number in range(1, len(pieces)):
        piece = pieces[number]
        if until == "-->":
            _, ending, shown = piece.partition("-->")
            until = "" if ending else until
            text.add(shown)
            continue
        name = _tag_name(piece)
        if until and name != until:
            continue
        until = _hidden_until(name, piece, number, ends) if name in _HIDDEN or not name else ""
        if until:
            continue
        if name in _BREAKS or name in _INLINE:
            text.tag(name, piece)
        text.add(_after_tag(piece) if name else _not_a_tag(piece))
    text.end_link()
    return text.out


class _Text:
    """The text so far, and the elements that are open: links, lists, quotations."""

    def __init__(self, names: Mapping[str, str], text: str) -> None:
        self.names = names
        self.out = [text]
        self.pre = False
        self.link, self.link_start = "", 0  # its address, and where its text begins in `out`
        self.lists: list[int] = []  # the number of the last item, -1 where items have none
        self.quotes: list[bool] = []  # for each blockquote: whether it is a quotation
        self.depth = 0  # how many of them are

    def add(self, text: str) -> None:
        if text:
            self.out.append(text if self.pre else _SPACE.sub(" ", text))

    def tag(self, name: str, piece: str) -> None:
        element = name.removeprefix("/")
        begins = element == name
        if element == "pre":
            self.pre = begins
        elif element == "blockquote":
            self._quote(piece, begins=begins)
        elif element in ("ol", "ul"):
            self._list(name)
        elif name == "li" and self.lists and self.lists[-1] >= 0:
            self.lists[-1] += 1
            self.out.append(f"{_FRESH}{self.lists[-1]}. ")
            return
        elif element == "a":
            self.end_link()
            self.link = html_links.link_address(_tag(piece)) if begins else ""
            self.link_start = len(self.out)
        elif name == "img":
            self.out.append(html_links.picture(_tag(piece), self.names))
        self.out.append(_BREAKS.get(name, ""))

    def end_link(self) -> None:
        """Write the address after the text of the open link, before the white space at its end."""
        if self.link:
            text = "".join(self.out[self.link_start :])
            kept = text.rstrip(f" \n{_FRESH}")
            self.out[self.link_start :] = kept, html_links.address_after(kept, self.link), text[len(kept) :]
            self.link = ""

    def _quote(self, piece: str, *, begins: bool) -> None:
        if begins:
            self.quotes.append(_is_quote(piece))
            self.depth += self.quotes[-1]
        elif self.quotes:
            self.depth -= self.quotes.pop()
        self.out.append(f"\n\n\0{min(self.depth, _QUOTE_DEPTH)}")

    def _list(self, name: str) -> None:
        if name in ("ol", "ul"):
            self.lists.append(0 if name == "ol" else -1)
        elif self.lists:
            self.lists.pop()


def _is_quote(piece: str) -> bool:
    """Check whether this blockquote is a quotation: Gmail and Apple Mail use it to indent new text too."""
    attributes = piece.partition(">")[0][:1000]
    return not _INDENTED.search(attributes) or _QUOTE_CLASS.search(attributes) is not None


def _tag_name(piece: str) -> str:
    """Return the name of the tag that begins a piece ("/p" for an end tag), "" for no tag."""
    tag = _TAG.match(piece)
    if tag is None or ">" not in piece or piece[tag.end()] not in _NAME_ENDS:
        return ""
    return tag[0].lower()


def _hidden_until(name: str, piece: str, number: int, ends: dict[str, int]) -> str:
    """Return what ends the hidden text that this piece opens, "" when it opens none.

    Hidden text without an end is shown, although a browser would hide the rest of the mail.
    """
    if name in _HIDDEN and not piece.partition(">")[0].endswith("/"):
        end = "/" + name
    elif piece.startswith("!--") and "-->" not in piece[1:]:
        end = "-->"
    else:
        return ""
    return end if number < ends.get(end, 0) else ""


def _tag(piece: str) -> str:
    """Return the tag that begins a piece, with its attributes."""
    return piece[: len(piece) - len(_after_tag(piece))]


def _after_tag(piece: str) -> str:
    """Return the text after a tag; a ">" inside a quoted attribute does not end the tag."""
    at = piece.find(">")
    if '"' in piece and piece.count('"', 0, at) % 2:
        closing = piece.find('"', at)
        beyond = piece.find(">", closing) if closing >= 0 else -1
        at = beyond if beyond >= 0 else at
    return piece[at + 1 :]


def _not_a_tag(piece: str) -> str:
    """Return the text of a piece that begins no element: a comment has none, a lone "<" is text."""
    if piece.startswith("!--"):
        return piece[1:].partition("-->")[2] if "-->" in piece[1:] else piece[3:]
    if piece.startswith(("!", "?", "/")) and ">" in piece:
        return piece.partition(">")[2]
    return "&lt;" + piece


def _last_ends(pieces: list[str]) -> dict[str, int]:
    """Return for each end of hidden text the number of the last piece that holds it."""
    ends: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        if "-->" in piece:
            ends["-->"] = number
        if piece.startswith("/"):
            name = _tag_name(piece)
            if name[1:] in _HIDDEN:
                ends[name] = number
    return ends


def _clean_lines(text: str) -> str:
    if "&" in text:
        if "&#" in text:  # int() refuses very long numbers, and they are no characters
            text = _LONG_REFERENCE.sub("\ufffd", text)
        text = html.unescape(text)
    lines = []
    quote = ""
    for line in text.replace("\xa0", " ").split("\n"):
        if line.startswith("\0"):
            quote = "> " * int(line[1])
            line = line[2:]
        fresh = [piece for each in line.split(_FRESH) if (piece := each.strip())] or [""]
        if len(fresh[0]) and not line.rpartition(_FRESH)[2].strip():
            fresh.append("")  # the line ends below what was written
        lines += [quote + piece if piece else "" for piece in fresh]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
