"""Recognise the lines that mail programs put above a quote, in English and Indonesian."""

import re
from collections.abc import Sequence

from mailbot.domain.replies.folded_lines import BLANK as BLANK

LONGEST_LINE = 400  # characters: mail programs write no longer line above a quote
ATTRIBUTION_LINES = 4  # an attribution may be wrapped over so many lines

_VERBS = (
    *("menulis", "wrote", "tulis", "nulis", "writes", "schrieb", "a écrit", "escribió", "schreef"),
    *("ha scritto", "escreveu", "skrev", "napisał", "написал", "пишет", "写道", "寫道"),
)
_OPENS = re.compile(r"[-*_ ]*(?:on|pada|le|am|el|op|il|em|tanggal|tgl|\d{4}-\d\d-\d\d)\b", re.IGNORECASE)
_QUOTING = re.compile(r"(?:quoting|mengutip)\s.{0,200}@.{0,200}:\Z", re.IGNORECASE)  # Horde
# The verb with its colon; Zoho puts hyphens around it.
_WROTE = re.compile(
    rf"(?:{'|'.join(_VERBS)})\b.{{0,60}}[:：][*_ ]*\Z|(?:wrote|menulis)\s?:?\s?-{{2,}}\Z", re.IGNORECASE
)
_WROTE_LENGTH = 90  # characters from the verb to the end of the line
# Yahoo's app continues with the quote in the same line.
_WROTE_INLINE = re.compile(r"[^:<>]{4,60}[:.]\d\d[^:<>]{0,120}<[^<>\s@]+@[^<>\s@]+>\s*(?:wrote|menulis)\s?:")
_BY_ADDRESS = re.compile(r"<[^<>\s@]+@[^<>\s@]+>\)?\s?[:：][*_ ]*\Z")
_ADDRESS = re.compile(r"[<\[(](?:mailto:)?[^<>\s@]+@[^<>\s@]+[>\])]")
_CLOCK = re.compile(r"\d[:.]\d\d|\d{4}")
_DATE = re.compile(r"\d{4}|\d[/.-]\d\d?[/.-]\d\d")
_FOREIGN = re.compile(
    r"\b(?:anda|kamu|kalian|saya|you|your|i)\b", re.IGNORECASE
)  # in no program's attribution

# Dates as programs format them. People write "pada hari Senin", or no time, or no comma.
_WEEKDAY = (
    r"(?:sen(?:in)?|sel(?:asa)?|rabu?|kam(?:is)?|jum(?:at|'at)?|sab(?:tu)?|min(?:ggu)?|mgg"
    r"|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_FORMATTED_DATE = re.compile(
    rf"[-*_ ]*(?:on|pada(?:\s(?:tanggal|tgl))?)\s(?:{_WEEKDAY}\.?,\s?.{{0,24}}?\b\d{{4}}.{{0,12}}?\d[:.]\d\d"
    r"|(?:\w{3,9}\s)?\d{1,4}[\s/.-].{1,18}?\d[:.]\d\d(?:[:.]\d\d)?(?:\s?[ap]m)?(?:\s(?:wib|wita|wit))?,)",
    re.IGNORECASE,
)

# No space after the repeated class: it would be quadratic.
SEPARATOR = re.compile(
    r"[-_=* ]{2,}(?:original (?:message|appointment|e-?mail)|mesej asal|reply message"
    r"|(?:pesan|e-?mail|surat) (?:yang )?(?:asli|awal|asal|semula|sebelumnya)|(?:balas(?:an)?|jawab) pesan"
    r")[-_=* ]{2,}|-{3,} ?original ?-{3,}\Z",
    re.IGNORECASE,
)
FORWARDED = re.compile(
    r"[-_= ]{2,}(?:forwarded message|pesan terusan|pesan (?:yang )?diteruskan)"
    r"|begin forwarded message:|awal pesan (?:terusan|yang diteruskan):",
    re.IGNORECASE,
)
RULE = re.compile(r"[_=]{10,}\s*\Z|-{20,}\s*\Z")

