"""A report as people and programs get to see it."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import events as e
from mailbot.domain.actor import POLICY
from mailbot.domain.compensation.requests import Entry, Kind
from mailbot.domain.model import Target
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.routing.money import Money
from mailbot.domain.worktime import ALWAYS
from mailbot.reports.charts import picture
from mailbot.reports.charts.svg import Box
from mailbot.reports.figures.api import Maker, Period, Report
from mailbot.reports.render.charts import charts, poster
from mailbot.reports.render.csv_form import csv_text
from mailbot.reports.render.figure_names import figure_name
from mailbot.reports.render.html import for_mail, page
from mailbot.reports.render.json_form import shape
from mailbot.reports.render.sections import sections, title
from mailbot.reports.render.summary import summary
from mailbot.reports.render.text import text
from mailbot.reports.render.translations import _INDONESIAN, number, percent, say, span, stretch
from mailbot.views.json_form import to_json
from tests.builders import EKO
from tests.reports.figures.lives import answered, assigned, at, closed, lives, opened, report, routed
from tests.reports.figures.test_report import TICKETS, WEEK

NASTY = '<script>alert(1)</script>\x1b[31m\u202e" onload="x'


def made(*more: list[e.Event]) -> Report:
    return report([*TICKETS, *more], WEEK, lambda _: ALWAYS, WEEK.until)


def nasty() -> Report:
    one = [
        opened(1),
        routed(1, NASTY, rule=NASTY, category=NASTY, details=(("x", NASTY),)),
        assigned(1, NASTY),
        answered(2, NASTY),
        e.TicketEscalated(at(3), POLICY, NASTY, NO_REASON),
    ]
    return made(*[one] * 6)


class Elements(HTMLParser):
    """The names of all elements, and of their attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_text_holds_every_table_in_columns() -> None:
    shown = text(made())

    assert shown.startswith(
        "Report 23 to 30 November 2026\ncompared with 16 to 23 November 2026\n\n"
        "2 tickets came in, 2 were closed, and 2 are open.\n"
        "1 of 4 promises was missed, with 1 ticket open for more than 7 days.\nNo cause is rising.\n"
    )
    heads = [line.split() for line in shown.splitlines() if line.startswith("figure ")]
    assert heads == [["figure", "this", "period", "before", "change"]]
    rows = {line.split("  ")[0]: line.split() for line in shown.splitlines()}
    assert rows["opened"] == ["opened", "2", "2", "="]
    assert rows["promises kept"][2:4] == ["75.0%", "-"]
    assert [each.title for each in sections(made())] == [
        "At a glance",
        "Times",
        "Promises",
        "Escalations",
        "Backlog by age",
        "Teams",
        "Agents",
        "Satisfaction",
        "Satisfaction by team, rule and level",
        "Causes",
    ]


def test_the_text_is_available_in_indonesian_with_its_number_format() -> None:
    shown = text(made(), "id")

    assert "Ringkasan" in shown
    assert "janji ditepati" in shown
    assert "75,0%" in shown
    assert title(made(), "id").startswith("Laporan ")
    for section in sections(made(), "id"):
        for word in (section.title, *section.heads):
            assert word in {*_INDONESIAN.values(), "G2", ""} or any(map(str.isdigit, word)), word


@pytest.mark.parametrize("language", ["en", "id"])
def test_no_word_of_a_customer_or_an_admin_becomes_markup_or_moves_a_cursor(language: str) -> None:
    for source in (page(nasty(), language), for_mail(nasty(), language)):
        found = Elements(source)
        assert not {"script", "img", "iframe", "link", "object"} & found.names
        assert not [name for name in found.attributes if name.startswith("on") or name in ("src", "href")]
    shown = text(nasty(), language)
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert "\u202e" not in page(nasty(), language)


def test_the_page_loads_nothing_and_holds_its_charts() -> None:
    source = page(made())

    assert source.count("<svg ") == len(charts(made())) == 6
    assert "default-src 'none'" in source
    assert source.replace("http://www.w3.org/2000/svg", "").count("http") == 1  # http-equiv
    assert source.index("<h1>") < source.index("<table>") < source.index("<svg ") < source.rindex("<table>")


