"""The mails of the demo: complaints in Indonesian and English, and replies."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid


@dataclass(frozen=True, slots=True)
class Complaint:
    name: str
    address: str
    subject: str
    text: str


FRAUD = Complaint(
    "Dian Permata",
    "dian.permata@surel.example",
    "TOLONG! Akun saya dibajak, saldo habis",
    "Halo TokoDompet,\n\npagi ini ada transaksi yang bukan saya lakukan sebesar Rp 3.750.000 ke penerima "
    "yang tidak saya kenal.\nAkun saya dibajak! Mohon segera blokir akun saya dan kembalikan saldonya.\n\n"
    "Dian\n",
)
CHARGED_TWICE = Complaint(
    "Andrew Collins",
    "andrew.collins@post.example",
    "Charged twice for the same order",
    "Hello,\n\nmy card was charged twice for order 10-48213 on Friday. I only received one confirmation.\n"
    "Please refund the second payment.\n\nRegards,\nAndrew Collins\n",
)
COMPLAINTS = (
    FRAUD,
    Complaint(
        "Siti Rahmawati",
        "siti.rahmawati@surel.example",
        "Saldo terpotong tapi pembayaran gagal",
        "Selamat pagi,\n\nsaya membayar pesanan INV/2026/11/0815 kemarin malam. Saldo terpotong Rp 250.000 "
        "tetapi statusnya masih menunggu pembayaran.\nMohon dicek, terima kasih.\n\nSiti Rahmawati\n",
    ),
    CHARGED_TWICE,
    Complaint(
        "Bambang Wijaya",
        "bambang.wijaya@surel.example",
        "Paket belum sampai sudah 9 hari",
        "Min, paket saya dengan resi JX1234567890 belum sampai sudah 9 hari padahal estimasi 3 hari.\n"
        "Tolong dibantu lacak ya.\n\nBambang\n",
    ),
    Complaint(
        "Yuni Astuti",
        "yuni.astuti@surel.example",
        "Kurir bilang sudah diterima",
        "kurir bilang paket udah diterima pdhl blm ada sampe skrg!! klo ga ada kabar sy lapor YLKI\n",
    ),
    Complaint(
        "Grace Tan",
        "grace.tan@post.example",
        "Can't log in, no verification code",
        "Hi,\n\nI changed my phone and since then I can't log in. The verification code never arrives.\n"
        "I need my account for a payment today, please help.\n\nGrace\n",
    ),
    Complaint(
        "Rudi Hartono",
        "rudi.hartono@surel.example",
        "Jam operasional toko",
        "Selamat siang, apakah layanan pelanggan buka pada hari libur nasional?\n\nTerima kasih,\nRudi\n",
    ),
)


def build_mail(
    name: str, address: str, to: str, subject: str, text: str, in_reply_to: str = ""
) -> EmailMessage:
    """Build a mail as mail programs write it. `in_reply_to` is the Message-ID that a reply answers."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"{name} <{address}>", to, subject
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain=address.partition("@")[2])
    if in_reply_to:
        mail["In-Reply-To"] = mail["References"] = in_reply_to
    mail.set_content(text)
    return mail
