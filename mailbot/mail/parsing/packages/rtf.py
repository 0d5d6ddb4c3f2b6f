"""Read rich text as Outlook sends it: compressed (MS-OXRTFCP), perhaps around HTML (MS-OXRTFEX)."""

import re
import struct
from typing import NamedTuple

from mailbot.mail.parsing import charsets

SIZE_LIMIT = 1024 * 1024  # bytes of RTF that are read

_WINDOW = 4096
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.IGNORECASE,
)
# Groups that hold no text of the document.
_SKIPPED = frozenset(
    """
    author bin blipuid buptim category colortbl comment company creatim datastore doccomm fldinst fonttbl footer
    footerf footerl footerr generator header headerf headerl headerr info keywords listtable
    listoverridetable nonshppict object objdata operator pict printim private revtbl revtim rsidtbl shppict
    stylesheet subject themedata title xmlnstbl
    """.split()  # noqa: SIM905 - words in rows can be read
)
_WORDS = {
    "par": "\n", "line": "\n", "row": "\n", "sect": "\n", "page": "\n", "tab": "\t", "cell": " ",
    "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
}  # fmt: skip
_FONT_CHARSETS = {
    128: "cp932", 129: "cp949", 134: "gb18030", 136: "cp950", 161: "cp1253", 162: "cp1254", 177: "cp1255",
    178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_HEAD = 500  # bytes in which the mark of wrapped HTML stands
_SYMBOLS = {"~": " ", "_": "-", "\\": "\\", "{": "{", "}": "}", "\n": "\n", "\r": "\n"}


def decompress(data: bytes, limit: int = SIZE_LIMIT) -> bytes:
    """Return the RTF in `data`, at most about `limit` bytes of it. Raises ValueError for another format."""
    if len(data) < 16:
        raise ValueError("no compressed RTF")
    size, raw_size, kind, _ = struct.unpack_from("<II4sI", data)
    if kind == b"MELA":
        return data[16 : 16 + min(raw_size, limit)]
    if kind != b"LZFu":
        raise ValueError("no compressed RTF")
    # The dictionary is a ring. It is kept as the text so far, after one round of blanks that no one wrote.
    out = bytearray(b" " * _WINDOW + _DICTIONARY)
    first, at, end = len(out), 16, min(len(data), size + 4)
    while at < end and len(out) < first + limit:
        flags = data[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += data[at : at + 1]
                at += 1
                continue
            if at + 2 > end:
                return bytes(out[first:])
            token = data[at] << 8 | data[at + 1]
            at += 2
            back = (len(out) - (token >> 4)) % _WINDOW
            if back == 0:
                return bytes(out[first:])
            length = (token & 15) + 2
            copied = out[-back:][:length] if back >= length else out[-back:] * (length // back + 1)
            out += copied[:length]
    return bytes(out[first:])


def to_text(source: bytes) -> tuple[str, bool]:
    """Return the text of an RTF document, and whether it is HTML: what Outlook wrapped in RTF is unwrapped.

    Only the first megabyte is read. Linear in its size.
    """
    is_html = b"\\fromhtml" in source[:_HEAD]
    reading = _Reading(is_html)
    for match in _TOKEN.finditer(source[:SIZE_LIMIT]):
        reading.take(match)
    reading.flush()
    text = "".join(reading.out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, is_html


class _Group(NamedTuple):
    """What a group inherits and can change: `rtf_only` is text that is no part of the wrapped HTML."""

    hidden: bool = False
    rtf_only: bool = False
    replaced: int = 1  # characters after a Unicode one that old programs show for it
    label: str = "windows-1252"


class _Reading:
    def __init__(self, is_html: bool) -> None:
        self.is_html = is_html
        self.out: list[str] = []
        self.data = b""  # not decoded yet: a character may be split over two tokens
        self.group = _Group()
        self.around: list[_Group] = []
        self.begins = False  # the group has just begun: its first word names its kind
        self.optional = False  # it is of a kind that a reader may not know
        self.skip = 0
        self.fonts: dict[int, str] = {}
        self.font = 0

    def take(self, match: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, text = match.groups()
        if word:
            self._word(word.decode("ascii").lower(), int(number) if number else None)
        elif brace:
            self._brace(brace)
        elif symbol == b"*":
            self.optional = self.begins
        elif symbol:
            self._show(_SYMBOLS.get(symbol.decode("latin-1"), ""))
        elif code or text:
            self._bytes(bytes((int(code, 16),)) if code else text)

    def flush(self) -> None:
        if self.data:
            self.out.append(charsets.decode(self.data, self.group.label))
            self.data = b""

    def _brace(self, brace: bytes) -> None:
        self.flush()
        self.begins, self.optional, self.skip = brace == b"{", False, 0
        if brace == b"{":
            self.around.append(self.group)
        elif self.around:
            self.group = self.around.pop()

    def _word(self, word: str, number: int | None) -> None:
        if self.begins:
            if word in _SKIPPED or (self.optional and not (self.is_html and word == "htmltag")):
                self.group = self.group._replace(hidden=True)
            self.begins = False
        if word == "u" and number is not None:
            self._show(chr(number % 0x10000))
            self.skip = self.group.replaced
        elif word in _WORDS:
            self._show(_WORDS[word])
        elif word == "uc":
            self.group = self.group._replace(replaced=min(number or 0, 10))
        elif word == "htmlrtf":
            self.flush()
            self.group = self.group._replace(rtf_only=number != 0)
        elif word == "ansicpg":
            self.group = self.group._replace(label=f"cp{number}")
        elif word in ("f", "fcharset"):
            self._font(word, number or 0)

    def _font(self, word: str, number: int) -> None:
        if word == "fcharset":
            self.fonts[self.font] = _FONT_CHARSETS.get(number, "")
            return
        self.font = number
        if not self.group.hidden and self.fonts.get(number):
            self.flush()
            self.group = self.group._replace(label=self.fonts[number])

    def _show(self, text: str) -> None:
        self.flush()
        if not (self.group.hidden or (self.is_html and self.group.rtf_only)):
            self.out.append(text)

    def _bytes(self, data: bytes) -> None:
        self.begins = False
        skipped = min(self.skip, len(data))
        self.skip -= skipped
        if not (self.group.hidden or (self.is_html and self.group.rtf_only)):
            self.data += data[skipped:]
