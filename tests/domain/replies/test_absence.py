"""Absence notes: in many languages, and never a customer who only writes about being away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.replies.absence import is_absence_note

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
def test_who_is_away_by_subject_and_text_is_absence_note(row: str) -> None:
    subject, _, text = row.partition(" | ")

    assert is_absence_note(subject, text.replace("|", "\n"))


@pytest.mark.parametrize("row", NOT_AWAY.strip("\n").split("\n"))
def test_a_customer_who_writes_about_being_away_is_an_ordinary_mail(row: str) -> None:
    subject, _, text = row.partition(" |")

    assert not is_absence_note(subject, text)


# subject | text, in the languages of mail programs
FOREIGN = """
Automatische Antwort: Saldo | Ich bin bis 5. Januar nicht im Büro. In dringenden Fällen: 0812-0000.
Abwesenheitsnotiz: Saldo | Vielen Dank. Ich bin bis zum 5. Januar im Urlaub.
Réponse automatique : Saldo | Je suis absent du bureau jusqu’au 5 janvier.
Absence du bureau: Saldo | Je suis actuellement en congés.
Automatisch antwoord: Saldo | Ik ben afwezig tot 5 januari. Voor dringende zaken: 0812-0000.
Afwezig: Saldo | Ik ben momenteel niet op kantoor.
Respuesta automática: Saldo | Estaré fuera de la oficina hasta el 5 de enero.
Resposta automática: Saldo | Estou de férias até 5 de janeiro.
Risposta automatica: Saldo | Sono fuori ufficio fino al 5 gennaio.
Automatyczna odpowiedź: Saldo | Jestem nieobecna do 5 stycznia.
Balasan automatik: Saldo | Saya tiada di pejabat sehingga 5 Januari.
自動応答: Saldo | 1月5日まで休暇をいただいております。
自动答复: Saldo | 我正在休假，1月5日返回。
Autosvar: Saldo | Jag har semester till och med 5 januari.
Otomatik yanıt: Saldo | 5 Ocak'a kadar izindeyim.
Автоматический ответ: Saldo | Я в отпуске до 5 января.
부재중: Saldo | 현재 휴가 중입니다.
"""


@pytest.mark.parametrize("row", FOREIGN.strip("\n").split("\n"))
def test_an_absence_note_is_known_in_many_languages(row: str) -> None:
    subject, _, text = row.partition(" | ")

    assert is_absence_note(subject, text)
    assert is_absence_note(f"Re: {subject.partition(':')[2]}", text, declared=True)
    assert not is_absence_note("Saldo saya", "Mohon dicek saldo saya.", declared=True)


# text, below an ordinary subject
BY_TEXT_ALONE = """
I am out of the office until 5 January. For urgent matters call my manager on 0812-0000.
Saya sedang cuti sampai 5 Januari. Untuk hal mendesak hubungi atasan saya di 0812-0000.
Ich bin bis 5. Januar nicht im Büro. In dringenden Fällen: 0812-0000.
Estoy de vacaciones hasta el 5 de enero. Para asuntos urgentes llame al 0812-0000.
Je suis en congés jusqu'au 5 janvier. En cas d'urgence : 0812-0000.
Ik ben afwezig tot 5 januari. Voor spoed: 0812-0000.
Jestem nieobecny do dnia 5 stycznia. W pilnych sprawach: 0812-0000.
Sono in ferie fino al 5 gennaio. Per emergenze: 0812-0000.
Estou de férias até 5 de janeiro. Assuntos urgentes: 0812-0000.
1月5日まで休暇をいただいております。お急ぎの方は0812-0000へ。
我正在休假，直到1月5日。紧急事务请致电0812-0000。
Saya tiada di pejabat sehingga 5 Januari. Untuk urusan segera hubungi 0812-0000.
I am on leave until Monday with limited access to email.
I am on vacation until Monday and will reply when I return.
"""


@pytest.mark.parametrize("text", BY_TEXT_ALONE.strip("\n").split("\n"))
def test_a_note_with_end_and_another_way_needs_no_subject(text: str) -> None:
    assert is_absence_note("Re: Saldo", text)


@pytest.mark.parametrize(
    ("text", "is_note"),
    [
        ("I am on leave until 5 January.", True),
        ("Saya sedang dinas luar, kembali Senin.", True),
        ("Kurir kami sedang libur. Paket dikirim Senin.", False),
        ("Maaf, saya sedang cuti kemarin. Paket Anda sudah kami kirim.", False),
        ("Paket Anda kami kirim ulang hari ini.", False),
    ],
)
def test_of_an_agent_a_text_with_an_end_is_enough(text: str, is_note: bool) -> None:
    assert is_absence_note("Re: Saldo", text, from_agent=True) is is_note


@given(st.text(max_size=300), st.text(max_size=100), st.booleans(), st.booleans())
def test_any_text_can_be_asked(text: str, subject: str, declared: bool, from_agent: bool) -> None:
    assert is_absence_note(subject, text, declared=declared, from_agent=from_agent) in (True, False)
