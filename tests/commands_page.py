"""Write docs/commands.md from the registry of verbs. Run by `make commands`; a test holds that it is up to
date."""

import sys
from collections.abc import Iterator
from pathlib import Path

from mailbot.cli.tickets.group import COMMANDS
from mailbot.domain.commands.help import example_of, written
from mailbot.domain.commands.registry import VERBS, Below, Verb
from mailbot.domain.policy import Agent, Cause, Policy, Team
from mailbot.domain.worktime import ALWAYS
from tests.builders import policy

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
RINA = Agent("Rina", "rina@desk.example", "L1", ("id", "en"))
DESK: Policy = policy(
    levels=("L1", "L2", "management"),
    teams={"logistics": Team("logistics", "always", (RINA,)), "payments": Team("payments", "always", ())},
    calendars={"always": ALWAYS},
    ladder_of={"normal": "standard", "high": "standard"},
    categories=("payment", "payment/double"),
    causes={"damaged parcel": Cause("damaged parcel")},
)
# verb -> its form in the shell, where that is no command of the same name
SHELL = {
    "priority": "ticket set NUMBER --priority",
    "category": "ticket set NUMBER --category",
    "cause": "ticket set NUMBER --cause",
    "customer": "ticket set NUMBER --customer",
    "participant": "ticket participant add / remove / list",
}
BELOW = {
    Below.ANSWER: ("goes to the customer", "dikirim ke pelanggan"),
    Below.NOTE: ("stays with us", "tetap di dalam tim"),
    Below.REASON: ("is the reason, never sent", "alasannya, tidak dikirim"),
}
ENGLISH = """# Commands by mail

`make commands` writes this page from the registry (`domain/commands/registry.py`).

An agent works by answering a notice. Lines on top of the answer that begin with `#` are commands. The text
below them goes to the customer, unless a command in the mail keeps it.

- Indonesian and English words do the same. Capitals, a space after `#` and a colon are forgiven.
- All commands of a mail act, or none does. A mail may have ten.
- Only lines on top act: quoted text, the subject and a signature never do.
- The mail must be proven to come from that agent, as any answer must.
- A mail with an unknown word after `#` is kept as a note, and the agent gets the nearest words.
- Answers to a request for money and to a question of a ladder are for colleagues: no text in them goes to a
  customer.
- Each such mail gets one receipt: what was done or why not, what the customer reads, what comes next.
- Notices have links for the usual commands. A tap opens a mail that is ready to be sent. It works once, for the agent
  who got the notice, for 14 days. What stands in that mail does nothing and stays with us.
- `#help` brings the commands that apply to the ticket.
- Moments: `tomorrow 10:00`, `3 hours`, `Friday`, `30 Nov`, `2026-11-30 09:00`, in the time zone of the ticket's
  team.

The shell has the same commands: `mailbot ticket assign NUMBER AGENT`, with `--as ADDRESS` in the name of an agent.

| command | what it does | example | text below | shell |
| --- | --- | --- | --- | --- |
"""
INDONESIAN = """
# Perintah lewat email

Petugas bekerja dengan membalas pemberitahuan. Baris paling atas yang diawali `#` adalah perintah. Teks di
bawahnya dikirim ke pelanggan, kecuali ada perintah yang menahannya.

- Kata Indonesia dan Inggris sama saja. Huruf besar, spasi setelah `#`, dan titik dua tidak menjadi masalah.
- Semua perintah dalam satu email dijalankan, atau tidak satu pun. Paling banyak sepuluh.
- Hanya baris paling atas yang berlaku: kutipan, judul, dan tanda tangan tidak pernah.
- Email harus terbukti dari petugas itu, seperti setiap jawaban.
- Email dengan kata yang tidak dikenal setelah `#` disimpan sebagai catatan, dan petugas mendapat kata yang
  paling mirip.
- Balasan atas permintaan kompensasi dan pertanyaan eskalasi hanya untuk rekan kerja: tidak ada teksnya yang
  dikirim ke pelanggan.
- Setiap email perintah mendapat satu tanda terima: apa yang dijalankan atau kenapa tidak, apa yang dibaca pelanggan,
  dan apa berikutnya.
- Pemberitahuan memuat tautan untuk perintah yang biasa. Satu ketukan membuka email yang siap dikirim. Tautan berlaku
  sekali, untuk petugas penerimanya, selama 14 hari. Isi email itu tidak menjalankan apa pun dan tetap di tim.
- `#bantuan` mengirim perintah yang berlaku untuk tiketnya.
- Waktu: `besok 10.00`, `3 jam`, `Jumat`, `30 Nov`, `2026-11-30 09.00`, menurut zona waktu tim tiketnya.

| perintah | gunanya | contoh | teks di bawahnya |
| --- | --- | --- | --- |
"""


def page() -> str:
    return ENGLISH + "".join(_rows("en")) + INDONESIAN + "".join(_rows("id"))


def _rows(language: str) -> Iterator[str]:
    for verb in VERBS:
        form = written(verb, language).replace(" | ", " *or* " if language == "en" else " *atau* ")
        also = ", ".join(f"`#{word}`" for word in verb.words[language][1:])
        cells = [_code(form) + (f", {also}" if also else ""), verb.help[language]]
        cells.append(f"`{example_of(verb, language, DESK)}`")
        cells.append(BELOW[verb.below][language == "id"])
        if language == "en":
            cells.append(f"`{shell}`" if (shell := _shell(verb)) else "")
        yield f"| {' | '.join(cells)} |\n"


def _code(form: str) -> str:
    """Return the form as code; a bar would end the cell of the table."""
    return " *or* ".join(f"`{part}`" for part in form.split(" *or* ")).replace(" *atau* ", "` *atau* `")


def _shell(verb: Verb) -> str:
    if verb.name in SHELL:
        return SHELL[verb.name]
    return f"ticket {verb.name}" if verb.name in COMMANDS else ""


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
