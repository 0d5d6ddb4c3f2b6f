"""Mails as tests keep what decides, and neither addresses nor numbers of a person."""

import pytest

from mailbot.analysis.misses.neutral import neutral_mail
from tests.builders import mail


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ("HP saya 0812-3456-7823 atau +62 812 3456 789", "HP saya 1234-5678-9012 atau +12 345 6789 012"),
        ("pesanan INV/2026/11/0815 hilang", "pesanan INV/1234/56/7890 hilang"),
        ("potong Rp 250.000, Rp3750000 dan 3.750.000", "potong Rp 250.000, Rp3750000 dan 3.750.000"),
        ("20rb, 2 kali, 9 hari", "20rb, 2 kali, 9 hari"),
        ("tulis ke siti.r+x@gmail.com", "tulis ke orang@surel.example"),
        ("lihat https://toko.example/o?id=77 ya", "lihat https://tautan.example/ ya"),
        ("saya Siti, bukan siti lain", "saya Budi, bukan Budi lain"),
        ("kata\x07 aneh", "kata aneh"),
    ],
)
def test_what_names_a_person_or_an_order_is_replaced_and_the_rest_stays(text: str, neutral: str) -> None:
    assert neutral_mail(mail(sender_name="Siti R", subject=text, visible=""), "")[0] == neutral


def test_the_sentences_with_the_term_are_taken() -> None:
    written = mail(visible="Selamat pagi semua kak.\nSaldo saya  Pindah\nsemua. Isinya pindah semua! Tolong.")

    assert neutral_mail(written, "pindah semua")[1] == "Isinya pindah semua!"
    assert neutral_mail(written, "")[1] == "Selamat pagi semua kak."
    assert "Saldo saya Pindah semua." in neutral_mail(written, "", whole=True)[1]
