"""What stands below a text without having been typed: a telephone's line, a signature."""

import re

from mailbot.mail.replies.quotes import BLANK, LONGEST_LINE

_DEVICE = (
    r"i(?:phone|pad|os)\b|ponsel|\bhp\b|handphone|tele?pon|smart ?phone|android|samsung|galaxy|xiaomi|redmi"
    r"|poco\b|\boppo|\bvivo\b|realme|infinix|huawei|\basus|nokia|motorola|google pixel|blackberry|tablet"
    r"|perangkat|gawai|yahoo|outlook|gmail|mail\.ru|mymail|bluemail|icloud|proton|zoho|\bspark\b|k-9|fairemail"
    r"|aqua mail|thunderbird|windows|\bmobile\b|seluler|mac\b|mail (?:for|untuk|app)\b"
    r"|(?:aplikasi|app) (?:e-?mail|surel)"
)
_TELEPHONE = re.compile(
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
_REST = 80  # characters behind it: "... with K-9 Mail. Please excuse my brevity."
# Lines that begin like a telephone's and are a customer's: "Dikirim dari gudang Samsung kemarin".
_TYPED = re.compile(
    r"\?|\b(?:belum|tidak|sudah|kemarin|tanggal|tgl|resi|paket|barang|gudang|pesanan|order|penjual|toko|kurir|ke"
    r"|not|never|yesterday|package|seller|to)\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"[<(\[]*https?://\S{1,300}", re.IGNORECASE)
_SIGNATURE_LINES = 12
_LONGEST_SIGNED = 80  # characters of a line in a signature without the space that RFC 3676 4.3 wants
# What people put under two hyphens that are no signature's.
_FACTS = re.compile(
    r"\?|\b(?:pesanan|invoice|inv|resi|order|tiket|ticket|rekening|rek|transaksi|transaction|bukti|refund|catatan"
    r"|ps|nb|note)\b",
    re.IGNORECASE,
)


def without_telephone(lines: list[str]) -> list[str]:
    end = len(lines)
    while end:
        line = lines[end - 1].strip(BLANK)
        if line and not _is_telephone(line):
            break
        end -= 1
    return lines[:end]


def without_signature(lines: list[str]) -> list[str]:
    """`lines` without what a program added below them; nothing is left when they were all that."""
    lines = without_telephone(lines)
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - _SIGNATURE_LINES), -1):
        line = lines[number]
        if line[:1] in ("-", "—") and line.strip(BLANK) in ("--", "—"):
            signed = line == "-- " or _is_signature(lines[number + 1 :])
            return without_telephone(lines[:number]) if signed else lines
    return lines


def _is_telephone(line: str) -> bool:
    if len(line) > LONGEST_LINE:
        return False
    if "://" in line:
        line = _LINK.sub("", line)
    found = _TELEPHONE.match(line)
    return found is not None and len(line) - found.end() <= _REST and not _TYPED.search(line)


def _is_signature(lines: list[str]) -> bool:
    return not any(
        _FACTS.search(line[:LONGEST_LINE]) or (len(line) > _LONGEST_SIGNED and "://" not in line)
        for line in lines
    )
