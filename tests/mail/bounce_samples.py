"""Load the reports in tests/mail/bounces, and write short ones for single tests."""

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

FOLDER = Path(__file__).parent / "bounces"

OURS = "support@dukungan.example"
RECIPIENT = "budi@pelanggan.example"
ID = "<mb.toko-48217390-8.0123456789abcdef.abcdefghijklmnopqrstuvwxyz@dukungan.example>"
BOUNCES = "support+b.0123456789abcdef.abcdefghijklmnopqrstuvwxyz@dukungan.example"
NUMBER = "TOKO-48217390-8"
DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.example>"


@dataclass(frozen=True, slots=True)
class Sample:
    """A report. `status` and `address` are those of the first recipient, `reader` is the one that reads
    it.
    """

    name: str
    raw: bytes
    kind: str
    address: str = RECIPIENT
    status: str = ""
    reader: str = ""
    holds: str = "id"  # how it names our mail: "id", "number", ""


def samples() -> list[Sample]:
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    return [
        Sample(name, (FOLDER / f"{name}.eml").read_bytes(), **values) for name, values in expected.items()
    ]


def plain(sender: str, subject: str, text: str, *more: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    """Write a mail to our bounce address with `more` header lines."""
    lines = [f"From: {sender}", f"To: {BOUNCES}", f"Subject: {subject}", "Message-ID: <r@mx.example>", *more]
    head = "\n".join((*lines, "MIME-Version: 1.0", f"Content-Type: {kind}"))
    return f"{head}\n\n{dedent(text)}".encode()


def report(status: str, text: str) -> bytes:
    """Write a delivery status notification without the original mail."""
    parts = f"--x\n\n{text}\n--x\nContent-Type: message/delivery-status\n\n{status}\n--x--\n"
    kind = 'multipart/report; report-type=delivery-status; boundary="x"'
    return plain(DAEMON, "Undelivered Mail Returned to Sender", parts, kind=kind)
