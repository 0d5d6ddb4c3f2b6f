"""`mailbot macro` and `mailbot ticket macro`: checked texts in the customer's language, as used from a shell."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.domain.events import NewsPromised
from mailbot.store import tickets
from tests.cli.test_merge import Shell
from tests.workers.test_intake import BUDI

AYU = "ayu.lestari@staf.dukungan.example"
INDONESIAN = "Pesanan saya belum sampai, mohon dibantu ya, sudah lama sekali."
ENGLISH = "My order has not arrived yet, please help me, I have been waiting for a long time."


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


def answer_text(shell: Shell) -> str:
    return str(
        shell.desk.content(shell.desk.outbox_rows("answer")[-1]).get_body(("plain",)).get_content()
    ).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("body", "greeting", "words"),
    [
        (INDONESIAN, "Halo,\n", "Dana Rp 250.000 sudah kami kembalikan ke BCA."),
        (ENGLISH, "Hello,\n", "We have sent Rp 250.000 back to BCA."),
    ],
)
async def test_a_macro_goes_out_in_the_customers_language_above_the_agents_words(
    shell: Shell, body: str, greeting: str, words: str
) -> None:
    number = (await shell.desk.receive(body=body)).number
    named = ("ticket", "macro", number, "refund-sent", "amount=Rp 250.000", "to=BCA")
    shell.run(*named, "--as", AYU, "--text", "Salam dari Ayu.")

    text = answer_text(shell)
    assert greeting in text
    assert words in text
    assert text.index(words) < text.index("Salam dari Ayu.")
    (answer,) = [
        each for each in shell.shown("ticket", "show", number)["messages"] if each["direction"] == "out"
    ]
    assert words in answer["text"]


async def test_the_customers_name_stands_there_only_when_it_is_proven(shell: Shell) -> None:
    proven = {"Authentication_Results": "mx.dukungan.example; dmarc=pass header.from=pelanggan.example"}
    for headers, greeting in (({}, "Halo,"), (proven, "Halo Budi Santoso,")):
        mail = {"From": f"Budi Santoso <{BUDI}>", "body": INDONESIAN, **headers}
        number = (await shell.desk.receive(**mail)).number
        assert greeting in shell.run("macro", "show", "thank-you", "--ticket", number)


async def test_a_macro_that_lacks_a_value_sends_nothing_and_says_which(shell: Shell) -> None:
    number = (await shell.desk.receive()).number
    named = ("ticket", "macro", number)
    assert 'amount="..."' in shell.run(*named, "refund-sent", "--as", AYU, code=1)
    assert "similar: refund-sent" in shell.run(*named, "refund-snt", "amount=1", "--as", AYU, code=1)
    assert "does not use sum" in shell.run(*named, "refund-sent", "sum=1", "--as", AYU, code=1)
    assert "needs an agent's name" in shell.run(*named, "thank-you", code=1)
    assert shell.desk.outbox_rows("answer") == []


async def test_a_time_in_a_macro_is_kept_as_a_promise(shell: Shell) -> None:
    number = (await shell.desk.receive(body=INDONESIAN)).number
    assert "add #working until TIME" in shell.run("ticket", "macro", number, "checking", "--as", AYU, code=1)
    shell.desk.clock = datetime.now(UTC)
    ticket = await shell.desk.receive(Subject="Lain", body=INDONESIAN)
    shell.run("ticket", "macro", ticket.number, "checking", "--as", AYU)

    recorded = [each.event for each in shell.store.read_now(tickets.events_of, ticket.number)]
    (promised,) = [event for event in recorded if isinstance(event, NewsPromised)]
    assert "Kami kabari paling lambat" in answer_text(shell)
    assert shell.store.read_now(tickets.load, [ticket.number])[ticket.number].informed_until == promised.until


def test_macros_are_listed_by_category_and_shown_in_both_languages(shell: Shell) -> None:
    listed = {each["name"]: each for each in shell.shown("macro", "list", "--category", "payment/double")}
    assert {"double-payment", "refund-sent", "checking"} <= set(listed)
    assert "parcel-traced" not in listed
    assert listed["refund-sent"]["needed"] == ["amount"]
    shown = shell.run("macro", "show", "double-payment")
    assert "Benar, kami menerima dua pembayaran untuk pesanan [order_number]." in shown
    assert "You are right" in shown
    assert "You are right" not in shell.run("macro", "show", "double-payment", "--language", "id")
    shell.env["MAILBOT_CONFIG"] = str(Path(__file__).parents[2] / "config")
    assert "did you mean payment/double?" in shell.run("macro", "list", "--category", "paymnt/double", code=2)
