"""Marks with places and colours, painted as SVG (text of our own) or as PNG (Pillow).

One layout, two painters: what stands in the one stands in the other, at the same place.
"""

import html
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Anchor = Literal["start", "middle", "end"]
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
WIDE = 0.54  # of the size: the mean width of a letter, generous for either painter
SCALE = 2  # pixels of the PNG for one of the layout: sharp on today's screens
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 3), (2, 3), (8, 3, 2, 3))
# What the built-in font of Pillow lacks.
PLAIN = str.maketrans(
    {"–": "-", "—": "-", "×": "x", "−": "-", "≤": "<=", "≥": ">=", "\N{NO-BREAK SPACE}": " "}
)


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; `tip` is what a pointer on it shows."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, in one of DASHES."""

    points: tuple[tuple[float, float], ...]
    stroke: str
    width: float = 1
    dash: int = 0


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float
    fill: str
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `y` is its base line."""

    x: float
    y: float
    text: str
    size: float = 12
    anchor: Anchor = "start"
    fill: str = "#333333"
    bold: bool = False


Mark = Box | Path | Dot | Words


@dataclass(frozen=True, slots=True)
class Picture:
    """Marks on a white sheet of `width` x `height`. `title` is what a screen reader says of it."""

    title: str
    width: float
    height: float
    marks: tuple[Mark, ...]

    def svg(self) -> str:
        """One <svg> element: no script, no reference to anything outside, every text escaped."""
        body = "\n".join(map(_svg, (Box(0, 0, self.width, self.height, "#ffffff"), *self.marks)))
        width, height = _number(self.width), _number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" font-family="{FONT}" style="max-width:100%;height:auto">\n'
            f"<title>{_text(self.title)}</title>\n{body}\n</svg>\n"
        )

    def png(self) -> bytes:
        """The same as a PNG of SCALE times the size."""
        from PIL import Image, ImageDraw  # late: it takes 60 ms to import

        image = Image.new("RGB", (round(self.width * SCALE), round(self.height * SCALE)), "#ffffff")
        draw = ImageDraw.Draw(image)
        for mark in self.marks:
            _draw(draw, mark)
        out = BytesIO()
        image.save(out, "PNG", optimize=True)
        return out.getvalue()


def sheet(title: str, pictures: Sequence[Picture], columns: int = 2, gap: float = 16) -> Picture:
    """Several pictures as one, row by row, under a title."""
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
    """How wide a text is at most, nearly: the fonts of readers differ. Letters of East Asia are square."""
    letters = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return letters * size * WIDE


def fitting(text: str, width: float, size: float) -> str:
    """`text`, cut to what fits."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    if width_of(clean, size) <= width:
        return clean
    while clean and width_of(clean + "…", size) > width:
        clean = clean[:-1]
    return f"{clean.rstrip()}…"


# --- SVG --------------------------------------------------------------------------------------------------


def _svg(mark: Mark) -> str:
    match mark:
        case Box(x, y, width, height, fill):
            shape = (
                f'rect x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
            )
            return _tipped(f'{shape} fill="{fill}"', "rect", mark.tip)
        case Dot(x, y, radius, fill):
            shape = f'circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" fill="{fill}"'
            return _tipped(shape, "circle", mark.tip)
        case Path(points, stroke, width, dash):
            through = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
            dashes = " ".join(map(_number, DASHES[dash % len(DASHES)]))
            dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
            pen = f'stroke="{stroke}" stroke-width="{_number(width)}"{dashed}'
            return f'<polyline points="{through}" fill="none" {pen}/>'
        case Words(x, y, text, size, anchor, fill, bold):
            weight = ' font-weight="600"' if bold else ""
            return (
                f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" text-anchor="{anchor}" '
                f'fill="{fill}"{weight}>{_text(text)}</text>'
            )


def _tipped(shape: str, element: str, tip: str) -> str:
    return f"<{shape}><title>{_text(tip)}</title></{element}>" if tip else f"<{shape}/>"


def _text(text: str) -> str:
    """Escaped, without what no XML may hold."""
    return html.escape("".join(char if char.isprintable() else " " for char in text))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# --- PNG --------------------------------------------------------------------------------------------------

ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def _draw(draw: "ImageDraw", mark: Mark) -> None:
    match mark:
        case Box(x, y, width, height, fill):
            if width > 0 and height > 0:
                left, top = round(x * SCALE), round(y * SCALE)
                right, bottom = round((x + width) * SCALE) - 1, round((y + height) * SCALE) - 1
                draw.rectangle((left, top, max(left, right), max(top, bottom)), fill)
        case Dot(x, y, radius, fill):
            draw.circle((x * SCALE, y * SCALE), radius * SCALE, fill)
        case Path(points, stroke, width, dash):
            for piece in _pieces(points, DASHES[dash % len(DASHES)]):
                scaled = [(x * SCALE, y * SCALE) for x, y in piece]
                draw.line(scaled, stroke, max(1, round(width * SCALE)), joint="curve")
        case Words():
            _write(draw, mark)


def _write(draw: "ImageDraw", words: Words) -> None:
    from PIL.ImageFont import load_default

    font, at = load_default(words.size * SCALE), (words.x * SCALE, words.y * SCALE)
    text = _plain(words.text)
    # The built-in font has no bold: written twice, half a pixel apart.
    for shift in (0, words.size * SCALE / 28) if words.bold else (0,):
        draw.text((at[0] + shift, at[1]), text, words.fill, font, ANCHORS[words.anchor])


def _plain(text: str) -> str:
    """In letters that the font has: accents dropped, "?" for what is left."""
    apart = unicodedata.normalize("NFKD", text.translate(PLAIN))
    kept = (char for char in apart if not unicodedata.combining(char))
    return "".join(char if " " <= char <= "~" or char in "…·’‘“”" else "?" for char in kept)


def _pieces(
    points: Sequence[tuple[float, float]], dashes: tuple[float, ...]
) -> list[list[tuple[float, float]]]:
    """A line cut into its dashes: Pillow draws none."""
    if not dashes:
        return [list(points)]
    found: list[list[tuple[float, float]]] = []
    turn, left, current = 0, dashes[0], [points[0]]
    for (x, y), (to_x, to_y) in pairwise(points):
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        done = 0.0
        while length - done > left:
            done += left
            point = (x + (to_x - x) * done / length, y + (to_y - y) * done / length)
            if turn % 2 == 0:
                found.append([*current, point])
            turn, current = turn + 1, [point]
            left = dashes[turn % len(dashes)]
        left -= length - done
        current.append((to_x, to_y))
    if turn % 2 == 0 and len(current) > 1:
        found.append(current)
    return found
