"""Mails that try to act in a page that shows them: each payload in each place that a mail has."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.builders import BOX

CALL = "window.top.__xss=1"
CANARY = "https://kanari.example"
# What must never run, load, navigate, or be computed.
PAYLOADS = (
    f"<script>{CALL}</script>",
    f"<ScRiPt/x>{CALL}</sCrIpT >",
    f"<script src={CANARY}/a.js></script>",
    f'"><img src=x onerror={CALL}>',
    f"' onmouseover='{CALL}' autofocus onfocus='{CALL}' x='",
    f"` onload=`{CALL}`",
    f"<img src={CANARY}/pixel.png>",
    f"<svg onload={CALL}>",
    f"<svg><script>{CALL}</script></svg>",
    f"<svg><animate onbegin={CALL} attributeName=x dur=1s>",
    f'<svg><use href="data:image/svg+xml,<svg id=x onload={CALL}>#x">',
    f'<iframe srcdoc="<script>{CALL}</script>"></iframe>',
    f"<iframe src=javascript:{CALL}></iframe>",
    f'<object data="data:text/html,<script>{CALL}</script>"></object><embed src={CANARY}/e.swf>',
    f"<a href=javascript:{CALL} id=tap>ketuk</a>",
    f'<a href="java\tscript:{CALL}">ketuk</a><a href=" &#1;javascript:{CALL}">ketuk</a>',
    f"<form action={CANARY}/f><input autofocus onfocus={CALL}><button formaction=javascript:{CALL}>",
    f"<details open ontoggle={CALL}><summary>x</summary></details>",
    f"<video><source onerror={CALL}></video><audio src=x onerror={CALL}>",
    f"<body onload={CALL}><marquee onstart={CALL}>x</marquee>",
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={CALL}&gt;">',
    f'<noscript><p title="</noscript><img src=x onerror={CALL}>">',
    f'<svg></p><style><a id="</style><img src=x onerror={CALL}>">',
    f"<math href=javascript:{CALL}>x</math><maction actiontype=statusline xlink:href=javascript:{CALL}>x",
    f"</title></textarea></style></noscript></xmp><script>{CALL}</script>",
    f"--><script>{CALL}</script><!--",
    f"]]><script>{CALL}</script><![CDATA[",
    f"<template><script>{CALL}</script></template><plaintext>",
    f"<style>@import '{CANARY}/s.css'; *{{background:url({CANARY}/b.png)}}</style>",
    f'<div style="position:fixed;inset:0;background:url({CANARY}/c.png)">x</div>',
    f"<link rel=stylesheet href={CANARY}/l.css><link rel=prefetch href={CANARY}/p>",
    f'<base href={CANARY}/><meta http-equiv=refresh content="0;url={CANARY}/r">',
    f'<div hx-get=/logout hx-trigger=load hx-on:load="{CALL}" data-hx-get=/logout>x</div>',
    f'<button data-key=r data-live=all hx-post=/logout hx-trigger="load[{CALL}]">x</button>',
    f"&lt;script&gt;{CALL}&lt;/script&gt; &amp;lt;script&amp;gt;",
    f"%3Cscript%3E{CALL}%3C/script%3E \\u003cscript\\u003e{CALL}",
    f"+ADw-script+AD4-{CALL}+ADw-/script+AD4-",
    "xx{{7*7}}xx ${7*7} {% for x in range(3) %}ulang{% endfor %} {{config}} {{ ''.__class__ }}",
    "{customer} {0.__class__} %(x)s %s {event.by}",
    "W" * 3_000,
    "\u202egpj.exe\u202c \u2066\u2067\u2069 \u200f\u061c terbalik",
    "nol\x00<scr\x00ipt>" + CALL + "</script>\x1b[31m\x07\x85",
    "=cmd|' /C calc'!A0",
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """A mail. `raw` has %NUMBER% where the number of its ticket may go."""

    place: str
    payload: str
    sender: str
    raw: bytes


def mails() -> Iterator[Hostile]:
    """Yield each payload in each place. Lists show subjects and names of tickets: these mails open one each."""
    for n, (place, make) in enumerate(PLACES.items()):
        own = place in ("subject", "name")
        for m, payload in enumerate(PAYLOADS):
            sender = f"s{n}-{m}@hostile.example" if own else f"s{m % 12}@hostile.example"
            yield Hostile(place, payload, sender, make(payload, sender))


def _mail(
    sender: str, body: str, *, kind: str = "text/plain", subject: str = "Barang %NUMBER%", **fields: str
) -> bytes:
    lines = {"From": f"Budi <{sender}>", "To": BOX.address, "MIME-Version": "1.0"}
    lines |= {"Subject": subject, "Content-Type": f"{kind}; charset=utf-8"}
    lines |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\n{body}\r\n".encode("utf-8", "surrogateescape")


def _word(text: str) -> str:
    """Return an encoded word: it may hold what a header line can't."""
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _words(text: str) -> str:
    """Return a text as encoded words of a header field."""
    return "\r\n ".join(_word(text[at : at + 40]) for at in range(0, min(len(text), 900), 40))


def _file(payload: str, sender: str, name: str, kind: str, content: str) -> bytes:
    encoded = base64.b64encode(content.encode()).decode()
    body = (
        f"--b\r\nContent-Type: text/plain\r\n\r\nLihat berkas.\r\n--b\r\nContent-Type: {kind}\r\n"
        f"Content-Disposition: attachment; filename*=utf-8''{name}\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--"
    )
    return _mail(sender, body, Content_Type='multipart/mixed; boundary="b"')


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode()[:200])


def _svg(payload: str, sender: str) -> bytes:
    content = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{CALL}"><foreignObject>{payload}</foreignObject></svg>'
    return _file(payload, sender, "gambar.svg", "image/svg+xml", content)


PLACES: dict[str, Callable[[str, str], bytes]] = {
    "subject": lambda payload, sender: _mail(sender, "Halo.", subject=_words(f"{payload} %NUMBER%")),
    "name": lambda payload, sender: _mail(sender, "Halo.", From=f"{_words(payload)} <{sender}>"),
    "people": lambda payload, sender: _mail(
        sender,
        "Halo.",
        Cc=f"{_words(payload)} <cc@hostile.example>",
        Reply_To=f"{_words(payload)} <r@hostile.example>",
    ),
    "address": lambda payload, sender: _mail(
        sender,
        "Halo.",
        Cc=f'"{payload[:60]}"@hostile.example',
        X_Original_From=f'"{payload[:60]}" <x@hostile.example>',
    ),
    "text": lambda payload, sender: _mail(sender, payload),
    "quote": lambda payload, sender: _mail(
        sender,
        f"Baik.\r\n\r\nPada Sen, 23 Nov 2026 10.00 TokoDompet <{BOX.address}> menulis:\r\n> {payload}\r\n> Salam",
    ),
    "html": lambda payload, sender: _mail(
        sender, f"<html><body><p>Halo</p>{payload}<b>akhir</b>", kind="text/html"
    ),
    "file name": lambda payload, sender: _file(
        payload, sender, _percent(f"{payload}.png"), "image/png", payload
    ),
    "svg": _svg,
}
