"""Read winmail.dat: the format in which Outlook packs a mail's text and files (MS-OXTNEF).

An object is a row of attributes, and some of these are rows of MAPI properties. Whatever lengths they claim,
reading only moves forward, and what it takes is a part of the object.
"""

from dataclasses import dataclass, field

from mailbot.mail.parsing import charsets
from mailbot.mail.parsing.packages import rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
FILE_LIMIT = 500
ATTRIBUTE_LIMIT = 20_000
PROPERTY_LIMIT = 20_000
LEVEL_LIMIT = 4  # messages inside of each other
TEXT_LIMIT = 2 * 1024 * 1024  # bytes of a text that are decoded

_BODY, _CLASS, _FILE_NAME, _FILE_CONTENT = 0x800C, 0x8008, 0x8010, 0x800F
_FILE_BEGINS, _MESSAGE_PROPERTIES, _FILE_PROPERTIES, _CODE_PAGE = 0x9002, 0x9003, 0x9005, 0x9007
_P_BODY, _P_RTF, _P_HTML, _P_CODE_PAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
_P_NAME, _P_CONTENT, _P_SHORT_NAME, _P_LONG_NAME = 0x3001, 0x3701, 0x3704, 0x3707
_P_TYPE, _P_CONTENT_ID = 0x370E, 0x3712
_OBJECT, _STRING, _UNICODE, _BINARY = 0x0D, 0x1E, 0x1F, 0x102
_SEVERAL, _NAMED = 0x1000, 0x8000
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_SHORTEST_ATTRIBUTE = 11
_MESSAGE_OBJECT = bytes.fromhex("0703020000000000c000000000000046")
_MAIL_CLASSES = (b"IPM.NOTE", b"IPM.MICROSOFT MAIL.NOTE")

Properties = dict[int, tuple[int, bytes]]  # number -> type, value


