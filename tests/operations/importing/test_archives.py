"""Archives of mails: whatever dialect of mbox, whatever Maildir, the threads are the tickets."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailbot.domain.model import Direction
from mailbot.operations.importing import maildir, mbox
from mailbot.operations.importing.model import (
    ImportedStatus,
    ImportedTicket,
    Read,
    ReadContext,
    Unreadable,
)
from tests.builders import BOX, RINA

SITI, ANDI = "siti@pelanggan.example", "andi@pelanggan.example"
LINE = b"From siti@pelanggan.example Mon Mar  6 10:00:00 2023\n"


def mail(
    name: str, sender: str = SITI, to: str = BOX.address, day: int = 6, body: str = "Halo", **headers: str
) -> bytes:
    lines = {
        "From": sender,
        "To": to,
        "Subject": "Saldo",
        "Date": f"{day} Mar 2023 10:00:00 +0700",
        "Message-ID": f"<{name}@lama.example>",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    return ("".join(f"{key}: {value}\n" for key, value in lines.items() if value) + f"\n{body}\n").encode()


def context_of(**changes: datetime) -> ReadContext:
    return ReadContext(BOX.address, frozenset({BOX.address}), frozenset({RINA.address}), **changes)


def read(path: Path, reader: Read = mbox.read, context: ReadContext | None = None) -> list[ImportedTicket]:
    return list(reader(path, context or context_of()))


def written(path: Path, mails: Iterable[bytes], line: bytes = LINE) -> Path:
    path.write_bytes(b"".join(line + each + b"\n" for each in mails))
    return path


def texts(found: Iterable[ImportedTicket]) -> list[list[bytes]]:
    return [[each.raw.partition(b"\n\n")[2] for each in ticket.messages] for ticket in found]


def test_mails_that_name_each_other_are_one_ticket(tmp_path: Path) -> None:
    mails = [
        mail("c", day=8, References="<a@lama.example> <b@lama.example>"),
        mail("a"),
        mail("b", RINA.address, SITI, day=7, In_Reply_To="<a@lama.example>"),
        mail("d", ANDI, day=10),
        mail("note", RINA.address, BOX.address, day=9, In_Reply_To="<c@lama.example>"),
    ]
    first, second = read(written(tmp_path / "a.mbox", mails))
    assert [each.message_id for each in first.messages] == [
        *("<a@lama.example>", "<b@lama.example>", "<c@lama.example>", "<note@lama.example>"),
    ]
    kinds = [each.direction for each in first.messages]
    assert kinds == [Direction.IN, Direction.OUT, Direction.IN, Direction.NOTE]
    assert (first.customer, first.mailbox, first.status) == (SITI, BOX.address, ImportedStatus.CLOSED)
    assert first.opened_at == datetime(2023, 3, 6, 3, tzinfo=UTC)
    assert second.customer == ANDI


def test_a_number_joins_mails_only_where_we_wrote_it(tmp_path: Path) -> None:
    numbered = {"Subject": "Re: [Ticket#41] Saldo"}
    mails = [
        mail("a"),
        mail("b", RINA.address, SITI, day=7, References="<a@lama.example>", **numbered),
        mail("c", day=8, **numbered),
        mail("d", ANDI, Subject="[#7] Promo"),
        mail("e", ANDI, day=8, Subject="[#7] Promo lagi"),
    ]
    found = read(written(tmp_path / "a.mbox", mails))
    assert [len(each.messages) for each in found] == [3, 1, 1]
    assert [each.numbers for each in found] == [("TICKET#41",), (), ()]


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ("Halo\n>From sini\n>>From sana", b"Halo\nFrom sini\n>From sana\n"),  # mboxrd, and mboxo's first
        ("From the shop I got\nnothing", b"From the shop I got\nnothing\n"),  # no empty line before, no time
        ("Halo\n\nFrom my point of view", b"Halo\n\nFrom my point of view\n"),  # no time
    ],
)
def test_a_from_line_of_the_text_does_not_end_a_mail(tmp_path: Path, body: str, stored: bytes) -> None:
    found = read(written(tmp_path / "a.mbox", [mail("a", body=body), mail("b", ANDI)]))
    assert texts(found) == [[stored], [b"Halo\n"]]


def test_a_stated_length_goes_before_what_looks_like_the_next_mail(tmp_path: Path) -> None:
    body = "Lihat:\n\nFrom budi@pelanggan.example Mon Mar  6 10:00:00 2023\nitu teks."
    stated = mail("a", body=body, Content_Length=str(len(body) + 1))
    found = read(written(tmp_path / "a.mbox", [stated, mail("b", ANDI)]))
    assert texts(found) == [[body.encode() + b"\n"], [b"Halo\n"]]


@pytest.mark.parametrize("length", ["7", "999999", "x", "-1"])
def test_a_stated_length_that_leads_nowhere_is_not_believed(tmp_path: Path, length: str) -> None:
    found = read(
        written(tmp_path / "a.mbox", [mail("a", body="Halo semua", Content_Length=length), mail("b", ANDI)])
    )
    assert texts(found) == [[b"Halo semua\n"], [b"Halo\n"]]


def test_windows_line_ends_are_the_same(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mbox", [mail("a"), mail("b", ANDI)])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [each.customer for each in read(path)] == [SITI, ANDI]


def test_a_folder_of_archives_is_read_without_drafts_and_spam(tmp_path: Path) -> None:
    written(tmp_path / "Inbox", [mail("a")])
    (tmp_path / "inner").mkdir()
    written(
        tmp_path / "inner" / "Sent.mbox", [mail("b", RINA.address, SITI, 7, References="<a@lama.example>")]
    )
    written(tmp_path / "Drafts", [mail("c", RINA.address, SITI)])
    (tmp_path / "Inbox.msf").write_bytes(b"// index")
    context = context_of()
    (ticket,) = read(tmp_path, context=context)
    assert len(ticket.messages) == 2
    assert [each.place for each in context.problems.first] == ["Drafts"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"kein header\n", "it has no header"),
        (mail("a", sender=""), "From names nobody"),
        (mail("a", X_Mozilla_Status="0009"), "it was deleted"),
        (mail("a", X_Gmail_Labels="Spam,Unread"), "it is marked as spam"),
        (mail("a", RINA.address), "nobody outside wrote it or got it"),
    ],
)
def test_what_is_no_ticket_is_named_and_left_out(tmp_path: Path, raw: bytes, why: str) -> None:
    context = context_of()
    found = read(written(tmp_path / "a.mbox", [raw, mail("z", ANDI)]), context=context)
    assert [each.customer for each in found] == [ANDI]
    (problem,) = context.problems.first
    assert (problem.place, problem.text) == (f"a.mbox, byte {len(LINE)}", why)


def test_a_maildir_is_read_with_its_folders_without_drafts(tmp_path: Path) -> None:
    for folder, name, raw in (
        ("cur", "1678071600.M1.host:2,S", mail("a", Date="")),
        ("new", "1678158000.M2.host", mail("b", day=7, References="<a@lama.example>")),
        (
            ".Sent/cur",
            "1678244400.M3.host:2,S",
            mail("c", RINA.address, SITI, 8, References="<a@lama.example>"),
        ),
        ("cur", "1678244401.M4.host:2,DS", mail("d", RINA.address, SITI)),
        (".Trash/cur", "1678244402.M5.host:2,S", mail("e")),
        ("tmp", "1678244403.M6.host", mail("f")),
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_bytes(raw)
    context = context_of()
    (ticket,) = read(tmp_path, maildir.read, context)
    assert len(ticket.messages) == 3
    assert ticket.opened_at == datetime.fromtimestamp(1678071600, UTC)
    assert context.problems.count == 2


def test_one_mail_in_two_folders_is_one_message(tmp_path: Path) -> None:
    written(tmp_path / "Inbox", [mail("a", Status="RO")])
    written(tmp_path / "Archive", [mail("a", Status="O")])
    (ticket,) = read(tmp_path)
    assert len(ticket.messages) == 1


def test_a_newer_archive_names_the_same_mails_by_the_same_ids(tmp_path: Path) -> None:
    old = read(written(tmp_path / "a.mbox", [mail("a"), mail("b", ANDI)]))
    new = read(written(tmp_path / "b.mbox", [mail("x"), mail("b", ANDI, X_Status="A"), mail("a")]))
    ids = [each.external_id for ticket in old for each in ticket.messages]
    assert {each.external_id for ticket in new for each in ticket.messages} > set(ids)


def test_threads_with_a_recent_mail_are_open_where_that_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mbox", [mail("a", day=6), mail("b", ANDI, day=20)])
    found = read(path, context=context_of(open_since=datetime(2023, 3, 15, tzinfo=UTC)))
    assert [each.status for each in found] == [ImportedStatus.CLOSED, ImportedStatus.OPEN]


@pytest.mark.parametrize("date", ["", "gestern", "1 Jan 1970 00:00:00 +0000", "6 Mar 9999 10:00:00 +0000"])
def test_a_mail_without_a_usable_date_has_that_of_its_from_line(tmp_path: Path, date: str) -> None:
    (ticket,) = read(written(tmp_path / "a.mbox", [mail("a", Date=date)]))
    assert ticket.opened_at == datetime(2023, 3, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize("reader", [mbox.read, maildir.read])
def test_what_is_no_archive_is_refused(tmp_path: Path, reader: Read) -> None:
    (tmp_path / "readme.txt").write_text("halo")
    (tmp_path / "empty").touch()
    with pytest.raises(Unreadable, match=str(tmp_path)):
        read(tmp_path, reader)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from([LINE, b"\n\n", mail("a"), mail("b", RINA.address, SITI)]),
        )
    )
)
def test_any_bytes_are_read_and_every_ticket_is_sound(tmp_path: Path, parts: list[bytes]) -> None:
    path = tmp_path / "any.mbox"
    path.write_bytes(LINE + b"".join(parts))
    now = datetime.now(UTC) + timedelta(seconds=5)
    for ticket in read(path):
        assert ticket.customer
        assert ticket.messages
        assert all(each.raw and each.at <= now for each in ticket.messages)
