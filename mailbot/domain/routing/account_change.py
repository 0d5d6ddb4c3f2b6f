"""Recognise a request to change an address, a phone or an account number, which thieves of accounts send."""

import re2

from mailbot.domain import reasons
from mailbot.domain.model import Authentication, InboundMail
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.routing.text import fold, options

SEARCHED = 20_000  # characters
# Looked for first: most mails have none of these.
_SIGNS = (
    *("ganti", "ubah", "pindah", "perba", "tukar", "updat", "chang", "repla", "switch", "modif", "baru"),
    *("new ", "different ", "another ", "account", "rekening", "ke rek", "ke no"),
)
_THING = (
    r"(?:(?:no|nomor|nomer|nmr)\.? ?(?:hp|wa|telp?|telepon|telpon|handphone|ponsel|whatsapp|rek|rekening)"
    r"|hp|handphone|whatsapp|rek|rekening|akun bank|(?:alamat )?(?:e-?mail|surel)"
    r"|(?:e-?mail|contact|phone|mobile|telephone|bank|payout|billing) (?:address|number|account|details?)"
    r"|e-?mail|phone|mobile|bank|account number|iban)"
)
_CHANGE = (
    r"(?:(?:meng|me|di)?(?:ganti|gantikan|gantiin|ubah|ubahkan|rubah|pindah|pindahkan|perbarui|perbaharui|tukar)"
    r"|merubah|mengubahnya|update|updating|change|changing|replace|switch|modify)"
)
_NEAR = r"[^.!?;\n]{0,30}?"
_ASKS = re2.compile(
    rf"\b{_CHANGE}\b{_NEAR}\b{_THING}\b"
    rf"|\b{_THING}\b{_NEAR}\b(?:di)?(?:ganti|ubah|rubah|perbarui|update)(?:kan)?\b"
    rf"|\b(?:no|nomor|nomer)?\.? ?(?:rek|rekening|hp|wa|e-?mail)\b(?: saya)?(?: yang| yg)? baru\b"
    r"|\b(?:new|another|different) (?:bank account|account number|phone number|mobile number|e-?mail address)\b"
    r"|\b(?:transfer|kirim|kirimkan|refund|kembalikan|cairkan|bayar)\b[^.!?;\n]{0,40}?\bke (?:no |nomor )?"
    r"(?:rek|rekening) (?:berikut|ini|lain|baru|di bawah|dibawah|atas nama|a\.?n|bank|bca|bri|bni|mandiri)\b"
    r"|\b(?:send|transfer|wire|pay|refund)\b[^.!?;\n]{0,50}?\b(?:to|into) (?:this|another|the following|the below"
    r"|my other|my new|a new|a different) (?:bank )?account\b",
    options(max_mem=1 << 23),
)


def asks_to_change_account(subject: str, text: str) -> bool:
    """Check the new text of a mail. Who only tells of such a change is taken for one who asks."""
    folded = f"{fold(subject)} {fold(text[:SEARCHED])}"
    return any(sign in folded for sign in _SIGNS) and _ASKS.search(folded) is not None


def unproven_change(mail: InboundMail) -> Reason:
    """Return what the agent has to know before anything is changed, no reason for a proven sender."""
    if mail.authentication is Authentication.PASS or not asks_to_change_account(mail.subject, mail.visible):
        return NO_REASON
    return reasons.of("unproven_account_change")
