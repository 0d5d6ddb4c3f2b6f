"""Find the footer of a mail: signature, contact data, disclaimer, and what companies add to all of their mail.

Theory of operation. A footer is peeled off from the end, one paragraph after the other. A paragraph is only taken
away when its form shows what it is. Where the customer speaks ("saya", "my"), it stays: a rule that reads too much
is better than one that misses a report of theft.
"""

import re
from typing import Any

from mailbot.domain.routing.patterns import Pattern
from mailbot.mail.replies.quotes import BLANK, LONGEST_LINE
from mailbot.mail.replies.signatures import DISCLAIMER, strip_signature

_PARAGRAPH = 40  # lines that are looked at
_CONTACT_LINES = 12
_LONGEST_CONTACT = 90  # characters


def _any_case() -> Any:
    from mailbot.domain.routing.text import options

    return options(case_sensitive=False)


# What is sent with all mail, from the start of a line on.
_SMALL_PRINT = Pattern(
    r"(?ms)^[-_*=#>|~ \t]*(?:"
    + DISCLAIMER
    + r"|(?:strictly |private (?:and|&) )?(?:privileged|confidential)\b(?: (?:and|&) \w+)?[:.]"
    r"|(?:if|jika|apabila|bila)\b.{0,60}\b(?:intended recipient|received this|penerima yang"
    r"|menerima (?:e-?mail|pesan|surel))"
    r"|any (?:unauthori[sz]ed )?(?:use|review|disclosure|dissemination|distribution|copying)\b"
    r"|the (?:views|opinions)\b.{0,60}\bexpressed\b"
    r"|(?:waspada|waspadai|waspadalah|hati-hati|awas|beware|be aware)\b.{0,40}"
    r"\b(?:penipu|penipuan|modus|phishing|fraud|scams?)\b"
    r"|(?:jangan (?:pernah )?(?:memberi\w*|beri\w*|membagi\w*|bagi\w*)|never (?:share|give|tell)|do not share)\b"
    r".{0,60}\b(?:otp|pin|passwords?|kata sandi)\b"
    r"|.{0,80}\b(?:diawasi oleh|(?:supervised|regulated) by)\b"
    r"|.{0,60}\b(?:all rights reserved|hak cipta dilindungi|syarat dan ketentuan berlaku|terms and conditions apply)\b"
    r"|(?:©|\(c\) ?20|copyright\b)"
    r"|.{0,60}\b(?:unsubscribe|berhenti berlangganan|e-?mail preferences)\b"
    r"|(?:you (?:are receiving|received|get)|anda (?:menerima|mendapat\w*)) (?:this|e-?mail ini|pesan ini|surel ini)\b"
    r"|.{0,40}\b(?:view|lihat|buka)\b.{0,30}\b(?:in|di) (?:your )?browser\b"
    r"|(?:follow us|ikuti kami|find us)\b"
    r")",
    _any_case,
)
_DRAWN = f"{BLANK}-_*=#[](|~!"
_WARNINGS = ("caution", "external", "warning", "peringatan", "perhatian")
# What gateways put above the mail.
_BANNER = Pattern(
    r"(?s)^.{0,100}\b(?:originated|external|outside|sender|luar organisasi|luar perusahaan|eksternal|pengirim)\b",
    _any_case,
)
# The customer speaks, or asks: no footer.
_SPEAKS = Pattern(r"\b(?:saya|sy|aku|ku|gw|gue|kita|min|kak|my|me|i|we)\b|\?", _any_case)
_CLOSING = re.compile(
    r"(?:(?:(?:with )?(?:best|kind|kindest|warm|warmest) )?(?:regards|wishes)|(?:yours )?(?:sincerely|faithfully|truly)"
    r"(?: yours)?|cheers|respectfully(?: yours)?|best|(?:many )?thanks?(?: you)?(?: (?:so|very) much)?(?: in advance)?"
    r"(?:,? (?:and|&) (?:best |kind )?regards)?|salam(?: (?:hormat|hangat|sejahtera|kami|saya))?|hormat (?:kami|saya)"
    r"|dengan hormat|terima ?kasih(?: banyak)?|makasih|ttd|wassalam\w*)[\s,.!~]*",
    re.IGNORECASE,
)
_REACHED_AT = re.compile(
    r"https?://|\bwww\.|@[\w-]+\.|\b(?:jl|jalan|tel|telp|telepon|phone|fax|mobile|mob|hp|wa|whatsapp)\b\s*[.:+]"
    r"|\+62[\d -]{6}",
    re.IGNORECASE,
)
# What nobody writes beside a name or an address.
_MATTER = re.compile(
    r"[?!]|\b(?:belum|blm|tidak|tdk|ga|gak|gk|nggak|sudah|sdh|udah|udh|mohon|tolong|minta|mau|saya|sy|aku|kenapa|kapan"
    r"|saldo|uang|dana|rekening|rek|paket|pesanan|barang|resi|order|invoice|inv|refund|transaksi|bukan|hilang|ilang"
    r"|please|not|never|my|is|was|have|has|money|wallet|transaction|amount|nominal|rp)\b",
    re.IGNORECASE,
)


