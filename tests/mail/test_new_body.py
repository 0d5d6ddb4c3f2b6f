"""What the writer of a mail wrote is separated from quotes, forwarded mail, signatures and small print."""

import pytest

from mailbot.mail.compose.sample_mail import write_mail
from mailbot.mail.parsing.parse import parse
from mailbot.mail.replies.new_body import separate

QUOTE = "Pada Sen, 23 Nov 2026 pukul 10.00 Toko <a@toko.example> menulis:\n> Waspada penipuan! Akun dibobol?"
FORWARDED = (
    "---------- Forwarded message ---------\nFrom: Toko <toko@penjual.example>\nDate: Mon, 23 Nov 2026\n"
    "Subject: Pesanan\nTo: <a@b.example>\n\nBarang Anda pecah di jalan.\n\n-- \nToko Maju, Jl. Mawar 1"
)
OUTLOOK = (
    "From: Toko <toko@penjual.example>\nSent: Monday, 23 November 2026 10:00\n"
    "To: a@b.example\nSubject: Pesanan\n\n"
)
FOOTERS = [
    "-- \nAndi\nDirektur, PT Maju",
    "Salam hormat,\nSiti Rahmawati\nAdvokat & Konsultan Hukum\nJl. Sudirman 1, Jakarta\nTelp. 021-555",
    "Best regards,\n\nJohn Smith\nSenior Associate\nSmith Law Firm LLP",
    "Andi Wijaya\nPT Maju Jaya\nTel: +62 21 5550 100\nwww.maju.example",
    "This e-mail is confidential and may be legally privileged. Our lawyers will take legal action.",
    "Sent from my iPhone\n\nEmail ini bersifat rahasia dan hanya ditujukan bagi penerimanya.",
    "PT Bank Cahaya berizin dan diawasi oleh Otoritas Jasa Keuangan (OJK) dan Bank Indonesia.",
    "Waspada penipuan yang mengatasnamakan bank kami.",
    "Jangan pernah memberikan kode OTP kepada siapa pun.",
    "If you have received this message in error, any unauthorised use is prohibited.",
    "© 2026 Bank Cahaya. All rights reserved.\nKlik untuk berhenti berlangganan.",
]


@pytest.mark.parametrize("footer", FOOTERS)
def test_a_footer_is_no_new_text(footer: str) -> None:
    found = separate(f"Resi saya belum bergerak.\n\n{footer}", is_reply=False, is_forward=False)
    assert found.new == "Resi saya belum bergerak."
    assert footer.split("\n")[-1] in found.footer


def test_footers_of_several_kinds_are_all_taken_away() -> None:
    text = "\n\n".join(["Resi saya belum bergerak.", *FOOTERS])
    found = separate(text, is_reply=False, is_forward=False)
    assert found.new == "Resi saya belum bergerak."
    assert all(footer.split("\n")[-1] in found.footer for footer in FOOTERS)


@pytest.mark.parametrize(
    "text",
    [
        "Halo,\n\nwaspada penipuan ya min, ada yang ngaku CS lalu saldo saya hilang",
        "Terima kasih\nSaldo saya hilang",
        "Halo\n\nHati-hati penipuan! Kenapa toko ini masih buka?",
        "Barang rusak\n\n--\nPesanan INV/2026/1 belum dikirim",
        "Kemarin saya beli HP\nSampai sekarang belum datang",
        "Dana hilang.\n\nNo HP: 0812-555\nSaldo: Rp200.000",
        "Nama: Siti\nHP: 0812-555",
        "tolong",
        "",
    ],
)
def test_what_the_customer_says_is_never_a_footer(text: str) -> None:
    assert separate(text, is_reply=False, is_forward=False).new == text


def test_what_a_gateway_put_above_the_mail_is_no_new_text() -> None:
    text = "CAUTION: This email originated from outside the organization. Beware of fraud.\n\nDi mana paket saya?"
    assert separate(text, is_reply=False, is_forward=False).new == "Di mana paket saya?"


@pytest.mark.parametrize("is_reply", [True, False])
def test_a_quote_is_no_new_text_even_where_the_header_says_nothing_of_a_reply(is_reply: bool) -> None:
    own = "Baik, terima kasih infonya. Nanti kalau ada apa-apa lagi dengan pesanan itu kami kabari ya kak."
    text = f"{own}\n\n{QUOTE}"
    assert separate(text, is_reply=is_reply, is_forward=False).new == own


def test_an_empty_reply_has_no_new_text() -> None:
    assert separate(QUOTE, is_reply=True, is_forward=False).new == ""


@pytest.mark.parametrize("forwarded", [FORWARDED, OUTLOOK + FORWARDED.partition("\n\n")[2]])
def test_a_mail_that_is_forwarded_with_hardly_a_word_counts_without_its_head_and_footer(
    forwarded: str,
) -> None:
    found = separate(f"Mohon dibantu.\n\n{forwarded}", is_reply=False, is_forward=True)
    assert found.new == "Mohon dibantu.\n\nBarang Anda pecah di jalan."
    assert "Jl. Mawar" in found.footer


def test_a_mail_that_is_forwarded_below_a_long_text_is_no_new_text() -> None:
    own = (
        "Saya sudah menunggu dua minggu dan penjual hanya menjawab begini, jadi apa yang harus saya lakukan?"
    )
    assert separate(f"{own}\n\n{FORWARDED}", is_reply=False, is_forward=True).new == own


def test_a_mail_that_is_forwarded_as_a_quote_counts_without_its_marks() -> None:
    inside = "\n".join(f"> {line}" for line in FORWARDED.split("\n")[1:8])
    found = separate(f"Begin forwarded message:\n\n{inside}", is_reply=False, is_forward=True)
    assert found.new == "Barang Anda pecah di jalan."


def test_a_mail_of_one_paragraph_keeps_its_text_object() -> None:
    mail = parse(write_mail("a@x.example", "halo@toko.example", "Tanya", "Di mana paket saya?"))
    assert mail.new_body is mail.text
    assert mail.footer == ""
