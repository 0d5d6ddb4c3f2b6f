"""Write docs/mails.md and its pictures: each mail on a phone, light and dark. Run by `make pictures`."""

import sys
from pathlib import Path

from PIL import Image

from tests.mail import chromium, gallery

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "pictures"
MARGIN = 16  # pixels below a mail
LANGUAGES = {"id": "Indonesian", "en": "English"}
PAGE = """# The mails

What people read, on a phone of 380 px, beside each other in light and in dark mode. `make pictures` writes this page
from the shipped templates; it needs Chromium. `tests/mail/test_look.py` checks the same mails: contrast, width, sizes,
and that nothing internal is shown.
"""


def main() -> int:
    if chromium.PROGRAM is None:
        print("The pictures need Chromium. On Debian: apt install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    page = [PAGE]
    pages = {page.name: page for page in gallery.pages() if ".bare." not in page.name}
    tall = chromium.heights(list(pages.values()))
    for code, language in LANGUAGES.items():
        page.append(f"## {language}\n")
        for name in sorted(name for name in pages if name.endswith(f".{code}")):
            file = f"{name.replace('.full', '')}.png"
            title = file.removesuffix(f".{code}.png").replace("_", " ").replace(".", ", ")
            _write(pages[name], FOLDER / file, tall[name] + MARGIN)
            page.append(f"### {title.capitalize()}\n\n![{title}, {language}](pictures/{file})\n")
    (DOCS / "mails.md").write_text("\n".join(page), encoding="utf-8")
    return 0


def _write(page: chromium.Page, target: Path, height: int) -> None:
    chromium.picture(page, target, height)
    with Image.open(target) as image:  # as a fifth of the bytes: few colours, well compressed
        image.convert("RGB").quantize(40).save(target, optimize=True)
    print(f"{target.name}  {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
