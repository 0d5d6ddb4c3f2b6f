"""`mailbot ticket answer`, as used from a shell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_merge import ASING, Shell
from tests.workers.test_intake import BUDI

AYU = "ayu.lestari@staf.dukungan.example"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def test_an_answer_leaves_in_the_agents_name_and_in_the_conversation(shell: Shell) -> None:
    number = (await shell.desk.receive(Subject="Re: Barang belum sampai")).number
    newest = await shell.desk.receive(Subject=f"Re: {number}")
    shell.run("ticket", "participant", "add", number, ASING)
    shell.run("ticket", "answer", number, "--as", AYU, text="Halo Pak Budi,\n\nsudah kami kirim.\n")

    mails = {row.recipient: shell.desk.content(row) for row in shell.desk.outbox_rows("answer")}
    mail = mails[BUDI]
    assert set(mails) == {BUDI, ASING}
    assert mail["Subject"].replace(f"[{number}]", "").strip() == "Re: Barang belum sampai"
    references = mail["References"].split()
    (acknowledgement,) = shell.desk.outbox_rows("acknowledgement")
    assert acknowledgement.message_id in references
    # two of the customer, the acknowledgement, and the news that was overdue by the time of now
    assert (references[-1], len(set(references))) == (mail["In-Reply-To"], 4)
    assert newest.assignee or newest.team
    shown = shell.shown("ticket", "show", number)
    assert (shown["status"], shown["assignee"]) == ("open", AYU)
    assert shown["messages"][-1]["text"] == "Halo Pak Budi,\n\nsudah kami kirim."


async def test_an_answer_needs_a_text_and_an_agent(shell: Shell) -> None:
    number = (await shell.desk.receive()).number

    assert "needs an agent's name" in shell.run("ticket", "answer", number, "--text", "Halo", code=1)
    shell.run("ticket", "answer", number, "--as", AYU, text=" \n", code=2)
    shell.run("ticket", "answer", "TOKO-00000000-0", "--as", AYU, "--text", "Halo", code=1)
    assert shell.desk.outbox_rows("answer") == []
