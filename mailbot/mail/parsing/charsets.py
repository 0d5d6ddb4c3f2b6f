"""Decode bytes to text that is safe to store, whatever charset a mail declares."""

import re
from encodings.aliases import aliases

# Codecs that are no character sets, or that change the meaning of plain ASCII.
_DENIED = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
    | {"utf_7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
    | {"cp037", "cp273", "cp424", "cp500", "cp1026", "cp1140"}  # EBCDIC
)
_CODECS = (
    frozenset(aliases.values())
    | {"utf_8_sig", "koi8_t", "koi8_u", "cp720", "cp737", "cp874", "mac_croatian", "mac_romanian"}
) - _DENIED
# What senders mean by a label, as the WHATWG Encoding Standard maps it.
_ACTUAL_CODECS = {
    "ascii": "utf_8", "utf8": "utf_8", "latin_1": "cp1252", "iso8859_9": "cp1254",
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312_80": "gb18030", "csgb2312": "gb18030",
    "euc_kr": "cp949", "ks_c_5601_1987": "cp949", "cseuckr": "cp949", "big5": "cp950",
    "shift_jis": "cp932", "sjis": "cp932", "windows_31j": "cp932", "cswindows31j": "cp932",
    "iso8859_11": "cp874", "tis_620": "cp874", "windows_874": "cp874",
    "iso_8859_6_i": "iso8859_6", "iso_8859_8_i": "iso8859_8", "iso_8859_8_e": "iso8859_8", "koi8_ru": "koi8_u",
    "euc_cn": "gb18030", "ms_kanji": "cp932", "ksc_5601": "cp949", "mac": "mac_roman", "mac_ce": "mac_latin2",
    "mac_centraleurroman": "mac_latin2", "mac_ukrainian": "mac_cyrillic", "mac_japanese": "cp932",
    "mac_korean": "cp949", "mac_simp_chinese": "gb18030", "mac_trad_chinese": "cp950",
}  # fmt: skip
# Code pages that Python has under another name, by number.
_CODE_PAGES = {
    "819": "cp1252", "936": "gb18030", "943": "cp932", "970": "cp949", "1386": "gb18030", "10000": "mac_roman",
    "10006": "mac_greek", "10007": "mac_cyrillic", "10029": "mac_latin2", "10081": "mac_turkish", "20127": "utf_8",
    "20866": "koi8_r", "20932": "euc_jp", "21866": "koi8_u", "28591": "cp1252", "28592": "iso8859_2",
    "28595": "iso8859_5", "28597": "iso8859_7", "28599": "cp1254", "28605": "iso8859_15", "38598": "iso8859_8",
    "50220": "iso2022_jp", "51932": "euc_jp", "51949": "cp949", "54936": "gb18030", "65001": "utf_8",
}  # fmt: skip
_CODE_PAGE = re.compile(r"(?:cp|windows|win|ms|ibm|oem|dos|ansi|ccsid)_?0*([1-9]\d{2,4})\Z")
_WESTERN = frozenset(
    {
        "cp1252",
        "cp1250",
        "cp1254",
        "cp1257",
        "cp850",
        "cp437",
        "iso8859_2",
        "iso8859_15",
        "iso8859_16",
        "mac_roman",
    }
)
_SURE_LENGTH = 10  # so many characters of valid UTF-8 are no chance
# Inside of a word these are letters of DOS (ü, é, ä), but marks that no word holds in windows-1252.
_DOS_LETTER = re.compile(rb"[A-Za-z][\x81\x82\x84\x87-\x89\x8d\x90](?=[a-z])")
_LABEL_LIMIT = 40
_SEPARATORS = re.compile("[-:. ]")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK = re.compile("\r\n?|[\x85\u2028\u2029]")
_HIGH = bytes(range(128, 256))
_BOMS = (b"\xff\xfe", b"\xfe\xff")


def codec_for(label: str) -> str:
    """Return Python's codec for a declared charset, "" when it is unknown or denied.

    Only a fixed table is searched: `codecs.lookup` caches every unknown name for ever.
    """
    name = label[:_LABEL_LIMIT].strip(" \t\"'").lower().partition("*")[0]
    name = _SEPARATORS.sub("_", name).removeprefix("x_")
    codec = _ACTUAL_CODECS.get(name) or aliases.get(name) or name
    codec = _ACTUAL_CODECS.get(codec, codec)
    return codec if codec in _CODECS else _code_page(name)


def _code_page(name: str) -> str:
    """Return the codec of a numbered code page, however vendors write it: windows-949, cp-850, ms950."""
    match = _CODE_PAGE.match(name)
    if match is None:
        return ""
    codec = _CODE_PAGES.get(match[1]) or f"cp{match[1]}"
    return codec if codec in _CODECS else ""


def decode(data: bytes, label: str = "") -> str:
    """Decode as declared, else as UTF-8, else as windows-1252. Never raises. The result needs `clean`.

    UTF-8 under another label is recognised: one that fits by chance is rare, and shorter.
    """
    codec = codec_for(label) if label else "utf_8"
    if codec[:6] in ("utf_16", "utf_32") and b"\0" not in data and data[:2] not in _BOMS:
        codec = "utf_8"  # mislabelled: a text of two-byte units without a NUL has no ASCII and no line end
    if codec in ("", "utf_8"):
        return _utf8_or(data, "cp1252")
    if codec in _WESTERN:
        return _utf8_or(data, codec)
    if (
        not data.isascii()
        and len(text := _strictly(data, "utf_8")) - len(text.encode("ascii", "ignore")) >= _SURE_LENGTH
    ):
        return text
    # "replace" is mostly right, like for a multi-byte text that was cut.
    return _strictly(data, codec) or _strictly(data, "utf_8") or data.decode(codec, "replace")


def _utf8_or(data: bytes, codec: str) -> str:
    try:
        return data.decode("utf_8")
    except UnicodeError:
        text = data.decode("utf_8", "replace")
    broken = text.count("\ufffd")
    if broken * 2 <= len(text) - len(text.encode("ascii", "ignore")):
        return text
    if codec == "cp1252" and _is_from_dos(data):
        codec = "cp850"
    return data.decode(codec, "replace")


def _strictly(data: bytes, codec: str) -> str:
    """Return the text, "" when the bytes are not in that charset."""
    try:
        return data.decode(codec)
    except UnicodeError:
        return ""


def _is_from_dos(data: bytes) -> bool:
    """Check for a text in code page 850, which old programs send under any label."""
    letters = len(_DOS_LETTER.findall(data))
    return letters * 3 >= len(data) - len(data.translate(None, _HIGH)) and letters > 0


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
