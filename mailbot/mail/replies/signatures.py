"""Strip what a program added below a text: a line about the device, a signature."""

import re

from mailbot.mail.replies.quotes import BLANK, LONGEST_LINE

_DEVICE = (
    r"i(?:phone|pad|os)\b|ponsel|\bhp\b|handphone|tele?pon|smart ?phone|android|samsung|galaxy|xiaomi|redmi"
    r"|poco\b|\boppo|\bvivo\b|realme|infinix|huawei|\basus|nokia|motorola|google pixel|blackberry|tablet"
    r"|perangkat|gawai|yahoo|outlook|gmail|mail\.ru|mymail|bluemail|icloud|proton|zoho|\bspark\b|k-9|fairemail"
    r"|aqua mail|thunderbird|windows|\bmobile\b|seluler|mac\b|mail (?:for|untuk|app)\b"
    r"|(?:aplikasi|app) (?:e-?mail|surel)"
)
_DEVICE_LINE = re.compile(
    r"[-–—*_(\[ ]*(?:"
    r"(?:sent|dikirim|terkirim|dikirimkan|kirim)"
    rf"\s(?:from|via|with|using|by|dari|melalui|lewat|dengan|menggunakan)\s.{{0,60}}?(?:{_DEVICE})"
    r"|(?:get|dapatkan|unduh|download)\s\[?(?:outlook|bluemail|yahoo|gmail|mymail|spark|proton)\b"
    r"|yahoo mail: \w+, \w+, \w+"
    r"|powered by .{0,40}?(?:blackberry|indosat|telkomsel|smartfren|sinyal)"
    r"|(?:virus-free|bebas(?: dari)? virus)\b.{0,3}www\.av\w+\.com"
    r")",
    re.IGNORECASE,
)
# The same in other languages, where the verb may come last.
_SENT = re.compile(
    r"gesendet|envoyé|enviad[oa]|inviato|verstuurd|verzonden|wysłan[eoy]|odoslan|odeslán|dihantar|skickat"
    r"|sendt|lähetetty|gönder|gửi từ|отправлено|надіслано|送信|发送|發送|发自|發自|보냄|ส่งจาก|نُرسل|أرسل",
    re.IGNORECASE,
)
_BRAND = re.compile(
    r"iphone|ipad|android|samsung|galaxy|huawei|xiaomi|outlook|gmail|yahoo|blackberry|gmx|nokia",
    re.IGNORECASE,
)
_SENT_LENGTH = 70  # characters
_REST = 80  # characters after the device: "... with K-9 Mail. Please excuse my brevity."
# Customers begin lines the same way: "Dikirim dari gudang Samsung kemarin".
_CUSTOMER_WORDS = re.compile(
    r"\?|\b(?:belum|tidak|sudah|kemarin|tanggal|tgl|resi|paket|barang|gudang|pesanan|order|penjual|toko|kurir|ke"
    r"|not|never|yesterday|package|seller|to)\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"[<(\[]*https?://\S{1,300}", re.IGNORECASE)
_SIGNATURE_LINES = 12
_SIGNATURE_WIDTH = 80  # characters, below "--" without the space that RFC 3676 section 4.3 requires
# Text below two hyphens that is no signature.
_CONTENT_WORDS = re.compile(
    r"\?|\b(?:pesanan|invoice|inv|resi|order|tiket|ticket|rekening|rek|transaksi|transaction|bukti|refund|catatan"
    r"|ps|nb|note)\b",
    re.IGNORECASE,
)


# A footer about the confidentiality of the mail itself. Data of a customer may be called confidential, too.
DISCLAIMER = (
    r"(?:"
    r"(?:e-?mail |legal )?disclaimer\b|(?:confidentiality|legal|privacy) notice|pemberitahuan kerahasiaan|sangkalan\b"
    r"|(?:important|penting) ?: .{0,40}(?:e-?mail|message|pesan|surel)\b.{0,120}(?:confidential|intended|rahasia)"
    r"|(?:this|the information (?:contained )?in this|the contents of this)\s(?:e-?mail|message|communication)\b"
    r".{0,200}\b(?:confidential|privileged|intended|virus|scanned)"
    r"|(?:informasi|isi)?.{0,30}\b(?:e-?mail|surel|pesan|surat) (?:elektronik )?ini\b.{0,200}"
    r"(?:bersifat rahasia|hanya (?:ditujukan|untuk)|ditujukan (?:hanya|khusus)|virus)"
    r"|e-?mel ini\b.{0,200}(?:sulit|ditujukan)"
    r"|diese (?:e-?mail|nachricht)\b.{0,200}vertraulich|ce (?:message|courriel|mail)\b.{0,200}confidentiel"
    r"|este (?:mensaje|correo|e-?mail)\b.{0,200}confidencial|esta mensagem\b.{0,200}confidenci"
    r"|deze? (?:e-?mail|bericht)\b.{0,200}vertrouwelijk|questo messaggio\b.{0,200}riservat"
    r"|(?:think|please consider|consider) .{0,30}environment before printing"
    r")"
)
_DISCLAIMER = re.compile(rf"[-_*=# ]*{DISCLAIMER}", re.IGNORECASE | re.DOTALL)


def strip_disclaimer(lines: list[str]) -> list[str]:
    """Return `lines` without the paragraphs at their end that a company's mail server adds to all mail."""
    end = len(lines)
    while end:
        while end and not lines[end - 1].strip(BLANK):
            end -= 1
        start = next((n for n in range(end, 0, -1) if not lines[n - 1].strip(BLANK)), 0)
        if not _DISCLAIMER.match(" ".join(lines[start:end])[:1000]):
            break
        end = start
    return lines[:end]


def strip_device_line(lines: list[str]) -> list[str]:
    end = len(lines)
    while end:
        line = lines[end - 1].strip(BLANK)
        if line and not _is_device_line(line):
            break
        end -= 1
    return lines[:end]


def strip_signature(lines: list[str]) -> list[str]:
    """Return `lines` without the device line and the signature below them."""
    lines = strip_device_line(lines)
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - _SIGNATURE_LINES), -1):
        line = lines[number]
        if line[:1] in ("-", "—") and line.strip(BLANK) in ("--", "—"):
            signed = line == "-- " or _is_signature(lines[number + 1 :])
            return strip_device_line(lines[:number]) if signed else lines
    return lines


def _is_device_line(line: str) -> bool:
    if len(line) > LONGEST_LINE:
        return False
    if "://" in line:
        line = _LINK.sub("", line)
    if len(line) <= _SENT_LENGTH and _BRAND.search(line) and _SENT.search(line):
        return not _CUSTOMER_WORDS.search(line)
    device = _DEVICE_LINE.match(line)
    return device is not None and len(line) - device.end() <= _REST and not _CUSTOMER_WORDS.search(line)


def _is_signature(lines: list[str]) -> bool:
    return not any(
        _CONTENT_WORDS.search(line[:LONGEST_LINE]) or (len(line) > _SIGNATURE_WIDTH and "://" not in line)
        for line in lines
    )
