"""What an answer asks of the customer: questions and requests count, politeness does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.replies.questions import asked_label, question_in

ASKS = """
Boleh minta nomor pesanannya?
Apakah saldo Anda sudah masuk?
Mohon kirimkan bukti transfer Anda.
Mohon kirim foto barang, kak.
Mohon kirim foto barang jika ada.
Mohon bantuannya untuk mengirimkan KTP.
Tolong fotonya ya kak.
Bisa dikirim tangkapan layarnya kak
Silakan balas email ini dengan nomor pesanan.
Kami mohon Anda melengkapi data berikut.
Minta tolong infonya, pesanan atas nama siapa?
Setuju?
Could you send us the invoice
Please send us the order number.
Kindly provide your account number
Please let us know which colour you prefer.
Please confirm your delivery address (street and number).
"""
ASKS_NOTHING = """
Kami sedang memeriksa. Terima kasih.
Mohon maaf atas ketidaknyamanannya.
Mohon ditunggu konfirmasi dari kami.
Mohon ditunggu ya kak?
Mohon waktunya sebentar, kami akan memberikan informasi.
Kami bisa kirim ulang besok.
Pesanan bisa dikirim besok.
Pesanan Anda sudah dikirim. Ada yang bisa kami bantu lagi?
Pesanan Anda sudah kami kirim. Ada yang bisa dibantu?
Apakah ada hal lain yang ingin disampaikan?
Jika ada pertanyaan, silakan balas email ini.
Jika belum diterima dalam 3 hari, mohon kirim bukti.
Kenapa gagal? Karena kartu Anda kedaluwarsa.
Anda menanyakan kapan barang sampai? Besok.
Anda menulis: "Kapan barang saya sampai?" Kami cek dulu.
Lihat https://toko.example/faq?id=3&x=?
Is there anything else we can help you with?
Refund done. Any other questions?
Please do not hesitate to contact us if you have any questions.
Please let us know if you have any further questions.
Please wait while we check your order.
Please be informed that we will send the replacement.
How are you? Your refund was sent today.
"""


@pytest.mark.parametrize("text", ASKS.strip().split("\n"))
def test_a_question_or_a_request_gives_the_turn_away(text: str) -> None:
    assert question_in(text)
    assert question_in(f"Halo Pak Budi,\n\nTerima kasih atas kabarnya.\n{text}\n\nSalam,\nRina")
    assert question_in(text.upper())


@pytest.mark.parametrize("text", ASKS_NOTHING.strip().split("\n"))
def test_politeness_quotes_and_links_ask_nothing(text: str) -> None:
    assert not question_in(text)
    assert not question_in(f"Halo Pak Budi,\n\n{text}\n\nSalam,\nRina")


def test_an_offer_of_help_asks_only_where_it_stands_alone() -> None:
    assert question_in("Halo Pak Budi, ada yang bisa kami bantu?")
    assert not question_in("Dana Anda sudah kami kembalikan kemarin. Ada yang bisa kami bantu?")


def test_below_the_signature_and_in_quoted_lines_nothing_is_asked() -> None:
    assert not question_in("Kami cek.\n-- \nRina\nSudah puas?")
    assert not question_in("Kami cek.\n> Kapan sampai?\n| Kapan?")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Kami membutuhkan nomor pesanan Anda.", "nomor pesanan"),
        ("We still need the Order number.", "order number"),
        ("Nomor pesanan Anda sudah kami teruskan ke gudang.", ""),
        ("Kami butuh waktu.", ""),
    ],
)
def test_a_missing_detail_is_asked_for_beside_a_word_for_needing(text: str, label: str) -> None:
    assert asked_label(text, ["nomor pesanan", "order number"]) == label


@given(st.text(max_size=300))
def test_any_text_is_read_and_what_is_asked_stands_in_it(text: str) -> None:
    assert isinstance(question_in(text), str)
