"""The language of complaints is guessed from texts in the style of real customers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.language import ENGLISH, INDONESIAN, SAMPLE_LENGTH, guess

INDONESIAN_MAILS = [
    "Selamat pagi, saldo saya terpotong Rp 250.000 tapi pulsa belum masuk. Mohon dibantu.",
    "min tolong dong paket gw udh 2 minggu ga nyampe2, resi JP1234567890",
    "Barang yang saya terima rusak, kardusnya penyok dan layarnya retak. Saya minta refund penuh.",
    "Kak, top up 100rb dari BCA jam 10 tadi kok belum masuk ya??",
    "Dengan hormat,\nBersama ini kami sampaikan keluhan mengenai transaksi ganda pada tanggal 3 November.",
    "akun saya terkunci tidak bisa login padahal password benar",
    "KENAPA PESANAN SAYA DIBATALKAN SEPIHAK??? UANG SAYA BELUM KEMBALI!!!",
    "Salah kirim ukuran. Pesan XL dapat M. Gimana cara tukarnya?",
    "Terima kasih, sudah saya terima barangnya.",
    "Terima kasih",
    "gan, voucher gratis ongkir nya gak bisa dipake",
    "Udah 3x chat cs gak ada respon. Tolong segera diproses refund order #8812, please!",
    "Halo, please dibantu ya min, payment nya failed tapi saldo kepotong",
    "Mohon info status refund untuk order INV/20250101/123456789",
    "tolong bantu cek pesanan saya\n\nSent from my iPhone",
    "Barang belum sampai.\n\n> On Mon, Nov 3 you wrote:\n> Thank you for your order, we have sent it\n",
]
ENGLISH_MAILS = [
    "Hello, my order arrived damaged. The screen is cracked and I want a refund.",
    "I was charged twice for the same order, please help.",
    "My account has been locked since yesterday and I can't log in anymore",
    "WHERE IS MY PACKAGE??? It's been 3 weeks!!!",
    "Top up of Rp 500.000 from BCA did not arrive in my wallet. Transaction ID TX-99812.",
    "hi, you sent the wrong size. ordered XL but received M",
    "Dear Sir or Madam,\nthis is about the delivery of order 8812, which should have come on Monday.",
    "Still waiting for a reply from your team. This is very disappointing.",
    "I don’t understand why you haven’t answered yet",
    "Someone used my card without my permission, please block it immediately!",
    "Please cancel my order and return the money\n\nDikirim dari iPhone saya",
]
NEITHER = [
    "",
    "ok",
    "Ok",
    "refund",
    "???",
    "12345",
    "0812-3456-7890",
    "INV/20250101/123456789",
    "Rp 250.000",
    "👍👍👍",
    "thx",
    "\n\n   \t\n",
    "TOKO-48217390-8",
    "商品がまだ届きません。返金をお願いします。",
    "لم يصل الطلب حتى الآن",
    "Waar blijft mijn pakket? Ik heb het vorige week besteld en nog niets ontvangen. We hadden haast.",
    "Ich habe mein Paket noch nicht erhalten. Was ist passiert? Ich will mein Geld, das war vor einer Woche.",
    "Mi pedido no ha llegado todavía. He esperado dos semanas y quiero mi dinero, por favor.",
    "Je n'ai pas reçu mon colis, la commande date de deux semaines. Merci de me rembourser.",
    "Siparişim hâlâ gelmedi, bu kaçıncı gün, lütfen yardım edin",
    "Jag har inte fått mitt paket, kan ni hjälpa mig? Tack på förhand.",
    "Bestellung Nr. 8812: Artikel defekt, bitte Ersatz senden oder Betrag erstatten.\n"
    "Kategorie: missing items, Lieferung kam zwar an, Karton leer.\nMit freundlichen Grüßen, Jörg Schmidt",
    "Hindi ko pa natatanggap ang order ko, pakitulungan po ako",
]
MIXED = [
    "Barang saya belum sampai, mohon dibantu.\n---\nMy package has not arrived, please help me with this.",
    "paket dan package, saya and my, belum and not yet",
]


@pytest.mark.parametrize("text", INDONESIAN_MAILS)
def test_an_indonesian_complaint_is_recognised(text):
    assert guess(text) == "id"


@pytest.mark.parametrize("text", ENGLISH_MAILS)
def test_an_english_complaint_is_recognised(text):
    assert guess(text) == "en"


@pytest.mark.parametrize("text", NEITHER)
def test_a_short_text_or_another_language_is_unknown(text):
    assert guess(text) == ""


@pytest.mark.parametrize("text", MIXED)
def test_a_text_in_both_languages_is_unknown(text):
    assert guess(text) == ""


def test_only_the_beginning_counts():
    filling = "x" * (SAMPLE_LENGTH - 1)
    assert guess(f"{filling} saya belum terima barang") == ""
    assert guess("saya belum terima barang" + " x" * 10 + "y" * 1_000_000) == "id"


def test_no_word_is_in_both_lists():
    assert not INDONESIAN & ENGLISH


@given(st.text())
def test_any_text_has_one_of_three_results(text):
    assert guess(text) in ("id", "en", "")


@given(st.sampled_from(INDONESIAN_MAILS + ENGLISH_MAILS))
def test_capitals_do_not_matter(text):
    assert guess(text.upper()) == guess(text)
