"""HTML to text: one pass over the pieces between "<" signs, no tree, so nothing takes long or gets lost."""

import html
import re

SIZE_LIMIT = 512 * 1024  # characters of HTML that are read
PIECE_LIMIT = 100_000  # tags that are read
_QUOTE_DEPTH = 3  # of "> " in front of a line

_TAG = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:-]*")
_AFTER_NAME = frozenset("> /\t\n\r\f")
_SPACE = re.compile(r"[ \t\n\r\f\v\xa0]+")
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_INDENTED = re.compile(r"border:\s?(?:none|0)|webkit-indent", re.IGNORECASE)
_CITED = re.compile(r"cite|gmail_quote|yahoo_quoted", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")
_UNSHOWN = frozenset({"script", "style", "title", "template", "svg"})
_LINE = ("address", "article", "center", "dd", "div", "dl", "dt", "footer", "form", "header", "hr", "tr")
_PARAGRAPH = ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul")
_BREAKS = (
    {"br": "\n", "li": "\n- ", "/li": "\n", "td": " ", "th": " "}
    | {slash + name: "\n" for name in _LINE for slash in ("", "/")}
    | {slash + name: "\n\n" for name in _PARAGRAPH for slash in ("", "/")}
)


def html_to_text(source: str) -> tuple[str, bool]:
    """The text of an HTML document, and whether a limit cut some of it off.

    Links keep their text, list items get a dash, quotations "> " in front of their lines.
    """
    pieces = source[:SIZE_LIMIT].replace("\0", "").split("<", PIECE_LIMIT)
    cut = len(source) > SIZE_LIMIT
    if len(pieces) > PIECE_LIMIT:
        pieces.pop()
        cut = True
    return _tidy("".join(_texts(pieces))), cut


def _texts(pieces: list[str]) -> list[str]:
    out = [_SPACE.sub(" ", pieces[0])]
    ends = _last_ends(pieces)
    until = ""  # what ends the stretch that isn't shown: "-->" or "/script"
    quotes: list[bool] = []  # of each open blockquote: is it one?
    depth = 0
    pre = False
    for number in range(1, len(pieces)):
        piece = pieces[number]
        if until == "-->":
            _, found, text = piece.partition("-->")
            until = "" if found else until
            out.append(_SPACE.sub(" ", text))
            continue
        name = _element(piece)
        if until and name != until:
            continue
        until = _hides(name, piece, number, ends) if name in _UNSHOWN or not name else ""
        if until:
            continue
        if name in _BREAKS:
            if name == "pre" or name == "/pre":
                pre = name == "pre"
            elif name == "blockquote" or name == "/blockquote":
                if name == "blockquote":
                    quotes.append(_is_quote(piece))
                    depth += quotes[-1]
                elif quotes:
                    depth -= quotes.pop()
                out.append(f"\n\n\0{min(depth, _QUOTE_DEPTH)}")
            out.append(_BREAKS[name])
        text = _after_tag(piece) if name else _not_a_tag(piece)
        if text:
            out.append(text if pre else _SPACE.sub(" ", text))
    return out


def _is_quote(piece: str) -> bool:
    """Is this blockquote one? Gmail and Apple Mail indent what people write with it, without a border."""
    attributes = piece.partition(">")[0][:1000]
    return not _INDENTED.search(attributes) or _CITED.search(attributes) is not None


def _element(piece: str) -> str:
    """The name of the tag that a piece begins with, "/p" for an end tag; "" when it is no tag."""
    tag = _TAG.match(piece)
    if tag is None or ">" not in piece or piece[tag.end()] not in _AFTER_NAME:
        return ""
    return tag[0].lower()


def _hides(name: str, piece: str, number: int, ends: dict[str, int]) -> str:
    """What ends the unshown stretch that this piece opens; "" when it opens none or nothing would end it:
    a browser hides the rest of the mail then, we rather show it."""
    if name in _UNSHOWN and not piece.partition(">")[0].endswith("/"):
        end = "/" + name
    elif piece.startswith("!--") and "-->" not in piece[1:]:
        end = "-->"
    else:
        return ""
    return end if number < ends.get(end, 0) else ""


def _after_tag(piece: str) -> str:
    """The text behind a tag; a ">" inside a quoted attribute does not end the tag."""
    at = piece.find(">")
    if '"' in piece and piece.count('"', 0, at) % 2:
        closing = piece.find('"', at)
        beyond = piece.find(">", closing) if closing >= 0 else -1
        at = beyond if beyond >= 0 else at
    return piece[at + 1 :]


def _not_a_tag(piece: str) -> str:
    """What a piece shows that begins no element: nothing of a comment or declaration, all of a lone "<"."""
    if piece.startswith("!--"):
        return piece[1:].partition("-->")[2] if "-->" in piece[1:] else piece[3:]
    if piece.startswith(("!", "?", "/")) and ">" in piece:
        return piece.partition(">")[2]
    return "&lt;" + piece


def _last_ends(pieces: list[str]) -> dict[str, int]:
    """The last piece in which each thing that hides text is ended."""
    ends: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        if "-->" in piece:
            ends["-->"] = number
        if piece.startswith("/"):
            name = _element(piece)
            if name[1:] in _UNSHOWN:
                ends[name] = number
    return ends


def _tidy(text: str) -> str:
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
        line = line.strip()
        lines.append(quote + line if line else "")
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
