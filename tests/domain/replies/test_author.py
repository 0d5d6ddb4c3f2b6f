"""Who wrote a mail: machines by their words or their address, people in spite of any header."""

from typing import Any

import pytest

from mailbot.domain import reasons
from mailbot.domain.model import Attachment, Author, Contact, Report
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies.author import with_author
from tests.builders import mail

MACHINE, PERSON, REPORT = Author.MACHINE, Author.PERSON, Author.REPORT
NULL_SENDER = reasons.of("null_sender")
AUTO_SUBMITTED = reasons.of("auto_submitted", value="auto-generated")
AUTO_REPLIED = reasons.of("auto_submitted", value="auto-replied")
PRECEDENCE = reasons.of("precedence", value="bulk")
SUPPRESS = reasons.of("auto_response_suppress", value="oof")
LOOP = reasons.of("machine_header", field="X-Loop")
LIST = reasons.of("list_mail", field="List-Unsubscribe")


def author(text: str, by_envelope: Reason = NO_REASON, **changes: Any) -> Author:
    return with_author(mail(text=text, visible=text, **changes), by_envelope).author


# sender | subject | text
ROBOTS = """
mailer-daemon@mx.example | Undelivered Mail Returned to Sender | I'm sorry to have to inform you
post_master@b.example | Re: Saldo | Message could not be delivered
postmaster@b.example | Error | 550 - no such user here
postmaster@b.example | Gagal | Surat Anda gagal dikirim ke alamat berikut.
noreply@bank.example | Kode OTP | Kode Anda 123456.
no-reply@vendor.example | Ticket | Your case was registered.
do-not-reply@vendor.example | Ticket | Your case was registered.
"""
# header of machines + words of machines
DECLARED = """
This is an automatically generated message, please do not reply.
We have received your message. Your ticket number is 4711.
Your request has been received and will be handled soon.
Email ini dikirim secara otomatis, mohon tidak membalas email ini.
Diese Nachricht wurde automatisch erstellt.
Ceci est un message automatique, merci de ne pas répondre.
This mailbox is not monitored.
We had trouble delivering your message. Full details follow.
システムから自動送信されています。
"""
# below a header of automatic replies
REPLIED = """
I no longer work for Contoso. Please contact my colleague.
Saya sudah tidak bekerja di perusahaan ini.
This inbox karl@contoso.example is no longer in use.
Ich bin bis Montag im Urlaub.
Je suis en vacances.
Saya sedang cuti.
"""
# what people write, whatever the header says
WRITTEN_BY_PEOPLE = """
Mohon dicek, pesanan saya belum sampai.
My parcel could not be delivered, the courier said nobody was at home.
The delivery was late and the box was returned to sender by your courier? Please check.
Paket saya tidak bisa dikirim karena alamat salah, tolong diperbaiki.
Email saya gagal dikirim ke Anda kemarin, jadi saya ulangi.
Saya menerima email otomatis dari Anda dua kali.
Apakah pesan saya sudah diterima?
Did you receive my message? I have heard nothing since Monday.
I want to unsubscribe from the premium plan and get my money back.
Saya ingin berhenti berlangganan paket premium.
The app says "invalid user" when I log in.
The app no longer works since the update.
Kotak masuk saya penuh, kirim ke alamat ini saja.
Saya di luar kota sampai Jumat, tolong kirim ke kantor saja.
Saya sedang cuti, jadi paketnya titip ke satpam.
Out of office hours your driver came and left nothing.
I was on holiday when the charge was made.
Meine Bestellung wurde nicht zugestellt.
La livraison était en retard, merci de répondre.
Can I return the item when I am back from vacation?
Debit otomatis saya gagal dua kali.
Pembayaran otomatis sudah saya matikan, tapi saldo masih terpotong.
Sistem Anda menjawab secara otomatis terus, saya mau bicara dengan orang.
The automatic payment failed, please help.
Ich bin nächste Woche im Büro, bitte rufen Sie mich an.
Paketnya dibawa kembali ke kantor kurir, padahal saya di rumah.
Terima kasih, saya tunggu kabarnya.
Tolong balas email ini hari ini juga.
Please reply to this email as soon as possible.
Toko sudah tutup, apakah alamat ini masih aktif?
"""


@pytest.mark.parametrize("row", ROBOTS.strip("\n").split("\n"))
def test_a_robots_address_makes_a_machine(row: str) -> None:
    sender, subject, text = row.split(" | ")
    assert author(text, sender=sender, subject=subject) is not PERSON


@pytest.mark.parametrize("text", DECLARED.strip("\n").split("\n"))
@pytest.mark.parametrize("header", [AUTO_SUBMITTED, PRECEDENCE, LOOP], ids=lambda header: header.code)
def test_a_machines_words_below_a_machines_header_make_a_machine(text: str, header: Reason) -> None:
    assert author(text, no_auto_reply=header, author=PERSON) is not PERSON
    assert author(text) is PERSON, "the words alone may be quoted by a person"


@pytest.mark.parametrize("text", REPLIED.strip("\n").split("\n"))
def test_words_of_absence_below_a_header_of_automatic_replies_are_enough(text: str) -> None:
    for header in (AUTO_REPLIED, reasons.of("machine_header", field="X-Autoreply")):
        assert author(text, no_auto_reply=header) is MACHINE
    for header in (AUTO_SUBMITTED, SUPPRESS, reasons.of("auto_response_suppress", value="autoreply"), LOOP):
        assert author(text, no_auto_reply=header) is PERSON
        assert author(text, no_auto_reply=header, subject="Automatic reply: Saldo") is MACHINE


