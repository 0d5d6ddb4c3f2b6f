"""Search by the index, on both engines: what is found, in which order, and what is gone with its message."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, func, insert, select, text, update

from mailbot.domain.model import Attachment, Direction
from mailbot.domain.search.query import QueryError, parse
from mailbot.domain.ticket_number import make
from mailbot.store.schema import attachments, contents, messages, search_documents, search_state, tickets
from mailbot.store.search import conditions, index, matching
from mailbot.store.search.find import PageRequest, Sort, search
from mailbot.store.store import Store
from tests.builders import NOW
from tests.store.test_queries import keep, opened, record

SITI = "siti.aminah@pelanggan.example"


def number(n: int) -> str:
    return make("TOKO", f"{10_000_000 + n}")


def add(store: Store, n: int, *texts: str, subject: str = "", author: str = SITI, **values: Any) -> str:
    """Add a ticket with these messages, one day after the other."""
    name = number(n)
    record(store, None, opened(name, timedelta(minutes=n)))
    values |= {"subject": subject}
    with store.engine.begin() as connection:
        connection.execute(update(tickets).where(tickets.c.number == name).values(values))
    for at, each in enumerate(texts):
        write(store, name, each, at=NOW + timedelta(days=n, minutes=at), subject=subject, author=author)
    return name


def write(store: Store, name: str, body: str, *, at: datetime = NOW, **fields: Any) -> int:
    row = {
        "ticket": name,
        "home": name,
        "at": at,
        "direction": Direction.IN,
        "author": SITI,
        "subject": "",
        "text": body,
        "visible": body,
        "message_id": "",
        "evidence": {},
        "turn": "",
        "no_auto_reply": "",
        "flags": [],
        "addresses": {},
        **fields,
    }
    with store.engine.begin() as connection:
        return connection.execute(insert(messages).values(row).returning(messages.c.id)).scalar_one()


def fill(store: Store, batch: int = 100) -> None:
    """Index everything, as the worker does."""
    while store.write_now(index.refresh, batch):
        pass
    while True:
        mark = store.read_now(index.mark)
        found = index.with_words(store.read_now(index.pending, mark, batch))
        if not found:
            return
        assert store.write_now(index.add, index.Addition(found, mark, found[-1].unread.id))


def find(store: Store, asked: str, now: datetime = NOW + timedelta(days=30), **page: Any) -> list[str]:
    found = store.read_now(search, parse(asked, now), PageRequest(**page), now)
    return [each.listed.ticket.number for each in found.found]


# --- what is found ------------------------------------------------------------------------------------------

MAILS = {
    1: "Mohon pesanan saya segera dikirimkan, sudah seminggu menunggu pengiriman",
    2: "Uang Rp 1.250.000 belum dikembalikan, tolong refund",
    3: "Hubungi saya di +62 812-3456-7890 soal INV/20261101/MPL/77123",
    4: "The refunds were promised twice, nothing was delivered. Barang-barang rusak",
    5: "Akun saya siti_budi@toko.example terblokir, harganya 1,5 juta. barang baru tidak rusak",
}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("kirim", {1}),
        ("mengirim", {1}),
        ("PENGIRIMAN", {1}),
        ("memesan", {1}),
        ("tunggu", {1}),
        ("pengembalian", {2}),
        ("kembali", {2}),
        ("refund", {2, 4}),
        ("refunding", {2, 4}),
        ("delivery", {4}),
        ("1250000", {2}),
        ("Rp1.250.000", {2}),
        ("1,25 juta", {2}),
        ("1.500.000", {5}),
        ("081234567890", {3}),
        ("0812 3456 7890", {3}),
        ("+6281234567890", {3}),
        ("0812-3456", {3}),
        ("INV/20261101/MPL/77123", {3}),
        ("INV/20261101", {3}),
        ("77123", {3}),
        ("7712", {3}),
        ("blokir", {5}),
        ("siti_budi@toko.example", {5}),
        ("siti_budi@tok", {5}),
        ("barang rusak", {4, 5}),
        ('"barang rusak"', {4}),
        ('"rusak barang"', set()),
        ("barang -baru", {4}),
        ("barang NOT baru", {4}),
        ("kirim OR blokir", {1, 5}),
        ("refund kirim OR tolong", {2}),
        ("blok*", {5}),
        ("from:siti.aminah", {1, 2, 3, 4, 5}),
        ("from:budi", set()),
        ("-refund", {1, 3, 5}),
        ("tidakada", set()),
        ("\u201cbarang rusak\u201d", {4}),
    ],
)
def test_words_are_found_in_whatever_form(filled: Store, asked: str, wanted: set[int]) -> None:
    assert set(find(filled, asked)) == {number(n) for n in wanted}


@pytest.fixture
def filled(store: Store) -> Store:
    for n, mail in MAILS.items():
        add(store, n, mail)
    fill(store)
    return store


def test_what_is_not_indexed_yet_is_read_on_the_spot(store: Store) -> None:
    for n, mail in MAILS.items():
        add(store, n, mail)

    for asked, wanted in (
        ("pengiriman", {1}),
        ("refund -deliver", {2}),
        ('"barang rusak"', {4}),
        ("-refund", {1, 3, 5}),
    ):
        assert set(find(store, asked)) == {number(n) for n in wanted}, asked


def test_a_search_says_how_many_messages_it_can_not_find_yet(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add(store, 1, *("kirim" for _ in range(70)))
    add(store, 2, "lama")
    page = store.read_now(search, parse("kirim", NOW), PageRequest(), NOW)

    assert [each.listed.ticket.number for each in page.found] == [name]
    assert page.not_indexed == 71 - 60
    fill(store)
    assert store.read_now(search, parse("kirim", NOW), PageRequest(), NOW).not_indexed == 0


# --- filters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("saldo team:finance", {1}),
        ("saldo -team:finance", {2, 3}),
        ("saldo team:finance,fraud", {1, 2}),
        ("saldo team:finance OR team:fraud", {1, 2}),
        ("saldo tag:vip", {2}),
        ("saldo -tag:vip", {1, 3}),
        ("is:open saldo", {1, 2}),
        ("is:closed saldo", {3}),
        ("is:waiting", {2}),
        ("is:escalated", {1}),
        ("assignee:rina@tim.example", {2}),
        ("agent:rina", {2}),
        ("assignee:none", {1, 3}),
        ("-assignee:rina", {1, 3}),
        ("priority:urgent", {1}),
        ("category:Refund", {3}),
        ("mailbox:support", {1, 2, 3}),
        ("customer:siti@gmail.com", {3}),
        ("since:2026-12-02 saldo", set()),
        ("until:2020-01-01", set()),
        ("since:2d", {2, 3}),
        ("has:attachment", {2}),
        ("-has:attachment saldo", {1, 3}),
        ("team:none", set()),
    ],
)
@pytest.mark.parametrize("is_indexed", [True, False], ids=["indexed", "unread"])
def test_filters_choose_among_tickets_and_messages(
    store: Store, asked: str, wanted: set[int], is_indexed: bool
) -> None:
    add(store, 1, "saldo", team="finance", assignee=None, escalated=1, status="open", priority="urgent")
    second = add(store, 2, team="fraud", tags=["vip", "a"], status="waiting", assignee="rina@tim.example")
    record_file(store, second, "saldo")
    add(
        store,
        3,
        "saldo",
        team="cs",
        assignee=None,
        status="closed",
        category="refund",
        person="siti@gmail.com",
    )
    if is_indexed:
        fill(store)

    assert set(find(store, asked, now=NOW + timedelta(days=4))) == {number(n) for n in wanted}


def record_file(store: Store, name: str, body: str) -> None:
    """File a message with a picture."""
    picture = Attachment("bukti-transfer.png", "image/png", 3, "d1", b"png")
    mail = keep(store, name)
    write(store, name, body, inbox_id=mail, at=NOW + timedelta(days=2))
    with store.engine.begin() as connection:
        connection.execute(insert(contents).values(digest="d1", content=b"png"))
        row = {"name": picture.name, "type": picture.type, "size": 3, "digest": "d1"}
        connection.execute(insert(attachments).values(inbox_id=mail, position=0, **row))


def test_a_file_is_found_by_its_name(store: Store) -> None:
    name = add(store, 1)
    record_file(store, name, "lihat lampiran")
    fill(store)

    assert find(store, "bukti-transfer.png") == find(store, "transfer") == [name]


def test_people_are_found_by_name_and_address(store: Store) -> None:
    name = add(store, 1)
    people = {
        "to": [["Bagian Refund", "support@toko.example"]],
        "cc": [["Pak Joko", "joko@rt.example"]],
        "name": "Ibu Siti",
    }
    write(store, name, "halo", addresses=people)
    fill(store)

    for asked in (
        "joko",
        "joko@rt.example",
        '"ibu siti"',
        "from:siti",
        "customer:budi",
        name,
        name.replace("-", " "),
    ):
        assert find(store, asked) == [name], asked
    assert find(store, "from:joko") == []


# --- several messages ---------------------------------------------------------------------------------------


def test_words_in_different_messages_of_a_ticket_find_it_after_those_with_all_in_one(store: Store) -> None:
    apart = add(store, 1, "saldo saya hilang", "tolong dicek refund")
    together = add(store, 2, "saldo refund")
    add(store, 3, "saldo saja")
    fill(store)

    assert find(store, "saldo refund") == [together, apart]
    assert find(store, "saldo refund -cek") == [together]
    assert find(store, "saldo refund tidakada") == []


def test_a_ticket_is_found_once_however_many_messages_match(store: Store) -> None:
    name = add(store, 1, "refund", "refund lagi", "mana refund")
    fill(store)

    assert find(store, "refund") == [name]


# --- order and pages ----------------------------------------------------------------------------------------


def test_what_stands_in_the_subject_comes_first_and_newest_goes_by_time(store: Store) -> None:
    titled = add(store, 1, "halo", subject="Refund")
    often = add(store, 2, "refund refund refund, kapan refund")
    once = add(store, 3, "ada banyak kata di sini, dan satu kali refund di antara semua kata yang lain itu")
    fill(store)

    assert find(store, "refund") == [titled, often, once]
    assert find(store, "refund", sort=Sort.NEWEST) == [once, often, titled]


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_follow_each_other_without_gap_or_repetition(store: Store, sort: Sort) -> None:
    names = {add(store, n, "refund " * (n % 3 + 1)) for n in range(1, 24)}
    fill(store)
    pages = [find(store, "refund", size=5, page=page, sort=sort) for page in range(1, 7)]

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3, 0]
    assert {name for page in pages for name in page} == names


def test_many_matches_are_counted_up_to_a_bound(store: Store) -> None:
    for n in range(1, 31):
        add(store, n, "saldo")
    fill(store)
    page = store.read_now(search, parse("saldo", NOW), PageRequest(size=5), NOW)

    assert (page.total, page.at_least, len(page.found)) == (30, False, 5)


def test_a_search_that_takes_too_long_says_how_far_back_it_looked(store: Store) -> None:
    add(store, 1, "saldo")
    name = add(store, 2)
    at = NOW + timedelta(days=9)
    write(store, name, "saldo", id=100_000, at=at)
    fill(store)
    times = iter(range(0, 1000, 10))
    page = store.read_now(search, parse("saldo", NOW), PageRequest(), NOW, lambda: float(next(times)))

    assert [each.listed.ticket.number for each in page.found] == [name]
    assert (page.back_to, page.at_least) == (at, True)
    assert find(store, "saldo") == [name, number(1)]


# --- what changes and what goes -------------------------------------------------------------------------------


def test_a_deleted_message_leaves_the_index_in_the_same_transaction(filled: Store) -> None:
    with filled.engine.begin() as connection:
        connection.execute(delete(messages).where(messages.c.ticket == number(4)))
    assert find(filled, "deliver") == []
    assert number(4) not in find(filled, "rusak")
    assert filled.read_now(index.waiting) == 0


def test_a_deletion_that_is_rolled_back_leaves_the_words(filled: Store) -> None:
    with filled.engine.connect() as connection:
        connection.execute(delete(messages).where(messages.c.ticket == number(4)))
        connection.rollback()
    assert find(filled, "deliver") == [number(4)]


def test_a_moved_message_is_found_on_the_ticket_where_it_is(filled: Store) -> None:
    with filled.engine.begin() as connection:
        there = messages.c.ticket == number(4)
        connection.execute(update(messages).where(there).values(ticket=number(1)))
    assert find(filled, "deliver") == [number(1)]
    fill(filled)
    assert find(filled, "deliver") == [number(1)]
    assert filled.read_now(index.waiting) == 0


def test_a_changed_text_is_not_found_by_its_old_words(filled: Store) -> None:
    with filled.engine.begin() as connection:
        there = messages.c.ticket == number(4)
        connection.execute(update(messages).where(there).values(visible="nothing left"))
    assert find(filled, "deliver") == []
    fill(filled)
    assert (find(filled, "deliver"), find(filled, "nothing left")) == ([], [number(4)])


def test_a_corrected_customer_is_found_by_the_new_address(filled: Store) -> None:
    with filled.engine.begin() as connection:
        there = tickets.c.number == number(4)
        connection.execute(update(tickets).where(there).values(customer="wati@baru.example"))
    fill(filled)
    assert find(filled, "wati@baru.example") == [number(4)]


def test_a_message_that_was_read_and_then_deleted_is_not_added(store: Store) -> None:
    add(store, 1, "rahasia")
    found = index.with_words(store.read_now(index.pending, 0, 9))
    with store.engine.begin() as connection:
        connection.execute(delete(messages))
    store.write_now(index.add, index.Addition(found, 0, 1))
    assert store.read_now(count, search_documents) == 0


def test_a_message_that_was_read_and_then_changed_is_not_added_with_its_old_words(store: Store) -> None:
    add(store, 1, "rahasia")
    found = index.with_words(store.read_now(index.pending, 0, 9))
    with store.engine.begin() as connection:
        connection.execute(update(messages).values(visible="terbuka"))
    store.write_now(index.add, index.Addition(found, 0, found[-1].unread.id))
    fill(store)
    assert (find(store, "rahasia"), find(store, "terbuka")) == ([], [number(1)])


def count(connection: Connection, table: Any) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


# --- several nodes --------------------------------------------------------------------------------------------


def test_of_two_nodes_only_one_adds_a_batch(store: Store) -> None:
    add(store, 1, "saldo", "refund")
    found = index.with_words(store.read_now(index.pending, 0, 9))
    addition = index.Addition(found, 0, found[-1].unread.id)

    assert store.write_now(index.add, addition)
    assert not store.write_now(index.add, addition)
    assert store.read_now(count, search_documents) == 2


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_message_that_becomes_visible_below_the_mark_is_found_later(store: Store) -> None:
    name = add(store, 1)
    with store.engine.connect() as slow:
        first = slow.execute(text("SELECT nextval(pg_get_serial_sequence('messages', 'id'))")).scalar_one()
        write(store, name, "cepat")
        fill(store)
        slow.rollback()
    write(store, name, "lambat", id=first)
    mark = store.read_now(index.mark)

    assert first < mark
    found = index.with_words(store.read_now(index.late, mark, 9))
    store.write_now(index.add, index.Addition(found, mark, mark))
    assert find(store, "lambat") == [name]
    assert store.read_now(index.late, mark, 9) == []


def test_the_words_of_another_version_are_made_anew(filled: Store) -> None:
    with filled.engine.begin() as connection:
        connection.execute(update(search_state).where(search_state.c.key == "version").values(value=0))
    assert not filled.read_now(index.is_current)
    while not filled.read_now(index.is_current):
        assert filled.write_now(index.clear, 2)
    assert filled.read_now(index.mark) == 0
    fill(filled)
    assert find(filled, "deliver") == [number(4)]


# --- wild strings ---------------------------------------------------------------------------------------------

SIGNS = st.sampled_from(
    [
        *"\"'()*:^-+{}[]<>|&!~@/\\%_,.;\0\n\t ",
        "NEAR(",
        "OR",
        "NOT",
        "AND",
        "title:",
        "is:",
        "x",
        "7",
        "\ud800",
    ]
)


@given(asked=st.lists(st.one_of(SIGNS, st.text(max_size=8)), max_size=12).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_breaks_a_search_or_reaches_the_engine_raw(filled: Store, asked: str) -> None:
    try:
        query = parse(asked, NOW)
    except QueryError:
        return
    assert set(find(filled, asked, size=50)) <= {number(n) for n in MAILS}
    for group in query.groups:
        for phrase in group:
            assert all(word.isalnum() for word in phrase.words), phrase


@given(st.integers(0, 1 << 22), st.integers(0, 1 << 22))
def test_windows_cover_every_id_once_and_their_blocks_each_id_of_theirs(one: int, other: int) -> None:
    bottom, top = sorted((max(one, 1), other))
    expected = top
    for window in matching.windows(top, bottom):
        assert window.high == expected >= window.low
        for id_ in (window.low, window.high):
            assert any(id_ >> size == at for size, at in window.blocks)
        expected = window.low - 1
    assert expected == bottom - 1 or top < bottom


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("is:escalated", "new open waiting"),
        ("is:open,closed", "closed new open waiting"),
        ("is:merged", "merged"),
        ("is:closed is:open", ""),
        ("-is:open", "closed filed merged new open waiting"),
        ("is:reopened team:payments", "closed filed merged new open waiting"),
    ],
)
def test_a_search_without_words_walks_only_statuses_that_its_tickets_can_have(
    store: Store, asked: str, expected: str
) -> None:
    query = parse(asked, NOW)
    assert conditions.statuses(query) == expected.split()
    if not expected:
        assert store.read_now(search, query, PageRequest(), NOW).found == []
