"""The HTML of a customer's mail as it came, without what could act, load or cover something.

Theory of operation. Three walls, each enough alone: nh3 keeps a few elements and hardly an attribute; the answer's own
policy forbids every script, frame, form and load, and puts the document into a sandbox of its own; and the frame
around it is a sandbox without any permission. nh3 takes quadratic time for deep nesting, so tags are counted first.
"""

import base64
import hashlib

import nh3

from mailbot.views.clean_text import without_turning

SIZE_LIMIT = 512 * 1024  # characters of HTML
TAG_LIMIT = 8_000  # more take nh3 up to a second
_TAGS = frozenset(
    """
    a abbr b blockquote br caption center cite code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li ol p pre q s
    small span strong sub sup table tbody td tfoot th thead tr tt u ul
    """.split()  # noqa: SIM905 - words in rows can be read
)
_GONE = frozenset("head math noscript script select style svg template textarea title".split())  # noqa: SIM905
_CELL = {"colspan", "rowspan", "align"}
_ATTRIBUTES = {"td": _CELL, "th": _CELL, "p": {"align"}, "div": {"align"}, "ol": {"start"}}

# The only style of the document: allowed by its digest, so that no style of the mail is.
_STYLE = (
    ":root{color-scheme:light dark}body{margin:8px;font:16px/24px sans-serif;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;max-width:100%}td,th{padding:2px 8px;vertical-align:top}"
    "blockquote{margin:0 0 0 8px;padding-left:8px;border-left:3px solid #8b929b}pre{white-space:pre-wrap}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}


def clean_html(source: str) -> tuple[str, bool]:
    """Return what may be shown of a mail's HTML, and whether a limit cut some of it off."""
    pieces = source[:SIZE_LIMIT].split("<", TAG_LIMIT + 1)
    cut = len(source) > SIZE_LIMIT or len(pieces) > TAG_LIMIT + 1
    shown = "<".join(pieces[: TAG_LIMIT + 1])
    cleaned = nh3.clean(
        shown, tags=set(_TAGS), clean_content_tags=set(_GONE), attributes=_ATTRIBUTES, link_rel=None
    )
    return without_turning(cleaned), cut


def document(source: str, language: str, empty: str, cut_off: str) -> str:
    """Return the document for the frame. `empty`, `cut_off`: the words in place of nothing, and at its end."""
    body, cut = clean_html(source)
    if not body.strip():
        body = f"<p>{nh3.clean_text(empty)}</p>"
    end = f"<p>{nh3.clean_text(cut_off)}</p>" if cut else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>mail</title>'
        f"<style>{_STYLE}</style></head><body>{body}{end}</body></html>"
    )
