"""Customers' mails that agents forward, in the words of many mail programs."""

import pytest

from mailbot.domain.model import Contact
from mailbot.mail.parsing.parse import parse
from mailbot.mail.replies.forwarded import ForwardedMail, read_forwarded

RINA = Contact("Rina", "rina@pelanggan.example")
TEXT = "Barang saya rusak."


def forwarded(
    body: str, subject: str = "Fwd: barang rusak", kind: str = "text/plain"
) -> ForwardedMail | None:
    head = f"From: Sari <sari@staf.example>\nTo: support@dukungan.example\nSubject: {subject}\n"
    mail = parse(f"{head}MIME-Version: 1.0\nContent-Type: {kind}; charset=utf-8\n\n{body}\n".encode())
    return read_forwarded(mail, parse, is_outside)


def is_outside(address: str) -> bool:
    return not address.endswith("staf.example")


def head(*lines: str) -> str:
    return "\n".join(lines) + f"\n\n{TEXT}"


GMAIL = {
    "en": ("Forwarded message", "From", "Date", "Subject", "To"),
    "id": ("Pesan terusan", "Dari", "Tanggal", "Perihal", "Kepada"),
    "de": ("Weitergeleitete Nachricht", "Von", "Datum", "Betreff", "An"),
    "fr": ("Message transféré", "De", "Date", "Objet", "À"),
    "es": ("Mensaje reenviado", "De", "Fecha", "Asunto", "Para"),
    "nl": ("Doorgestuurd bericht", "Van", "Datum", "Onderwerp", "Aan"),
    "it": ("Messaggio inoltrato", "Da", "Data", "Oggetto", "A"),
    "ja": ("転送メッセージ", "差出人", "日時", "件名", "宛先"),
    "zh": ("转发的邮件", "发件人", "日期", "主题", "收件人"),
    "ru": ("Пересылаемое сообщение", "От", "Дата", "Тема", "Кому"),
}


@pytest.mark.parametrize("words", GMAIL.values(), ids=GMAIL.keys())
@pytest.mark.parametrize("subject", ["Fwd: barang rusak", "barang rusak"])
def test_the_head_of_a_forwarded_mail_is_read_in_many_languages(words: tuple[str, ...], subject: str) -> None:
    title, sender, date, label, to = words
    body = head(
        f"Tolong.\n\n---------- {title} ---------",
        f"{sender}: Rina <rina@pelanggan.example>",
        f"{date}: 27-11-2026",
        f"{label}: barang rusak",
        f"{to}: <sari@staf.example>",
    )
    assert forwarded(body, subject) == ForwardedMail(RINA, "barang rusak", TEXT, "Tolong.")


OUTLOOK = head(
    "Tolong.\n\n________________________________",
    "From: Rina <rina@pelanggan.example>",
    "Sent: Friday, November 27, 2026 10:00 AM",
    "To: Sari <sari@staf.example>",
    "Subject: barang rusak",
)
APPLE = (
    "Tolong.\n\nBegin forwarded message:\n\n> From: Rina <rina@pelanggan.example>\n> Subject: barang rusak\n"
    f"> Date: 27 November 2026 at 10.00 WIB\n> To: sari@staf.example\n> \n> {TEXT}"
)
HTML = (
    "<div>Tolong.<br><br>---------- Forwarded message ---------<br>From: <strong>Rina</strong> &lt;"
    '<a href="mailto:rina@pelanggan.example">rina@pelanggan.example</a>&gt;<br>Date: Fri, Nov 27<br>'
    f"Subject: barang rusak<br>To: &lt;sari@staf.example&gt;<br><br><div>{TEXT}</div></div>"
)
WRAPPED = head(
    "Tolong.\n\n---------- Forwarded message ---------",
    "From: Rina",
    " <rina@pelanggan.example>",
    "Date: x",
    "Subject: barang rusak",
    "To: Sari",
)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(OUTLOOK, "text/plain"), (APPLE, "text/plain"), (HTML, "text/html"), (WRAPPED, "text/plain")],
)
def test_the_head_is_read_as_each_program_writes_it(body: str, kind: str) -> None:
    assert forwarded(body, kind=kind) == ForwardedMail(RINA, "barang rusak", TEXT, "Tolong.")


def test_an_attached_mail_is_read_with_its_id() -> None:
    body = (
        "--b\n\nTolong.\n--b\nContent-Type: message/rfc822\n\nFrom: Rina <rina@pelanggan.example>\n"
        f"Message-ID: <1@p>\nSubject: barang rusak\n\n{TEXT}\n--b--"
    )
    found = forwarded(body, kind="multipart/mixed; boundary=b")
    assert found == ForwardedMail(RINA, "barang rusak", TEXT, "Tolong.", "<1@p>")


def test_of_a_chain_the_first_person_outside_is_the_customer() -> None:
    inner = OUTLOOK.partition("\n\n")[2]
    body = (
        "From: Tono <tono@staf.example>\nSent: 10:00\nTo: Sari\nSubject: Fwd: barang rusak\n\nIni.\n\n"
        + inner
    )
    found = forwarded(body)
    assert found
    assert (found.sender, found.text, "Ini." in found.cover) == (RINA, TEXT, True)


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (OUTLOOK, "Re: barang rusak"),  # an answer that quotes
        ("Halo, ada yang bisa bantu?", "Fwd: barang"),
        ("Dari: rina@pelanggan.example\nKe: 123", "Fwd: transfer"),
        (OUTLOOK.replace("rina@pelanggan.example", "tono@staf.example"), "Fwd: barang rusak"),
        (OUTLOOK.replace("<rina@pelanggan.example>", ""), "Fwd: barang rusak"),
    ],
)
def test_what_forwards_nobodys_mail_is_left_alone(body: str, subject: str) -> None:
    assert forwarded(body, subject) is None


def test_a_long_text_costs_little() -> None:
    body = "From: a\n" * 50_000 + "Dari: x@y.example " * 20_000
    assert forwarded(body) is None
