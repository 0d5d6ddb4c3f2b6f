"""Show mails in Chromium, where it is installed, and measure what a reader sees."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any

WIDTH = 380  # a phone
DARK = "@media (prefers-color-scheme:dark){"
PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
)
_SCRIPT = """
const parse = c => { const m = c.match(/[\\d.]+/g).map(Number);
  return {r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1}; };
const light = c => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  return .2126 * f(c.r) + .7152 * f(c.g) + .0722 * f(c.b); };
const ground = (e, w) => { for (; e; e = e.parentElement) { const c = parse(w.getComputedStyle(e).backgroundColor);
  if (c.a > 0) return c; } return {r: 255, g: 255, b: 255, a: 1}; };
onload = () => {
  const pages = [...document.querySelectorAll("iframe")].map(frame => {
    const w = frame.contentWindow, d = w.document, texts = [];
    const walk = d.createTreeWalker(d.body, NodeFilter.SHOW_TEXT);
    for (let n; n = walk.nextNode();) {
      const text = n.data.trim(); if (!text) continue;
      const range = d.createRange(); range.selectNodeContents(n);
      const box = range.getBoundingClientRect(), style = w.getComputedStyle(n.parentElement);
      const shown = box.width > 1 && box.height > 1 && style.opacity !== "0";
      const a = light(parse(style.color)), b = light(ground(n.parentElement, w));
      texts.push({text: text.slice(0, 200), shown, top: box.top, size: parseFloat(style.fontSize),
        bold: +style.fontWeight >= 600, contrast: (Math.max(a, b) + .05) / (Math.min(a, b) + .05)});
    }
    return {name: frame.name, wide: d.documentElement.scrollWidth, tall: d.body.scrollHeight, texts};
  });
  const out = document.createElement("pre"); out.id = "measured"; out.textContent = JSON.stringify(pages);
  document.body.replaceChildren(out);
};
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A mail as HTML. `name` is unique."""

    name: str
    html: str


def dark(page: Page) -> Page:
    """Return the page as a reader in dark mode sees it: its dark rules always hold."""
    assert DARK in page.html, page.name
    return Page(f"{page.name}.dark", page.html.replace(DARK, "@media all{"))


def measure(pages: Sequence[Page], width: int = WIDTH) -> list[Any]:
    """Return for each page its name, its width and its texts with size, place and contrast."""
    frames = "\n".join(
        f'<iframe name="{page.name}" width="{width}" height="600" srcdoc="{escape(page.html)}"></iframe>'
        for page in pages
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pages.html")
        file.write_text(f"<!doctype html><script>{_SCRIPT}</script><body>{frames}", encoding="utf-8")
        shown = _run(folder, "--virtual-time-budget=20000", "--dump-dom", file.as_uri())
    found = re.search(r'<pre id="measured">(.*?)</pre>', shown, re.DOTALL)
    assert found, shown[-500:]
    return list(json.loads(unescape(found[1])))


def heights(pages: Sequence[Page], width: int = WIDTH) -> dict[str, int]:
    """Return the height of each page in pixels, by its name."""
    return {found["name"]: int(found["tall"]) for found in measure(pages, width)}


def picture(page: Page, target: Path, height: int, width: int = WIDTH) -> None:
    """Write a picture of the page in light and, beside it, in dark mode."""
    style = f"border:0;width:{width}px;height:{height}px"
    both = (page, dark(page))
    frames = "".join(f'<iframe style="{style}" srcdoc="{escape(each.html)}"></iframe>' for each in both)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        file.write_text(f'<!doctype html><body style="margin:0;display:flex">{frames}', encoding="utf-8")
        _run(folder, f"--window-size={2 * width},{height}", f"--screenshot={target}", file.as_uri())


def _run(folder: str, *words: str) -> str:
    assert PROGRAM
    command = [PROGRAM, *_FLAGS, f"--user-data-dir={folder}/profile", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
