"""Write as text what only the attributes of HTML tags hold: the address of a link, the name of a picture."""

import html
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlsplit

ADDRESS_LIMIT = 2000
NAME_LIMIT = 150

_ATTRIBUTES = {
    name: re.compile(rf"(?<![\w-]){name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
    for name in ("href", "src", "alt", "width", "height")
}
_SHOWN_SCHEMES = frozenset({"http", "https", "ftp", "sms", "tg", "whatsapp", "geo"})
_DIALLED = ("mailto", "tel", "callto")
_START = re.compile(r"(?:https?://)?(?:www\.)?")
_TOKEN = re.compile(r"[^\s<>()\[\]\"',;]+")
_LOCAL_DIGITS = 7  # of a telephone number: "+62 812" and "0812" begin the same one
_NOT_DIGITS = re.compile(r"[^0-9]")
_CHECKED_LINKS = ".safelinks.protection.outlook.com"
_TINY = ("0", "1", "2")
_FILE_NAME = re.compile(r"[^@<>/\\]{1,100}\.[A-Za-z0-9]{2,5}(?=@|\Z)")


def link_address(tag: str) -> str:
    """Return where an "a" tag leads as people should see it, "" when that is nowhere outside of the mail.

    Links to addresses and telephones lose their scheme. Outlook's check of links is taken away again.
    """
    href = "".join(_attribute(tag, "href").split())
    scheme, colon, rest = href.partition(":")
    scheme = scheme.lower()
    if scheme in _DIALLED:
        return unquote(rest.partition("?")[0])[:ADDRESS_LIMIT]
    if href.startswith("//"):
        return f"https:{href}"[:ADDRESS_LIMIT]
    if not (colon and scheme in _SHOWN_SCHEMES) and not scheme.startswith("www."):
        return ""
    return (_unchecked(href) if _CHECKED_LINKS in href[:100].lower() else href)[:ADDRESS_LIMIT]


def address_after(text: str, address: str) -> str:
    """Return the address to write after the text of a link, as HTML; "" when the text shows it already."""
    shown = html.unescape(text).lower()
    if not shown.strip() or not address:
        return ""
    if not (address[0].isdigit() or address[0] == "+"):
        known = _bare(address.lower())
        seen = known in (_bare(token) for token in _TOKEN.findall(shown))
    else:
        seen = _NOT_DIGITS.sub("", address)[-_LOCAL_DIGITS:] in _NOT_DIGITS.sub("", shown)
    return "" if seen else f" &lt;{html.escape(address)}&gt;"


def picture(tag: str, names: Mapping[str, str]) -> str:
    """Return "[image: NAME]" for an "img" tag, as HTML; "" for one that shows nothing, or tracks the reader.

    `names` are the file names of the mail's inline pictures by Content-ID. A symbol, such as an emoji that a
    program draws, is its alternative text.
    """
    source = _attribute(tag, "src")
    alt = " ".join(_attribute(tag, "alt").split())[:NAME_LIMIT]
    if alt and not any(map(str.isalnum, alt)):
        return html.escape(alt)
    scheme = source[:5].lower()
    if scheme[:4] == "cid:":
        return html.escape(picture_name(source[4:], names, alt))
    if scheme == "data:":
        return html.escape(f"[image: {alt}]" if alt else "[image]")
    tiny = _attribute(tag, "width") in _TINY or _attribute(tag, "height") in _TINY
    return html.escape(f"[image: {alt}]") if source and alt and not tiny else ""


def picture_name(content_id: str, names: Mapping[str, str], alt: str = "") -> str:
    """Return "[image: NAME]" for the picture with this Content-ID, with `alt` when it isn't in the mail."""
    key = unquote(content_id)
    name = names.get(key) or alt
    if not name and (file_name := _FILE_NAME.match(key)):
        name = file_name[0]
    return f"[image: {name}]" if name else "[image]"


def _attribute(tag: str, name: str) -> str:
    match = _ATTRIBUTES[name].search(tag)
    return html.unescape(match[1] or match[2] or match[3] or "").strip() if match else ""


def _bare(address: str) -> str:
    return address[_START.match(address).end() :].rstrip("/.")  # type: ignore[union-attr]


def _unchecked(href: str) -> str:
    """Return the address behind Outlook's Safe Links, `href` itself when it names none."""
    try:
        target = parse_qs(urlsplit(href).query, max_num_fields=20).get("url", [""])[0]
    except ValueError:
        return href
    return target if target.lower().startswith(("http://", "https://")) else href
