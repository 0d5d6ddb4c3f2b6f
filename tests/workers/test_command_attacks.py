"""Commands act for a proven agent alone, by what that agent wrote: each attack is one mail, and none acts."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from mailbot.domain.model import Status
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk, tag
from tests.workers.test_one_tap import address, links

VERBS = (
    "#selesai",
    "#tugaskan bayu",
    "#kompensasi Rp50.000 maaf",
    "#oper payments",
    "#pelanggan jahat@jahat.example",
)
SECRET = "rahasia-tim"
OUTSIDE = "192.0.2.7"


@dataclass(frozen=True)
class Attack:
    """One mail. `{number}`, `{notice}` and `{tap}` stand for those of the attacked ticket."""

    name: str
    body: str
    sender: str = RINA.address
    to: str = "token"
    peer: str = AGENTS_NETWORK
    headers: dict[str, str] = field(default_factory=dict)


def html(body: str, name: str) -> Attack:
    return Attack(name, body, headers={"Content_Type": "text/html; charset=utf-8"})


def _forged() -> list[Attack]:
    """In the name of somebody who is not proven."""
    fail = {"Authentication_Results": "mx.dukungan.example; dmarc=fail header.from=tim.example"}
    passed = {"Authentication_Results": "mx.jahat.example; dmarc=pass header.from=tim.example"}
    return [
        *(Attack(f"forged From: {verb}", f"{verb}\n{SECRET}", peer=OUTSIDE) for verb in VERBS),
        Attack("DMARC failed", "#selesai", headers=fail),
        Attack("proof of a foreign host", "#selesai", peer=OUTSIDE, headers=passed),
        Attack("two senders", "#selesai", headers={"From": f"{RINA.address}, {BAYU.address}"}, peer=OUTSIDE),
        Attack("a list's copy", "#selesai", peer=OUTSIDE, headers={"List_Id": "<tim.tim.example>"}),
        Attack(
            "rewritten by a list",
            "#selesai",
            sender="tim@daftar.example",
            headers={"X_Original_From": RINA.address},
        ),
        Attack(
            "Sender names the agent", "#selesai", sender=BUDI, headers={"Sender": RINA.address}, peer=OUTSIDE
        ),
        Attack(
            "Reply-To names the agent",
            "#selesai",
            sender=BUDI,
            headers={"Reply_To": RINA.address},
            peer=OUTSIDE,
        ),
        Attack(
            "a look-alike of the agent", "#selesai", sender="r\u0456na@tim.example".encode().decode("latin-1")
        ),
        Attack("a plus-address of the agent", "#selesai", sender="rina+x@tim.example", peer=OUTSIDE),
    ]


def _others() -> list[Attack]:
    """By people who are no agents of the ticket, however proven."""
    people = {"customer": BUDI, "participant": "ani@pelanggan.example", "stranger": "x@jahat.example"}
    former = "mantan@tim.example"
    return [
        *(Attack(f"{who}: {verb}", f"{verb}\n{SECRET}", sender=each, peer=OUTSIDE)
          for who, each in people.items() for verb in VERBS),
        *(Attack(f"{who}, by a link", "#setuju", sender=each, to="tap", peer=OUTSIDE) for who, each in people.items()),
        Attack("a former agent, by token", "#selesai", sender=former),
        Attack("a former agent, by number", "#selesai", sender=former, to="box"),
        Attack("a colleague, by a leaked token", "#selesai", sender=BAYU.address, headers={"Subject": "Barang"}),
        Attack("a colleague, by a leaked link", "#selesai", sender=BAYU.address, to="tap"),
        Attack("null sender", "#selesai", headers={"return_path": ""}, sender="mailer-daemon@tim.example"),
    ]  # fmt: skip


def _not_written() -> list[Attack]:
    """Proven, but not what the agent wrote for us to act by."""
    outlook = f"From: TokoDompet <{BOX.address}>\nSent: Monday\nTo: Rina\nSubject: Barang\n\n#selesai"
    forwarded = f"---------- Forwarded message ---------\nFrom: Budi <{BUDI}>\n\n#selesai"
    cuti = "#selesai\nSaya sedang cuti sampai 5 Januari."
    unseen = ("<!-- \n#selesai -->", "<title>#selesai</title>")
    attached = (
        "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: budi@pelanggan.example\r\nSubject: x\r\n\r\n"
        f"#selesai\r\n{SECRET}\r\n--b--"
    )
    mixed = {"MIME_Version": "1.0", "Content_Type": "multipart/mixed; boundary=b"}
    hidden = (
        '<div style="display:none">#selesai</div>', '<p style="color:#ffffff">#selesai</p>',
        '<span style="font-size:0">#selesai</span><br>', '<p style="opacity:0">#selesai</p>',
        "<div hidden>#selesai</div>", '<p style="mso-hide:all">#selesai</p>', '<font color="white">#selesai</font><br>',
        "<style>.x{visibility:hidden}</style><p class=x>#selesai</p>",
    )  # fmt: skip
    auto = {"Auto_Submitted": "auto-replied"}
    return [
        Attack("quoted above", "> #selesai\n\nBaik."),
        Attack("quoted below", "Baik.\n\n{notice}\n> #selesai"),
        Attack("an Outlook head", f"Baik.\n\n{outlook}"),
        Attack("a forwarded original", f"Baik.\n\n{forwarded}"),
        Attack("an attached original alone", attached, headers=mixed),
        Attack("below the text", f"Baik.\n#catatan {SECRET}"),
        Attack("in the signature", "Baik.\n\n-- \nRina\n#selesai"),
        Attack("in the subject", "", headers={"Subject": "#selesai [{number}]"}),
        Attack("an absence note", cuti, headers={"Subject": "Automatic reply: Barang"}),
        Attack("an automatic answer", "#selesai", headers=auto),
        Attack("another subject", "#selesai", headers={"Subject": "Rapat tim besok"}),
        Attack("a look-alike sign", f"\u266fselesai\n{SECRET}"),
        Attack("a look-alike letter", f"#s\u0435lesai\n{SECRET}"),
        Attack("in bold", f"*#selesai*\n{SECRET}"),
        Attack("a bullet", f"- #catatan {SECRET}"),
        Attack("an unknown word", f"#selesaikan\n{SECRET}"),
        *(html(f"{each}<p>Halo {SECRET}</p>", f"hidden: {each}") for each in hidden),
        *(html(f"{each}<p>Halo</p>", f"no text: {each}") for each in unseen),
    ]  # fmt: skip


ATTACKS = [*_forged(), *_others(), *_not_written()]


def test_the_table_is_as_long_as_promised() -> None:
    assert len(ATTACKS) >= 60


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def acting(ticket: Any) -> tuple[Any, ...]:
    return (
        *(ticket.assignee, ticket.team, ticket.level, ticket.priority, ticket.customer, ticket.cause),
        *(ticket.status is Status.CLOSED, ticket.merged_into, ticket.held_for),
    )


@pytest.mark.parametrize("attack", ATTACKS, ids=[each.name for each in ATTACKS])
async def test_no_attack_acts(desk: Desk, attack: Attack) -> None:
    before = await desk.receive(Cc="ani@pelanggan.example")
    notice = next(row for row in desk.outbox_rows("team") if row.recipient == RINA.address)
    to = {"token": tag(before.number), "box": BOX.address, "tap": address(links(desk, notice)["Selesai"])}
    shown = "\n".join(
        f"> {line}" for line in desk.content(notice).get_body(("plain",)).get_content().splitlines()
    )
    texts = {"Subject": f"Re: Barang [{before.number}]", **attack.headers}
    texts = {name: value.replace("{number}", before.number) for name, value in texts.items()}
    body = attack.body.replace("{notice}", shown).replace("\n", "\r\n").replace("\r\r", "\r")
    texts = {"Content_Type": "text/plain; charset=utf-8", **texts}
    await desk.receive(sender=attack.sender, to=to[attack.to], peer=attack.peer, body=body, **texts)

    assert acting(desk.ticket_of(1)) == acting(before)
    assert desk.outbox_rows("compensation_wanted") == desk.outbox_rows("closing") == []
    to_customer = [*desk.outbox_rows("answer"), *desk.outbox_rows("progress")]
    assert not any(SECRET in desk.content(row).as_string() for row in to_customer)


async def test_a_command_that_is_sent_again_acts_once(desk: Desk) -> None:
    number = (await desk.receive()).number
    for _ in range(2):
        await desk.receive(
            sender=RINA.address,
            to=tag(number),
            peer=AGENTS_NETWORK,
            body="#catatan sekali",
            Message_ID="<same@x.example>",
            Subject=f"Re: Barang [{number}]",
        )

    assert len(desk.outbox_rows("receipt")) == 1
