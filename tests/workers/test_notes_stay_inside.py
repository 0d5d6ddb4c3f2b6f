"""However an agent writes a note, and whatever comes after it, no customer reads it: 500 mails at night."""

import random
from html import escape

import pytest

from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA, SARI
from tests.profile import sample
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk, tag

SECRET = "SANGAT-RAHASIA"
ANI = "ani@pelanggan.example"
AGENTS = {RINA.address, BAYU.address, SARI.address}

HEADS = (
    *("#catatan", "#note", "#Catatan:", "#NOTE :", "# catatan", "＃catatan", "﹟note", "\u200b#catatan"),
    *(
        "\ufeff#note",
        "#cata\u200btan",
        "#catatn",
        "#notes",
        "##catatan",
        "*#catatan*",
        "- #catatan",
        "♯catatan",
    ),
    *(
        "catatan:",
        "Note:",
        "[internal]",
        "(catatan untuk tim)",
        "Internal note:",
        "_#note_",
        "#c\u0430tatan",
        "“#catatan”",
    ),
)
BEFORE = (
    "",
    "",
    "#ambil\n",
    "#prioritas high\n",
    "#tunggu pelanggan\n",
    "#selesai\n",
    "#tag +x\n\n",
    "#entah\n",
    "\n\n",
)
BETWEEN = (" ", "\n", "\n\n", "\r\n \r\n")
QUOTES = ("", "", "\n\n> {notice}", "\n\nPada Senin, TokoDompet menulis:\n> {notice}", "\n\n-- \nRina\nTim")
AFTER = (
    "",
    "Sudah kami kirim, Kak.",
    "#selesai\n\nSudah beres.",
    "#proses sampai besok 10.00",
    "#makro solved",
    "#buka",
)


def body_of(chance: random.Random, notice: str) -> str:
    quoted = notice.replace("\n", "\n> ")
    return "".join(
        (
            chance.choice(BEFORE),
            chance.choice(HEADS),
            chance.choice(BETWEEN),
            f"{SECRET} pelanggan ini sering menipu\n",
            chance.choice(("", "baris kedua\n", f"#selesai\n{SECRET}\n", f"\n{SECRET}\n")),
            chance.choice(QUOTES).format(notice=quoted),
        )
    )


def as_html(text: str) -> str:
    return "".join(f"<div>{escape(line) or '<br>'}</div>" for line in text.split("\n"))


async def write(desk: Desk, chance: random.Random, number: str, text: str) -> None:
    kind, body = chance.choice((("plain", text), ("plain", text), ("html", as_html(text))))
    to = chance.choice((tag(number), tag(number), BOX.address))
    headers = {"Subject": f"Re: Barang [{number}]", "Content_Type": f"text/{kind}; charset=utf-8"}
    headers |= chance.choice(({}, {"Cc": ANI}, {"Content_Transfer_Encoding": "8bit"}))
    await desk.receive(
        sender=RINA.address, to=to, peer=AGENTS_NETWORK, body=body.replace("\n", "\r\n"), **headers
    )


def leaked(desk: Desk) -> list[str]:
    kinds = ("acknowledgement", "answer", "progress", "closing", "team", "receipt", "refusal", "status")
    rows = [row for kind in kinds for row in desk.outbox_rows(kind) if row.recipient not in AGENTS]
    return [row.kind for row in rows if any(
        SECRET in part.get_content() for part in desk.content(row).walk() if part.get_content_maintype() == "text"
    )]  # fmt: skip


@pytest.mark.parametrize("seed", sample(range(500), 25))
async def test_no_note_leaks(store: Store, seed: int) -> None:
    desk, chance = Desk(store), random.Random(seed)
    number = (await desk.receive(Cc=ANI)).number
    notice = next(row for row in desk.outbox_rows("team") if row.recipient in AGENTS)
    shown = desk.content(notice).get_body(("plain",)).get_content().replace("\r", "")
    await write(desk, chance, number, body_of(chance, shown))
    await write(desk, chance, number, chance.choice(AFTER) or "Baik.")
    await desk.receive(
        sender=BUDI, Subject=f"Re: [{number}]", body=chance.choice(("STATUS", "Bagaimana?", "#catatan"))
    )

    assert leaked(desk) == []
