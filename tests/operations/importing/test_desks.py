"""What the readers make of exports of Zammad, FreeScout and osTicket, and of files that are no such exports."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.model import Direction, Role
from mailbot.operations.importing import desk_files, freescout, osticket, zammad
from mailbot.operations.importing.formats import FORMATS
from mailbot.operations.importing.model import (
    ImportedStatus,
    ImportedTicket,
    Problem,
    Problems,
    Read,
    Unreadable,
)
from tests.builders import BOX, RINA
from tests.operations.importing import exports
from tests.operations.importing.exports import BUDI, Row

READERS: dict[str, tuple[Read, Callable[..., Path]]] = {
    "zammad": (zammad.read, exports.zammad),
    "freescout": (freescout.read, exports.freescout),
    "osticket": (osticket.read, exports.osticket),
}
OPENED = datetime(2024, 5, 1, 3, 0, tzinfo=UTC)


def read(reader: Read, folder: Path) -> tuple[list[ImportedTicket], list[Problem]]:
    context = exports.context()
    found = list(reader(folder, context))
    assert context.problems.count == len(context.problems.first)
    return found, context.problems.first


def one(reader: Read, folder: Path) -> ImportedTicket:
    (found,), problems = read(reader, folder)
    assert problems == []
    return found


@pytest.mark.parametrize("name", READERS)
def test_a_closed_ticket_is_read_with_all_that_is_its_own(name: str, tmp_path: Path) -> None:
    reader, write = READERS[name]
    found = one(reader, write(tmp_path))
    assert (found.external_id, found.subject) == ("1", "Barang belum sampai")
    assert (found.customer, found.customer_name) == (BUDI, "Budi Santoso")
    assert (found.agent, found.team, found.mailbox) == (RINA.address, "payments", BOX.address)
    assert found.opened_at.replace(microsecond=0) == OPENED
    assert found.status is ImportedStatus.CLOSED
    asked, answered = found.messages
    assert (asked.direction, asked.author, asked.author_name) == (Direction.IN, BUDI, "Budi Santoso")
    assert asked.text.split() == ["Pesanan", "saya", "belum", "sampai."]
    assert asked.message_id == "<lama-1@pelanggan.example>"
    assert (answered.direction, answered.author) == (Direction.OUT, RINA.address)
    assert answered.text == "Sudah kami kirim."
    assert answered.at > asked.at == found.opened_at


@pytest.mark.parametrize(
    ("name", "number", "closed_at"),
    [
        ("zammad", "Ticket#2024050110001", "2024-05-03T03:00:00+00:00"),
        ("freescout", "[#101]", "2024-05-02T03:00:00+00:00"),
        ("osticket", "[#483920]", "2024-05-02T03:00:00+00:00"),
    ],
)
def test_numbers_and_times_are_those_of_the_desk(
    name: str, number: str, closed_at: str, tmp_path: Path
) -> None:
    reader, write = READERS[name]
    found = one(reader, write(tmp_path))
    assert found.numbers == (number,)
    assert found.closed_at == datetime.fromisoformat(closed_at)


def test_tags_priorities_and_people_are_read_where_the_desk_has_them(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in READERS}
    for folder in folders.values():
        folder.mkdir()
    of_zammad = one(zammad.read, exports.zammad(folders["zammad"]))
    of_freescout = one(freescout.read, exports.freescout(folders["freescout"]))
    of_osticket = one(osticket.read, exports.osticket(folders["osticket"]))
    assert (of_zammad.priority, of_zammad.tags) == ("high", ("vip", "banding"))
    assert of_freescout.tags == ("vip", "banding")
    assert of_freescout.people == {"istri@pelanggan.example": Role.PARTICIPANT}
    assert (of_osticket.priority, of_osticket.category) == ("urgent", "Pengiriman")
    assert of_osticket.people.keys() == {"istri@pelanggan.example", "toko@lain.example"}


@pytest.mark.parametrize("name", READERS)
def test_the_reader_stands_in_the_list_of_formats(name: str) -> None:
    assert FORMATS[name].reader() is READERS[name][0]


@pytest.mark.parametrize("name", READERS)
def test_a_folder_that_is_no_export_is_refused_with_what_it_lacks(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"has no file \w+\.jsonl: PATH must be the folder"):
        list(READERS[name][0](tmp_path, exports.context()))


# --- states -------------------------------------------------------------------------------------------------


def test_zammads_own_states_are_known_by_their_type(tmp_path: Path) -> None:
    waits = exports.zammad_ticket(state="menunggu gudang", pending_time="2024-06-01T00:00:00Z")
    found = one(zammad.read, exports.zammad(tmp_path, waits))
    assert found.status is ImportedStatus.WAITING
    assert found.waits_until == datetime(2024, 6, 1, tzinfo=UTC)


def test_a_state_of_zammad_that_is_nowhere_is_named(tmp_path: Path) -> None:
    found, problems = read(zammad.read, exports.zammad(tmp_path, exports.zammad_ticket(state="rahasia")))
    assert found == []
    assert problems == [Problem("tickets.jsonl:1", "passed by: there is no state 'rahasia' in states.jsonl")]


@pytest.mark.parametrize(
    ("name", "ticket"),
    [
        ("zammad", exports.zammad_ticket(state="removed")),
        ("freescout", exports.freescout_conversation(state=1)),
        ("freescout", exports.freescout_conversation(state=3)),
        ("freescout", exports.freescout_conversation(status=4)),
        ("osticket", exports.osticket_ticket(state="deleted")),
    ],
)
def test_drafts_spam_and_what_was_deleted_stay_behind(name: str, ticket: Row, tmp_path: Path) -> None:
    reader, write = READERS[name]
    assert read(reader, write(tmp_path, ticket)) == ([], [])


@pytest.mark.parametrize(
    ("name", "ticket"),
    [
        ("zammad", exports.zammad_ticket(state="open")),
        ("freescout", exports.freescout_conversation(status=1)),
        ("osticket", exports.osticket_ticket(state="open")),
    ],
)
def test_an_open_ticket_stays_open(name: str, ticket: Row, tmp_path: Path) -> None:
    reader, write = READERS[name]
    assert one(reader, write(tmp_path, ticket)).status is ImportedStatus.OPEN


# --- what is not for the customer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "article",
    [
        exports.zammad_answer(internal=True),
        exports.zammad_answer(type="note"),
        exports.zammad_article(internal=True),
        exports.zammad_answer(sender="System"),
    ],
)
def test_what_zammad_sent_to_nobody_is_a_note(article: Row, tmp_path: Path) -> None:
    found = one(zammad.read, exports.zammad(tmp_path, exports.zammad_ticket(articles=[article])))
    assert [each.direction for each in found.messages] == [Direction.NOTE]


def test_notes_of_freescout_stay_inside_and_changes_are_no_messages(tmp_path: Path) -> None:
    threads = [
        exports.freescout_thread(),
        exports.freescout_answer(type=3, body="<b>rahasia</b>"),
        exports.freescout_thread(id=13, type=4, body=""),
        exports.freescout_thread(id=14, state=1),
    ]
    found = one(freescout.read, exports.freescout(tmp_path, threads=threads))
    assert [each.direction for each in found.messages] == [Direction.IN, Direction.NOTE]


def test_notes_of_osticket_stay_inside(tmp_path: Path) -> None:
    entries = [exports.osticket_entry(), exports.osticket_answer(type="N")]
    found = one(osticket.read, exports.osticket(tmp_path, entries=entries))
    assert [each.direction for each in found.messages] == [Direction.IN, Direction.NOTE]


# --- files --------------------------------------------------------------------------------------------------

PDF = b"%PDF \0\xff" * 400


def test_files_of_zammad_lie_beside_the_lines(tmp_path: Path) -> None:
    kind = {"Content-Type": "application/pdf; name=bukti.pdf"}
    attached = {"id": 5, "filename": "bukti.pdf", "size": "2800", "preferences": kind}
    ticket = exports.zammad_ticket(articles=[exports.zammad_article(attachments=[attached])])
    folder = exports.zammad(tmp_path, ticket)
    (tmp_path / "attachments" / "11").mkdir(parents=True)
    (tmp_path / "attachments" / "11" / "5").write_bytes(PDF)
    ((file,),) = (each.files for each in one(zammad.read, folder).messages)
    assert (file.name, file.type, file.content) == ("bukti.pdf", "application/pdf", PDF)


def test_a_mail_that_zammad_kept_is_read_as_it_came(tmp_path: Path) -> None:
    folder = exports.zammad(tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "11.eml").write_bytes(b"Subject: \xff\r\n\r\nHalo\r\n")
    first, second = one(zammad.read, folder).messages
    assert (first.raw, second.raw) == (b"Subject: \xff\r\n\r\nHalo\r\n", b"")


def freescout_file(name: str = "bukti.pdf", place: str = "1/2/1/", **changes: Any) -> Row:
    row = {"conversation_id": 1, "thread_id": 11, "file_dir": place, "file_name": name}
    return row | {"mime_type": "application/pdf"} | changes


def test_files_of_freescout_lie_in_its_storage(tmp_path: Path) -> None:
    folder = exports.freescout(tmp_path, attachments=[freescout_file()])
    (tmp_path / "attachment" / "1" / "2" / "1").mkdir(parents=True)
    (tmp_path / "attachment" / "1" / "2" / "1" / "bukti.pdf").write_bytes(PDF)
    first, second = one(freescout.read, folder).messages
    assert ([each.content for each in first.files], second.files) == ([PDF], ())


def test_files_of_osticket_are_put_together(tmp_path: Path) -> None:
    pieces = [
        exports.osticket_piece(PDF[:1000]),
        exports.osticket_piece(PDF[1000:], chunk=1),
        exports.osticket_piece(b"lain", file=6, name="lain.txt", type="text/plain"),
    ]
    first, _ = one(osticket.read, exports.osticket(tmp_path, files=pieces)).messages
    assert [(each.name, each.content) for each in first.files] == [("bukti.pdf", PDF), ("lain.txt", b"lain")]


@pytest.mark.parametrize(
    "piece", [exports.osticket_piece(b"", data=None), exports.osticket_piece(b"", data="%")]
)
def test_a_file_of_osticket_without_bytes_is_named(piece: Row, tmp_path: Path) -> None:
    ((found,), (problem,)) = read(osticket.read, exports.osticket(tmp_path, files=[piece]))
    assert problem.place == "files.jsonl:1"
    assert len(found.messages) == 2


@pytest.mark.parametrize(
    ("place", "name"),
    [("../..", "secret"), ("/etc", "passwd"), ("", "missing"), ("", "link"), ("", "pipe"), ("", "nul\0byte")],
)
def test_a_file_outside_the_export_is_never_read(place: str, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "attachment").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "attachment" / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "attachment" / "pipe")
    exports.freescout(folder, attachments=[freescout_file(name, place)])
    (found,), (problem,) = read(freescout.read, folder)
    assert problem.place == "attachments.jsonl:1"
    assert found.messages[0].files == ()


# --- merged tickets -----------------------------------------------------------------------------------------


def test_numbers_of_merged_tickets_of_zammad_name_the_last_one(tmp_path: Path) -> None:
    tickets = [
        exports.zammad_merged(2, 3),
        exports.zammad_merged(3, 4),
        exports.zammad_ticket(id=4, number="44"),
    ]
    found = one(zammad.read, exports.zammad(tmp_path, *tickets))
    assert found.numbers == ("Ticket#44", "Ticket#772", "Ticket#773")


def test_tickets_that_were_merged_in_a_circle_are_kept(tmp_path: Path) -> None:
    tickets = [exports.zammad_merged(2, 3), exports.zammad_merged(3, 2), exports.zammad_merged(4, 4)]
    found, problems = read(zammad.read, exports.zammad(tmp_path, *tickets))
    assert {number for each in found for number in each.numbers} == {"Ticket#772", "Ticket#773", "Ticket#774"}
    assert ["in a circle" in each.text for each in problems] == [True, True]
    assert {each.status for each in found} == {ImportedStatus.CLOSED}


def test_a_ticket_that_was_merged_into_nothing_is_kept(tmp_path: Path) -> None:
    found, (problem,) = read(zammad.read, exports.zammad(tmp_path, exports.zammad_merged(2, 99)))
    assert [each.external_id for each in found] == ["2"]
    assert "merged into 99, which is not in the export" in problem.text


@pytest.mark.parametrize(
    "line", [{"conversation_id": 2, "meta": '{"mic": 1}'}, {"conversation_id": 1, "meta": {"mwc": 2}}]
)
def test_numbers_of_merged_conversations_of_freescout_are_kept(line: Row, tmp_path: Path) -> None:
    rows = [exports.freescout_conversation(), exports.freescout_conversation(id=2, number=102, state=3)]
    found = one(freescout.read, exports.freescout(tmp_path, *rows, merges=[line]))
    assert found.numbers == ("[#101]", "[#102]")


def test_merged_tickets_of_osticket_bring_their_numbers_and_entries(tmp_path: Path) -> None:
    rows = [exports.osticket_ticket(), exports.osticket_ticket(id=2, number="2", merged_into=1)]
    entries = [exports.osticket_entry(), exports.osticket_entry(id=13, ticket=1, body="dari tiket 2")]
    found = one(osticket.read, exports.osticket(tmp_path, *rows, entries=entries))
    assert found.numbers == ("[#483920]", "[#2]")
    assert [each.external_id for each in found.messages] == ["11", "13"]


def test_a_hook_of_ones_own_stands_before_the_numbers(tmp_path: Path) -> None:
    settings = [
        {"name": "ticket_hook", "state_current": {"value": "Tiket#"}},
        {"name": "ticket_hook_divider", "state_current": {"value": " "}},
        {"name": "product_name", "state_current": {"value": "Toko"}},
    ]
    assert one(zammad.read, exports.zammad(tmp_path, settings=settings)).numbers == ("Tiket# 2024050110001",)


# --- files that somebody wrote ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": 1, "number', "the line is no JSON: "),
        ("{'id': é}".encode("latin-1"), "the line is not UTF-8"),
        (b"[" * 100_000, "the line is no JSON: "),
        (b"[1, 2]", "the line is no JSON object"),
        (b'{"number": "7"}', "passed by: id is missing"),
        (b'{"id": -1}', "passed by: id must be a number"),
        (b'{"id": [1]}', "passed by: id must be a number"),
        (b'{"id": "99999999999999999999"}', "passed by: id must be a number"),
    ],
)
@pytest.mark.parametrize("name", READERS)
def test_a_broken_line_is_named_and_the_next_one_is_read(
    name: str, line: bytes, reason: str, tmp_path: Path
) -> None:
    reader, write = READERS[name]
    good = {
        "zammad": exports.zammad_ticket,
        "freescout": exports.freescout_conversation,
        "osticket": exports.osticket_ticket,
    }[name]()
    found, (problem,) = read(reader, write(tmp_path, line, b"", good))
    assert [each.external_id for each in found] == ["1"]
    assert problem.place.endswith(".jsonl:1")
    assert problem.text.startswith(reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"created_at": "kemarin"}, "created_at must be a time"),
        ({"created_at": None}, "created_at is missing"),
        ({"body": ["x"]}, "body must be a text"),
        ({"created_at": 1e300}, "created_at is missing"),
    ],
)
def test_an_article_that_can_not_be_read_is_named_and_the_others_stay(
    changes: Row, reason: str, tmp_path: Path
) -> None:
    articles = [exports.zammad_article(**changes), exports.zammad_answer()]
    (found,), (problem,) = read(
        zammad.read, exports.zammad(tmp_path, exports.zammad_ticket(articles=articles))
    )
    assert [each.external_id for each in found.messages] == ["12"]
    assert problem.place == "tickets.jsonl:1, articles 1"
    assert reason in problem.text


def test_articles_that_are_missing_leave_a_ticket_without_messages(tmp_path: Path) -> None:
    ticket = exports.zammad_ticket()
    del ticket["articles"]
    assert one(zammad.read, exports.zammad(tmp_path, ticket)).messages == ()


def test_threads_of_no_conversation_and_in_no_order_are_named(tmp_path: Path) -> None:
    threads = [
        exports.freescout_thread(),
        exports.freescout_thread(id=20, conversation_id=7),
        exports.freescout_thread(id=21, conversation_id=3),
        exports.freescout_thread(id=22, conversation_id=9),
    ]
    rows = [exports.freescout_conversation(), exports.freescout_conversation(id=9)]
    found, problems = read(freescout.read, exports.freescout(tmp_path, *rows, threads=threads))
    assert [[each.external_id for each in ticket.messages] for ticket in found] == [["11"], ["22"]]
    assert sorted((each.place, each.text.split(":")[0]) for each in problems) == [
        ("threads.jsonl:2", "there is no ticket 7 for it in the export"),
        ("threads.jsonl:3", "the lines are not sorted by conversation_id"),
    ]


def test_a_huge_body_is_read_in_bounded_time(tmp_path: Path) -> None:
    huge = "<div><b>a</b>" * 400_000
    found = one(osticket.read, exports.osticket(tmp_path, entries=[exports.osticket_entry(body=huge)]))
    assert 0 < len(found.messages[0].text) < len(huge)


def test_a_line_of_no_end_is_passed_by(tmp_path: Path) -> None:
    path, problems = tmp_path / "tickets.jsonl", Problems()
    path.write_bytes(b'{"id": "' + b"x" * 9000 + b'"}\n{"id": 2}\n{"id": ' + b"3" * 9000)
    found = list(desk_files.read_lines(path, problems, longest=2000))
    assert [each.place for each in found] == ["tickets.jsonl:2"]
    assert [each.place for each in problems.first] == ["tickets.jsonl:1", "tickets.jsonl:3"]


def test_only_one_ticket_is_held_at_a_time(tmp_path: Path) -> None:
    rows = [exports.osticket_ticket(id=key, number=str(key)) for key in range(1, 4)]
    entries = [exports.osticket_entry(id=key, ticket=key) for key in range(1, 4)]
    found = osticket.read(exports.osticket(tmp_path, *rows, entries=entries), exports.context())
    first = next(found)
    assert first.external_id == "1"
    assert [each.external_id for each in found] == ["2", "3"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), name=st.sampled_from(sorted(READERS)))
def test_any_values_give_tickets_or_problems(
    data: st.DataObject, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    reader, write = READERS[name]
    make: dict[str, list[Callable[..., Row]]] = {
        "zammad": [exports.zammad_ticket, exports.zammad_article],
        "freescout": [exports.freescout_conversation, exports.freescout_thread],
        "osticket": [exports.osticket_ticket, exports.osticket_entry],
    }
    ticket, message = make[name]
    of_ticket = data.draw(st.dictionaries(st.sampled_from(sorted(ticket())), values, max_size=4))
    of_message = data.draw(st.dictionaries(st.sampled_from(sorted(message())), values, max_size=4))
    others: dict[str, Any] = {
        "zammad": {},
        "freescout": {"threads": [message(**of_message)]},
        "osticket": {"entries": [message(**of_message)]},
    }
    if name == "zammad":
        of_ticket = {"articles": [message(**of_message)]} | of_ticket
    context = exports.context()
    for found in reader(write(folder, ticket(**of_ticket), **others[name]), context):
        assert found.external_id
        assert found.opened_at.tzinfo is UTC
        assert all(each.external_id and each.at.tzinfo is UTC for each in found.messages)
        assert replace(found) == found
