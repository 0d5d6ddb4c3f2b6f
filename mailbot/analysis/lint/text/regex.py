"""Compile the usual syntax of RE2 patterns to small automata. Patterns beyond it are refused, not guessed.

Patterns ignore case (see `operators.compiled_pattern`), so letters are compared in lower case. As in RE2,
`^` and `$` are the ends of the text, `.` is anything but a line end, and \\d \\w \\s \\b know ASCII alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import category

MOST_STATES = 1_500  # of one automaton; patterns with large counts have more and are refused
_REPEATS = 100


class UnsupportedPattern(Exception):
    """The pattern is beyond the supported syntax."""


@dataclass(frozen=True, slots=True)
class Chars:
    """A set of characters: `ranges` of code points and `kinds` (names in _KINDS), or all others."""

    ranges: tuple[tuple[int, int], ...] = ()
    kinds: tuple[str, ...] = ()
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        forms = {ord(char), *(ord(each) for each in (char.upper(), char.lower()) if len(each) == 1)}
        inside = any(low <= code <= high for low, high in self.ranges for code in forms)
        return (inside or any(_KINDS[kind](char) for kind in self.kinds)) is not self.negated

    def boundary_letters(self) -> Iterator[str]:
        """List the characters on both sides of each bound."""
        for low, high in self.ranges:
            for code in (low - 1, low, high, high + 1):
                if 31 < code < 0x110000 and not 0xD800 <= code < 0xE000:
                    yield from chr(code).lower()


@dataclass(slots=True)
class Automaton:
    """`moves` of a state are (characters, next state); `empty_moves` are (assertion or "", next state).

    It starts in state 0 and has matched in state `end`.
    """

    moves: list[list[tuple[Chars, int]]] = field(default_factory=list)
    empty_moves: list[list[tuple[str, int]]] = field(default_factory=list)
    end: int = 0

    def state(self) -> int:
        if len(self.moves) >= MOST_STATES:
            raise UnsupportedPattern("it is too large")
        self.moves.append([])
        self.empty_moves.append([])
        return len(self.moves) - 1


@lru_cache(maxsize=5_000)
def compile_pattern(pattern: str) -> Automaton:
    """Compile a pattern that RE2 accepts. Raises UnsupportedPattern. The result is shared: don't change
    it."""
    reader = _Reader(pattern)
    tree = reader.alternatives(_Flags())
    if reader.at < len(pattern):
        raise UnsupportedPattern("it has an unmatched )")
    built = Automaton()
    start = built.state()
    built.end = _add(built, tree, start)
    return built


# --- from text to a tree: ("chars", Chars), ("assert", name), ("all", parts), ("any", parts),
# --- ("repeat", part, least, most or None)


@dataclass(frozen=True, slots=True)
class _Flags:
    lines: bool = False  # (?m)
    dot_all: bool = False  # (?s)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = 0

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def take(self, length: int = 1) -> str:
        taken = self.peek(length)
        if len(taken) < length:
            raise UnsupportedPattern("it ends too early")
        self.at += length
        return taken

    def alternatives(self, flags: _Flags) -> tuple:  # type: ignore[type-arg]
        self.depth += 1
        if self.depth > 40:
            raise UnsupportedPattern("it is nested too deeply")
        branches: list[tuple] = []  # type: ignore[type-arg]
        parts: list[tuple] = []  # type: ignore[type-arg]
        while self.peek() not in ("", ")"):
            if self.peek() == "|":
                self.take()
                branches.append(("all", parts))
                parts = []
            elif changed := self.flags_alone(flags):
                flags = changed
            else:
                parts += self.repeated(flags)
        self.depth -= 1
        return ("any", [*branches, ("all", parts)]) if branches else ("all", parts)

    def flags_alone(self, flags: _Flags) -> _Flags | None:
        """Read "(?s)", which is valid to the end of the group; None when there are no flags."""
        if self.peek(2) != "(?":
            return None
        close = self.text.find(")", self.at)
        letters = self.text[self.at + 2 : close]
        if not letters or not set(letters) <= set("imsU-"):
            return None
        self.at = close + 1
        return _changed(flags, letters)

    def repeated(self, flags: _Flags) -> list[tuple]:  # type: ignore[type-arg]
        found = self.single(flags)
        while (count := self.count()) is not None:
            if not found:
                raise UnsupportedPattern("it repeats nothing")
            found[-1] = ("repeat", found[-1], *count)
        return found

    def count(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        found: tuple[int, int | None]
        if self.peek() in simple and self.peek():
            found = simple[self.take()]
        elif self.peek() == "{" and (bounds := self._bounds()):
            found = bounds
        else:
            return None
        if self.peek() == "?":
            self.take()  # non-greedy: the same mails match
        return found

    def _bounds(self) -> tuple[int, int | None] | None:
        close = self.text.find("}", self.at)
        least, comma, most = self.text[self.at + 1 : close].partition(",")
        if close < 0 or not least.isdecimal() or (most and not most.isdecimal()):
            return None  # RE2 reads it as plain text
        self.at = close + 1
        return int(least), int(most) if most else None if comma else int(least)

    def single(self, flags: _Flags) -> list[tuple]:  # type: ignore[type-arg]
        char = self.take()
        if char == "(":
            return [self.group(flags)]
        if char == "[":
            return [("chars", self.character_class())]
        if char == ".":
            return [("chars", Chars(negated=True) if flags.dot_all else Chars(((10, 10),), negated=True))]
        if char == "^":
            return [("assert", "line start" if flags.lines else "start")]
        if char == "$":
            return [("assert", "line end" if flags.lines else "end")]
        if char == "\\":
            return self.escaped()
        return [("chars", _one(char))]

    def group(self, flags: _Flags) -> tuple:  # type: ignore[type-arg]
        if self.peek(3) in ("?P<", "?P=") or self.peek(2) == "?<":
            close = self.text.find(">", self.at)
            if close < 0:
                raise UnsupportedPattern("it has an unknown group")
            self.at = close + 1
        elif self.peek() == "?":
            colon = self.text.find(":", self.at)
            letters = self.text[self.at + 1 : colon]
            if colon < 0 or not set(letters) <= set("imsU-"):
                raise UnsupportedPattern("it has an unknown group")
            flags, self.at = _changed(flags, letters), colon + 1
        inner = self.alternatives(flags)
        if self.take() != ")":
            raise UnsupportedPattern("a group is not closed")
        return inner

    def escaped(self) -> list[tuple]:  # type: ignore[type-arg]
        char = self.peek()
        asserted = {"b": "word bound", "B": "no word bound", "A": "start", "z": "end"}
        if char in asserted and char:
            self.take()
            return [("assert", asserted[char])]
        if char == "Q":
            close = self.text.find("\\E", self.at)
            quoted = self.text[self.at + 1 : close if close >= 0 else None]
            self.at = close + 2 if close >= 0 else len(self.text)
            return [("chars", _one(each)) for each in quoted]
        return [("chars", self.escaped_class())]

    def escaped_class(self) -> Chars:
        """Read the characters after a backslash, in or outside of brackets."""
        char = self.take()
        if char.lower() in "dws" and char.lower() != char:
            return Chars(kinds=(char.lower(),), negated=True)
        if char in "dws":
            return Chars(kinds=(char,))
        if char in "pP":
            return self._property(negated=char == "P")
        if char in _CONTROL:
            return _one(_CONTROL[char])
        if char == "x":
            return _one(chr(self._hexadecimal()))
        if char.isalnum():
            raise UnsupportedPattern(f"it contains \\{char}")
        return _one(char)

    def _property(self, *, negated: bool) -> Chars:
        name = self.take()
        if name == "{":
            close = self.text.find("}", self.at)
            name, self.at = self.text[self.at : close], close + 1
        if name.startswith("^"):
            name, negated = name[1:], not negated
        if f"p{name}" not in _KINDS:
            raise UnsupportedPattern(f"it contains \\p{{{name}}}")
        return Chars(kinds=(f"p{name}",), negated=negated)

    def _hexadecimal(self) -> int:
        digits = self.take(2)
        if digits[0] == "{":
            close = self.text.find("}", self.at)
            digits = digits[1] + self.text[self.at : close]
            self.at = close + 1
        try:
            return int(digits, 16)
        except ValueError:
            raise UnsupportedPattern("it has a broken escape") from None

    def character_class(self) -> Chars:
        negated = self.peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        kinds: list[str] = []
        first = True
        while first or self.peek() != "]":
            first = False
            item = self._class_item()
            if item.negated:
                raise UnsupportedPattern("it has a class within a class")
            kinds += item.kinds
            low = item.ranges[0][0] if item.ranges else None
            if low is not None and self.peek() == "-" and self.peek(2) != "-]":
                self.take()
                high = self._class_item()
                if not high.ranges:
                    raise UnsupportedPattern("it has a broken range")
                ranges.append((low, high.ranges[0][1]))
            elif low is not None:
                ranges.append((low, low))
        self.take()
        return Chars(tuple(ranges), tuple(kinds), negated)

    def _class_item(self) -> Chars:
        if self.peek(2) == "[:":
            close = self.text.find(":]", self.at)
            name, self.at = self.text[self.at + 2 : close], close + 2
            if name not in _POSIX:
                raise UnsupportedPattern(f"it contains [:{name}:]")
            return Chars(kinds=(name,))
        char = self.take()
        return self.escaped_class() if char == "\\" else _one(char)


def _changed(flags: _Flags, letters: str) -> _Flags:
    on, _, off = letters.partition("-")
    if "i" in off:
        raise UnsupportedPattern("it is case-sensitive")
    return _Flags(
        lines=("m" in on or flags.lines) and "m" not in off,
        dot_all=("s" in on or flags.dot_all) and "s" not in off,
    )


def _one(char: str) -> Chars:
    return Chars(((ord(char), ord(char)),))


# --- from tree to automaton ------------------------------------------------------------------------


def _add(into: Automaton, tree: tuple, start: int) -> int:  # type: ignore[type-arg]
    """Add `tree` after state `start`; return the state in which it has matched."""
    kind, *rest = tree
    if kind == "all":
        for part in rest[0]:
            start = _add(into, part, start)
        return start
    if kind == "repeat":
        return _repeat(into, rest[0], rest[1], rest[2], start)
    end = into.state()
    if kind == "chars":
        into.moves[start].append((rest[0], end))
    elif kind == "assert":
        into.empty_moves[start].append((rest[0], end))
    else:
        for part in rest[0]:
            begin = into.state()
            into.empty_moves[start].append(("", begin))
            into.empty_moves[_add(into, part, begin)].append(("", end))
    return end


def _repeat(into: Automaton, part: tuple, least: int, most: int | None, start: int) -> int:  # type: ignore[type-arg]
    if max(least, most or 0) > _REPEATS:
        raise UnsupportedPattern("its counts are too large")
    for _ in range(least):
        start = _add(into, part, start)
    end = into.state()
    if most is None:
        loop = into.state()
        into.empty_moves[start].append(("", loop))
        into.empty_moves[_add(into, part, loop)].append(("", loop))
        into.empty_moves[loop].append(("", end))
        return end
    for _ in range(most - least):
        into.empty_moves[start].append(("", end))
        start = _add(into, part, start)
    into.empty_moves[start].append(("", end))
    return end


# --- kinds of characters ----------------------------------------------------------------------------------


def is_word(char: str) -> bool:
    """Decide whether \\w and \\b take a character for a part of a word."""
    return char.isascii() and (char.isalnum() or char == "_")


def _general(first: str) -> Callable[[str], bool]:
    return lambda char: category(char).startswith(first)


_POSIX: dict[str, Callable[[str], bool]] = {
    "alpha": lambda char: char.isascii() and char.isalpha(),
    "digit": lambda char: char.isascii() and char.isdigit(),
    "alnum": lambda char: char.isascii() and char.isalnum(),
    "lower": lambda char: char.isascii() and char.isalpha(),  # in any case
    "upper": lambda char: char.isascii() and char.isalpha(),
    "space": lambda char: char in "\t\n\v\f\r ",
    "blank": lambda char: char in "\t ",
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
    "word": is_word,
}
_KINDS: dict[str, Callable[[str], bool]] = {
    **_POSIX,
    "d": _POSIX["digit"],
    "w": is_word,
    "s": lambda char: char in "\t\n\f\r ",
    **{f"p{name}": _general(name) for name in ("L", "N", "M", "P", "S", "Z", "Nd")},
}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