_FROM_LINE = re.compile(r"[*_|\[ ]*(?:from|dari|pengirim|von|de|van)\s?[*_]*\s?[:：]", re.IGNORECASE)
_HEADER_LINE = re.compile(
    r"[*_| ]*(sent|date|to|cc|bcc|reply-to|subject|importance|attachments|dikirim|dikirimkan|terkirim|tanggal"
    r"|tgl|waktu|kepada|penerima|ke|untuk|tembusan|salinan|perihal|subjek|judul|kepentingan|lampiran)\s?[*_]*\s?[:：]",
    re.IGNORECASE,
)
_ONE_LINE = re.compile(
    r"@.{0,80}\b(?:sent|date|dikirim|terkirim|tanggal)\s?[*_]*:.{1,200}\b(?:subject|subjek|perihal|judul)\s?[*_]*:",
    re.IGNORECASE,
)
_SUBJECTS = frozenset({"subject", "perihal", "subjek", "judul"})
_DATES = frozenset({"sent", "date", "dikirim", "dikirimkan", "terkirim", "tanggal", "tgl", "waktu"})
_HEADER_LINES = 12  # read after "From:"
_TIME = re.compile(r"\d[:.]\d\d")


def attribution_length(lines: Sequence[str]) -> int:
    """Return how many of the last lines form "On ... wrote:" or "Pada ... menulis:", 0 without one."""
    last = lines[-1].strip(BLANK) if lines else ""
    wrote = _wrote(last)
    if not wrote and not _BY_ADDRESS.search(last[-LONGEST_LINE:]):
        return 0
    joined, length_found, last_only = "", 0, 0
    for length, line in enumerate(reversed(lines[-ATTRIBUTION_LINES:]), 1):
        joined = f"{line.strip(BLANK)} {joined}".rstrip()
        if not line.strip(BLANK) or len(joined) > LONGEST_LINE:
            break
        if _OPENS.match(joined) and (_CLOCK.search(joined) or "@" in joined):
            length_found = length_found or length
            if _DATE.search(joined):
                return length
        if length == 1 and "@" in joined and (wrote or _CLOCK.search(joined)):
            last_only = 1
    return length_found or last_only


def introduces(line: str) -> bool:
    """Check whether this line, right above lines quoted with ">", may be an attribution."""
    if _wrote(line):
        return len(line.split()) <= 8 and not _FOREIGN.search(line)
    return _QUOTING.match(line[:LONGEST_LINE]) is not None


def _wrote(line: str) -> bool:
    """Check whether the line ends in "wrote:" or similar."""
    end = line[-_WROTE_LENGTH:]
    lower = end.lower()
    for verb in _VERBS:  # searched first: the pattern takes twenty times as long
        if verb in lower:
            return _WROTE.search(end) is not None
    return False


def has_address(attribution: str) -> bool:
    return _ADDRESS.search(attribution) is not None


def has_formatted_date(attribution: str) -> bool:
    """Check for a date as programs format it."""
    return _FORMATTED_DATE.match(attribution) is not None


def has_inline_quote(line: str) -> bool:
    """Recognise "On Mon, Nov 23, 2026 at 10:15 AM, X<x@y> wrote:   Hello ..." on one line."""
    head = line[:LONGEST_LINE]
    return _OPENS.match(head) is not None and _WROTE_INLINE.match(head) is not None


def is_from_line(line: str) -> bool:
    return _FROM_LINE.match(line) is not None


def header_block_end(lines: Sequence[str], number: int) -> int:
    """Return the line after Outlook's "From: ... Sent: ... To: ... Subject: ...", 0 without such a block.

    The block begins with a From line at `number`. Bank transfers ("Dari: ... Ke: ... Tanggal: ...") and
    formal letters ("Dari: ... Kepada: ... Perihal: ...") look alike. So a block needs a subject, and either a
    date with an address or a time, or a line of dashes above it.
    """
    if len(lines[number]) <= LONGEST_LINE and _ONE_LINE.search(lines[number]):
        return number + 1
    sender = lines[number][:LONGEST_LINE]
    values: dict[str, str] = {}
    end, wrapped = number + 1, 0
    for at in range(number + 1, min(len(lines), number + 1 + _HEADER_LINES)):
        line = lines[at].strip(BLANK)
        header = _HEADER_LINE.match(line)
        if header:
            values[header[1].lower()] = line[header.end() : LONGEST_LINE]
            end = at + 1
        elif not _SUBJECTS.isdisjoint(values) or wrapped > 3:
            break
        elif line:
            wrapped += 1
            sender += line[:LONGEST_LINE] if not values else ""
    if _SUBJECTS.isdisjoint(values):
        return 0
    dates = _DATES & values.keys()
    if dates and "@" in sender:
        return end
    above = next(
        (line.strip(BLANK) for line in lines[max(0, number - 3) : number][::-1] if line.strip(BLANK)), ""
    )
    if RULE.match(above) or SEPARATOR.match(above[:LONGEST_LINE]):
        return end
    separate = number == 0 or not lines[number - 1].strip(BLANK)
    return end if separate and any(_TIME.search(values[name]) for name in dates) else 0
