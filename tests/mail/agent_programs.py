"""Replies of agents to a notice as mail programs of eleven kinds and languages write them, on top or below."""

import html
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from random import Random

US = "TokoDompet <support@dukungan.example>"

# Language: names of From, Sent, To, Subject in a mail head; an attribution; the device line of a telephone.
LANGUAGES = {
    "en": ("From|Sent|To|Subject", "On Sat, 28 Nov 2026 at 10:00, {us} wrote:", "Sent from my iPhone"),
    "id": ("Dari|Dikirim|Kepada|Perihal", "Pada Sab, 28 Nov 2026 10.00 {us} menulis:", "Dikirim dari iPhone saya"),
    "ms": ("Daripada|Dihantar|Kepada|Subjek", "Pada Sab, 28 Nov 2026 10:00 {us} menulis:", "Dihantar dari iPhone saya"),
    "de": ("Von|Gesendet|An|Betreff", "Am 28. Nov. 2026 um 10:00 Uhr schrieb {us}:", "Von meinem iPhone gesendet"),
    "fr": ("De|Envoyé|À|Objet", "Le sam. 28 nov. 2026 à 10:00, {us} a écrit :", "Envoyé de mon iPhone"),
    "es": ("De|Enviado|Para|Asunto", "El sáb, 28 nov 2026 a las 10:00, {us} escribió:", "Enviado desde mi iPhone"),
    "nl": ("Van|Verzonden|Aan|Onderwerp", "Op za 28 nov 2026 om 10:00 schreef {us}:", "Verstuurd vanaf mijn iPhone"),
    "it": ("Da|Inviato|A|Oggetto", "Il giorno sab 28 nov 2026 alle ore 10:00 {us} ha scritto:", "Inviato da iPhone"),
    "pl": ("Od|Wysłano|Do|Temat", "W dniu sob., 28 lis 2026 o 10:00 {us} napisał(a):", "Wysłane z iPhone'a"),
    "ja": ("差出人|送信日時|宛先|件名", "2026年11月28日(土) 10:00 {us}:", "iPhoneから送信"),
    "zh": ("发件人|发送时间|收件人|主题", "{us} 于2026年11月28日周六 10:00写道：", "发自我的iPhone"),
}  # fmt: skip
DATE = "Sabtu, 28 November 2026 10:00"
ANSWERS = (
    "Halo Pak Budi,\n\npaket Anda kami kirim ulang hari ini.\n\nSalam,\nSari",
    "Paket Anda kami kirim ulang hari ini.",
    "Hello Budi,\n\nyour refund of Rp 350.000 is on its way:\n- it takes 2 days\n- no fee\n\nKind regards\nSari",
    "Mohon isi formulir ini: https://toko.example/retur?id=77\n\nTerima kasih.",
    "Baik.",
    "Halo Pak Budi,\n\nterima kasih sudah menghubungi TokoDompet.\n\nSari",
    "Nomor resi: JNE-0123456\nKurir: JNE\nPerkiraan tiba: 30/11/2026\n\nTerima kasih sudah menunggu.",
    '1. Buka aplikasi.\n2. Pilih "Saldo".\n3. Tekan tombol muat ulang.\n\nKalau masih kosong, balas email ini ya.',
    "Hubungi kami juga di:\nTelepon: 0812-3456-7890\nEmail: support@dukungan.example\nJam: 09.00-17.00",
    "Anda menulis bahwa saldo hilang. Sudah kami cek:\n\n-----------------------\n\nsaldo sudah kembali.",
    "Dear Budi:\n\nWe wrote to the courier on 27/11/2026 and got this answer: delivered.\n\nSari",
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as the agent's program shows it: its subject, its plain text, its HTML."""

    subject: str
    text: str
    html: str
    reply_to: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it comes in, and what the agent wrote in it."""

    raw: bytes
    wrote: str
    on_top: bool
    name: str


def _marked(text: str, width: int = 0) -> str:
    lines = text.split("\n")
    if width:
        lines = [piece for line in lines for piece in (textwrap.wrap(line, width) or [""])]
    return "\n".join(f"> {line}" if line else ">" for line in lines)


def _head(notice: Notice, language: str, bold: str = "") -> list[str]:
    names = LANGUAGES[language][0].split("|")
    values = (US, DATE, "Sari Agen <sari@staf.example>", notice.subject)
    return [f"{bold}{name}:{bold} {value}" for name, value in zip(names, values, strict=True)]


def _attribution(language: str) -> str:
    return LANGUAGES[language][1].format(us=US)


def _html(text: str) -> str:
    return "".join(f"<div>{html.escape(line) or '<br>'}</div>" for line in text.split("\n"))


def _put(wrote: str, quote: str, on_top: bool, blank: str = "\n\n") -> str:
    return f"{wrote}{blank}{quote}" if on_top else f"{quote}{blank}{wrote}"


def gmail(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    line = _attribution(language)
    plain = _put(wrote, f"{line}\n\n{_marked(notice.text, 76)}", on_top)
    quote = (
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{html.escape(line)}<br></div>'
        f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{notice.html}</blockquote></div>'
    )
    return plain, _put(_html(wrote), quote, on_top, "<br>")


def gmail_wrapped(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    line = _attribution(language).replace(" <", "\n<", 1)
    return _put(wrote, f"{line}\n\n{_marked(notice.text, 70)}", on_top), ""


def gmail_html(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    return "", gmail(notice, language, wrote, on_top)[1]


def outlook(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    head = _head(notice, language)
    quote = "\n".join([*head, "", notice.text])
    shown = "<br>".join(f"<b>{html.escape(line)}</b>" for line in head)
    div = f'<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal">{shown}</p></div>'
    return _put(wrote, quote, on_top), _put(_html(wrote), f"{div}{notice.html}", on_top, "<p>&nbsp;</p>")


def outlook_html(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    return "", outlook(notice, language, wrote, on_top)[1]


def outlook_mobile(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    quote = "\n".join(["_" * 32, *_head(notice, language, "*"), "", notice.text])
    signed = f"{wrote}\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>" if on_top else wrote
    return _put(signed, quote, on_top), ""


def apple(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    line = _attribution(language)
    signed = f"{wrote}\n\n{LANGUAGES[language][2]}"
    cite = '<blockquote type="cite">'
    quote = f"{cite}{html.escape(line)}<br><br></blockquote>{cite}{notice.html}</blockquote>"
    plain = _put(signed, _marked(f"{line}\n\n{notice.text}"), on_top)
    return plain, _put(_html(signed), quote, on_top, "<br>")


def thunderbird(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    return _put(wrote, f"{_attribution(language)}\n{_marked(notice.text, 72)}", on_top), ""


def yahoo(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    line = _attribution(language)
    quote = f"    {line}  \n \n{notice.text}"
    shown = f'<div class="yahoo_quoted"><div>{html.escape(line)}</div><div>{notice.html}</div></div>'
    return _put(wrote, quote, on_top), _put(_html(wrote), shown, on_top, "<br>")


def samsung(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    quote = "\n".join(["-------- Original message --------", *_head(notice, language), "", notice.text])
    return _put(wrote, quote, on_top), ""


def zoho(notice: Notice, language: str, wrote: str, on_top: bool) -> tuple[str, str]:
    line = f"---- {_attribution(language).rstrip(':：')} ----"
    return _put(wrote, f"{line}\n\n{_marked(notice.text)}", on_top), ""


PROGRAMS: dict[str, Callable[[Notice, str, str, bool], tuple[str, str]]] = {
    program.__name__: program
    for program in (
        *(gmail, gmail_wrapped, gmail_html, outlook, outlook_html, outlook_mobile),
        *(apple, thunderbird, yahoo, samsung, zoho),
    )
}


def reply(notice: Notice, program: str, language: str, wrote: str, on_top: bool, number: int) -> Reply:
    """Write the reply to `notice`: multipart where the program writes both, else plain or HTML alone."""
    plain, page = PROGRAMS[program](notice, language, wrote, on_top)
    mail = EmailMessage()
    mail["From"] = "Sari Agen <sari@staf.example>"
    mail["To"] = notice.reply_to
    mail["Subject"] = f"Re: {notice.subject}"
    mail["Message-ID"] = f"<r{number}@staf.example>"
    mail["In-Reply-To"] = notice.message_id
    if plain:
        mail.set_content(plain, cte="8bit")
        if page:
            mail.add_alternative(f"<html><body>{page}</body></html>", subtype="html", cte="base64")
    else:
        mail.set_content(f"<html><body>{page}</body></html>", subtype="html", cte="base64")
    name = f"{program} {language} {'top' if on_top else 'below'}"
    return Reply(mail.as_bytes(), wrote, on_top, name)


def replies(notices: list[Notice], count: int, seed: int = 1) -> list[Reply]:
    """Draw replies: programs and languages in turn, all else by chance."""
    draw = Random(seed)
    cells = [(program, language) for language in LANGUAGES for program in PROGRAMS]
    return [
        reply(
            draw.choice(notices),
            *cells[number % len(cells)],
            draw.choice(ANSWERS),
            draw.random() < 0.75,
            number,
        )
        for number in range(count)
    ]
