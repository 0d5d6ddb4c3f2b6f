"""Complaints as customers write them: Indonesian and English, several parts, about 5 KB, generated in
advance."""

import base64
import quopri
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from functools import lru_cache
from random import Random

from tests.scenarios.harness import RECIPIENT

INDONESIAN = (
    "Pesanan saya sudah seminggu lebih belum sampai juga, padahal di aplikasi tertulis sudah dikirim.",
    "Saldo saya terpotong dua kali untuk satu kali belanja di minimarket dekat rumah.",
    "Saya isi saldo lewat mobile banking tadi pagi, uangnya sudah keluar tapi saldonya belum masuk.",
    "Sudah tiga kali saya telepon layanan pelanggan, selalu diminta menunggu tanpa kepastian.",
    "Kode OTP tidak pernah saya terima sejak ganti nomor, jadi saya tidak bisa login sama sekali.",
    "Barang yang datang rusak, kotaknya penyok dan layarnya retak – fotonya saya simpan.",
    "Kurirnya bilang paket dititipkan ke satpam, tapi satpam komplek tidak pernah menerima apa-apa.",
    "Mohon uang saya dikembalikan secepatnya karena itu untuk bayar uang sekolah anak saya.",
    "Penjualnya tidak membalas pesan saya lagi sejak barang dinyatakan selesai secara otomatis.",
    "Cashback yang dijanjikan di halaman promo sampai sekarang tidak pernah muncul di akun saya.",
    "Tolong dicek lagi nomor transaksinya, mungkin ada kesalahan di sistem waktu itu.",
    "Saya sudah jadi pelanggan sejak lama dan baru kali ini dikecewakan seperti ini.",
    "Alamat pengiriman sudah saya ubah sebelum barang dikirim, tapi tetap nyasar ke alamat lama.",
    "Saya tunggu kabar baiknya ya kak, terima kasih banyak sebelumnya.",
)
ENGLISH = (
    "My parcel was due last Tuesday and the tracking page has not moved since it left the warehouse.",
    "I was charged twice for the same order and my bank tells me that both payments went through.",
    "The top up left my bank account this morning, yet it has still not been credited to my wallet.",
    "I can't log in any more: the one-time code never arrives, neither by text message nor by mail.",
    "The item that arrived is not the one I ordered – the colour and the size are both wrong.",
    "I have already called your support line three times and every time I was told to wait.",
    "Please refund the full amount, including the delivery fee, to the card that I paid with.",
    "The seller stopped answering as soon as the order was marked as completed.",
    "Your promotion promised a cashback of Rp 50.000, of which I have seen nothing so far.",
    "I kept the box and can send you pictures of the damage if that helps.",
    "I have been a loyal customer for years and I am really disappointed this time.",
    "Thank you for looking into this, I hope to hear from you soon.",
)
SUBJECTS = (
    "Pesanan belum sampai",
    "Saldo tidak masuk setelah top up",
    "Terpotong dua kali",
    "Barang rusak – minta penggantian",
    "Tidak bisa login, OTP tidak masuk",
    "Mohon bantuannya",
    "Minta refund",
    "Cashback promo tidak muncul",
    "Charged twice",
    "Where is my parcel?",
    "Wrong item – please help",
    "Top up missing",
)
PEOPLE = (
    "Wahyu Nugroho",
    "Sri Wahyuni",
    "Rizal Effendi",
    "Yuliana Sari",
    "Hendra Kurniawan",
    "Ni Made Astuti",
)
PNG = b"\x89PNG\r\n\x1a\n"  # the start of a picture, from which its type is detected


@dataclass(frozen=True, slots=True)
class Mail:
    """`message_id` has no brackets. `body` follows DATA, with the final dot."""

    sender: str
    message_id: bytes
    mail_from: bytes  # the whole command
    body: bytes


@lru_cache(maxsize=4)  # the runs of a part send the same
def mails(count: int, *, run: str = "a", seed: int = 1) -> tuple[Mail, ...]:
    """Generate the same mails for the same arguments, each from a customer of its own."""
    random = Random(f"{run}{seed}")
    return tuple(_mail(number, run, random) for number in range(count))


