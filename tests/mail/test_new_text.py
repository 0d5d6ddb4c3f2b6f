"""New text is separated from quotes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.parsing.html_text import html_to_text
from mailbot.mail.replies.new_text import MARKERS, extract_new_text

NEW_TEXT = "Saldo saya belum kembali.\n\nMohon dibantu."
NOTICE = "There is a new ticket for your team. SECRET 4711"
ADDRESS = "support+t.toko482173908.k3j5h2g4@dukungan.example"

# What mail programs put between the answer and the quoted mail: {quote} is that mail.
# {marked} has "> " before each line.
PROGRAMS = {
    "gmail en": f"On Fri, Nov 20, 2026 at 10:12 AM TokoDompet <{ADDRESS}> wrote:\n\n{{marked}}",
    "gmail en wrapped": f"On Fri, Nov 20, 2026 at 10:12 AM TokoDompet <\n{ADDRESS}> wrote:\n\n{{marked}}",
    "gmail id": f"Pada tanggal Jum, 20 Nov 2026 pukul 10.12 TokoDompet <{ADDRESS}> menulis:\n\n{{marked}}",
    "gmail id wrapped": f"Pada Jum, 20 Nov 2026 pukul 10.12 TokoDompet <\n{ADDRESS}> menulis:\n\n{{marked}}",
    "gmail dated": f"2026-11-20 10:12 GMT+07:00 TokoDompet <{ADDRESS}>:\n\n{{marked}}",
    "apple id": f"> Pada 20 Nov 2026, pukul 10.12, TokoDompet <{ADDRESS}> menulis:\n> \n{{marked}}",
    "apple en": f"> On 20 Nov 2026, at 10:12, TokoDompet <{ADDRESS}> wrote:\n> \n{{marked}}",
    "yahoo id": f"    Pada Jumat, 20 November 2026 10.12.45 WIB, Toko <{ADDRESS}> menulis:  \n \n{{quote}}",
    "yahoo en": f"    On Friday, November 20, 2026 at 10:12:45 AM, Toko <{ADDRESS}> wrote:  \n \n{{quote}}",
    "outlook en": f"From: Toko <{ADDRESS}>\nSent: Friday, 20 November\nTo: Budi\nSubject: x\n\n{{quote}}",
    "outlook bold": f"*From:* TokoDompet <{ADDRESS}>\n*Sent:* Friday\n*To:* Budi\n*Subject:* x\n\n{{quote}}",
    "outlook id": f"Dari: TokoDompet <{ADDRESS}>\nDikirim: Jumat\nKepada: Budi\nPerihal: x\n\n{{quote}}",
    "outlook mobile": f"{'_' * 32}\nFrom: Toko <{ADDRESS}>\nSent: Friday\nTo: Budi\nSubject: x\n\n{{quote}}",
    "outlook express": f"-----Original Message-----\nFrom: {ADDRESS}\n\n{{quote}}",
    "outlook express id": f"-----Pesan Asli-----\nDari: {ADDRESS}\n\n{{quote}}",
    "samsung": f"------ Pesan asli ------\nDari: {ADDRESS}\nTanggal: 20/11/26\nKe: x\nSubjek: x\n\n{{quote}}",
    "thunderbird en": "On 20/11/2026 10:12, TokoDompet wrote:\n{marked}",
    "thunderbird id": "Pada 20/11/2026 10.12, TokoDompet menulis:\n{marked}",
    "marker id": f"{MARKERS['id']}\n{{quote}}",
    "marker en": f"{MARKERS['en']}\n{{quote}}",
    "marker under a name": f"TokoDompet <{ADDRESS}> menulis:\n\n{MARKERS['id']}\n{{quote}}",
    "bare quote": "{marked}",
}
SIGNED = (
    "",
    "\n\nDikirim dari iPhone saya",
    "\n\nSent from my iPhone",
    "\n\nGet Outlook for Android<https://aka.ms/x>",
)


def _replies(name: str) -> dict[str, tuple[str, str]]:
    """Read replies of mail programs: "==== name", the mail, "~~~~", its new text."""
    cases = {}
    for case in (Path(__file__).parent / "replies" / name).read_text().split("==== ")[1:]:
        title, _, rest = case.partition("\n")
        mail, _, new_text = rest.partition("~~~~\n")
        cases[title] = (mail.strip("\n"), new_text.strip("\n"))
    return cases


PLAIN, HTML = _replies("plain.txt"), _replies("html.txt")


def _mail(above: str, program: str, quote: str) -> str:
    marked = "\n".join(f"> {line}" for line in quote.split("\n"))
    return f"{above}\n\n" + PROGRAMS[program].format(quote=quote, marked=marked)


@pytest.mark.parametrize("signature", SIGNED)
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_quote_of_every_program_is_folded(program: str, signature: str) -> None:
    assert extract_new_text(_mail(NEW_TEXT + signature, program, NOTICE), is_reply=True) == NEW_TEXT


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_mail_that_is_no_reply_stays_whole(program: str) -> None:
    text = _mail(NEW_TEXT, program, NOTICE)

    assert extract_new_text(text, is_reply=False) == text


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_reply_that_only_quotes_is_shown_whole(program: str) -> None:
    text = _mail("", program, NOTICE)

    assert extract_new_text(text, is_reply=True) == text


@pytest.mark.parametrize(
    "text",
    [
        "Data transfer saya:\nDari: BCA 123\nKe: Dana 456\nTanggal: 20/11/2026",
        "Pada hari Senin saya sudah menulis:\nmohon uang saya kembali",
        "Isi pesan kurir:\n- paket hilang\n- jam 10:12",
        "Nomor saya:\n-- 0812",
        "Dari kemarin belum masuk.\nKepada siapa saya mengadu?",
        "a < b > c\n\n--------\n\nbaris kedua",
        "On Monday I was charged twice: 10:12 and 10:13",
    ],
)
def test_text_that_only_looks_like_a_quote_stays(text: str) -> None:
    assert extract_new_text(text, is_reply=True) == text


def test_answers_below_a_quote_stay() -> None:
    text = "On 20/11/2026 10:12, TokoDompet wrote:\n> Nomor Anda?\n\nINV/1\n\n> Kapan?\n\nKemarin."

    assert extract_new_text(text, is_reply=True) == "INV/1\n\nKemarin."


def test_a_signature_is_folded_but_never_the_mail() -> None:
    assert extract_new_text("Halo\n\n-- \nBudi\n0812", is_reply=True) == "Halo"
    assert extract_new_text("-- \nBudi\n0812", is_reply=True) == "-- \nBudi\n0812"


@given(st.text(max_size=80), st.sampled_from(sorted(PROGRAMS)), st.text(max_size=80))
def test_new_text_is_never_empty_unless_the_text_is(above: str, program: str, quote: str) -> None:
    text = _mail(above, program, quote)

    assert extract_new_text(text, is_reply=True).strip()


@pytest.mark.parametrize("name", PLAIN)
def test_the_new_text_of_a_reply_is_found(name: str) -> None:
    mail, new_text = PLAIN[name]

    assert extract_new_text(mail, is_reply=True) == new_text


@pytest.mark.parametrize("name", HTML)
def test_the_new_text_of_an_html_reply_is_found(name: str) -> None:
    mail, new_text = HTML[name]

    assert extract_new_text(html_to_text(mail)[0], is_reply=True) == new_text


MARKED = sorted(
    name for name, above in PROGRAMS.items() if above.count("{marked}") and not above.startswith("> ")
)
words = st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9), min_size=1, max_size=8).map(
    " ".join
)


@given(words, st.sampled_from(MARKED), words, words)
def test_text_above_and_below_a_marked_quote_is_never_lost(
    above: str, program: str, quote: str, below: str
) -> None:
    text = f"{_mail(above, program, quote)}\n\n{below}"

    assert extract_new_text(text, is_reply=True) == f"{above}\n\n{below}"


@pytest.mark.parametrize(
    "line",
    [
        "Pada Sen, 23 Nov 2026 pukul 10.15 X <x@y.example> menulis:",
        "Dari: a@b.example",
        "##- Balas di atas baris ini -##\ntercantum pada judul (subjek) email.",
        "> a\nPada 10.15 wrote: menulis:",
        "dikirim dari " + "iphone " * 50 + "?",
        "- " * 190 + "x",
        "=" * 390 + "x:",
    ],
)
def test_a_hostile_reply_is_folded_in_one_pass(line: str) -> None:
    """Use half a megabyte of each: quadratic code would reach the time limit of the suite."""
    text = f"{line}\n" * (500_000 // len(line))

    assert extract_new_text(text, is_reply=True).strip()
