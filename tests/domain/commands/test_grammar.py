"""Verbs on top of a mail, and the table behind them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act, has_verbs, read, split
from mailbot.domain.commands.registry import BY_WORD, VERBS, Below, Reading
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing.money import Money
from tests.builders import BOX, NOW, NUMBER, RINA, policy

AYU = RINA.address
TICKET = Ticket(
    NUMBER, BOX.address, "budi@pelanggan.example", "Saldo", "id", NOW, team="frontline", level="L1"
)


def reading() -> Reading:
    return Reading(TICKET, Actor.agent(AYU), policy(), NOW)


def acts(text: str) -> Act:
    found = read(text, reading())
    assert isinstance(found, Act), found
    return found


def refusal(text: str) -> str:
    found = read(text, reading())
    assert isinstance(found, Refusal), found
    return str(found)


def test_lines_on_top_are_verbs_and_the_rest_is_the_text() -> None:
    lines, below = split("\n#ambil\n\n# Selesai: refund\n\nSudah kembali.\n#bukan perintah lagi")

    assert [(line.word, line.rest) for line in lines] == [("ambil", ""), ("selesai", "refund")]
    assert below == "Sudah kembali.\n#bukan perintah lagi"


NOTES = (
    "#NOTE: telepon lagi",
    "＃catatan telepon lagi",
    "#catatan\ntelepon lagi",
    "#Catatan :\n\ntelepon lagi",
)


@pytest.mark.parametrize("text", NOTES)
def test_a_note_takes_all_that_is_below(text: str) -> None:
    found = acts(text)

    assert (found.commands, found.below) == ((c.AddNote("telepon lagi"),), Below.NOTE)


def test_lines_below_a_note_are_no_verbs() -> None:
    assert acts("#ambil\n#catatan\n#selesai").commands == (c.Assign(AYU), c.AddNote("#selesai"))


def test_both_languages_say_the_same() -> None:
    for indonesian, english in (
        ("#ambil", "#take"),
        ("#naik L2 dua kali", "#escalate L2 dua kali"),
        ("#tunggu pelanggan", "#wait customer"),
        ("#tunggu pihak ketiga 3 jam", "#wait third party 3 hours"),
        ("#proses sampai 2 jam", "#working until 2 hours"),
        ("#tag +janji -spam", "#TAG: +janji -spam"),
        ("#peserta +a@x.example -b@x.example", "#participants +a@x.example -b@x.example"),
        ("#kompensasi 50rb telat", "#compensate Rp50.000 telat"),
        ("#setuju", "#approve"),
        ("#putuskan ganti", "#decide ganti"),
    ):
        assert acts(indonesian) == acts(english), english


def test_arguments_become_values() -> None:
    assert acts("#tunggu pihak ketiga 3 jam").commands == (
        c.Wait(Turn.THIRD_PARTY, NOW + timedelta(hours=3)),
    )
    assert acts("#kompensasi Rp 50.000 karena telat").commands == (
        c.Compensate(Money(Decimal(50_000)), "karena telat"),
    )
    assert acts('#makro refund jumlah="Rp 50.000" hari=3').commands == (
        c.Macro("refund", {"jumlah": "Rp 50.000", "hari": "3"}),
    )


def test_text_below_an_approval_is_its_reason_and_never_sent() -> None:
    found = acts("#setuju\n\nOke, tapi jangan bilang pelanggan.")

    assert found == Act((c.Approve(None, "Oke, tapi jangan bilang pelanggan."),), "", Below.REASON)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("#ambil\n#tutpu", "#tutup"),
        ("#12345 pesanan Anda", "no command"),
        ("#", "no command"),
        ("#tunggu pihak ketiga", "needs an end"),
        ("#tunggu", "wait for the customer"),
        ("#proses sampai kemarin", "no time"),
        ("#kompensasi banyak", "no amount"),
        ("#kompensasi Rp 50.000\nKarena telat", "write the reason on the line"),
        ("#catatan", "empty"),
        ("#ambil sekarang", "nothing is expected"),
        ("#bantuan\n#ambil", "alone"),
        ("#tugaskan nobody@x.example", "no agent"),
        ("#oper mars", "no team"),
        ("\n".join(["#ambil"] * 11), "at most 10"),
    ],
)
def test_one_line_that_can_not_be_read_refuses_all(text: str, part: str) -> None:
    assert part in refusal(text)


def test_each_word_names_one_verb_and_has_help_in_both_languages() -> None:
    words = [word for verb in VERBS for words in verb.words.values() for word in set(words)]
    for verb in VERBS:
        assert verb.words.keys() == verb.help.keys() == verb.usage.keys() == {"id", "en"}
        assert all(0 < len(text) <= 70 for text in verb.help.values()), verb.name
    assert len(BY_WORD) == len({*words})


def test_text_without_a_verb_on_top_has_none() -> None:
    assert not has_verbs("Halo #ambil")
    assert has_verbs("\n  #ambil")


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("#macro x a=1 b=2", {"a": "1", "b": "2"}),
        ('#macro x a="1 b=2" c=3', {"a": "1 b=2", "c": "3"}),
        ("#macro x a=“Rp 1” b=„2”", {"a": "Rp 1", "b": "2"}),
        (
            "#macro x a=one two b=https://x.example/?q=1 end",
            {"a": "one two", "b": "https://x.example/?q=1 end"},
        ),
        ('#macro x a=""', {"a": ""}),
    ],
)
def test_values_of_a_macro_need_no_quotation_marks(line: str, arguments: dict[str, str]) -> None:
    (command,) = acts(line).commands
    assert isinstance(command, c.Macro)
    assert command.arguments == arguments


@pytest.mark.parametrize("line", ["#macro x one", '#macro x a="1" two', "#macro x 1a=2", '#macro x a="1'])
def test_values_of_a_macro_need_names(line: str) -> None:
    assert 'amount="Rp 50.000"' in refusal(line)
