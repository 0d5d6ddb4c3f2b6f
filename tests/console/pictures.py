"""Write docs/console/pages.md and its pictures: each page on a phone, wide and dark. Run by `make pictures`."""

import asyncio
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from mailbot.console.guards import cookie_name
from mailbot.store.schema import metadata
from mailbot.store.store import Store
from tests.console.gallery import Gallery, build
from tests.console.office import Served
from tests.console.pages import Shown, pages
from tests.mail import chromium

FOLDER = Path(__file__).parents[2] / "docs" / "console"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
SIZES = {"phone": (380, "light"), "wide": (1180, "light"), "dark": (1180, "dark")}
TALLEST = 1600  # pixels: what comes below adds nothing new
PAGE = """# The pages

Each page of the console on a phone, wide, and in dark mode: a shop's desk on a Monday morning. `make pictures`
writes this page; it needs Chromium. `tests/console/test_pages.py` checks the same pages: access, width, size.
"""


def main() -> int:
    if chromium.PROGRAM is None:
        print("The pictures need Chromium. On Debian: apt install chromium", file=sys.stderr)
        return 1
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder, closing(Store(f"sqlite:///{folder}/mailbot.db")) as store:
        metadata.create_all(store.engine)
        gallery = asyncio.run(build(store))
        with gallery.office.served() as served, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.PROGRAM, args=list(FLAGS))
            text = [PAGE]
            for shown in pages(gallery):
                title = shown.name.replace("-", " ")
                text.append(f"## {title.capitalize()}\n")
                for name in SIZES:
                    _write(browser, gallery, served, shown, name)
                    text.append(f"![{title}, {name}]({shown.name}.{name}.png)\n")
            browser.close()
    (FOLDER / "pages.md").write_text("\n".join(text), encoding="utf-8")
    return 0


def _write(browser: Any, gallery: Gallery, served: Served, shown: Shown, name: str) -> None:
    width, scheme = SIZES[name]
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, base_url=served.url, locale="id-ID"
    )
    if shown.address:
        secret = gallery.office.begin_session(shown.address)
        url = served.url.replace("http:", "https:")  # the gallery's cookie is for https alone
        context.add_cookies([{"name": cookie_name(gallery.office.desk), "value": secret, "url": url}])
    page = context.new_page()
    page.goto(shown.path)
    target = FOLDER / f"{shown.name}.{name}.png"
    page.screenshot(path=str(target), full_page=True)
    context.close()
    with Image.open(target) as image:  # as a fifth of the bytes: few colours, well compressed
        cut = image.crop((0, 0, image.width, min(image.height, TALLEST)))
        cut.convert("RGB").quantize(40).save(target, optimize=True)
    print(f"{target.name}  {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