def test_the_poster_shows_every_chart() -> None:
    drawn = poster(made())

    ET.fromstring(drawn.svg())
    assert drawn.png().startswith(b"\x89PNG")
    for chart in charts(made()):
        assert chart.title in drawn.svg()


def test_a_year_of_days_is_drawn_by_weeks() -> None:
    year = Period(at(-24 * 365), at(24 * 7), "UTC")
    drawn = charts(report(TICKETS, year, lambda _: ALWAYS, year.until))[0]

    assert len(drawn.labels) == 54
    assert sum(value or 0 for value in drawn.series[0].values) == 4


def test_the_json_has_stable_keys_and_plain_values() -> None:
    told = json.loads(json.dumps(to_json(shape(made()))))

    assert list(told) == [
        *("made_at", "team", "period", "previous_period", "figures", "previous", "causes"),
        *("causes_compared_with", "cause_actions", "compensation"),
    ]
    figures = told["figures"]
    assert (figures["opened"], figures["escalated"]["count"], figures["promises"]["kept_share"]) == (
        2,
        1,
        0.75,
    )
    assert figures["first_response"]["wall"] == {"count": 2, "mean": 9000, "median": 9000, "p90": 13320}
    assert figures["satisfaction"]["marks"] == {"1": 0, "2": 1, "3": 0, "4": 0, "5": 1}
    assert figures["backlog"]["by_team"] == {"frontline": [0, 0, 1, 1, 0, 0]}
    assert told["compensation"]["granted"] == {"count": 0, "amount": 0}
    assert told["period"] == {
        "since": "2026-11-23T03:00:00+00:00",
        "until": "2026-11-30T03:00:00+00:00",
        "zone": "Asia/Jakarta",
    }


def test_an_empty_report_is_rendered_in_every_form() -> None:
    empty = report([], WEEK, lambda _: ALWAYS, WEEK.until)

    assert sections(empty) == ()
    assert "No ticket came in, none was closed, and none is open." in page(empty)
    assert "Tidak ada tiket masuk" in text(empty, "id")
    assert poster(empty).png()
    assert shape(empty)["figures"]["reopen_rate"] is None


@given(st.lists(lives(), max_size=4))
def test_a_number_with_a_key_is_the_count_of_the_tickets_under_it(tickets: list[list[e.Event]]) -> None:
    maker = Maker(WEEK, lambda _: ALWAYS)
    for place, life in enumerate([*TICKETS, *tickets]):
        maker.add(str(place), life)
    for kind in Kind:
        limit = "per_ticket" if kind is Kind.REFUSED else ""
        maker.compensated(
            Entry(at(1), kind, 1, "T", "c", "payment", "payments", Money(5), EKO, "r", "L1", limit=limit)
        )  # type: ignore[arg-type]
    told = maker.report(WEEK.until)

    keyed = [cell for table in sections(told) for row in table.rows for cell in row if cell.figure]
    for cell in keyed:
        assert int(cell) == len(told.tickets[cell.figure]), cell.figure
    assert {cell.figure[0] for cell in keyed} >= {
        "opened",
        "open",
        "kept",
        "escalated",
        "mark",
        "cause",
        "granted",
    }
    drawn = (picture(chart) for chart in charts(told))
    keys = [mark.key for each in drawn for mark in each.marks if isinstance(mark, Box) and mark.key]
    assert keys
    assert all(told.tickets[key] for key in keys)


@given(st.lists(lives(), max_size=3))
def test_any_report_can_be_rendered(tickets: list[list[e.Event]]) -> None:
    told = report(tickets, WEEK, lambda _: ALWAYS, WEEK.until)

    assert text(told, "id")
    assert page(told)
    json.dumps(to_json(shape(told)), allow_nan=False)


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (None, "-"),
        (timedelta(), "0 s"),
        (timedelta(milliseconds=300), "300 ms"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(hours=26, minutes=5), "1 d 2 h"),
    ],
)
def test_spans_are_their_two_largest_units(length: timedelta | None, shown: str) -> None:
    assert span(length) == shown