def _mail(number: int, run: str, random: Random) -> Mail:
    sender = f"pelanggan{number}.{run}@pelanggan.example"
    message_id = f"{random.getrandbits(64):016x}.{run}{number}@mail.pelanggan.example"
    name = random.choice(PEOPLE)
    text = _text(random, name)
    boundary = f"=_{random.getrandbits(96):024x}"
    parts = [_words("plain", text, random), _words("html", _page(text), random)]
    kind = "alternative"
    if random.random() < 0.1:  # one in ten sends a small picture along
        parts, kind = [*parts[:1], _picture(random)], "mixed"
    lines = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    headers = _headers(random, sender, name, message_id)
    head = f'{headers}Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'
    body = (head + lines).encode().replace(b"\r\n.", b"\r\n..") + b".\r\n"
    return Mail(sender, message_id.encode(), f"MAIL FROM:<{sender}>\r\n".encode(), body)


def _text(random: Random, name: str) -> str:
    sentences, greeting = random.choices(((INDONESIAN, "Halo admin,"), (ENGLISH, "Dear team,")), (7, 3))[0]
    order = f"INV/{random.randrange(10**8):08d}/{random.randrange(10**5):05d}"
    length, paragraphs = random.triangular(400, 2600, 1000), [greeting]
    while sum(map(len, paragraphs)) < length:
        paragraphs.append(" ".join(random.choices(sentences, k=random.randint(1, 4))))
    return "\n\n".join([*paragraphs, f"No. pesanan: {order}", f"Salam,\n{name}"]) + "\n"


def _page(text: str) -> str:
    paragraphs = "".join(
        f'<p style="margin:0 0 1em 0">{paragraph}</p>\n' for paragraph in text.strip().split("\n\n")
    )
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>\n'
        f'<div dir="ltr" style="font-family:Arial,sans-serif">{paragraphs}</div></body></html>\n'
    )


def _words(subtype: str, text: str, random: Random) -> str:
    encoding = random.choice(("quoted-printable", "quoted-printable", "base64", "8bit"))
    if encoding == "quoted-printable":
        coded = quopri.encodestring(text.encode()).decode()
    elif encoding == "base64":
        coded = base64.encodebytes(text.encode()).decode()
    else:
        coded = "\n".join(_wrapped(text.split("\n")))
    head = f"Content-Type: text/{subtype}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
    return (head + coded).replace("\n", "\r\n")


def _wrapped(lines: Sequence[str]) -> list[str]:
    return [short for line in lines for short in (textwrap.wrap(line, 900) or [""])]


def _picture(random: Random) -> str:
    content = base64.encodebytes(PNG + random.randbytes(1200)).decode().replace("\n", "\r\n")
    return (
        'Content-Type: image/png; name="bukti.png"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="bukti.png"\r\n\r\n{content}'
    )


def _headers(random: Random, sender: str, name: str, message_id: str) -> str:
    """Return the headers of a mail after two hops, with a signature, up to Content-Type."""
    minute, second = random.randrange(60), random.randrange(60)
    moment = f"Mon, 23 Nov 2026 10:{minute:02d}:{second:02d} +0700"
    hops = "".join(
        f"Received: from {host} ([192.0.2.{random.randrange(1, 255)}])\r\n"
        f"\tby mx.pelanggan.example (Postfix) with ESMTPS id {random.getrandbits(40):010X}\r\n"
        f"\tfor <{RECIPIENT}>; {moment}\r\n"
        for host in ("relay.pelanggan.example", "ponsel.pelanggan.example")
    )
    signature = base64.b64encode(random.randbytes(192)).decode()
    folded = "\r\n\t ".join(textwrap.wrap(signature, 70))
    subject = Header(f"{random.choice(SUBJECTS)} {random.randrange(10**6):06d}", header_name="Subject")
    return (
        f"{hops}DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=pelanggan.example; s=utama;\r\n"
        f"\th=from:to:subject:date:message-id; bh={base64.b64encode(random.randbytes(32)).decode()};\r\n"
        f"\tb={folded}\r\n"
        f"From: {name} <{sender}>\r\nTo: {RECIPIENT}\r\nSubject: {_ascii(subject)}\r\nDate: {moment}\r\n"
        f"Message-ID: <{message_id}>\r\nMIME-Version: 1.0\r\n"
    )


def _ascii(subject: Header) -> str:
    return subject.encode(linesep="\r\n")
