"""Thanks only, and away: what is neither must never be taken for one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.courtesy import is_away, is_thanks

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


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=40))
def test_any_text_can_be_asked(text: str, subject: str, names: str) -> None:
    assert is_thanks(text, names) in (True, False)
    assert is_away(subject, text) in (True, False)


# subject | text
AWAY = """
Automatic reply: Saldo saya | I am out of the office until Monday.
Automatic reply: [TOKO-48217390-8] Saldo | I am currently on annual leave with limited access to email.
AUTOMATIC REPLY: Saldo | Thank you for your email. I will be back on 30 November.
Automatic reply - Saldo | I'm away from my desk this week.
Auto reply: Saldo | I will return on Monday.
Auto-reply: Saldo | This is an automated reply. I am out of office.
Autoreply: Saldo | This is an automatic response.
Auto Response: Saldo | I am on vacation until 1 December.
Auto-Response: Saldo | I will reply when I am back.
Automated response: x | I am on holiday.
Out of office | I am out of office today.
Out of Office: Re: Saldo | I am on maternity leave.
Out of the office: Saldo | I am currently out of the office.
Out of Office Reply: Saldo | I will be out until Friday.
Out of office reply | I am out of the office.
Out of Office AutoReply: Saldo | I am out of the office.
OOO: Saldo | I have no access to email this week.
OOO | I am on leave until Friday.
Away from office: Saldo | I will be back on Tuesday.
On leave | I am on leave.
On annual leave: Budi | I am on annual leave until 2 December.
Vacation reply: Saldo | I am on vacation.
Balasan otomatis: Saldo | Saya sedang cuti sampai 30 November 2026.
Balasan Otomatis: [TOKO-48217390-8] Saldo | Saat ini saya sedang di luar kantor.
balasan otomatis: Saldo | Terima kasih atas email Anda. Saya akan kembali bekerja hari Senin.
Balasan otomatis - Saldo | Saya sedang dinas luar.
Balasan otomatis | Ini adalah balasan otomatis.
Jawaban otomatis: Saldo | Saya sedang tidak berada di kantor.
Respon otomatis: Saldo | Saya sedang libur.
Respons otomatis: Saldo | Email ini dikirim secara otomatis. Saya cuti.
Pesan otomatis: Saldo | Ini merupakan pesan otomatis.
Di luar kantor: Saldo | Saya akan kembali ke kantor pada 1 Desember.
Sedang di luar kantor | Saya sedang di luar kota.
Cuti: Budi Santoso | Saya sedang cuti melahirkan.
Sedang cuti | Saya masih cuti hingga Jumat, dan kembali masuk hari Senin.
Tidak di tempat: Budi | Saya saat ini tidak berada di tempat.
Tidak berada di kantor | Saya lagi dinas luar sampai Rabu.
[EXTERNAL] Automatic reply: Saldo | I am out of the office.
[Toko] Balasan otomatis: Saldo | Saya sedang cuti.
Automatic reply： Saldo | Currently on leave. I am on sick leave.
Balasan otomatis: Saldo | Mohon maaf,|saya sedang||di luar kantor.
"""

NOT_AWAY = """
Re: Saldo saya | Saya sedang cuti, jadi tolong kirim dananya minggu ini.
Re: Saldo saya | Saya sedang di luar kantor, telepon saja.
Re: Saldo saya | I am out of office until Monday, please refund by then.
Re: Saldo saya | I will be back on Monday.
Re: Saldo saya | Ini adalah balasan otomatis.
Saldo saya | Saya sedang cuti sampai 30 November.
Saldo saya | I am on vacation and my card was charged twice.
Saya sedang cuti | Saya sedang cuti dan saldo saya hilang.
Cuti bersama | Apakah buka saat cuti bersama, saya sedang cuti.
Cuti saya batal | Saya sedang cuti.
Tiket cuti | Saya sedang cuti.
Paket tiba saat saya di luar kantor | Saya sedang di luar kantor waktu itu.
Di luar kantor saya ada kurir | Saya sedang di luar kantor.
Out of office hours charge | I was out of office.
Out of stock: Saldo | I am out of the office.
Out of office delivery | Courier came when I was out of the office.
Office closed | I am out of the office.
On leave pay | I am on leave.
Vacation package | I am on vacation.
Vacation voucher: not received | I am on vacation and it will be back.
Automatic reply | Where is my money
Automatic reply: Saldo | Where is my money?
Automatic reply: Saldo | Dana saya belum masuk.
Automatic reply: Saldo | Please help.
Automatic reply received twice | I am out of office.
Auto reply Anda mengganggu | Saya sedang cuti.
Automatic payment: failed | I am on vacation.
Automatic debit: Saldo | I will be back on Monday.
Autodebit: Saldo | Saya sedang cuti.
Balasan otomatis: Saldo | Kapan dibalas orang?
Balasan otomatis: Saldo | Saldo saya hilang.
Balasan otomatis: Saldo | Tolong jangan jawab dengan robot.
Balasan otomatis terus | Ini adalah balasan otomatis ketiga yang saya terima.
Balasan otomatis terus menerus: kecewa | Ini adalah balasan otomatis.
Re: Balasan otomatis: Saldo | Saya sedang cuti.
Fwd: Automatic reply: Saldo | I am out of the office.
Bls: Di luar kantor | Saya sedang di luar kantor.
Pembayaran otomatis: gagal | Saya sedang cuti.
Debit otomatis: Saldo | Saya sedang cuti.
Pesan saya: Saldo | Saya sedang cuti.
Pesan tidak dibalas | Saya sedang di luar kantor.
Jawaban: Saldo | Saya sedang cuti.
Respon lambat: Saldo | Saya sedang libur.
OOO saja | Saya sedang cuti.
Ooops: Saldo | I am on vacation.
Tidak di tempat saat kurir datang | Saya sedang tidak di tempat.
Sedang menunggu: Saldo | Saya sedang cuti.
Tidak masuk: Saldo | Saya sedang cuti.
Libur | Saya sedang libur.
Liburan batal: refund | Saya sedang libur.
Di luar negeri | Saya sedang di luar negeri, kartu tidak bisa dipakai.
Di luar kota | Saya sedang di luar kota.
Away | I am away on holiday.
Away game ticket: refund | I am on holiday.
Leave me alone: refund | I am on leave.
Holiday: refund | I am on holiday.
Saldo: automatic reply | I am out of the office.
Keluhan balasan otomatis: Saldo | Ini adalah balasan otomatis.
 | I am out of the office.
 | Saya sedang cuti.
Automatic reply: Saldo |
Balasan otomatis: Saldo |
"""


@pytest.mark.parametrize("row", AWAY.strip("\n").split("\n"))
def test_who_is_away_by_subject_and_text_is_away(row: str) -> None:
    subject, _, text = row.partition(" | ")

    assert is_away(subject, text.replace("|", "\n"))


@pytest.mark.parametrize("row", NOT_AWAY.strip("\n").split("\n"))
def test_a_customer_who_writes_about_being_away_is_an_ordinary_mail(row: str) -> None:
    subject, _, text = row.partition(" |")

    assert not is_away(subject, text)
