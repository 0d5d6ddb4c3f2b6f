"""Marks with places and colours, written as SVG and rendered to PNG by resvg.

Mail programs show no SVG, so the weekly mail carries the PNG. Its letters are Roboto from a package, because
a server may have no fonts at all.
"""

import html
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Anchor = Literal["start", "middle", "end"]
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK = "#1a1d21"  # of words, unless the page around has another colour
LETTER_WIDTH = 0.54  # mean width of a letter as a share of the size, generous for any of these fonts
SCALE = 2  # pixels of the PNG for one unit of the layout: sharp on today's screens


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; `tip` is shown under the pointer. `key`: what it stands for, () for nothing to open."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    tip: str = ""
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    stroke: str


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `y` is its base line."""

    x: float
    y: float
    text: str
    size: float = 12
    anchor: Anchor = "start"
    fill: str = "currentColor"
    bold: bool = False


Mark = Box | Path | Words
Address = Callable[[tuple[str, ...]], str]  # of what a mark stands for


@dataclass(frozen=True, slots=True)
class Picture:
    """Marks on a sheet of `width` x `height`. A screen reader reads `title`."""

    title: str
    width: float
    height: float
    marks: tuple[Mark, ...]

    def svg(self, ground: str = "#ffffff", address: Address | None = None) -> str:
        """Return one <svg> element without scripts or styles; every text is escaped.

        `ground`: colour of the sheet, "" for that of the page around it. Words have the page's colour there.
        `address`: where a mark with a key leads; without it the picture has no references.
        """
        sheet = (Box(0, 0, self.width, self.height, ground),) if ground else ()
        body = "\n".join(_linked(mark, address) for mark in (*sheet, *self.marks))
        role = "group" if address else "img"  # the parts of an image are no links
        width, height = _number(self.width), _number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="{role}" color="{INK}" font-family="{FONT}">\n'
            f"<title>{_text(self.title)}</title>\n{body}\n</svg>\n"
        )

    def png(self) -> bytes:
        """Return the same picture as a PNG of SCALE times the size."""
        import font_roboto  # late: only reports need them
        import resvg_py

        fonts = [font_roboto.font_files[name] for name in ("Roboto", "RobotoMedium")]
        named: dict[str, Any] = {"font_files": fonts, "font_family": "Roboto", "sans_serif_family": "Roboto"}
        drawn = resvg_py.svg_to_bytes(svg_string=self.svg(), zoom=SCALE, skip_system_fonts=True, **named)
        return bytes(drawn)


def sheet(title: str, pictures: Sequence[Picture], columns: int = 2, gap: float = 16) -> Picture:
    """Combine several pictures into one, row by row, under a title."""
    marks: list[Mark] = [Words(gap, 30, title, 18, bold=True)]
    y, right = 44.0, 0.0
    for start in range(0, len(pictures), columns):
        x, row = gap, pictures[start : start + columns]
        for each in row:
            marks += (moved(mark, x, y) for mark in each.marks)
            x += each.width + gap
        right, y = max(right, x), y + max(each.height for each in row) + gap
    return Picture(title, max(right, gap + width_of(title, 18) + gap), y, tuple(marks))


def moved(mark: Mark, x: float, y: float) -> Mark:
    if isinstance(mark, Path):
        return replace(mark, points=tuple((px + x, py + y) for px, py in mark.points))
    return replace(mark, x=mark.x + x, y=mark.y + y)


def width_of(text: str, size: float) -> float:
    """Estimate the width of a text: readers have different fonts. Letters of East Asia are square."""
    letters = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return letters * size * LETTER_WIDTH


def fitting(text: str, width: float, size: float) -> str:
    """Cut `text` to what fits, without characters that can't be printed."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    if width_of(clean, size) <= width:
        return clean
    while clean and width_of(clean + "…", size) > width:
        clean = clean[:-1]
    return f"{clean.rstrip()}…"


# --- SVG --------------------------------------------------------------------------------------------------


def _linked(mark: Mark, address: Address | None) -> str:
    if address is None or not isinstance(mark, Box) or not mark.key:
        return _svg(mark)
    return f'<a href="{_text(address(mark.key))}" aria-label="{_text(mark.tip)}">{_svg(mark)}</a>'


def _svg(mark: Mark) -> str:
    match mark:
        case Box(x, y, width, height, fill):
            place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
            shape = f'rect {place} fill="{fill}"'
            return f"<{shape}><title>{_text(mark.tip)}</title></rect>" if mark.tip else f"<{shape}/>"
        case Path(points, stroke):
            through = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
            return f'<polyline points="{through}" fill="none" stroke="{stroke}" stroke-width="1"/>'
        case Words(x, y, text, size, anchor, fill, bold):
            weight = ' font-weight="600"' if bold else ""
            return (
                f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" text-anchor="{anchor}" '
                f'fill="{fill}"{weight}>{_text(text)}</text>'
            )


def _text(text: str) -> str:
    """Escape a text, without characters that XML forbids."""
    return html.escape("".join(char if char.isprintable() else " " for char in text))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
