"""Test which mails ask to change an address, a phone or an account number."""

import pytest

from mailbot.domain.model import Authentication
from mailbot.domain.routing.account_change import asks_to_change_account, unproven_change
from tests import builders

ASKS = [
    "Tolong ganti nomor HP saya ke 0812 3456 7890.",
    "Mohon diubah alamat email akun saya menjadi budi.baru@pelanggan.example",
    "Saya mau merubah no rekening untuk pencairan",
    "nomor hp saya mau diganti kak",
    "Rekening saya yang baru BCA 1234567890 an Budi",
    "Transfer ke rekening berikut: 1234567890 a.n. Andi",
    "Refund dananya ke rekening BCA 1234567890 saja",
    "min tolong update email saya dong",
    "Please change my email address to b@x.example",
    "I would like to update the bank account for my refunds",
    "Can you switch my phone number?",
    "Please send the refund to the following account: 12345678",
    "Here is my new bank account: 12345678",
]
ASKS_NOT = [
    "Saldo saya terpotong Rp 350.000 tetapi pesanan gagal.",
    "Nomor pesanan saya INV/20261123/0815, mohon dibantu.",
    "Barang rusak, mohon ganti barang baru. Email saya budi@x.example",
    "Saya sudah transfer ke rekening toko kemarin, belum masuk.",
    "I paid by bank transfer yesterday. Please change the delivery date.",
    "My phone arrived broken, please replace it.",
    "Kapan refund masuk ke rekening saya?",
    "Nomor HP saya 0812, silakan telepon.",
    "",
]


@pytest.mark.parametrize("text", ASKS)
def test_a_request_to_change_an_account_is_recognised(text: str) -> None:
    assert asks_to_change_account("", text)
    assert asks_to_change_account(text, "Terima kasih.")


@pytest.mark.parametrize("text", ASKS_NOT)
def test_other_mail_asks_for_no_change(text: str) -> None:
    assert not asks_to_change_account("", text)


@pytest.mark.parametrize(
    ("proof", "marked"),
    [(Authentication.PASS, False), (Authentication.NONE, True), (Authentication.FAIL, True)],
)
def test_only_a_proven_sender_asks_without_a_mark(proof: Authentication, marked: bool) -> None:
    mail = builders.mail(visible=ASKS[0], authentication=proof)
    assert bool(unproven_change(mail)) == marked
