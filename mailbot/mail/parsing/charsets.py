"""Decode bytes to text that is safe to store, whatever charset a mail declares."""

import re
from encodings.aliases import aliases

# Codecs that are no character sets, or that change the meaning of plain ASCII.
_DENIED = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
    | {"utf_7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
_CODECS = (frozenset(aliases.values()) | {"utf_8_sig", "koi8_u", "koi8_t", "cp720", "cp874"}) - _DENIED
# What senders mean by a label, as the WHATWG Encoding Standard maps it.
_ACTUAL_CODECS = {
    "ascii": "utf_8", "utf8": "utf_8", "latin_1": "cp1252", "iso8859_9": "cp1254",
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312_80": "gb18030", "csgb2312": "gb18030",
    "euc_kr": "cp949", "ks_c_5601_1987": "cp949", "cseuckr": "cp949", "big5": "cp950",
    "shift_jis": "cp932", "sjis": "cp932", "windows_31j": "cp932", "cswindows31j": "cp932",
    "iso8859_11": "cp874", "tis_620": "cp874", "windows_874": "cp874",
    "iso_8859_6_i": "iso8859_6", "iso_8859_8_i": "iso8859_8",
}  # fmt: skip
_LABEL_LIMIT = 40
_SEPARATORS = re.compile("[-:. ]")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK = re.compile("\r\n?|[\x85\u2028\u2029]")
_BOMS = (b"\xff\xfe", b"\xfe\xff")


def codec_for(label: str) -> str:
    """Return Python's codec for a declared charset, "" when it is unknown or denied.

    Only a fixed table is searched: `codecs.lookup` caches every unknown name for ever.
    """
    name = label[:_LABEL_LIMIT].strip(" \t\"'").lower().partition("*")[0]
    name = _SEPARATORS.sub("_", name).removeprefix("x_")
    codec = _ACTUAL_CODECS.get(name) or aliases.get(name) or name
    codec = _ACTUAL_CODECS.get(codec, codec)
    return codec if codec in _CODECS else ""


def decode(data: bytes, label: str = "") -> str:
    """Decode as declared, else as UTF-8, else as windows-1252. Never raises. The result needs `clean`."""
    codec = codec_for(label) if label else "utf_8"
    if codec[:6] in ("utf_16", "utf_32") and b"\0" not in data and data[:2] not in _BOMS:
        codec = "utf_8"  # mislabelled: a text of two-byte units without a NUL has no ASCII and no line end
    for name in (codec, "utf_8"):
        try:
            if name:
                return data.decode(name)
        except UnicodeError:
            pass
    if codec not in ("", "utf_8", "cp1252"):
        return data.decode(codec, "replace")  # mostly right, like a multi-byte text that was cut
    text = data.decode("utf_8", "replace")
    broken = text.count("\ufffd")
    if broken * 2 > len(text) - len(text.encode("ascii", "ignore")):
        return data.decode("cp1252", "replace")
    return text


def clean(text: str) -> str:
    """Return `text` with LF line ends and without what breaks SQL, terminals and line-based formats.

    Removed: C0 controls but tab and newline, DEL, C1, lone surrogates, U+2028, U+2029, a leading BOM.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if _UNSAFE.search(text):
        text = _UNSAFE.sub("", _BREAK.sub("\n", text))
    return text[1:] if text.startswith("\ufeff") else text


def clean_line(text: str, limit: int) -> str:
    """Return `text` as one line of at most `limit` characters, runs of white space as one space."""
    return " ".join(clean(text).split())[:limit].rstrip()