def test_numbers_are_written_as_the_language_does() -> None:
    assert (number(1234.56, "en", 1), number(1234.56, "id", 1)) == ("1,234.6", "1.234,6")
    assert (number(-0.01, "en", 1), percent(None), percent(0.5)) == ("0.0", "-", "50.0%")
    assert (say("opened", "id"), say("opened", "en")) == ("masuk", "opened")


@pytest.mark.parametrize(
    ("since", "until", "english"),
    [
        ((2026, 11, 21, 10), (2026, 11, 28, 10), "21 to 28 November 2026"),
        ((2026, 11, 23, 0), (2026, 11, 30, 0), "23 to 29 November 2026"),
        ((2026, 10, 28, 0), (2026, 11, 4, 0), "28 October to 3 November 2026"),
        ((2026, 12, 28, 0), (2027, 1, 4, 0), "28 December 2026 to 3 January 2027"),
        ((2026, 11, 28, 0), (2026, 11, 29, 0), "28 November 2026"),
    ],
)
def test_a_period_is_named_by_its_days(since: tuple[int, ...], until: tuple[int, ...], english: str) -> None:
    zone = ZoneInfo("Asia/Jakarta")
    moments = (datetime(*each, tzinfo=zone).astimezone(UTC) for each in (since, until))  # type: ignore[misc,arg-type]

    assert stretch(Period(*moments, "Asia/Jakarta")) == english


def test_three_sentences_name_what_changed_what_is_late_and_what_rises() -> None:
    rising = [[opened(n), routed(n, category="payment/failed")] for n in range(1, 31)]

    older = [[opened(-24 * 9), routed(-24 * 9), closed(-24 * 8)] for _ in range(30)]

    changed, late, rises = summary(made(*rising, *older))
    assert changed == "32 tickets came in (30 more than before), 2 were closed, and 32 are open."
    assert late == "1 of 4 promises was missed, with 1 ticket open for more than 7 days."
    assert rises.startswith("Rising: Payment: failed (30, 0 in the weeks before)")
    assert summary(made(*rising), "id")[0].startswith("32 tiket masuk (30 lebih banyak dari sebelumnya)")


def test_a_page_has_no_white_boxes_and_a_picture_has_one() -> None:
    assert 'fill="#ffffff"' not in page(made())
    assert poster(made()).svg().count('fill="#ffffff"') == 1
    assert "prefers-color-scheme: dark" in page(made())


def test_parts_of_a_row_have_their_numbers_and_a_legend_lists_what_is_drawn() -> None:
    drawn = poster(made()).svg()

    assert "1 kept, 1 missed" in drawn
    assert "by hand" not in drawn


def test_people_read_labels_and_programs_keys() -> None:
    labels = {
        "team": {"payments": {"id": "Pembayaran", "en": "Payments team"}},
        "rule": {"saldo": {"id": "Saldo terpotong", "en": "Balance taken"}},
        "category": {"payment": {"id": "Pembayaran", "en": "Payment"}},
        "priority": {"high": {"id": "Tinggi", "en": "High"}},
    }
    told = replace(made(), labels=labels)

    for language, words in (
        ("en", ("Payments team", "Balance taken", "High")),
        ("id", ("Pembayaran", "Tinggi")),
    ):
        assert all(word in text(told, language) for word in words)
        assert all(word in page(told, language) for word in words)
    assert "payments" not in text(told)
    assert {each["team"] for each in shape(told)["figures"]["teams"]} == {"payments", "frontline"}


def test_what_people_corrected_is_counted_against_what_rules_chose() -> None:
    def life(hour: int, chosen: str, settled: str = "") -> list[e.Event]:
        corrected = e.TicketCorrected(at(hour), EKO, (("category", settled),))
        return [opened(hour), routed(hour, category=chosen), *([corrected] if settled else [])]

    told = report(
        [life(1, "general"), life(2, "general", "fraud"), life(3, "general", "fraud"), life(4, "fraud")],
        WEEK,
        lambda _: ALWAYS,
        WEEK.until,
    )
    (table,) = [each for each in sections(told) if each.title == "Categories that the rules got wrong"]
    assert table.rows == (("General", "Fraud", "2", "66.7%"),)
    assert shape(told)["figures"]["categories"]["right"] == 0.5
    assert [row[:2] for row in sections(told)[0].rows if row[0].startswith("category")] == [
        ("category right at once", "50.0%")
    ]


