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
    device = _DEVICE_LINE.match(line)
    return device is not None and len(line) - device.end() <= _REST and not _CUSTOMER_WORDS.search(line)


def _is_signature(lines: list[str]) -> bool:
    return not any(
        _CONTENT_WORDS.search(line[:LONGEST_LINE]) or (len(line) > _SIGNATURE_WIDTH and "://" not in line)
        for line in lines
    )
