"""Find the verbs on top of a mail: lines that begin with "#"."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import re2

from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.commands.registry import BY_WORD, MOST_WORDS, Below, Reading, Verb
from mailbot.domain.reasons import Refusal

MOST_VERBS = 10
_SIGNS = ("#", "＃", "﹟")
# No counted repeats of letters: re2 would build a huge automaton for them.
_LINE = re2.compile(r"[#＃﹟]\s?([\pL-]+)\s?[:：]?(?:\s+(.*)|$)")
_LONGEST = 30
# Zero-width and direction marks that mail programs put in, and that nobody sees.
_UNSEEN = dict.fromkeys(
    (0x00AD, 0x034F, 0x061C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of verbs: the word after "#", and the rest."""

    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Act:
    """What one mail, or one command of the shell, wants done: all of it or nothing.

    - `commands`: in their order. `text`: what stands below.
    - `below`: what becomes of that text.
    - `sends`: the id of the held mail that this is, sent after all by its author; "" for any other.
    """

    commands: tuple[c.AnyCommand, ...]
    text: str = ""
    below: Below = Below.ANSWER
    sends: str = ""


def shown(line: str) -> str:
    """Return a line as people see it: without marks that have no width, and without space around it."""
    return (line if line.isascii() else line.translate(_UNSEEN)).strip()


def has_verbs(text: str) -> bool:
    """Check whether the text begins with a line of verbs."""
    first = next((found for line in text.split("\n") if (found := shown(line))), "")
    return first.startswith(_SIGNS)


def read_line(line: str) -> Line | None:
    """Return the word after "#" and the rest; None for a line that begins with anything else."""
    if not line.startswith(_SIGNS):
        return None
    match = _LINE.fullmatch(line)
    if match is None or len(match[1]) > _LONGEST:
        return Line(line[1:200].casefold(), "")
    return Line(match[1].casefold(), (match[2] or "").strip())


def is_verb(line: str) -> bool:
    """Check whether a line begins with a verb that we know."""
    read = read_line(line)
    return read is not None and read.word in BY_WORD


MONEY = frozenset({"compensate", "approve", "refuse", "send"})  # what was held may ask for money


_LINKS = frozenset({"link", "unlink", "undo"})  # what is taken back may have been a link


def names_money(text: str) -> bool:
    """Check whether any line of a text is a verb about money."""
    return _names(text, MONEY)


def names_links(text: str) -> bool:
    """Check whether any line of a text is a verb that may link identities."""
    return _names(text, _LINKS)


def _names(text: str, verbs: Collection[str]) -> bool:
    if not any(sign in text for sign in _SIGNS):
        return False
    found = (read_line(shown(line)) for line in text.split("\n"))
    words = {each.word for each in found if each}
    return any(word in BY_WORD and BY_WORD[word].name in verbs for word in words)


def split(text: str) -> tuple[tuple[Line, ...], str]:
    """Return the lines of verbs on top, and the text below them."""
    lines = text.split("\n")
    found: list[Line] = []
    for position, line in enumerate(lines):
        stripped = shown(line)
        if not stripped:
            continue
        read = read_line(stripped)
        if read is None:
            return tuple(found), "\n".join(lines[position:]).strip()
        found.append(read)
        if found[-1].word in BY_WORD and BY_WORD[found[-1].word].name == "note":
            return tuple(found), "\n".join(lines[position + 1 :]).strip()
    return tuple(found), ""


def read(text: str, reading: Reading) -> Act | Refusal:
    """Read a mail's text into what it wants done; the first line that can't be read refuses all."""
    lines, below = split(text)
    if len(lines) > MOST_VERBS:
        return reasons.refuse("too_many_verbs", most=MOST_VERBS)
    verbs: list[Verb] = []
    for line in lines:
        if line.word not in BY_WORD:
            near = get_close_matches(line.word, list(BY_WORD), 3, 0.6)
            return reasons.refuse("no_verb", verb=line.word[:40], near=", ".join(f"#{each}" for each in near))
        verbs.append(BY_WORD[line.word])
    if len(verbs) > 1 and (single := next((verb for verb in verbs if verb.alone), None)):
        return reasons.refuse("verb_stands_alone", verb=single.name)
    return _read_lines(verbs, lines, below, reading)


def _read_lines(verbs: Sequence[Verb], lines: Sequence[Line], below: str, reading: Reading) -> Act | Refusal:
    kinds = {verb.below for verb in verbs}
    kind = Below.NOTE if Below.NOTE in kinds else Below.REASON if Below.REASON in kinds else Below.ANSWER
    reading = replace(reading, because=below[:MOST_WORDS] if kind is Below.REASON else reading.because)
    commands: list[c.AnyCommand] = []
    for verb, line in zip(verbs, lines, strict=True):
        command = verb.read(line.rest[:MOST_WORDS], reading) if verb.name != "note" else None
        if isinstance(command, Refusal):
            return Refusal(reasons.of("verb_refused", verb=line.word, reason=command.reason))
        if command is not None:
            commands += command if isinstance(command, tuple) else (command,)
    notes = [line.rest for verb, line in zip(verbs, lines, strict=True) if verb.name == "note" and line.rest]
    if any(verb.name == "note" for verb in verbs):
        text = "\n".join((*notes, below)).strip()
        if not text:
            return reasons.refuse("note_is_empty")
        commands.append(c.AddNote(text))
    return Act(tuple(commands), below if kind is not Below.REASON else "", kind)