def test_the_channels_are_compared_where_mail_is_not_the_only_one() -> None:
    by_chat = [[opened(n, channel="telegram"), routed(n)] for n in range(1, 4)]
    before = [opened(-30, channel="form"), routed(-30)]
    told = report([*TICKETS, *by_chat, before], WEEK, lambda _: ALWAYS, WEEK.until)
    (table,) = [each for each in sections(told, "id") if each.title == "Kanal"]
    assert table.rows == (("Telegram", "3", "0", ""), ("Email", "2", "2", "="))
    assert table.rows[0][1].figure == ("opened", "channel", "telegram")
    assert shape(told)["figures"]["channels"] == {"telegram": 3, "mail": 2}
    assert shape(told)["previous"]["channels"] == {"mail": 2, "form": 1}
    assert "Channels" not in [each.title for each in sections(made())]
    without_mail = report(by_chat, WEEK, lambda _: ALWAYS, WEEK.until)
    (table,) = [each for each in sections(without_mail, "id") if each.title == "Kanal"]
    assert [row[:2] for row in table.rows] == [("Telegram", "3")]


def test_a_figure_without_data_is_left_out_and_a_change_has_an_arrow() -> None:
    glance = {row[0]: row[1:] for row in sections(made())[0].rows}
    assert "merged" not in glance
    more = made(*([opened(n), routed(n)] for n in range(1, 3)))
    assert {row[0]: row[-1] for row in sections(more)[0].rows}["opened"] == "↑ 100%"


def test_a_chart_has_numbers_as_its_language_writes_them() -> None:
    many = [[opened(1), routed(1)] for _ in range(1200)]
    assert "1.202" in "".join(each.svg() for each in [poster(made(*many), "id")])
    assert "1,202" in poster(made(*many)).svg()


def test_csv_has_every_table_and_nothing_that_a_spreadsheet_computes() -> None:
    formula = [[opened(n, subject="=cmd saldo"), routed(n, rule="=1+1", category="@sum")] for n in range(5)]
    rows = list(csv.reader(io.StringIO(csv_text(made(*formula), "id"))))

    titles = [section.title for section in sections(made(*formula), "id")]
    assert [row[0] for row in rows if len(row) == 1][1:] == titles
    assert ["masuk", "7", "2", "↑ 250%"] in rows
    cells = {cell for row in rows for cell in row}
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "@") and cell != "="]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (("opened",), "Masuk"),
        (("closed", "team", "payments"), "Selesai: Pembayaran"),
        (("open", "age", "payments", "1"), "Masih terbuka: Pembayaran, 1-3 hari"),
        (("kept", Target.FIRST_RESPONSE, "high"), "Ditepati: jawaban pertama, Tinggi"),
        (("escalated", "rule", "saldo", "L2", "manual"), "Dieskalasi: Saldo, L2, manual"),
        (("judged", "payment", "fraud"), "Kategori yang salah dipilih aturan: Payment → Fraud"),
        (("closed", "cause", ""), "Selesai: tidak disebut"),
        (("opened", "channel", "form"), "Masuk: Formulir web"),
        (("answers", "agent", "rina@tim.example"), "Jawaban terkirim: Rina"),
        (("mark", "2"), "Kepuasan: 2"),
        (("granted", "team", "payments"), "Kompensasi, disetujui: Pembayaran"),
        (("refused", "by", "per_ticket"), "Kompensasi, ditolak: batas per tiket"),
        (("refused", "by", "a person"), "Kompensasi, ditolak: seseorang"),
    ],
)
def test_a_list_of_tickets_is_named_by_its_figure(key: tuple[str, ...], name: str) -> None:
    labels = {
        "team": {"payments": {"id": "Pembayaran", "en": "Payments"}},
        "priority": {"high": {"id": "Tinggi", "en": "High"}},
        "agent": {"rina@tim.example": {"id": "Rina", "en": "Rina"}},
    }
    assert figure_name(replace(made(), labels=labels), key, "id") == name
