"""Charts: what is drawn, where, and that both painters draw the same layout."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.reports.charts import Chart, Picture, Series, Shape, picture, sheet
from mailbot.reports.charts.layout import colour, number, shade, ticks
from mailbot.reports.charts.svg import Box, Words, fitting, width_of

SVG = "{http://www.w3.org/2000/svg}"
TWO = (Series("now", (3.0, None, 5.0)), Series("before", (1.0, 2.0, 0.0)))
LABELS = ("a", "b", "c")
CHARTS = (
    Chart(Shape.BARS, "Bars", LABELS, TWO, "tickets"),
    Chart(Shape.BARS, "Stack", LABELS, TWO, stacked=True),
    Chart(Shape.ROWS, "Rows", LABELS, TWO),
    Chart(Shape.ROWS, "Stacked rows", LABELS, TWO, stacked=True),
    Chart(Shape.HEAT, "Heat", LABELS, TWO, "tickets"),
)


def boxes(drawn: Picture, fill: str) -> list[Box]:
    return [mark for mark in drawn.marks if isinstance(mark, Box) and mark.fill == fill and mark.tip]


def size_of(png: bytes) -> tuple[int, int]:
    """Read width and height from the header of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_every_kind_is_drawn_inside_its_picture_as_svg_and_as_png(chart: Chart) -> None:
    drawn = picture(chart, 500, 260)
    root = ET.fromstring(drawn.svg())
    image = drawn.png()

    assert root.get("viewBox") == f"0 0 500 {drawn.height:.2f}".removesuffix(".00")
    assert size_of(image)[0] == 1000
    assert abs(size_of(image)[1] - drawn.height * 2) <= 1
    assert len(image) > 2000  # something is drawn
    for mark in drawn.marks:
        if isinstance(mark, Box):
            assert mark.x >= 0
            assert mark.y >= 0
            assert mark.x + mark.width <= 500.01
            assert mark.y + mark.height <= drawn.height + 0.01
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}" for name in ("svg", "title", "rect", "text", "polyline")
    }


def test_a_bar_is_as_high_as_its_value_and_a_stack_as_its_sum() -> None:
    first, second = (
        boxes(picture(Chart(Shape.BARS, "x", LABELS, TWO, stacked=True)), colour(index)) for index in (0, 1)
    )

    assert first[0].height == pytest.approx(3 * second[0].height)
    assert second[0].y + second[0].height == pytest.approx(first[0].y)  # on top of the other
    assert [box.tip for box in first] == ["a, now: 3", "c, now: 5"]


def test_a_missing_value_has_no_bar() -> None:
    values = (1.0, 2.0, None, 4.0, None, 5.0, 6.0)
    drawn = picture(Chart(Shape.BARS, "x", tuple("abcdefg"), (Series("y", values),)))

    assert [box.tip for box in boxes(drawn, colour(0))] == ["a: 1", "b: 2", "d: 4", "f: 5", "g: 6"]


def test_what_a_customer_wrote_is_escaped_and_no_control_character_is_left() -> None:
    drawn = picture(
        Chart(Shape.ROWS, "<script>&\x00\x1b[1m", ('"><img src=x>',), (Series("</svg>", (1.0,)),))
    )
    root = ET.fromstring(drawn.svg())

    assert root.find(f"{SVG}title").text == "<script>& [1m".replace("& ", "&  ")  # type: ignore[union-attr]
    assert "<script" not in drawn.svg()
    assert "<img" not in drawn.svg()
    assert drawn.png().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("most", "least", "expected"),
    [
        (0, 0, (0, 1)),
        (1, 1, (0, 1)),
        (3, 1, (0, 1, 2, 3)),
        (16, 0, (0, 5, 10, 15, 20)),
        (0.3, 0, (0, 0.1, 0.2, 0.3)),
        (5000, 1, (0, 1000, 2000, 3000, 4000, 5000)),
    ],
)
def test_the_axis_has_round_ticks(most: float, least: float, expected: tuple[float, ...]) -> None:
    assert ticks(most, least=least) == pytest.approx(expected)


@given(st.floats(1e-6, 1e12))
def test_the_axis_reaches_the_largest_value_without_waste(most: float) -> None:
    found = ticks(most)

    assert found[-1] >= most * 0.999
    assert found[-2] < most
    assert len(found) <= 11


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (0.25, "0.25"), (1234, "1,234"), (12500, "12.5k"), (1234567, "1.23M")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_the_shades_of_heat_darken_evenly() -> None:
    def lightness(fill: str) -> int:
        return sum(int(fill[start : start + 2], 16) for start in (1, 3, 5))

    shades = [lightness(shade(index / 10)) for index in range(11)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 11


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_what_can_not_be_drawn_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="can't be drawn"):
        Chart(Shape.BARS, "x", ("a",), (Series("y", (value,)),))
    with pytest.raises(ValueError, match="1 values for 2 labels"):
        Chart(Shape.BARS, "x", ("a", "b"), (Series("y", (1.0,)),))


@given(st.text(max_size=60), st.floats(20, 400))
def test_a_text_is_cut_to_the_room_that_there_is(text: str, width: float) -> None:
    cut = fitting(text, width, 12)

    assert width_of(cut, 12) <= width or cut == "…"
    assert cut.isprintable()


def test_a_chart_of_nothing_is_drawn() -> None:
    for shape in Shape:
        assert picture(Chart(shape, "Nothing", (), ())).svg()
        assert picture(Chart(shape, "Nothing", (), (Series("x", ()),))).png()


def test_many_labels_are_thinned_out_so_that_none_overlap() -> None:
    labels = tuple(f"{day} November" for day in range(100))
    drawn = picture(Chart(Shape.BARS, "x", labels, (Series("y", (1.0,) * 100),)))
    shown = [mark for mark in drawn.marks if isinstance(mark, Words) and mark.anchor == "middle"]

    assert 3 < len(shown) < 20
    for one, next_one in pairwise(shown):
        assert one.x + width_of(one.text, one.size) / 2 < next_one.x - width_of(next_one.text, one.size) / 2


def test_charts_are_placed_beside_and_below_each_other_on_a_sheet() -> None:
    whole = sheet("All", [picture(chart, 300, 200) for chart in CHARTS], columns=2)

    assert whole.width == 2 * 300 + 3 * 16
    assert whole.svg().count("font-weight") == 1 + len(CHARTS)
    assert size_of(whole.png())[0] == whole.width * 2


def test_a_mark_with_a_key_leads_to_what_it_counts_and_the_picture_has_no_style() -> None:
    series = (Series("now", (3.0, 0.0), keys=(("opened", "a&b"), ("opened", "c"))),)
    drawn = picture(Chart(Shape.BARS, "x", ("a", "b"), series))
    shown = drawn.svg("", lambda key: f"/tickets?of={key[1]}")

    assert shown.count("<a href=") == 1
    assert 'href="/tickets?of=a&amp;b" aria-label="a: 3"' in shown
    assert "style" not in shown
    assert "<a " not in drawn.svg()