def footer_start(lines: list[str]) -> int:
    """Return the line with which the footer of a text begins, `len(lines)` without one."""
    end = len(lines)
    while True:
        start = _peeled(lines[:end])
        if start == end:
            return len(lines) if not any(line.strip(BLANK) for line in lines[end:]) else end
        end = start


def banner_end(lines: list[str]) -> int:
    """Return the line after what a gateway put above the mail, 0 without such a banner."""
    start = next((at for at, line in enumerate(lines) if line.strip(BLANK)), 0)
    if not lines[start].lstrip(_DRAWN).lower().startswith(_WARNINGS):
        return 0
    end = next((at for at in range(start, len(lines)) if not lines[at].strip(BLANK)), 0)
    paragraph = " ".join(lines[start:end])[:500]
    return end if end and _BANNER.search(paragraph) and not _SPEAKS.search(paragraph) else 0


def _peeled(lines: list[str]) -> int:
    """Return where the last part of the footer begins, `len(lines)` when the text ends without one."""
    kept = strip_signature(lines)
    while kept and not kept[-1].strip(BLANK):
        kept = kept[:-1]
    end = len(kept)
    start = end
    while start and end - start < _PARAGRAPH and kept[start - 1].strip(BLANK):
        start -= 1
    paragraph = kept[start:end]
    if (at := _small_print(paragraph)) is not None:
        return start + at
    if (at := _contact(kept, start)) is not None:
        return at
    return end if any(line.strip(BLANK) for line in lines[end:]) else len(lines)


def _small_print(paragraph: list[str]) -> int | None:
    """Return the line of a paragraph that begins as small print does, None without such a line."""
    text = "\n".join(line[:LONGEST_LINE] for line in paragraph)
    found = _SMALL_PRINT.search(text)
    if found is None or _SPEAKS.search(text[found.start() :]):
        return None
    return text.count("\n", 0, found.start())


def _contact(kept: list[str], start: int) -> int | None:
    """Return where "Best regards," stands above names and contact data, or where such data begins."""
    first = max(1, len(kept) - _CONTACT_LINES)
    for at in range(len(kept) - 1, first - 1, -1):
        line = kept[at].strip(BLANK)
        if len(line) <= _LONGEST_CONTACT and _CLOSING.fullmatch(line):
            return at if at + 1 < len(kept) else None
        if _MATTER.search(line):
            break
    block = kept[start:]
    is_block = len(block) > 1 and start > 0 and any(_REACHED_AT.search(line) for line in block)
    return start if is_block and all(map(_is_contact, block)) else None


def _is_contact(line: str) -> bool:
    """Check for a name, a title, a company, an address, a number: short, and most words with a capital."""
    line = line.strip(BLANK)
    if len(line) > _LONGEST_CONTACT or _MATTER.search(line):
        return False
    words = [word for word in re.split(r"[\s|/,;:()]+", line) if word[:1].isalpha()]
    capitals = sum(word[0].isupper() for word in words)
    return len(words) <= 2 or _REACHED_AT.search(line) is not None or capitals * 2 > len(words)
