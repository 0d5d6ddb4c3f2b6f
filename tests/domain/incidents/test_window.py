"""What rises: similar complaints of many people, far more than usual."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbot.domain.incidents.window import Complaint, Rise, Window, is_similar
from mailbot.domain.incidents.words import significant_words
from mailbot.domain.policy import Rate
from tests.builders import BOX, NOW
from tests.profile import NIGHTLY

AFTER = Rate(20, timedelta(minutes=10))
MINUTE = timedelta(minutes=1)
PHRASES = (
    *("top up lewat bca belum masuk", "saldo kurang setelah transfer", "voucher hemat ditolak kasir"),
    *("paket hilang di gudang", "kurir minta ongkir tambahan", "layar retak waktu dibuka"),
    *("kode otp telat datang", "akun diblokir tanpa alasan", "cicilan lunas tetap ditagih"),
    *("refund pesanan batal lama", "warna barang beda foto", "penjual membatalkan sepihak"),
)
STORM = "pembayaran qris error di kasir, transaksi tertolak"


class Traffic:
    """Complaints of one category, numbered as they come."""

    def __init__(self, after: Rate = AFTER) -> None:
        self.window, self.count, self.now = Window(after), 0, NOW

    def complain(self, text: str, person: str = "") -> Rise:
        self.count += 1
        words = significant_words("", text)
        name = person or f"p{self.count}@x.example"
        complaint = Complaint(f"N{self.count}", BOX.address, "payment", name, self.now, words)
        self.window.add(complaint, self.now)
        return self.window.rise(words, self.now)

    def ordinary(self, chosen: random.Random, minutes: int, a_minute: float) -> int:
        """Let an ordinary stream pass, and return the most people that rose at once."""
        most = 0
        for _ in range(minutes):
            for _ in range(int(a_minute) + (chosen.random() < a_minute % 1)):
                most = max(most, self.complain(chosen.choice(PHRASES)).people)
            self.now += MINUTE
        return most


def test_many_people_who_complain_alike_are_a_storm() -> None:
    traffic = Traffic()
    rises = [traffic.complain(STORM).people for _ in range(25)]

    assert rises[:1] == [0]
    assert rises[-1] == 25


def test_one_person_who_complains_often_is_none() -> None:
    traffic = Traffic()

    assert max(traffic.complain(STORM, "budi@x.example").people for _ in range(50)) == 0


def test_a_storm_is_found_above_an_ordinary_stream() -> None:
    traffic = Traffic()
    traffic.ordinary(random.Random(1), 90, 4)
    found = [traffic.complain(STORM).people for _ in range(30)]

    assert max(found) >= AFTER.count


def test_a_storm_of_the_words_of_every_day_is_found_too() -> None:
    traffic = Traffic()
    traffic.ordinary(random.Random(2), 90, 2)
    found = [traffic.complain(PHRASES[0]).people for _ in range(60)]

    assert max(found) >= AFTER.count


def test_what_came_long_ago_is_no_part_of_a_rise() -> None:
    traffic = Traffic()
    for _ in range(30):
        traffic.complain(STORM)
        traffic.now += MINUTE

    assert traffic.complain(STORM).people <= 11


def test_complaints_of_an_incident_are_counted_no_more() -> None:
    traffic = Traffic()
    for _ in range(30):
        traffic.complain(STORM)
    traffic.window.remove([f"N{n}" for n in range(1, 31)])

    assert traffic.complain(STORM).people == 0
    assert traffic.window.similar(significant_words("", STORM), traffic.now)


@settings(max_examples=200 if NIGHTLY else 8)
@given(st.integers(), st.floats(0.3, 12), st.integers(30, 120))
def test_ordinary_traffic_at_its_usual_rate_opens_none(seed: int, a_minute: float, minutes: int) -> None:
    traffic, chosen = Traffic(), random.Random(seed)
    traffic.ordinary(chosen, 70, a_minute)

    assert traffic.ordinary(chosen, minutes, a_minute) < AFTER.count


@settings(max_examples=500 if NIGHTLY else 25)
@given(st.lists(st.tuples(st.text(max_size=40), st.integers(-200, 200)), max_size=60))
def test_counts_follow_whatever_comes_in_any_order(texts: list[tuple[str, int]]) -> None:
    traffic = Traffic()
    for text, seconds in texts:
        traffic.now += timedelta(seconds=seconds * 20)
        traffic.complain(text)
    traffic.now += timedelta(days=3)
    traffic.window.advance(traffic.now)

    words = significant_words("", STORM)
    again = [
        Complaint(f"N{n}", BOX.address, "payment", "x", traffic.now, words) for n in range(1, len(texts) + 1)
    ]
    assert all(traffic.window.add(each, traffic.now) for each in again)
    assert len(traffic.window.similar(words, traffic.now)) == len(texts)


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        ("Top up BCA belum masuk", "top up bca saya gagal, saldo kosong", True),
        (
            "Halo min, mohon dibantu segera ya, terima kasih",
            "Selamat pagi kak, tolong dibantu, makasih",
            False,
        ),
        ("QRIS payment failed", "bayar pakai QRIS gagal", False),
        ("paket belum sampai", "paket rusak", False),
        ("QRIS???", "qris", True),
    ],
)
def test_two_words_make_complaints_similar(one: str, other: str, similar: bool) -> None:
    words, core = significant_words("", one), significant_words("", other)

    assert is_similar(words, core) is similar


@given(st.text(max_size=300), st.text(max_size=3000))
def test_any_text_has_few_and_short_words(subject: str, text: str) -> None:
    words = significant_words(subject, text)

    assert len(words) <= 60
    assert all(2 <= len(word) <= 30 for word in words)
