"""Write reports in the forms of real mail servers, with their expected values and where our tokens are."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

OURS = "support@dukungan.example"
RECIPIENT = "budi@pelanggan.example"
ID = "<mb.toko-48217390-8.0123456789abcdef.abcdefghijklmnopqrstuvwxyz@dukungan.example>"
BOUNCES = "support+b.0123456789abcdef.abcdefghijklmnopqrstuvwxyz@dukungan.example"
NUMBER = "TOKO-48217390-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """A report. `status` and `address` are those of the first recipient, `reader` is the one that reads it."""

    name: str
    raw: bytes
    kind: str
    address: str = RECIPIENT
    status: str = ""
    reader: str = ""
    holds: str = "id"  # how it names our mail: "id", "number", ""


RETURNED = f"""\
Return-Path: <{BOUNCES}>
From: "TokoDompet" <{OURS}>
To: {RECIPIENT}
Subject: [{NUMBER}] Pesan Anda sudah kami terima
Message-ID: {ID}
In-Reply-To: <a@pelanggan.example>
Auto-Submitted: auto-replied

Terima kasih.
"""


def samples() -> list[Sample]:
    return [*_standard(), *_malformed(), *_feedback(), *_texts(), *_indonesian()]


def head(sender: str, subject: str, *more: str) -> str:
    lines = [f"From: {sender}", f"To: {BOUNCES}", f"Subject: {subject}", "Message-ID: <r@mx.example>", *more]
    return "\n".join((*lines, "MIME-Version: 1.0"))


DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.example>"


def report(
    status: str,
    *,
    text: str = "The mail could not be delivered.",
    returned: str = RETURNED,
    returned_type: str = "message/rfc822",
    status_type: str = "message/delivery-status",
    report_type: str = "delivery-status",
    sender: str = DAEMON,
    subject: str = "Undelivered Mail Returned to Sender",
) -> bytes:
    parts = [
        f"Content-Type: text/plain; charset=utf-8\n\n{text}",
        f"Content-Type: {status_type}\n\n{status}",
        f"Content-Type: {returned_type}\n\n{returned}",
    ]
    kind = f'Content-Type: multipart/report; report-type={report_type}; boundary="x"'
    body = "".join(f"--x\n{part}\n" for part in parts if not part.startswith("Content-Type: \n"))
    return f"{head(sender, subject, kind)}\n\n{body}--x--\n".encode()


def plain(sender: str, subject: str, text: str, *more: str) -> bytes:
    kind = "Content-Type: text/plain; charset=utf-8"
    return f"{head(sender, subject, *more, kind)}\n\n{dedent(text)}".encode()


def _dsn(*fields: str, mta: str = "Reporting-MTA: dns; mx.example") -> str:
    return f"{mta}\n\n" + "\n".join(fields) + "\n"


def _standard() -> Iterator[Sample]:
    yield Sample(
        "Postfix, user unknown",
        report(
            _dsn(
                f"Final-Recipient: rfc822; {RECIPIENT}",
                f"Original-Recipient: rfc822;{RECIPIENT}",
                "Action: failed",
                "Status: 5.1.1",
                "Remote-MTA: dns; mx.pelanggan.example",
                "Diagnostic-Code: smtp; 550 5.1.1 <budi@pelanggan.example>: Recipient address",
                "    rejected: User unknown in virtual mailbox table",
                mta="Reporting-MTA: dns; mx.example\nX-Postfix-Queue-ID: 4F1B22A0C7",
            )
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "Exim, which says 5.0.0 for everything",
        report(
            _dsn(
                "Action: failed",
                f"Final-Recipient: rfc822;{RECIPIENT}",
                "Status: 5.0.0",
                "Remote-MTA: dns; mx.pelanggan.example",
                "Diagnostic-Code: smtp; 552-5.2.2 The email account that you tried to reach is over quota",
            )
        ),
        *("bounce", RECIPIENT, "5.2.2", "RFC 3464"),
    )
    yield Sample(
        "Exchange, policy",
        report(
            _dsn(
                f"Final-Recipient: RFC822; {RECIPIENT}",
                "Action: FAILED",
                "Status: 5.7.1",
                "X-Supplementary-Info: < #5.7.1 smtp;550 5.7.1 RESOLVER.RST.AuthRequired; authentication>",
            ),
            sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@tim.example>",
            subject="Undeliverable: [TOKO-48217390-8] Pesan Anda sudah kami terima",
            returned_type="message/rfc822-headers",
        ),
        *("bounce", RECIPIENT, "5.7.1", "RFC 3464"),
    )
    yield Sample(
        "Gmail, address not found",
        report(
            _dsn(
                f"Final-Recipient: rfc822; {RECIPIENT}",
                "Action: failed",
                "Status: 5.1.1",
                "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.",
                " 550 5.1.1 https://support.google.example/?p=NoSuchUser a1-20020 - gsmtp",
                "Last-Attempt-Date: Mon, 23 Nov 2026 00:00:00 -0800 (PST)",
                mta="Reporting-MTA: dns; googlemail.com\nArrival-Date: Mon, 23 Nov 2026 00:00:00 -0800 (PST)",
            ),
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            subject="Delivery Status Notification (Failure)",
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "sendmail, gave up after days",
        report(
            _dsn(
                f"Original-Recipient: rfc822;{RECIPIENT}",
                "Final-Recipient: RFC822; hilang@lain.example",
                "Action: failed",
                "Status: 4.4.7",
                "Last-Attempt-Date: Mon, 23 Nov 2026 10:00:00 +0700",
            ),
            subject="Returned mail: see transcript for details",
            returned_type="text/rfc822-headers",
        ),
        *("bounce", RECIPIENT, "4.4.7", "RFC 3464"),
    )
    yield Sample(
        "a warning that it is still tried",
        report(
            _dsn(
                f"Final-Recipient: rfc822; {RECIPIENT}",
                "Action: delayed",
                "Status: 4.4.1",
                "Diagnostic-Code: X-Postfix; connect to mx.pelanggan.example: Connection timed out",
                "Will-Retry-Until: Sat, 28 Nov 2026 10:00:00 +0700",
            ),
            subject="Delayed Mail (still being retried)",
        ),
        *("delay", RECIPIENT, "4.4.1", "RFC 3464"),
    )
    yield Sample(
        "a success that somebody asked for",
        report(
            _dsn(f"Final-Recipient: rfc822; {RECIPIENT}", "Action: delivered", "Status: 2.0.0"),
            subject="Successful Mail Delivery Report",
        ),
        *("receipt", RECIPIENT, "2.0.0", "RFC 3464"),
    )
    yield Sample(
        "relayed to where no report comes from",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", "Action: relayed", "Status: 2.6.0")),
        *("receipt", RECIPIENT, "2.6.0", "RFC 3464"),
    )
    yield Sample(
        "internationalised (RFC 6533)",
        report(
            _dsn("Final-Recipient: utf-8; büdi@pelanggan.example", "Action: failed", "Status: 5.6.7"),
            status_type="message/global-delivery-status",
            returned_type="message/global",
        ),
        *("bounce", "büdi@pelanggan.example", "5.6.7", "RFC 3464"),
    )


def _malformed() -> Iterator[Sample]:
    failed = ("Action: failed", "Status: 5.1.1")
    yield Sample(
        "no empty line between recipients",
        report(
            "Reporting-MTA: dns; mx.example\n\n"
            f"Final-Recipient: rfc822; {RECIPIENT}\nAction: failed\nStatus: 5.1.1\n"
            "Final-Recipient: rfc822; siti@pelanggan.example\nAction: failed\nStatus: 5.2.2\n"
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "no empty line behind the first group",
        report(
            "\n".join(("Reporting-MTA: dns; mx.example", f"Final-Recipient: rfc822; {RECIPIENT}", *failed))
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "address in angles, no address type",
        report(_dsn(f"Final-Recipient: <{RECIPIENT}>", *failed)),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "a name beside the address",
        report(_dsn(f"Final-Recipient: rfc822; Budi <{RECIPIENT}>", *failed)),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "status with a comment, action in other words",
        report(
            _dsn(
                f"Final-Recipient: rfc822; {RECIPIENT}",
                "Action: failure (bad mailbox)",
                "Status: 5.1.1 (unknown)",
            )
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "OpenSMTPD's action",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", "Action: error", "Status: 5.0.0")),
        *("bounce", RECIPIENT, "5.0.0", "RFC 3464"),
    )
    yield Sample(
        "no action",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", "Status: 5.1.1")),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "no status, only a diagnostic",
        report(
            _dsn(
                f"Final-Recipient: rfc822; {RECIPIENT}",
                "Action: failed",
                "Diagnostic-Code: smtp; 550 host 192.0.2.15 said: No such user here",
            )
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "diagnostic folded without white space",
        report(
            _dsn(
                f"Final-Recipient: rfc822; {RECIPIENT}",
                "Action: failed",
                "Status: 5.0.0",
                "Diagnostic-Code: smtp; 550 the mailbox of",
                "that person is full",
            )
        ),
        *("bounce", RECIPIENT, "5.2.2", "RFC 3464"),
    )
    yield Sample(
        "status part labelled as text",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", *failed), status_type="text/plain"),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "a boundary that never comes",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", *failed)).replace(
            b'boundary="x"', b'boundary="y"'
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "status part in base64",
        report(
            "UmVwb3J0aW5nLU1UQTogZG5zOyBteC5leGFtcGxlCgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsg\n"
            "YnVkaUBwZWxhbmdnYW4uZXhhbXBsZQpBY3Rpb246IGZhaWxlZApTdGF0dXM6IDUuMS4xCg==\n",
            status_type="message/delivery-status\nContent-Transfer-Encoding: base64",
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "inside of a mail that a list put its footer to",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", *failed)).replace(
            b"multipart/report; report-type=delivery-status", b"multipart/mixed"
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )
    yield Sample(
        "cut off behind the status",
        report(_dsn(f"Final-Recipient: rfc822; {RECIPIENT}", *failed)).partition(
            b"--x\nContent-Type: message/rfc822"
        )[0],
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
        holds="",
    )
    yield Sample(
        "From that is not ASCII",
        report(
            _dsn(f"Final-Recipient: rfc822; {RECIPIENT}", *failed),
            sender="Système <mailer-daemon@mx.example>",
        ),
        *("bounce", RECIPIENT, "5.1.1", "RFC 3464"),
    )


def _feedback() -> Iterator[Sample]:
    feedback = f"Feedback-Type: abuse\nUser-Agent: Feedback/2.0\nVersion: 1\nOriginal-Rcpt-To: {RECIPIENT}\n"
    arf = {"status_type": "message/feedback-report", "report_type": "feedback-report"}
    yield Sample(
        "a complaint",
        report(feedback, **arf, sender="Feedback <feedback@arf.example>", subject="Spam report"),
        *("complaint", RECIPIENT, "", "RFC 5965"),
    )
    yield Sample(
        "a complaint that hides who complains",
        report(
            "Feedback-Type: abuse\nVersion: 1\n",
            **arf,
            sender="staff@jmrp.example",
            subject="complaint about message",
        ),
        *("complaint", "", "", "RFC 5965"),
    )
    yield Sample(
        "feedback about a signature is no complaint",
        report(f"Feedback-Type: auth-failure\nOriginal-Rcpt-To: {RECIPIENT}\nAuth-Failure: dkim\n", **arf),
        *("receipt", RECIPIENT, "", "RFC 5965"),
    )
    mdn = {"status_type": "message/disposition-notification", "report_type": "disposition-notification"}
    yield Sample(
        "a read receipt",
        report(
            f"Reporting-UA: mx.example; Outlook\nFinal-Recipient: rfc822;{RECIPIENT}\nOriginal-Message-ID: {ID}\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\n",
            **mdn,
            sender=f"Budi <{RECIPIENT}>",
            subject="Dibaca: Pesan Anda",
        ),
        *("receipt", RECIPIENT, "", "RFC 8098"),
    )
    yield Sample(
        "deleted without being read",
        report(
            f"Final-Recipient: rfc822;{RECIPIENT}\nOriginal-Message-ID: {ID}\n"
            "Disposition: automatic-action/MDN-sent-automatically; deleted\n",
            **mdn,
            sender=f"Budi <{RECIPIENT}>",
            subject="Not read: Pesan Anda",
        ),
        *("receipt", RECIPIENT, "", "RFC 8098"),
    )


def _texts() -> Iterator[Sample]:
    yield Sample(
        "qmail",
        plain(
            "MAILER-DAEMON@qmail.example",
            "failure notice",
            f"""\
            Hi. This is the qmail-send program at qmail.example.
            I'm afraid I wasn't able to deliver your message to the following addresses.
            This is a permanent error; I've given up. Sorry it didn't work out.

            <{RECIPIENT}>:
            192.0.2.25 does not like recipient.
            Remote host said: 550 5.1.1 No such user
            Giving up on 192.0.2.25.

            --- Below this line is a copy of the message.

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.1", "flufl.bounce"),
    )
    yield Sample(
        "qmail, without a code",
        plain(
            "MAILER-DAEMON@qmail.example",
            "failure notice",
            f"""\
            Hi. This is the qmail-send program at qmail.example.
            I'm afraid I wasn't able to deliver your message to the following addresses.

            <{RECIPIENT}>:
            Sorry, no mailbox here by that name. vpopmail (#5.1.1)

            --- Below this line is a copy of the message.

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.1", "flufl.bounce"),
    )
    exim = f"""\
        This message was created automatically by mail delivery software.

        A message that you sent could not be delivered to one or more of its
        recipients. This is a permanent error. The following address(es) failed:

          {RECIPIENT}
            host mx.pelanggan.example [192.0.2.25]
            SMTP error from remote mail server after RCPT TO:<{RECIPIENT}>:
            550 5.2.1 The email account that you tried to reach is disabled

        ------ This is a copy of the message, including all the headers. ------

        """
    yield Sample(
        "Exim",
        plain(
            "Mail Delivery System <Mailer-Daemon@exim.example>",
            "Mail delivery failed: returning message to sender",
            exim,
            f"X-Failed-Recipients: {RECIPIENT}",
            "Auto-Submitted: auto-replied",
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.2.1", "X-Failed-Recipients"),
    )
    yield Sample(
        "Exim, without its own field",
        plain("Mail Delivery System <Mailer-Daemon@exim.example>", "Mail delivery failed", exim)
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.2.1", "flufl.bounce"),
    )
    yield Sample(
        "Exim, warning",
        plain(
            "Mail Delivery System <Mailer-Daemon@exim.example>",
            "Warning: message 1kXyZ-0001 delayed 24 hours",
            f"""\
            This message was created automatically by mail delivery software.
            A message that you sent has not yet been delivered to one or more of its
            recipients after more than 24 hours on the queue on exim.example.

            The message identifier is:     1kXyZ-0001
            The subject of the message is: [{NUMBER}] Pesan Anda sudah kami terima

            The address to which the message has not yet been delivered is:

              {RECIPIENT}
                Delay reason: Connection timed out

            No action is required on your part. Delivery attempts will continue for some time.
            """,
            "Auto-Submitted: auto-replied",
        ),
        *("delay", RECIPIENT, "4.4.7"),
        holds="number",
    )
    yield Sample(
        "Postfix, its text alone",
        plain(
            DAEMON,
            "Undelivered Mail Returned to Sender",
            f"""\
            This is the mail system at host mx.example.

            I'm sorry to have to inform you that your message could not
            be delivered to one or more recipients. It's attached below.

                               The mail system

            <{RECIPIENT}>: host mx.pelanggan.example[192.0.2.25] said: 550 5.1.1
                <{RECIPIENT}>: Recipient address rejected: User unknown (in
                reply to RCPT TO command)

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.1", "words"),
    )
    yield Sample(
        "sendmail of old",
        plain(
            "Mail Delivery Subsystem <MAILER-DAEMON@sendmail.example>",
            "Returned mail: User unknown",
            f"""\
            The original message was received at Mon, 23 Nov 2026 10:00:00 +0700
            from dukungan.example [192.0.2.4]

               ----- The following addresses had permanent fatal errors -----
            <{RECIPIENT}>

               ----- Transcript of session follows -----
            ... while talking to mx.pelanggan.example.:
            >>> RCPT To:<{RECIPIENT}>
            <<< 550 <{RECIPIENT}>... User unknown
            550 <{RECIPIENT}>... User unknown

               ----- Original message follows -----

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.1", "flufl.bounce"),
    )
    yield Sample(
        "Exchange of old",
        plain(
            "System Administrator <postmaster@tim.example>",
            "Undeliverable: Pesan Anda sudah kami terima",
            f"""\
            Your message

              To:      {RECIPIENT}
              Subject: [{NUMBER}] Pesan Anda sudah kami terima
              Sent:    Mon, 23 Nov 2026 10:00:00 +0700

            did not reach the following recipient(s):

            {RECIPIENT} on Mon, 23 Nov 2026 10:00:05 +0700
                The recipient name is not recognized
                The MTS-ID of the original message is: c=id;a= ;p=tim;l=MAIL-1
                MSEXCH:IMS:TIM:SITE:MAIL 0 (000C05A6) Unknown Recipient
            """,
        ),
        *("bounce", RECIPIENT, "5.1.1"),
        holds="number",
    )
    yield Sample(
        "Exchange, for people",
        plain(
            "Microsoft Outlook <postmaster@tim.example>",
            "Undeliverable: Pesan Anda",
            f"""\
            Delivery has failed to these recipients or groups:

            {RECIPIENT}
            The email address you entered couldn't be found. Please check the recipient's
            email address and try to resend the message.

            Diagnostic information for administrators:

            Generating server: mail.tim.example

            {RECIPIENT}
            #550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup ##

            Original message headers:

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.10"),
    )
    yield Sample(
        "Gmail, its text alone",
        plain(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            f"""\

            ** Address not found **

            Your message wasn't delivered to {RECIPIENT} because the address couldn't be found,
            or is unable to receive mail.

            The response from the remote server was:
            550 5.1.1 The email account that you tried to reach does not exist.

            ----- Original message -----

            """,
            f"X-Failed-Recipients: {RECIPIENT}",
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.1", "X-Failed-Recipients"),
    )
    yield Sample(
        "Gmail of old",
        plain(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            f"""\
            Delivery to the following recipient failed permanently:

                 {RECIPIENT}

            Technical details of permanent failure:
            Google tried to deliver your message, but it was rejected by the server for the recipient domain
            pelanggan.example by mx.pelanggan.example. [192.0.2.25].

            The error that the other server returned was:
            552 5.2.2 Mailbox full

            ----- Original message -----

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.2.2", "flufl.bounce"),
    )
    yield Sample(
        "Yahoo",
        plain(
            "MAILER-DAEMON@yahoo.example",
            "Failure Notice",
            f"""\
            Sorry, we were unable to deliver your message to the following address.

            <{RECIPIENT}>:
            Remote host said: 554 delivery error: dd This user doesn't have a yahoo.example account [0] - mta1

            --- Below this line is a copy of the message.

            """,
        )
        + RETURNED.encode(),
        *("bounce", RECIPIENT, "5.1.1"),
    )
    yield Sample(
        "a gateway that refuses spam",
        plain(
            "postmaster@gateway.example",
            "Message blocked: Pesan Anda",
            f"""\
            Your message to {RECIPIENT} was rejected by our spam filter: blocked using policy 7.
            Message-ID: {ID}
            """,
        ),
        *("bounce", RECIPIENT, "5.7.1", "words"),
    )
    yield Sample(
        "an id that was wrapped in the middle",
        plain(
            "MAILER-DAEMON@notes.example",
            "DELIVERY FAILURE: User budi not listed in Domino Directory",
            f"""\
            Your message
              Subject: Pesan Anda
            was not delivered to:
              {RECIPIENT}
            because:
              User budi ({RECIPIENT}) not listed in Domino Directory

            > Message-ID: {ID[:40]}
            > {ID[40:]}
            """,
        ),
        *("bounce", RECIPIENT, "5.1.1"),
    )
    yield Sample(
        "HTML alone, in quoted-printable",
        (
            head("Mail Delivery System <mailer-daemon@web.example>", "Mail delivery failed")
            + "\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
            f"<html><body><p>Your message could not be delivered to <b>{RECIPIENT}</b>:</p>\n"
            "<p>550 5.1.1 User unknown</p><pre>Message-ID: &lt;"
            + ID[1:35]
            + "=\n"
            + ID[35:-1]
            + "&gt;</pre></body></html>\n"
        ).encode(),
        *("bounce", RECIPIENT, "5.1.1", "words"),
    )
    yield Sample(
        "a rewritten bounce address is all that is left",
        plain(
            DAEMON,
            "Undeliverable mail",
            f"""\
            The following message could not be delivered to {RECIPIENT}: mailbox unavailable.
            Sender: SRS0=hash=T5=dukungan.example={BOUNCES.partition("@")[0]}@relay.example
            """,
        ),
        *("bounce", RECIPIENT, "5.1.1", "words"),
    )
    yield Sample(
        "nobody is named",
        plain(
            DAEMON, "Undeliverable mail", f"A message of yours could not be delivered.\n\nMessage-ID: {ID}\n"
        ),
        *("bounce", "", "", "words"),
    )


def _indonesian() -> Iterator[Sample]:
    yield Sample(
        "Gmail in Indonesian",
        plain(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Pemberitahuan Status Pengiriman (Kegagalan)",
            f"""\

            ** Alamat tidak ditemukan **

            Pesan Anda tidak terkirim ke {RECIPIENT} karena alamat tidak dapat ditemukan
            atau tidak dapat menerima email.

            Message-ID: {ID}
            """,
        ),
        *("bounce", RECIPIENT, "5.1.1", "words"),
    )
    yield Sample(
        "Outlook in Indonesian",
        plain(
            "Microsoft Outlook <postmaster@tim.example>",
            "Tidak dapat dikirim: Pesan Anda",
            f"""\
            Pengiriman ke penerima atau grup berikut gagal:

            {RECIPIENT}
            Kotak surat penerima penuh dan tidak dapat menerima pesan saat ini.

            Pesan asli:
            Message-ID: {ID}
            """,
        ),
        *("bounce", RECIPIENT, "5.2.2", "words"),
    )
    yield Sample(
        "a provider in Indonesian, with the number alone",
        plain(
            "Mail Administrator <postmaster@isp.example>",
            "Pesan gagal terkirim",
            f"""\
            Pesan berikut tidak dapat disampaikan kepada penerima:

            Kepada: {RECIPIENT}
            Judul : [{NUMBER}] Pesan Anda sudah kami terima
            Alasan: 550 pengguna tidak ditemukan
            """,
        ),
        *("bounce", RECIPIENT, "5.1.1", "words"),
        holds="number",
    )
    yield Sample(
        "still tried, in Indonesian",
        plain(
            "Mail Delivery Subsystem <mailer-daemon@isp.example>",
            "Pengiriman tertunda",
            f"""\
            Pesan Anda belum dapat dikirim ke {RECIPIENT}. Server akan mencoba lagi selama 2 hari.

            Message-ID: {ID}
            """,
        ),
        *("delay", RECIPIENT, ""),
    )
    yield Sample(
        "refused as spam, in Indonesian",
        plain(
            "postmaster@bank.example",
            "Email ditolak",
            f"Email Anda kepada {RECIPIENT} ditolak dan diblokir oleh sistem kami.\n\nMessage-ID: {ID}\n",
        ),
        *("bounce", RECIPIENT, "5.7.1", "words"),
    )
