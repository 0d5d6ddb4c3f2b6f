"""Take pictures out of HTML that has them written into it as "data:" addresses (RFC 2397).

Webmail writes a pasted picture so. It would fill up the HTML, and no one could see it in the text.
"""

import binascii
import re
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import attachments
from mailbot.mail.parsing.mime_tree import Part

COUNT_LIMIT = 50
_SMALLEST = 1024  # bytes: below are bullets and spacers
_ENCODED_SIZE = 20_000  # bytes of a base64 part: a smaller one is hardly worth the search

_MARK = b";base64,"
_DATA = re.compile(rb"data:([\w.+-]{1,40}/[\w.+-]{1,60})(?:;[\w=.-]{1,60}){0,4};base64,([A-Za-z0-9+/=%\s]*)")
_TYPES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
}


def may_be_in(raw: bytes, part: Part) -> bool:
    """Check whether the part may hold pictures, without decoding it."""
    if "base64" in part.fields.get("content-transfer-encoding").lower():
        return part.end - part.start > _ENCODED_SIZE
    return raw.find(_MARK, part.start, part.end) >= 0


def take_out(content: bytes, attached: list[Attachment], names: dict[str, str]) -> bytes:
    """Return the HTML without the data in it. Its pictures are added to `attached`, and to `names` by
    Content-ID, which the HTML then has as their address.
    """
    if _MARK not in content:
        return content

    def replacement(match: re.Match[bytes]) -> bytes:
        picture = _picture(match[2], len(names)) if len(names) < COUNT_LIMIT else None
        if picture is None:
            return b"data:"
        same = next((file for file in attached if file.digest == picture.digest and file.content_id), None)
        if same is None:
            attached.append(picture)
            names[picture.content_id] = picture.name
        picture = same or picture
        return b"cid:" + picture.content_id.encode("ascii")

    return _DATA.sub(replacement, content)


def _picture(data: bytes, number: int) -> Attachment | None:
    """Return the picture in base64 `data`, None for what is none."""
    if len(data) < _SMALLEST:
        return None
    try:
        content = binascii.a2b_base64(unquote_to_bytes(data) if b"%" in data else data)
    except binascii.Error:
        return None
    made = attachments.make("", "", content, f"pasted-{number + 1}")
    extension = _TYPES.get(made.type)
    return None if extension is None else replace(made, name=f"image{number + 1}.{extension}")