@pytest.mark.parametrize("text", WRITTEN_BY_PEOPLE.strip("\n").split("\n"))
@pytest.mark.parametrize(
    ("header", "by_envelope"),
    [
        (NO_REASON, NO_REASON),
        *((each, NO_REASON) for each in (AUTO_SUBMITTED, PRECEDENCE, SUPPRESS, LOOP, LIST)),
        (NO_REASON, NULL_SENDER),
    ],
)
def test_no_header_makes_a_machine_of_what_a_person_wrote(
    text: str, header: Reason, by_envelope: Reason
) -> None:
    assert author(text, by_envelope, no_auto_reply=header) is PERSON


@pytest.mark.parametrize("text", WRITTEN_BY_PEOPLE.strip("\n").split("\n"))
def test_a_forms_robot_with_a_persons_reply_to_is_that_persons(text: str) -> None:
    assert author(text, sender="noreply@shop.example", reply_to_named="ani@pelanggan.example") is PERSON


def test_a_failure_of_our_mail_from_a_null_sender_is_a_report() -> None:
    text = "Your message to x@y.example could not be delivered."
    assert author(text, NULL_SENDER) is REPORT
    assert (
        author("Halo, ini saya.", NULL_SENDER, report=Report("bounce", (), True, "RFC 3464", "", (), (), ""))
        is REPORT
    )
    assert author("Halo, ini saya.", NULL_SENDER) is PERSON


def test_a_complaint_without_its_usual_form_is_a_report() -> None:
    attached = (Attachment("mail.eml", "message/rfc822", 10, ""),)
    subject = "complaint about message from 192.0.2.222"
    assert author("Nyaan", subject=subject, attachments=attached) is REPORT
    assert author("Nyaan", subject=f"{subject} to you", attachments=attached) is PERSON


def test_mail_to_subscribers_is_a_machines_and_mail_of_a_discussion_is_not() -> None:
    header = {"list-unsubscribe": ("<mailto:x@promo.example>",)}
    promo = "Diskon besar! Unsubscribe here: https://promo.example/u"
    assert author(promo, no_auto_reply=LIST, headers=header) is MACHINE
    assert author(promo, no_auto_reply=LIST, headers=header, in_reply_to=("<a@x.example>",)) is PERSON
    discussion = header | {"list-post": ("<mailto:milis@x.example>",)}
    assert author(promo, no_auto_reply=LIST, headers=discussion) is PERSON


def test_a_sender_who_passes_another_organisations_mail_on_makes_no_machine_of_it() -> None:
    form, elsewhere = (
        "A new message. Do not reply directly to this email. Pesan: rusak",
        "ani@pelanggan.example",
    )
    robot = {"sender": "noreply@shop.example", "no_auto_reply": reasons.of("robot_sender", name="no-reply")}
    assert author(form, **robot, reply_to_named=elsewhere) is PERSON
    assert author(form, **robot, reply_to_named="cs@shop.example") is MACHINE
    assert (
        author(form, no_auto_reply=AUTO_SUBMITTED, sender="web@shop.example", reply_to_named=elsewhere)
        is PERSON
    )
    assert (
        author(form, no_auto_reply=AUTO_REPLIED, sender="web@shop.example", reply_to_named=elsewhere)
        is MACHINE
    )

    header = {"list-unsubscribe": ("<mailto:x@kantor.example>",)}
    munged = {"sender": "milis@kantor.example", "reply_to_named": elsewhere, "no_auto_reply": LIST}
    footer = "Barang saya rusak.\n\nTo unsubscribe from this group send a mail."
    assert author(footer, **munged, headers=header) is PERSON
    assert author(footer, **munged, headers=header | {"feedback-id": ("1",)}) is MACHINE


def test_a_number_in_the_subject_makes_it_no_mail_to_subscribers() -> None:
    header = {"list-unsubscribe": ("<mailto:x@crm.example>",), "feedback-id": ("1:2",)}
    assert author("Mohon dicek.", no_auto_reply=LIST, headers=header, author=PERSON) is MACHINE
    subject = "Re: [TOKO-48217390-8] Saldo"
    assert author("Mohon dicek.", no_auto_reply=LIST, headers=header, subject=subject) is PERSON


@pytest.mark.parametrize(
    ("text", "to", "expected"),
    [
        ("Nama: Ani\nEmail: ani@gmail.com\nPesan: saldo hilang", "cs@shop.example", PERSON),
        ("Pesan: saldo hilang", "support@shop.example", PERSON),  # our own site's form
        ("Kode Anda 123456. Bantuan: cs@bank.example", "cs@shop.example", MACHINE),
        ('{"notification": "Delivery", "to": "ani@gmail.com"}', "cs@shop.example", MACHINE),
    ],
)
def test_a_forms_mail_without_reply_to_is_a_persons(text: str, to: str, expected: Author) -> None:
    sender = "noreply@shop.example" if to.startswith("support") else "noreply@bank.example"
    assert author(text, sender=sender, to=(Contact("", to),)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", REPORT),
        ("Budi has accepted this invitation.", REPORT),
        ("Budi has declined this invitation with this note: please call me", PERSON),
        ("Jam 10 saya tidak bisa, tolong telepon dulu.", PERSON),
    ],
)
def test_a_comment_on_an_invitation_is_a_persons(text: str, expected: Author) -> None:
    shown = f"{text}\n\n[calendar: reply]\nKunjungan"
    assert author(shown, flags=("calendar", "calendar-reply")) is expected


def test_a_person_who_passes_a_bounce_on_is_a_person() -> None:
    bounce = reasons.of("bounce", type="message/delivery-status")
    assert author("Saya dapat ini waktu menulis ke Anda.", no_auto_reply=bounce, author=PERSON) is PERSON
    assert author("", NULL_SENDER, no_auto_reply=bounce) is REPORT
    assert author("", no_auto_reply=bounce, sender="mailer-daemon@x.example") is REPORT
