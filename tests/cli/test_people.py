"""`mailbot ticket participant` and `mailbot ticket set`, as used from a shell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.domain.reasons import of as reason
from mailbot.domain.reasons import render
from tests.cli.test_merge import ASING, Shell
from tests.workers.test_intake import BUDI

FITRI = "fitri.handayani@staf.dukungan.example"
BOSS = "bos@pelanggan.example"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def test_people_are_added_removed_and_listed(shell: Shell) -> None:
    ticket = await shell.desk.receive(Cc=ASING)
    number = ticket.number
    assert shell.shown("ticket", "participant", "list", number) == [
        {"address": ASING, "role": "named"},
        {"address": BUDI, "role": "customer"},
    ]
    shell.run("ticket", "participant", "add", number, BOSS.upper(), ASING)
    assert (await shell.desk.receive(sender=ASING, Subject=f"Re: {number}")).number == number
    assert f"also takes part {ASING}, {BOSS}" in shell.run("ticket", "show", number)

    removed = shell.run("ticket", "participant", "remove", number, "bos+x@pelanggan.example", ASING)
    assert f"removed {BOSS}, {ASING}" in removed or f"removed {ASING}, {BOSS}" in removed
    # A stranger again, also to those who name them.
    theirs = await shell.desk.receive(sender=ASING, Subject=f"Re: {number}", Cc=BOSS)
    assert theirs.number != number
    await shell.desk.receive(Subject=f"Re: {number}", Cc=f"{ASING}, {BOSS}")
    assert shell.shown("ticket", "participant", "list", number)[0] == {"address": ASING, "role": "removed"}
    shell.run("ticket", "participant", "add", number, ASING)
    assert f"{ASING} takes part" in shell.run("ticket", "participant", "list", number)


async def test_the_customer_is_changed_and_the_former_takes_no_part(shell: Shell) -> None:
    ticket = await shell.desk.receive()
    changed = shell.shown("ticket", "set", ticket.number, "--customer", BOSS)

    assert (changed["customer"], changed["events"][0]["kind"]) == (BOSS, "customer_changed")
    assert [ticket.number] == [each["number"] for each in shell.shown("ticket", "list", "--customer", BOSS)]
    assert (await shell.desk.receive(sender=BOSS, Subject=f"Re: {ticket.number}")).number == ticket.number
    assert (await shell.desk.receive(Subject=f"Re: {ticket.number}")).number != ticket.number


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("participant", "add", "NUMBER", "support+x@dukungan.example"), "is_own_mailbox"),
        (("participant", "add", "NUMBER", "ayu.lestari@staf.dukungan.example"), "is_agent"),
        (("participant", "add", "NUMBER", "noreply@toko.example"), "is_robot"),
        (("participant", "add", "NUMBER", "x@lain.example", "bukan alamat"), "no_address"),
        (("participant", "add", "NUMBER", "a@b@c"), "no_address"),
        (("participant", "add", "NUMBER", BUDI), "takes_part_already"),
        (
            ("participant", "add", "NUMBER", *(f"n{n}@lain.example" for n in range(21))),
            "too_many_participants",
        ),
        (("participant", "remove", "NUMBER", "x@lain.example"), "no_participant"),
        (("participant", "remove", "NUMBER", BUDI), "customer_stays"),
        (("set", "NUMBER", "--customer", BUDI), "is_customer"),
        (("set", "NUMBER", "--customer", "support@dukungan.example"), "is_own_mailbox"),
    ],
)
async def test_a_refusal_gives_its_reason_and_changes_nothing(
    shell: Shell, words: tuple[str, ...], code: str
) -> None:
    ticket = await shell.desk.receive()
    before = shell.shown("ticket", "show", ticket.number)
    said = shell.run("ticket", *(ticket.number if word == "NUMBER" else word for word in words), code=1)

    values = {"address": words[-1], "ticket": ticket.number, "most": 20}
    assert render(reason(code, **values), "en") in said
    assert shell.shown("ticket", "show", ticket.number) == before


async def test_a_customer_with_an_open_request_stays(shell: Shell) -> None:
    number = (await shell.desk.receive(Subject="Saldo terpotong dua kali")).number
    shell.run("ticket", "compensate", number, "Rp6 juta", "--agent", FITRI)

    said = shell.run("ticket", "set", number, "--customer", BOSS, code=1)
    assert "decide on request 1 first" in said
    shell.run("ticket", "refuse", number, "--agent", FITRI)
    shell.run("ticket", "set", number, "--customer", BOSS)


async def test_a_file_of_a_mail_is_listed_and_written_once(shell: Shell, tmp_path: Path) -> None:
    ticket = await shell.desk.receive(
        MIME_Version="1.0",
        Content_Type='multipart/mixed; boundary="b"',
        body="--b\r\n\r\nLihat.\r\n--b\r\nContent-Type: text/csv; name=data.csv\r\n\r\na,b\r\n--b--",
    )
    assert "data.csv" in shell.run("ticket", "attachment", ticket.number)
    assert "wrote, 1 file |" in shell.run("ticket", "show", ticket.number)
    assert "1: data.csv" in shell.run("ticket", "show", ticket.number, "--all")
    target = tmp_path / "out.csv"
    shell.run("ticket", "attachment", ticket.number, "1", "-o", str(target))
    assert target.read_text().strip() == "a,b"