@dataclass(frozen=True, slots=True)
class Message:
    """`complete` is False when the object holds more than what was read."""

    text: str
    is_html: bool
    files: tuple["File", ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class File:
    """`name` and `type` are as declared, unchecked. An attached message has no content."""

    name: str
    type: str
    content: bytes
    content_id: str
    message: Message | None = None


def read(data: bytes, level: int = 1) -> Message:
    """Read the object `data` as far as possible. Never raises."""
    reader = _Reader(level)
    try:
        reader.read(_Cursor(data))
    except ValueError:
        reader.complete = False
    return reader.message()


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises ValueError when there are not so many."""
        if self.at + size > len(self.data):
            raise ValueError("cut off")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size), "little")

    def padded(self, size: int) -> bytes:
        value = self.take(size)
        self.at += -size % 4
        return value

    def left(self) -> int:
        return len(self.data) - self.at


@dataclass(slots=True)
class _Attached:
    name: bytes = b""
    content: bytes = b""
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    level: int
    complete: bool = True
    code_page: str = "windows-1252"
    properties: Properties = field(default_factory=dict)
    attached: list[_Attached] = field(default_factory=list)
    count: int = 0  # of properties

    def read(self, cursor: _Cursor) -> None:
        if cursor.take(4) != SIGNATURE or self.level > LEVEL_LIMIT:
            raise ValueError("another format, or too deep")
        cursor.take(2)
        for _ in range(ATTRIBUTE_LIMIT):
            if cursor.left() < _SHORTEST_ATTRIBUTE:  # padding
                return
            cursor.take(1)
            name = cursor.number() & 0xFFFF
            value = cursor.take(cursor.number())
            cursor.take(2)  # a checksum, which some programs compute wrongly
            self._attribute(name, value)
        self.complete = False

    def _attribute(self, name: int, value: bytes) -> None:
        if name == _CODE_PAGE:
            self.code_page = f"cp{int.from_bytes(value[:4], 'little')}"
        elif name == _CLASS:
            self.complete &= value.upper().startswith(_MAIL_CLASSES)
        elif name == _BODY:
            self.properties.setdefault(_P_BODY, (_STRING, value))
        elif name == _MESSAGE_PROPERTIES:
            self.properties |= self._read_properties(value)
        elif name == _FILE_BEGINS and len(self.attached) < FILE_LIMIT:
            self.attached.append(_Attached())
        elif name in (_FILE_BEGINS, _FILE_NAME, _FILE_CONTENT, _FILE_PROPERTIES) and not self.attached:
            raise ValueError("a file that never began")
        elif name == _FILE_NAME:
            self.attached[-1].name = value
        elif name == _FILE_CONTENT:
            self.attached[-1].content = value
        elif name == _FILE_PROPERTIES:
            self.attached[-1].properties |= self._read_properties(value)

    def _read_properties(self, value: bytes) -> Properties:
        cursor, found = _Cursor(value), Properties()
        try:
            for _ in range(cursor.number()):
                kind, number = cursor.number(2), cursor.number(2)
                if number >= _NAMED:
                    _skip_name(cursor)
                found.setdefault(number, (kind, self._read_value(cursor, kind)))
        except ValueError:
            self.complete = False
        return found

    def _read_value(self, cursor: _Cursor, kind: int) -> bytes:
        """Return the value, the last one of several."""
        plain = kind & ~_SEVERAL
        varies = plain in (_OBJECT, _STRING, _UNICODE, _BINARY)
        value = b""
        for _ in range(cursor.number() if varies or kind & _SEVERAL else 1):
            self.count += 1
            if self.count > PROPERTY_LIMIT or not (varies or plain in _SIZES):
                raise ValueError("too many properties, or one of an unknown type")
            value = cursor.padded(cursor.number()) if varies else cursor.take(_SIZES[plain])
        return value

    def message(self) -> Message:
        files = tuple(self._file(attached) for attached in self.attached)
        plain = self._text(self.properties, _P_BODY)
        if plain.strip():
            return Message(plain, False, files, self.complete)
        source, is_html = self._html(), True
        if not source.strip():
            source, is_html = self._rich_text()
        return Message(source, is_html, files, self.complete)

    def _html(self) -> str:
        kind, value = self.properties.get(_P_HTML, (0, b""))
        if kind != _BINARY:
            return self._text(self.properties, _P_HTML)
        _, number = self.properties.get(_P_CODE_PAGE, (0, b""))
        label = f"cp{int.from_bytes(number[:4], 'little')}" if number else self.code_page
        return charsets.decode(value[:TEXT_LIMIT], label)

    def _rich_text(self) -> tuple[str, bool]:
        _, value = self.properties.get(_P_RTF, (0, b""))
        try:
            return rtf.to_text(rtf.decompress(value)) if value else ("", False)
        except ValueError:
            self.complete = False
            return "", False

    def _file(self, attached: _Attached) -> File:
        properties = attached.properties
        name = (
            self._text(properties, _P_LONG_NAME)
            or self._decode(_STRING, attached.name)
            or self._text(properties, _P_SHORT_NAME)
            or self._text(properties, _P_NAME)
        )
        kind, content = properties.get(_P_CONTENT, (_BINARY, attached.content))
        message = None
        if kind == _OBJECT and content.startswith(_MESSAGE_OBJECT):
            message = read(content[len(_MESSAGE_OBJECT) :], self.level + 1)
            self.complete &= message.complete
            name = self._text(properties, _P_NAME) or name  # its subject: a message has no file name
        elif kind == _OBJECT:
            self.complete = False  # a document that only the program which made it can open
        if kind == _OBJECT:
            content = attached.content
        content_id = self._text(properties, _P_CONTENT_ID)
        return File(name, self._text(properties, _P_TYPE), content, content_id, message)

    def _text(self, properties: Properties, number: int) -> str:
        return self._decode(*properties.get(number, (_STRING, b"")))

    def _decode(self, kind: int, value: bytes) -> str:
        text = charsets.decode(value[:TEXT_LIMIT], "utf-16-le" if kind == _UNICODE else self.code_page)
        return charsets.clean(text.partition("\0")[0] if kind in (_STRING, _UNICODE) else text)


def _skip_name(cursor: _Cursor) -> None:
    cursor.take(16)
    if cursor.number() == 0:
        cursor.take(4)
    else:
        cursor.padded(cursor.number())
