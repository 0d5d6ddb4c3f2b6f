"""Make any text safe for a header line, or for the body of a mail."""

LINE_LIMIT = 150  # characters of a one-line value

# Controls end a header line (RFC 5322 section 2.2) or hide text. Bidi marks reverse what a reader sees.
_HIDDEN = (*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F))
_IN_A_LINE = dict.fromkeys((*_HIDDEN, *range(0x2060, 0x2070), 0xFEFF, *range(0xD800, 0xE000)), " ")
_IN_A_BODY = dict.fromkeys((*range(0x20), 0x7F, *range(0xD800, 0xE000)), "")
_IN_A_BODY |= {0x09: "\t", 0x0A: "\n", 0x2028: "\n", 0x2029: "\n"}
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n")


def header_text(text: str, limit: int = LINE_LIMIT) -> str:
    """Return one line that is safe in a header: no controls, no encoded word, at most `limit` characters.

    "=?" is separated because Python's serialiser decodes it: with 3.11.7 a subject of `=?UTF-8?Q?=0A?=Bcc:`
    became a real Bcc line. The text is cut first, so that the limit bounds the work.
    """
    if len(text) <= limit and text.isprintable() and "  " not in text and "=?" not in text:
        return text.strip(" ")  # nearly always
    line = " ".join(text[: limit * 8].split())
    if not line.isprintable():  # all replaced characters are unprintable, and rare
        line = " ".join(line.translate(_IN_A_LINE).split())
    return line.replace("=?", "= ?")[:limit].rstrip()


def body_text(text: str) -> str:
    """Return `text` with LF line ends and without controls but tab."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair
        return text.translate(_IN_A_BODY)
    clean = data.translate(None, _CONTROLS)  # a hundredth of what str.translate costs
    shown = text if len(clean) == len(data) else clean.decode("utf-8")
    return shown.replace("\u2028", "\n").replace("\u2029", "\n")
