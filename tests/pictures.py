"""Write the pictures of `docs/mails.md`: each mail at the width of a phone, light and dark. Run by `make pictures`."""

import sys
from pathlib import Path

from PIL import Image

from tests.mail import chromium, gallery

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"


def main() -> int:
    if chromium.PROGRAM is None:
        print("The pictures need Chromium. On Debian: apt install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    shown = [page for page in gallery.pages() if ".bare." not in page.name]
    for page in {page.name: page for page in shown}.values():
        target = FOLDER / f"{page.name.replace('.full', '')}.png"
        chromium.picture(page, target)
        with Image.open(target) as image:  # as a tenth of the bytes: few colours, well compressed
            image.convert("RGB").quantize(48).save(target, optimize=True)
        print(f"{target.name}  {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
