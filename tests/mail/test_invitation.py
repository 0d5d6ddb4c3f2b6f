"""An invitation is read for what people need to know: the event, its time, its place, who accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.parsing import invitation
from mailbot.mail.parsing.parse import parse

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Asia/Jakarta
BEGIN:STANDARD
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Asia/Jakarta:20261201T100000
DTEND;TZID=Asia/Jakarta:20261201T113000
SUMMARY;LANGUAGE=id:Rapat soal refund\\, bag
 ian 2
LOCATION:Kantor pusat\\nLantai 3
DESCRIPTION:Bahas INV/77.\\n\\nBawa bukti.
BEGIN:VALARM
DESCRIPTION:Pengingat
END:VALARM
END:VEVENT
END:VCALENDAR
"""
TEXT = "[calendar: request]\nRapat soal refund, bagian 2\n2026-12-01 10:00–11:30 (Asia/Jakarta)\nKantor pusat Lantai 3"
DESCRIPTION = "Bahas INV/77.\n\nBawa bukti."


def test_an_invitation_is_read() -> None:
    assert invitation.read(EVENT) == invitation.Invitation("request", TEXT, DESCRIPTION)
    assert invitation.read(EVENT.replace("\n", "\r\n")) == invitation.Invitation("request", TEXT, DESCRIPTION)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("DTSTART:20261201T030000Z\nDTEND:20261201T040000Z", "2026-12-01 03:00–04:00 (UTC)"),
        ("DTSTART:20261201T230000Z\nDTEND:20261202T010000Z", "2026-12-01 23:00 – 2026-12-02 01:00 (UTC)"),
        ("DTSTART:20261201T1000", "2026-12-01 10:00"),
        ('DTSTART;X="a:b;c";TZID="Asia/Jakarta":20261201T100000', "2026-12-01 10:00 (Asia/Jakarta)"),
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261202", "2026-12-01"),
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261204", "2026-12-01 – 2026-12-03"),
        ("DTSTART:20261201T030000Z\nRRULE:FREQ=WEEKLY;COUNT=9", "2026-12-01 03:00 (UTC), weekly"),
        ("DTSTART:20261301T000000", ""),
        ("DTSTART:00000000", ""),
    ],
)
def test_the_time_of_an_event_is_shown_in_its_zone(times: str, expected: str) -> None:
    read = invitation.read(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{times}\nEND:VEVENT\nEND:VCALENDAR")

    assert read.text.split("\n")[1:] == ([expected] if expected else [])


def _mail(kind: str, calendar: str, text: str = "") -> bytes:
    beside = f"--b\nContent-Type: text/plain\n\n{text}\n" if text else ""
    return (
        f"Content-Type: multipart/alternative; boundary=b\n\n{beside}--b\nContent-Type: {kind}\n\n{calendar}\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"{TEXT}\n\n{DESCRIPTION}"),
        ("Mohon hadir.", f"Mohon hadir.\n\n{TEXT}\n\n{DESCRIPTION}"),
        ("Mohon hadir. Bahas INV/77. Bawa bukti.", f"Mohon hadir. Bahas INV/77. Bawa bukti.\n\n{TEXT}"),
    ],
)
@pytest.mark.parametrize("kind", ["text/calendar; method=REQUEST", "application/ics; name=invite.ics"])
def test_the_text_of_a_mail_holds_what_its_invitation_says(text: str, expected: str, kind: str) -> None:
    mail = parse(_mail(kind, EVENT, text))

    assert (mail.text, len(mail.attachments)) == (expected, 1)
    assert mail.flags == ("no-sender", "calendar")


def test_the_reply_to_an_invitation_is_flagged() -> None:
    reply = EVENT.replace("REQUEST", "REPLY").replace(
        "SUMMARY", 'ATTENDEE;CN="Budi";PARTSTAT=ACCEPTED:mailto:budi@b.example\nSUMMARY'
    )
    mail = parse(_mail("text/calendar", reply))

    assert "calendar-reply" in mail.flags
    assert "\nBudi: accepted\n" in mail.text


LINES = (
    "BEGIN:VEVENT",
    "END:VEVENT",
    "END:X",
    "METHOD:",
    "DTSTART;TZID=",
    ":2026",
    "SUMMARY:",
    "\\n",
    ';a="',
    "\n ",
    "\n",
    "\\",
)


@given(st.text(max_size=100) | st.lists(st.sampled_from(LINES) | st.text(max_size=4)).map("\n".join))
def test_any_text_is_read_as_a_calendar(source: str) -> None:
    invitation.read(source)


def test_a_long_calendar_is_read_up_to_its_limits() -> None:
    events = "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\n" * 100_000

    assert invitation.read(events).text.count("calendar") == invitation.EVENT_LIMIT
    invitation.read("BEGIN:VEVENT\n" * 100_000 + "SUMMARY" + ";a=b" * 100_000)
