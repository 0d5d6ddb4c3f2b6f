"""What somebody wrote this time, apart from the mail quoted around it, in English and Indonesian.

Two readers with opposite fears. `visible` folds a customer's mail for display: in doubt a line stays.
`answer_text` takes what an agent wrote for the customer: in doubt a line goes, for the notice is internal.
"""

import re

MARKERS = {"id": "##- Balas di atas baris ini -##", "en": "##- Please reply above this line -##"}

_MARKER = re.compile(
    r"(?:reply|type|write)\s+above\s+this\s+line|(?:balas|tulis)\s+di\s+atas\s+(?:baris|garis)\s+ini"
)
_MOST_LINES = 20_000  # that are looked at
_LONGEST_LINE = 400  # characters: nothing that a mail program puts above a quote is longer
_ATTRIBUTION_LINES = 4  # over which it may be wrapped

_VERBS = r"wrote|writes|menulis|tulis|schrieb|a écrit|escribió|schreef|ha scritto|escreveu"
_OPENS = re.compile(r"[*_ ]*(?:on|pada|le|am|el|op|il|em|tanggal|\d{4}-\d\d-\d\d)\b", re.IGNORECASE)
_WROTE = re.compile(rf"\b(?:{_VERBS})\b.{{0,60}}:[*_ ]*\Z", re.IGNORECASE)
_BY_ADDRESS = re.compile(r"<[^<>\s@]+@[^<>\s@]+>\)?\s?:[*_ ]*\Z")
_KEYED = re.compile(r"\+[tb]\.[\w.-]{1,64}@")  # a reply address of ours with its tag: nobody types that
_CLOCK = re.compile(r"\d[:.]\d\d|\d{4}")

_SEPARATOR = re.compile(
    r"[-_ ]{2,}\s*(?:original (?:message|appointment)|pesan (?:asli|awal)|email asli)\s*[-_ ]{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_ ]{2,}\s*(?:forwarded message|pesan terusan|pesan (?:yang )?diteruskan)"
    r"|begin forwarded message:|awal pesan (?:terusan|yang diteruskan):",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_=]{10,}\s*\Z|-{20,}\s*\Z")
_FROM_LINE = re.compile(r"[*_| ]*(?:from|dari|von|de|van)\s?[*_]*:", re.IGNORECASE)
_HEADER_LINE = re.compile(
    r"[*_| ]*(sent|date|to|cc|reply-to|subject|dikirim|terkirim|tanggal|kepada|ke|untuk|tembusan|perihal"
    r"|subjek|judul)\s?[*_]*:",
    re.IGNORECASE,
)
_SUBJECTS = frozenset({"subject", "perihal", "subjek", "judul"})
_HEADER_LINES = 8  # after "From:" that are looked at

