"""The look of our mails: one frame around each page, and the classes that templates use.

Theory of operation. A template names a class and no colour: `<p class="small">`. When templates are loaded,
`inline_styles` writes the light colours of each class beside it, because many mail programs drop a <style>. `page`
adds the frame, and the dark colours for programs that know `prefers-color-scheme`. Nothing of this looks at what
customers wrote: styles go into the source of a template, never into a rendered text.

Classes for blocks: `preheader` (first in each template: what a list of mails shows, hidden in the mail), `title`,
`section`, `small` (explanations), `band` with one of `turn`, `soon`, `late`, `solved` (what is asked, by when), `box`
(the number), `message` and `note` (what people wrote), `facts` (a table of two columns) with `label` and `value` in
its cells, `code` (a command), `button` (on `a`: an act, the `first` of them filled), `choice` (on `a`: one answer of
several), `number` (on `b`: never broken). The elements p, ul, ol, li, a and hr have their look without a class.

The palette meets WCAG 2: text has a contrast of 4.5 and more. tests/mail/test_look.py computes it.
"""

import re
from functools import lru_cache
from typing import NamedTuple


class Colour(NamedTuple):
    """A colour in light and in dark mode."""

    light: str
    dark: str


TEXT = Colour("#1a1d21", "#e8eaed")
QUIET = Colour("#565d66", "#a9b0b9")
PAGE = Colour("#f4f5f7", "#16181b")
CARD = Colour("#ffffff", "#22262b")
LINE = Colour("#d9dce0", "#3a4048")
LINK = Colour("#0b5cad", "#7db4f0")
# state -> colours of its text and its ground
STATES = {
    "turn": (LINK, Colour("#eaf2fb", "#1b2b3d")),
    "soon": (Colour("#7a4b00", "#f2c46b"), Colour("#fff6e0", "#332811")),
    "late": (Colour("#a4260f", "#ff9a85"), Colour("#fdf0ed", "#3a1f1a")),
    "solved": (Colour("#1c6b3a", "#7fcf9c"), Colour("#eef7f1", "#17301f")),
}
_FONT = "-apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif"
_MONO = "ui-monospace,'DejaVu Sans Mono',monospace"
_WRAP = "overflow-wrap:anywhere;word-break:break-word"

