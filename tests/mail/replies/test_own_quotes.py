"""What a reply quotes of our mails, by the lines that name one of our addresses."""

import pytest

from mailbot.mail.replies.own_quotes import quotes_of_ours

OURS = {"support@dukungan.example"}
BY_US = "TokoDompet <support@dukungan.example>"


@pytest.mark.parametrize(
    "head",
    [
        f"On Sat, Nov 28, 2026 at 10:00 AM {BY_US} wrote:",
        f"Pada Sab, 28 Nov 2026 pukul 10.00 {BY_US} menulis:",
        f"> Am 28.11.2026 schrieb {BY_US}:",
        f"On Sat, Nov 28, 2026 at 10:00 AM {BY_US}\nwrote:",
        f"From: {BY_US}\nSent: Saturday",
        f"Dari: {BY_US}\nDikirim: Sabtu",
        f"差出人： {BY_US}\n送信日時: 28",
        f"> To: {BY_US.upper()}",
    ],
)
def test_a_quote_begins_below_an_attribution_or_a_header_that_names_us(head: str) -> None:
    found = quotes_of_ours(f"Kapan?\n\n{head}\n> Nomor: TOKO-1\n", OURS)

    assert "Nomor: TOKO-1" in found
    assert "Kapan" not in found


@pytest.mark.parametrize(
    "text",
    [
        "Nomor: TOKO-1",
        "On Sat toko@lain.example wrote:\n> Nomor: TOKO-1",
        f"Saya menulis ke {BY_US} kemarin\ndan belum ada kabar soal TOKO-1",
        "",
    ],
)
def test_other_text_is_no_quote_of_ours(text: str) -> None:
    assert quotes_of_ours(text, OURS) == ""