_TELEPHONE = re.compile(
    r"[*_ ]*(?:sent (?:from|via|with|using)|get outlook for|dikirim (?:dari|melalui|lewat|dengan)"
    r"|dapatkan outlook untuk|unduh outlook untuk|terkirim dari)\s.{1,80}\Z",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 12


def has_marker(text: str) -> bool:
    """Does the text hold one of our marker lines, so that it must be an answer to a mail of ours?"""
    return "##" in text and _MARKER.search(text.lower()) is not None


def visible(text: str, *, is_reply: bool) -> str:
    """The lines of `text` that its sender wrote this time; `text` itself where that would leave nothing.

    Answers between and below lines quoted with ">" stay. A quote without such marks takes all that follows.
    """
    if not is_reply:
        return text
    lines = text.split("\n", _MOST_LINES)
    kept: list[str] = []
    for number, line in enumerate(lines):
        if line.lstrip()[:1] == ">":
            _drop_attribution(kept)
        elif _starts_quote(lines, number, kept):
            _drop_attribution(kept, line)
            break
        else:
            kept.append(line)
    return "\n".join(_without_signature(kept)).strip("\n") or text


def answer_text(text: str) -> str:
    """What an agent wrote above the notice that was answered; "" when nothing stands there.

    Everything from the first sign of a quote on is left out, whatever follows it: it goes to a customer.
    """
    lines = text.split("\n", _MOST_LINES)[:_MOST_LINES]
    kept: list[str] = []
    for number, line in enumerate(lines):
        if line.lstrip()[:1] in (">", "|") or _may_start_quote(lines, number):
            _drop_attribution(kept, line)
            break
        kept.append(line)
    kept = _without_telephone(kept)
    answer = "\n".join(kept).strip("\n").rstrip()
    return answer if _says_something(kept) else ""


def _starts_quote(lines: list[str], number: int, kept: list[str]) -> bool:
    line = lines[number].strip()
    if not line or len(line) > _LONGEST_LINE:
        return False
    if "##" in line and _MARKER.search(line.lower()):
        return True
    if line[0] in "-_ " and _SEPARATOR.match(line):
        return True
    if line[-1] in ":*_" and _attribution_length([*kept[-_ATTRIBUTION_LINES:], line]):
        return not _next_line(lines, number + 1).startswith(
            ">"
        )  # else what is quoted can be told line by line
    return _is_header_block(lines, number, at_least=2, subject=True)


def _may_start_quote(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if not line:
        return False
    if "##-" in line or _MARKER.search(" ".join(lines[number : number + 2]).lower()):
        return True
    head, tail = line[:_LONGEST_LINE], line[-_LONGEST_LINE:]
    if _SEPARATOR.match(head) or _FORWARDED.match(head) or _RULE.match(head) or _KEYED.search(line):
        return True
    if line[-1] in ":*_" and (_WROTE.search(tail) or _BY_ADDRESS.search(tail)):
        return True
    return _is_header_block(lines, number, at_least=1, subject=False)


def _attribution_length(lines: list[str]) -> int:
    """Of how many of the last lines "On ... wrote:" or "Pada ... menulis:" is made, wrapped as it may be."""
    joined = ""
    alone = 0
    for length, line in enumerate(reversed(lines[-_ATTRIBUTION_LINES:]), 1):
        joined = f"{line.strip()} {joined}".strip()
        if not line.strip() or len(joined) > _LONGEST_LINE:
            break
        dated, wrote, by_address = _CLOCK.search(joined), _WROTE.search(joined), _BY_ADDRESS.search(joined)
        if _OPENS.match(line) and (dated or "@" in joined) and (wrote or by_address):
            return length
        if length == 1 and ((dated and by_address) or ("@" in joined and wrote)):
            alone = 1
    return alone


def _drop_attribution(kept: list[str], line: str = "") -> None:
    """Takes the lines away that introduced the quote: they may hold our reply address with its tag. `line` is
    the last of them if it is one and wasn't kept."""
    length = _attribution_length([*kept[-_ATTRIBUTION_LINES:], line]) if line else 0
    if length:
        del kept[len(kept) - length + 1 :]
    _drop_blank(kept)
    last = kept[-1].strip()[-_LONGEST_LINE:] if kept else ""
    if not length and last[-1:] in (":", "：", "*", "_"):
        length = _attribution_length(kept)
        if not length and (_WROTE.search(last) or ("@" in last and _CLOCK.search(last))):
            length = 1
        del kept[len(kept) - length :]
        _drop_blank(kept)


def _drop_blank(kept: list[str]) -> None:
    while kept and (not kept[-1].strip() or _RULE.match(kept[-1].strip())):
        kept.pop()


def _is_header_block(lines: list[str], number: int, *, at_least: int, subject: bool) -> bool:
    """Outlook's "From: ... Sent: ... To: ... Subject: ..." above a quote. A transfer's "Dari: ... Ke: ..." is
    none: hence the subject line."""
    if not _FROM_LINE.match(lines[number]):
        return False
    named = set()
    for line in lines[number + 1 : number + 1 + _HEADER_LINES]:
        found = _HEADER_LINE.match(line)
        if found:
            named.add(found[1].lower())
    return len(named) >= at_least and (not subject or not _SUBJECTS.isdisjoint(named))


def _next_line(lines: list[str], number: int) -> str:
    for line in lines[number : number + 3]:
        if line.strip():
            return line.strip()
    return ""


def _without_signature(kept: list[str]) -> list[str]:
    kept = _without_telephone(kept)
    for number in range(len(kept) - 1, max(0, len(kept) - _SIGNATURE_LINES), -1):
        if kept[number].rstrip() == "--" and _says_something(kept[:number]):
            return _without_telephone(kept[:number])
    return kept


def _without_telephone(kept: list[str]) -> list[str]:
    end = len(kept)
    while end and (not kept[end - 1].strip() or _TELEPHONE.match(kept[end - 1])):
        end -= 1
    return kept[:end]


def _says_something(lines: list[str]) -> bool:
    return any(line.strip() not in ("", "--") for line in lines)
