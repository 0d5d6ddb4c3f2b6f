"""Words of the index: forms of one root come together, numbers have one spelling, and no text takes long."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.search.query import QueryError, parse
from mailbot.domain.search.snippet import LENGTH, snippet
from mailbot.domain.search.stem import spellings, stem
from mailbot.domain.search.words import words_of

NOW = datetime(2026, 11, 29, 5, tzinfo=UTC)

FAMILIES = """
kirim mengirim mengirimkan dikirim pengiriman terkirim kiriman kirimnya kirimkan ngirim mengirimi pengirim kirimlah
pesan memesan pesanan dipesan pemesanan pesananku pesanannya memesankan
bayar membayar dibayar pembayaran terbayar membayarkan
kembali mengembalikan dikembalikan pengembalian kembalikan
rusak kerusakan merusak dirusak
terima menerima diterima penerimaan penerima
tulis menulis ditulis tulisan penulis
lambat terlambat keterlambatan
cek mengecek dicek pengecekan ngecek
ubah mengubah diubah perubahan berubah
tipu menipu penipuan ditipu tertipu
lapor melapor melaporkan laporan pelapor dilaporkan pelaporan
masuk memasukkan dimasukkan
minta meminta permintaan diminta
tanya bertanya pertanyaan menanyakan ditanyakan
batal membatalkan dibatalkan pembatalan
kecewa mengecewakan dikecewakan kekecewaan
temu bertemu pertemuan menemukan ditemukan
salah kesalahan menyalahkan disalahkan
masalah permasalahan masalahnya
langganan pelanggan berlangganan
keluar mengeluarkan dikeluarkan pengeluaran
blokir memblokir diblokir pemblokiran terblokir
simpan menyimpan penyimpanan disimpan simpanan
refund refunds refunded refunding refundnya direfund
charge charged charges charging
ship shipped shipping ships
delivery deliveries delivered delivers
cancel cancelled cancels canceled
""".strip().split("\n")


@pytest.mark.parametrize("family", FAMILIES)
def test_all_forms_of_a_root_find_each_other(family: str) -> None:
    forms = family.split()
    for asked in forms:
        for written in forms:
            assert stem(written) in spellings(stem(asked)), (asked, written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kamis", "kami"),
        ("masalah", "masa"),
        ("sekolah", "sekop"),
        ("pay", "may"),
        ("kirim", "krim"),
        ("terima", "lima"),
        ("barang", "bara"),
    ],
)
def test_words_of_different_roots_stay_apart(one: str, other: str) -> None:
    assert stem(one) not in spellings(stem(other))
    assert stem(other) not in spellings(stem(one))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Rp 1.250.000,-", "1250000"),
        ("Rp1.250.000,00", "1250000"),
        ("Rp1250000", "1250000"),
        ("1,25 juta", "1250000"),
        ("1.25jt", "1250000"),
        ("500 ribuan", "500000"),
        ("50k", "50000"),
        ("1,500,000.50", "1500000"),
        ("+62 812-3456-7890", "81234567890"),
        ("(0812) 3456 7890", "81234567890"),
        ("081234567890", "81234567890"),
        ("4111-1111 1111 1111", "4111111111111111"),
    ],
)
def test_a_number_has_one_more_word_in_one_spelling(text: str, number: str) -> None:
    assert number in words_of(text)


@given(st.text(max_size=300))
def test_any_text_gives_words_of_letters_and_digits_alone(text: str) -> None:
    assert all(word.isalnum() and len(word) <= 41 for word in words_of(text))


@pytest.mark.parametrize(
    "text", ["1" * 20_000, "1 " * 10_000, "1.000" * 4_000, "1,2 juta" * 2_500, "0 (" * 6_000, "an" * 10_000]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.thread_time()
    words_of(text)
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("taem:cs", r"taem: is no filter \(did you mean team\?\)"),
        ("prority:high", r"did you mean priority\?"),
        ("is:opn", r"is:opn is unknown \(did you mean open\?\)"),
        ("has:virus", "only has:attachment"),
        ("since:lately", "neither a span nor a date: 7d"),
        ("refund OR team:cs", "OR stands between words"),
        ('team:""', "team: needs a value"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_may_be_meant(asked: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse(asked, NOW)


def test_days_begin_in_the_zone_of_the_desk() -> None:
    query = parse("x since:yesterday until:today", NOW, "Asia/Jakarta")
    assert (query.since, query.until) == (
        datetime(2026, 11, 27, 17, tzinfo=UTC),
        datetime(2026, 11, 28, 17, tzinfo=UTC),
    )


def test_a_snippet_shows_the_place_with_the_words_marked() -> None:
    text = "Halo. " * 60 + "Mohon uang Rp 1.250.000 segera dikembalikan ke rekening saya. " + "Salam. " * 60
    found = snippet(text, parse("kembali 1250000", NOW))

    assert "«1.250.000» segera «dikembalikan» ke" in found
    assert (found[0], found[-1]) == ("…", "…")
    assert len(found) < LENGTH + 20


@given(st.text(max_size=400), st.text(max_size=20))
def test_a_snippet_of_any_text_is_short_and_on_one_line(text: str, asked: str) -> None:
    try:
        query = parse(asked, NOW)
    except QueryError:
        return
    assert "\n" not in snippet(text, query)
