"""The question how far we are, and nothing else: what says more must always reach a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.model import Attachment
from mailbot.domain.replies.status_question import asks, is_status_question, language_of_question
from tests.builders import NUMBER, mail

NAMES = "Siti Rahmawati Rina TokoDompet"
QUESTIONS = """
Mohon kabarnya ya kak
Is it resolved?
has my ticket been assigned yet?
STATUS
status
Status?
status!!!
cek status
cek status dong kak
mohon cek status tiket saya
gmn status tiket sy
udah sampe mana ya kak?
sudah sampai mana?
sampai mana
bagaimana status laporan saya
Bagaimana status laporan saya? Terima kasih.
any update?
Any updates on my ticket please?
Halo min, laporan saya gimana ya? makasih
Selamat siang, mohon info status laporan saya. Terima kasih
ada perkembangan?
Apakah sudah ada kabar?
sudah ada update belum ya kak
update dong
minta update laporan saya
laporan saya sudah sampai mana ya?
Sudah diproses belum?
apakah laporan saya sudah diproses?
kapan selesai?
kapan dibalas ya
berapa lama lagi?
what is the status of my ticket?
What's the status?
Hi team,|Can I get an update on my case?|Thanks
Could you please let me know the status of my request
where are we with this?
how is my case going?
how's my ticket coming along?
when will i hear back?
When can I expect an answer?
how long will it take?
how much longer?
has anyone looked at this yet?
is there any news?
tiket saya dimana?
posisi laporan saya?
Mau tanya status laporan saya dong kak 🙏
tanya kelanjutannya gimana ya
bagaimana perkembangannya?
Kak, tolong infokan kabar terbaru ya
status laporan
ticket status
status update
Status update please
STATUS.|Salam,|Siti Rahmawati
Status?|Regards,|John
assalamualaikum min mau tanya status laporan saya udah sampe mana ya terima kasih sebelumnya
Status tiket @number
@number status
mohon update
mohon updatenya
mohon update nya
sudah sejauh mana?
sudah sampai tahap mana ya
boleh tau progresnya?
minta info status
Hello, just checking on the status of my ticket
Just following up, any news?
do you have any update for me?
could you give me an update
any progress
halo kak, saya mau menanyakan status laporan saya
ini sudah sampai mana ya prosesnya
Mohon informasinya sudah sampai mana
apa kabar laporan saya
gimana kelanjutan laporan saya min?
Gimana kak, sudah ada jawaban?
what's happening with my ticket?
may I know the status of my complaint
"""
OTHERS = """
please have this case closed
all i want is my case solved
laporan saya sudah selesai
mohon jawaban
mana jawabannya
Is it resolved
apa kabar?
Halo?
barang belum sampai
status pesanan saya gimana
update alamat saya
tolong update nomor saya
update my email address
belum ada kabar
Kok belum ada kabar, kecewa
saya belum terima refund
status: sudah terima barangnya
sudah selesai
sudah selesai, terima kasih
sudah beres kak makasih
barangnya sudah sampai mana
where is my parcel?
where is my refund
when will I get my money
kapan uang saya kembali
batalkan
status? kalau belum saya lapor polisi
still no update
still waiting
no update, cancel it
status 2 hari lagi
gimana ini
tolong
mohon bantuannya
mohon ditindaklanjuti
please close my ticket
close
mohon info
status akun saya diblokir
statusnya sudah selesai, tapi uang belum masuk
ok
baik
ya
sudah
mohon ubah status jadi selesai
tolong ganti status laporan
the status is wrong
terima kasih
status gizi
it is resolved
this has been resolved
my issue is solved thanks
resolved
i need an update of my account
I want to update my request
Update: masih sama
saya mau update laporan: nomor HP saya ganti
Saya sudah kirim bukti transfer, status?
new message
new report
when will you be done? this is fraud
"""


def texts(rows: str) -> list[str]:
    return [row.replace("|", "\n") for row in rows.strip().splitlines()]


@pytest.mark.parametrize("text", texts(QUESTIONS))
def test_a_question_for_the_status_is_known(text: str) -> None:
    assert asks(text, NAMES)


@pytest.mark.parametrize("text", ["", *texts(OTHERS)])
def test_what_says_more_or_something_else_is_no_such_question(text: str) -> None:
    assert not asks(text, NAMES)


WORDS = "uang refund barang paket 250000 kecewa penipu rusak alamat money parcel broken cancel batal polisi".split()  # noqa: SIM905


@given(st.sampled_from(texts(QUESTIONS)), st.sampled_from(WORDS), st.integers(0, 20))
def test_one_word_of_content_makes_it_an_ordinary_mail(ask: str, word: str, place: int) -> None:
    words = ask.split(" ")
    words.insert(min(place, len(words)), word)
    assert not asks(" ".join(words), NAMES)


@given(st.text(max_size=500))
def test_any_text_is_judged(text: str) -> None:
    assert asks(text, text) in (True, False)


@pytest.mark.parametrize(
    ("subject", "text", "is_question"),
    [
        (f"Re: Pesan Anda sudah kami terima [{NUMBER}]", "STATUS", True),
        (f"STATUS {NUMBER}", "", True),
        (f"status tiket {NUMBER.lower().replace('-', ' ')}", "Terima kasih", True),
        (f"Status {NUMBER}", "udah sampe mana ya kak?", True),
        ("", f"status {NUMBER}", True),
        ("", f"Nomor tiket {NUMBER}, sudah sampai mana ya?", True),
        (NUMBER, "status?", True),
        (f"Saldo terpotong [{NUMBER}]", "status", True),
        (f"Akun saya dibajak {NUMBER}", "status?", False),
        (f"Re: Saldo terpotong [{NUMBER}]", "", False),
        (f"Status {NUMBER}", "Barang sampai rusak.", False),
        (f"Status {NUMBER}", "status dan TOKO-51157299-3", False),
        (f"Status {NUMBER} TOKO-51157299-1", "status", False),
    ],
)
def test_subject_and_text_are_read_together(subject: str, text: str, is_question: bool) -> None:
    written = mail(subject=subject, text=text, visible=text)
    assert is_status_question(written, "Saldo terpotong", (NUMBER,), {"TOKO"}, NAMES) is is_question


def test_a_mail_with_a_file_or_not_read_whole_is_no_question() -> None:
    photo = Attachment("bukti.jpg", "image/jpeg", 10, "d")
    for more in ({"attachments": (photo,)}, {"flags": ("html-cut",)}):
        assert not is_status_question(mail(subject="", visible="status", **more), "", (), (), "")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("STATUS", ""),
        ("any update?", "en"),
        ("udah sampe mana", "id"),
        ("what's the status?", "en"),
        ("update dong", "id"),
    ],
)
def test_the_language_of_so_few_words_is_known_where_it_is_clear(text: str, language: str) -> None:
    assert language_of_question(text) == language