# The light look of each class and element: what Gmail, Outlook and others show of the mail's own colours.
STYLES = {
    "preheader": "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px",
    "title": "margin:0 0 12px;font-size:20px;line-height:26px;font-weight:bold",
    "section": "margin:20px 0 8px;font-size:16px;line-height:22px;font-weight:bold",
    "small": f"margin:0 0 12px;font-size:14px;line-height:21px;color:{QUIET.light}",
    "band": "margin:0 0 12px;padding:8px 12px;border-radius:8px;font-size:15px;line-height:22px",
    **{state: f"color:{text.light};background:{ground.light}" for state, (text, ground) in STATES.items()},
    "box": f"margin:0 0 16px;padding:12px 16px;border:1px solid {LINE.light};border-radius:8px",
    "message": f"margin:0 0 16px;padding:0 0 0 12px;border-left:3px solid {LINE.light}",
    "note": f"margin:0 0 16px;padding:0 0 0 12px;border-left:3px solid {STATES['soon'][0].light}",
    "facts": "width:100%;margin:0 0 16px;border-collapse:collapse;font-size:14px;line-height:21px",
    "label": f"padding:4px 12px 4px 0;color:{QUIET.light};vertical-align:top;"
    "white-space:nowrap;text-align:left",
    "value": "padding:4px 0;vertical-align:top;width:100%",
    "choice": "display:inline-block;width:44px;line-height:44px;margin:0 8px 8px 0;text-align:center;font-weight:bold;"
    f"text-decoration:none;color:{LINK.light};border:1px solid {LINK.light};border-radius:8px",
    "button": "display:inline-block;padding:0 16px;line-height:42px;margin:0 8px 8px 0;font-weight:bold;"
    f"text-decoration:none;color:{LINK.light};border:1px solid {LINK.light};border-radius:8px",
    "first": f"background:{LINK.light};color:{CARD.light}",
    "number": "white-space:nowrap",
    "code": f"font-family:{_MONO};font-size:14px;line-height:21px",
    "p": "margin:0 0 16px",
    "ul": "margin:0 0 16px;padding:0 0 0 24px",
    "ol": "margin:0 0 16px;padding:0 0 0 24px",
    "li": "margin:0 0 4px",
    "a": f"color:{LINK.light}",
    "hr": f"margin:20px 0;border:0;border-top:1px solid {LINE.light}",
}
_DARK = {
    "page": f"background:{PAGE.dark}",
    "card": f"background:{CARD.dark};border-color:{LINE.dark}",
    "ink": f"color:{TEXT.dark}",
    "small": f"color:{QUIET.dark}",
    "label": f"color:{QUIET.dark}",
    **{state: f"color:{text.dark};background:{ground.dark}" for state, (text, ground) in STATES.items()},
    "box": f"border-color:{LINE.dark}",
    "message": f"border-color:{LINE.dark}",
    "note": f"border-color:{STATES['soon'][0].dark}",
    "choice": f"border-color:{LINK.dark}",
    "button": f"border-color:{LINK.dark}",
    "first": f"background:{LINK.dark};color:{PAGE.dark}",
}
_DARK_RULES = "".join(
    f"{name}{{{style.replace(';', '!important;')}!important}}"
    for name, style in {
        **{f".{name}": style for name, style in _DARK.items()},
        "a": f"color:{LINK.dark}",
        "hr": f"border-color:{LINE.dark}",
    }.items()
)
_HEAD = f"""<!doctype html>
<html lang="%s">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<style>:root{{color-scheme:light dark}}
@media (max-width:420px){{.in{{padding:16px!important}}}}
@media (prefers-color-scheme:dark){{{_DARK_RULES}}}
</style></head>
<body class="page" style="margin:0;padding:8px;background:{PAGE.light}">
"""
_CARD = f"""<table role="presentation" class="card" align="center" cellspacing="0" cellpadding="0" style="width:100%;\
max-width:600px;margin:0 auto;table-layout:fixed;background:{CARD.light};border:1px solid {LINE.light};\
border-radius:8px;border-collapse:separate">
<tr><td class="in ink" style="padding:20px;font-family:{_FONT};font-size:16px;line-height:24px;\
color:{TEXT.light};{_WRAP}">
"""
_FOOT = "\n</td></tr></table>\n</body>\n</html>\n"

_PREHEADER = re.compile(r'\s*<div class="preheader"[^>]*>.*?</div>\n?', re.DOTALL)
_TAG = re.compile(r"<(p|ul|ol|li|a|hr|div|h1|h2|table|td|th|span|blockquote|pre|b)(?=[\s>])([^<>]*)>")
_CLASS = re.compile(r'\sclass="([a-z ]+)"')


def page(language: str, inner: str) -> str:
    """Return a whole page. A preheader at the beginning of `inner` goes above the card."""
    preheader, rest = split_preheader(inner)
    return f"{_head(language)}{preheader}{_CARD}{rest.strip()}{_FOOT}"


@lru_cache(maxsize=8)
def _head(language: str) -> str:
    return _HEAD % language


def split_preheader(inner: str) -> tuple[str, str]:
    """Return the preheader, "" when there is none, and the rest."""
    if found := _PREHEADER.match(inner):
        return f"{found[0].strip()}\n", inner[found.end() :]
    return "", inner


def inline_styles(source: str) -> str:
    """Write the light look of classes and elements into the source of a template, where it has no own."""
    return _TAG.sub(_with_style, source)


def _with_style(tag: re.Match[str]) -> str:
    name, attributes = tag[1], tag[2]
    if " style=" in attributes:
        return tag[0]
    classes = found[1].split() if (found := _CLASS.search(attributes)) else [name]
    look = ";".join(STYLES[each] for each in classes if each in STYLES)
    return f'<{name}{attributes} style="{look}">' if look else tag[0]
