"""A quoted notice never leaves with an agent's answer, and what the agent wrote does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.replies.answer import extract_answer
from mailbot.mail.replies.known_text import KnownText
from mailbot.mail.replies.new_text import MARKERS
from mailbot.mail.replies.reply_heads import SentToAgent
from tests.mail.test_new_text import ADDRESS, NEW_TEXT, PROGRAMS, SIGNED, _mail

NOTICE = f"""{MARKERS["id"]}

Ada tiket baru untuk tim Anda. SECRET 4711
Alasan: aturan "saldo hilang"

Nomor      : TOKO-48217390-8
Pelanggan  : budi@pelanggan.example
Judul      : Saldo saya hilang
Tim        : frontline

Saldo saya hilang sejak minggu lalu, tolong dibantu ya kak, sudah tiga kali saya
menghubungi dan belum ada jawaban.

Balas email ini: teks di atas baris penanda dikirim kepada pelanggan."""
SUBJECT = "[TOKO-48217390-8] Tiket baru: Saldo saya hilang"
MARKED = "\n".join(f"> {line}" for line in NOTICE.split("\n"))
SENT = SentToAgent(
    addresses=("support@dukungan.example", "sari@staf.example"),
    brands=("TokoDompet",),
    subjects=(SUBJECT,),
    notices=KnownText([NOTICE]),
    public=KnownText(["Saldo saya hilang sejak minggu lalu, tolong dibantu ya kak", "Saldo saya hilang"]),
)


def answer(text: str, **more: bool) -> str:
    """Return the answer in a mail that is cut for certain."""
    found = extract_answer(text, SENT, **more)
    assert not found.doubt, found
    return found.text


def doubt(text: str) -> str:
    return extract_answer(text, SENT).doubt.code


@pytest.mark.parametrize("signature", SIGNED)
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_answer_ends_where_the_notice_begins(program: str, signature: str) -> None:
    assert answer(_mail(NEW_TEXT + signature, program, NOTICE)) == NEW_TEXT


@pytest.mark.parametrize("signature", SIGNED)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_notice_that_we_do_not_hold_stays_behind_as_well(program: str, signature: str) -> None:
    text = _mail(NEW_TEXT + signature, program, f"{MARKERS['en']}\nThere is a new ticket. SECRET 4711")

    assert extract_answer(text, SentToAgent(brands=("TokoDompet",))).text == NEW_TEXT


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_answer_below_the_whole_notice_is_found(program: str) -> None:
    assert answer(_mail("", program, NOTICE) + f"\n\n{NEW_TEXT}") == NEW_TEXT
    assert answer(_mail("", program, NOTICE)) == ""
    assert answer(_mail("Sent from my iPhone", program, NOTICE)) == ""


def test_answers_between_marked_lines_are_put_together() -> None:
    lines = MARKED.split("\n")
    text = "\n".join(
        ["Halo Pak Budi,", "", *lines[:11], "", "Saldo sudah kembali.", "", *lines[11:], "", "Salam, Sari"]
    )

    assert answer(text) == "Halo Pak Budi,\n\nSaldo sudah kembali.\n\nSalam, Sari"


def test_answers_between_lines_without_marks_are_doubtful() -> None:
    lines = NOTICE.split("\n")
    text = "\n".join(["Jawaban saya di bawah:", "", *lines[:11], "Saldo sudah kembali kemarin.", *lines[11:]])

    assert doubt(text) == "cut_in_doubt"


def test_text_below_a_quote_that_is_no_notice_of_ours_is_doubtful() -> None:
    assert (
        doubt("> Rencana rapat internal besok pagi\n> jam sembilan di ruang atas\n\nSetuju.")
        == "cut_in_doubt"
    )


HEADS = {
    "en": "From: {us}\nSent: Saturday, 28 November 2026 10:00\nTo: Sari Agen <sari@staf.example>\nSubject: {subject}",
    "de": "Von: {us}\nGesendet: Samstag, 28. November 2026 10:00\nAn: Sari Agen\nBetreff: {subject}",
    "fr": "De : {us}\nEnvoyé : samedi 28 novembre 2026 10:00\nÀ : Sari Agen\nObjet : {subject}",
    "nl": "Van: {us}\nVerzonden: zaterdag 28 november 2026 10:00\nAan: Sari Agen\nOnderwerp: {subject}",
    "es": "De: {us}\nEnviado: sábado, 28 de noviembre de 2026 10:00\nPara: Sari Agen\nAsunto: {subject}",
    "it": "Da: {us}\nInviato: sabato 28 novembre 2026 10:00\nA: Sari Agen\nOggetto: {subject}",
    "pl": "Od: {us}\nWysłano: sobota, 28 listopada 2026 10:00\nDo: Sari Agen\nTemat: {subject}",
    "ms": "Daripada: {us}\nDihantar: Sabtu, 28 November 2026 10:00\nKepada: Sari Agen\nSubjek: {subject}",
    "zh": "发件人: {us}\n发送时间: 2026年11月28日 10:00\n收件人: Sari Agen\n主题: {subject}",
    "zh wide": "发件人：{us}\n发送时间：2026年11月28日 10:00\n收件人：Sari Agen\n主题：{subject}",
    "ja": "差出人: {us}\n送信日時: 2026年11月28日 10:00\n宛先: Sari Agen\n件名: {subject}",
    "ko": "보낸 사람: {us}\n보낸 날짜: 2026년 11월 28일 10:00\n받는 사람: Sari Agen\n제목: {subject}",
    "ru": "От: {us}\nОтправлено: 28 ноября 2026 г. 10:00\nКому: Sari Agen\nТема: {subject}",
    "th": "จาก: {us}\nส่ง: 28 พฤศจิกายน 2026 10:00\nถึง: Sari Agen\nเรื่อง: {subject}",
    "bold": "*Von:* {us}\n*Gesendet:* 28. November 2026 10:00\n*An:* Sari\n*Betreff:* {subject}",
    "spaced": "Od: {us}\n\nWysłano: 28 listopada 2026 10:00\n\nDo: Sari Agen\n\nTemat: {subject}",
    "wrapped": "Od: {us}\nWysłano: 28 listopada 2026 10:00\nDo: Sari Agen;\n Tono Dua\nTemat: {subject}",
}
US = "TokoDompet <support@dukungan.example>"


@pytest.mark.parametrize(
    "quoted", [NOTICE, "Notice of another version.\nSECRET 4711"], ids=["known", "unknown"]
)
@pytest.mark.parametrize("head", HEADS)
def test_a_mail_head_of_ours_in_any_language_begins_the_quote(head: str, quoted: str) -> None:
    assert answer(f"{NEW_TEXT}\n\n{HEADS[head].format(us=US, subject=SUBJECT)}\n\n{quoted}") == NEW_TEXT


ATTRIBUTIONS = (
    "Le ven. 20 nov. 2026 à 10:12, TokoDompet <{address}> a écrit :",
    "Am 20.11.2026 um 10:12 schrieb TokoDompet <{address}>:",
    "El vie, 20 nov 2026 a las 10:12, TokoDompet (<{address}>) escribió:",
    "TokoDompet <{address}> 於 2026年11月20日 10:12 寫道:",
    "TokoDompet <{address}> 于2026年11月28日周六 10:00写道：",
    "20.11.2026 10:12 TokoDompet {address}:",
    "W dniu sob., 28 lis 2026 o 10:00 TokoDompet <{address}> napisał(a):",
    "W dniu sob., 28 lis 2026 o 10:00 TokoDompet\n<{address}>\nnapisał(a):",
    "2026年11月28日(土) 10:00 TokoDompet <{address}>:",
    "TokoDompet <{address}> kirjoitti la 28. marraskuuta 2026 klo 10.00:",
    "сб, 28 нояб. 2026 г. в 10:00, TokoDompet <{address}>:",
    "TokoDompet kirjoitti 28.11.2026 klo 10.00:",
    "---- On Sat, 28 Nov 2026 10:00:00 +0700 TokoDompet <{address}> wrote ----",
)


@pytest.mark.parametrize("quoted", [MARKED, NOTICE], ids=["marked", "unmarked"])
@pytest.mark.parametrize("address", [ADDRESS, "support@dukungan.example"])
@pytest.mark.parametrize("above", ATTRIBUTIONS)
def test_an_attribution_in_any_language_stays_behind(above: str, address: str, quoted: str) -> None:
    assert answer(f"{NEW_TEXT}\n\n{above.format(address=address)}\n\n{quoted}") == NEW_TEXT


@given(st.text(max_size=120), st.sampled_from(sorted(PROGRAMS)), st.sampled_from(["", "> ", ">> ", " | "]))
def test_text_below_the_marker_never_leaves(above: str, program: str, prefix: str) -> None:
    notice = "\n".join(f"{prefix}{line}" for line in (MARKERS["id"], "SECRET 4711", "", "more SECRET 4711"))

    assert "SECRET 4711" not in extract_answer(_mail(above, program, notice), SentToAgent()).text


@pytest.mark.parametrize(
    "text",
    [
        "Halo Bu Siti,\n\ndana Anda kembali dalam 2 hari:\n- Rp 50.000\n\nSalam,\nAyu",
        "Hubungi kami:\nTelepon: 0812-3456-7890\nEmail: support@dukungan.example\nJam: 09.00-17.00",
        "Data pesanan:\nNomor: INV-1\nTanggal: 27/11/2026 10:12\nEmail: support@dukungan.example",
        "Dari: BCA 123\nKe: Dana 456\nTanggal: 20/11/2026",
        "Kurir menulis:\npaket sudah diterima.",
        "Pada 20 Nov 2026 Anda menulis:\nsaldo hilang.\n\nSudah kami cek.",
        "| Barang | Harga |\n| Tas | 50.000 |",
        "Pertama.\n\n--------------------\n\nKedua.",
        "Saldo saya hilang sejak minggu lalu, tolong dibantu ya kak\n\nIni kutipan Anda.",
        "Lihat https://toko.example/retur?id=77 atau\nformulir <https://toko.example/a>",
        "1. satu\n2. dua\n\n* tiga",
        "Data Anda bersifat rahasia dan hanya untuk Anda, jangan bagikan OTP kepada siapa pun juga.",
    ],
)
def test_what_an_agent_writes_stays_whole(text: str) -> None:
    assert answer(text) == text
    assert answer(f"{text}\n\n{MARKED}") == text


def test_a_warning_of_a_mail_server_above_the_notice_is_no_answer() -> None:
    warned = f"CAUTION: This mail came from outside of the organization.\n\n{NOTICE}"

    assert answer(f"{NEW_TEXT}\n\n{HEADS['en'].format(us=US, subject=SUBJECT)}\n\n{warned}") == NEW_TEXT


def test_a_sentence_that_agents_repeat_is_sent_again() -> None:
    sentence = "Terima kasih sudah menghubungi TokoDompet."
    sent = SentToAgent(
        ("support@dukungan.example",), notices=KnownText([NOTICE, sentence]), public=KnownText([sentence])
    )

    assert extract_answer(f"{sentence}\n\n{MARKED}", sent).text == sentence
    assert extract_answer(f"{MARKED}\n\nSudah.\n{sentence}", sent).text == f"Sudah.\n{sentence}"


def test_a_head_on_one_line_begins_the_quote() -> None:
    head = f"From: {US} Sent: Sat 28 Nov 2026 10:00 To: Sari Subject: {SUBJECT}"

    assert answer(f"{NEW_TEXT}\n\n{head}\n\n{NOTICE}") == NEW_TEXT


def test_a_preview_line_above_the_marker_is_ours() -> None:
    preview = "Giliran Anda: jawab Budi sebelum 12.00 WIB"
    sent = SentToAgent(notices=KnownText([f"{preview}\n\n{NOTICE}"]))

    assert extract_answer(f"{NEW_TEXT}\n\n{preview}\n\n{NOTICE}", sent).text == NEW_TEXT


def test_a_forwarded_mail_is_doubtful() -> None:
    head = "From: Tono Dua <tono@staf.example>\nDate: Fri, 27 Nov 2026 10:00\nSubject: internal\nTo: Sari"

    assert (
        doubt(f"Silakan.\n\n---------- Forwarded message ---------\n{head}\n\nJangan kirim.")
        == "forwarded_mail"
    )
    assert doubt(f"Silakan.\n\n{head}\n\nJangan kirim.") == "forwarded_mail"


def test_a_line_of_the_notice_that_the_customer_does_not_know_is_doubtful() -> None:
    assert doubt("Halo,\n\nAda tiket baru untuk tim Anda. SECRET 4711\n\nSalam, Sari") == "cut_in_doubt"
    assert answer(f"Tulis ke {ADDRESS} saja.") == ""


FOOTERS = {
    "signature": "\n\n-- \nSari Agen\nExt. internal 4711, HP 0812-1111",
    "disclaimer": "\n\nThis e-mail and any attachments are confidential and intended solely for the addressee.",
    "disclaimer id": "\n\nE-mail ini beserta lampirannya bersifat rahasia dan hanya ditujukan kepada penerima.",
    "disclaimer de": "\n\nDiese E-Mail enthält vertrauliche Informationen.",
    "device fr": "\n\nEnvoyé de mon iPhone",
    "device ja": "\n\niPhoneから送信",
    "device de": "\n\nVon meinem iPhone gesendet",
    "device ms": "\n\nDihantar dari iPhone saya",
}


@pytest.mark.parametrize("footer", FOOTERS)
def test_what_is_below_the_text_stays_behind(footer: str) -> None:
    assert answer(f"{NEW_TEXT}{FOOTERS[footer]}\n\n{MARKED}") == NEW_TEXT
    assert answer(f"{MARKED}\n\n{NEW_TEXT}{FOOTERS[footer]}") == NEW_TEXT


def test_a_signature_goes_along_where_the_agent_wants_it() -> None:
    text = f"{NEW_TEXT}{FOOTERS['signature']}"

    assert answer(f"{text}\n\n{MARKED}", keep_signature=True) == text
