"""Thanks only, and away: what is neither must never be taken for one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.replies.courtesy import is_thanks

NAMES = "Budi Santoso Rina TokoDompet"

THANKS = """
terima kasih
Terima kasih.
TERIMA KASIH BANYAK
terimakasih
Terimakasih banyak atas bantuannya
terima kasih banyak ya kak
makasih ya min
Makasih banyak kak 🙏
makasiiih
mksh min
Trims.
thanks!
Thanks a lot
thank you
Thank you so much!
Thank you very much for your help.
noted, thank you so much
Noted with thanks.
Many thanks for your quick response
thx
tq kak
ok siap, terima kasih banyak atas bantuannya 🙏
Oke kak, makasih ya 😊
Baik, terima kasih atas informasinya.
Baik pak, terima kasih atas penjelasannya
Siap, terima kasih min
Sip, makasih
Alhamdulillah, terima kasih banyak
Halo kak, terima kasih ya
Selamat pagi, terima kasih atas balasannya.
Terima kasih sudah dibantu ya kak
makasih udah bantu
Terima kasih, sukses selalu ya 🙏🙏
Terima kasih, semoga sehat selalu
Thanks, have a nice day!
Much appreciated, thanks
I really appreciate your help. Thank you!
Terima kasih Rina
Terima kasih,|Budi
Terima kasih.||Salam,|Budi Santoso
Thank you.||Best regards,|Agus Wijaya
Terima kasih banyak.||Hormat saya,||Siti
Matur nuwun
Hatur nuhun, sukses selalu
Thank you & best regards
Terima kasih :)
Saya ucapkan terima kasih banyak atas kerja samanya
Assalamualaikum, terima kasih. Wassalam
"""

NOT_THANKS = """
|
ok
baik
siap
noted
Halo
Salam
ya
Ya, terima kasih
Tidak, terima kasih
Sudah, terima kasih
Belum, terima kasih
Sudah masuk, terima kasih
Terima kasih, tapi belum masuk
Terima kasih, tetapi saldo saya masih kurang
Terima kasih namun dana belum kembali
Terima kasih, dananya belum saya terima
Terima kasih, kapan dananya masuk?
terima kasih?
Terima kasih sebelumnya
Thanks in advance
Thanks but it still does not work
Thank you, but no
Thanks, still waiting
Thanks for nothing
No thanks
Thank you. It is not solved.
Mohon dibantu, terima kasih
Tolong segera ya kak, makasih
Ditunggu ya, terima kasih
Saya tunggu kabarnya, terima kasih
Updatenya ya kak, makasih
Infonya dong kak, makasih
Bantuannya ya kak, terima kasih
Minta info ya, terima kasih
Terima kasih, mohon dicek lagi
Terima kasih, nomor saya 08123456789
Terima kasih, INV/123
Terima kasih 2 hari lagi saya cek
Terima kasih, pelayanannya lambat
Terima kasih atas pelayanan yang buruk
Terima kasih sudah menipu saya
Terima kasih, saya kecewa
Terima kasih :(
Terima kasih 😡
Thanks 👎
Setuju, terima kasih
Boleh kak, terima kasih
Silakan diproses, terima kasih
Lanjutkan ya, terima kasih
Yes please, thank you
Go ahead, thanks
Please close the ticket, thanks
Batalkan saja, terima kasih
Terima kasih,|Batalkan saja
Terima kasih.||Salam,|Tolong batalkan
Terima kasih.||Salam,|Tapi belum masuk
Terima kasih.||Salam,|Budi||PS besok saya telepon lagi
Terima kasih, akun saya terkunci lagi
Terima kasih. Satu lagi
Terima kasih, uangnya kurang
Thanks, attached
Thanks, see below
Terima kasih, bukti terlampir
Jawaban saya di bawah, terima kasih
Terima kasih, orangnya salah
terima kasih https toko example
Terima kasih, Siti
Refund, terima kasih
Uang kembali, terima kasih
"""


def rows(table: str) -> list[str]:
    return [row.replace("|", "\n") for row in table.strip("\n").split("\n")]


@pytest.mark.parametrize("text", rows(THANKS))
def test_thanks_alone_are_known(text: str) -> None:
    assert is_thanks(text, NAMES)


@pytest.mark.parametrize("text", rows(NOT_THANKS))
def test_a_mail_with_more_than_thanks_is_an_ordinary_mail(text: str) -> None:
    assert not is_thanks(text, NAMES)


def test_a_long_mail_is_not_thanks_even_with_many_thanks_in_it() -> None:
    assert is_thanks("terima kasih " * 12)
    assert not is_thanks("terima kasih " * 13)
    assert not is_thanks("terima kasih, " * 100_000)


TURNS = [
    "tapi",
    "tetapi",
    "namun",
    "belum",
    "tidak",
    "but",
    "still",
    "not",
    "kapan",
    "?",
    "7",
    "kurang",
    "INV",
]


@given(st.sampled_from(rows(THANKS)), st.sampled_from(TURNS), st.data())
def test_one_word_that_turns_it_makes_it_an_ordinary_mail(text: str, word: str, data: st.DataObject) -> None:
    words = text.split(" ")
    at = data.draw(st.integers(0, len(words)))

    assert not is_thanks(" ".join([*words[:at], word, *words[at:]]), NAMES)


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_can_be_asked(text: str, names: str) -> None:
    assert is_thanks(text, names) in (True, False)
