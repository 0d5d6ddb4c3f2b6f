"""`mailbot ticket compensate, approve, refuse` and `mailbot compensation`, as used from a shell."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_merge import Shell

STAFF = "staf.dukungan.example"
FITRI, GILANG = f"fitri.handayani@{STAFF}", f"gilang.ramadhan@{STAFF}"  # L1 and L2 of payments
PUTU, RATNA = f"putu.wirawan@{STAFF}", f"ratna.dewi@{STAFF}"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize("amount", [["Rp50.000"], ["50000"], ["50", "ribu"], ["50.000"], ["50rb"]])
async def test_who_may_grants_at_once_however_the_amount_is_written(shell: Shell, amount: list[str]) -> None:
    number = (await shell.desk.receive(Subject="Saldo terpotong dua kali")).number
    told = shell.run("ticket", "compensate", number, *amount, "--because", "dua kali", "--agent", FITRI)

    assert "compensation of Rp50.000 was granted by Fitri Handayani (request 1)" in told
    assert "Rp50.000" in shell.run("ticket", "show", number)
    shown = shell.shown("ticket", "show", number)["compensation"]
    assert [(each["kind"], each["amount"], each["agent"]) for each in shown] == [
        ("asked", 50_000, FITRI),
        ("approved", 50_000, FITRI),
        ("granted", 50_000, FITRI),
    ]


async def test_a_request_waits_is_shown_approved_and_stands_in_the_statement(shell: Shell) -> None:
    number = (await shell.desk.receive(Subject="Saldo terpotong dua kali")).number
    asked = shell.shown("ticket", "compensate", number, "Rp6 juta", "--agent", FITRI)
    assert (asked["compensation"]["outcome"], asked["compensation"]["amount"]) == ("asked", 6_000_000)
    assert {each["kind"] for each in asked["sends"]} == {"compensation_wanted"}
    assert "1 requests for compensation wait for a decision" in shell.run("status", code=1)
    (waiting,) = shell.shown("compensation", "list", "--open")
    assert (waiting["request"], waiting["ticket"], waiting["agent"]) == (1, number, FITRI)

    assert "--agent ADDRESS names the agent" in shell.run("ticket", "approve", number, code=1)
    assert "L2 may bring a ticket" in shell.run("ticket", "approve", number, "--agent", GILANG, code=1)
    told = shell.run("ticket", "approve", number, "--agent", PUTU)
    assert re.search(r"put before management: .*Ratna Sari Dewi", told)
    assert "needs another person" in shell.run("ticket", "approve", number, "--agent", PUTU, code=1)
    shell.run("ticket", "approve", number, "--request", 1, "--agent", RATNA)

    told = shell.shown("compensation", "statement")
    assert told["granted"] == told["one_hand"] == {"count": 1, "amount": 6_000_000}
    assert told["budgets"]["payments"]["left"] == 14_000_000
    assert "one operator gave both signatures" in shell.run("compensation", "statement")
    assert shell.shown("compensation", "verify") == {"sound": True, "lines": 4, "first_fault": None}
    lines = shell.shown("compensation", "list")
    assert [each["kind"] for each in lines] == ["asked", "approved", "approved", "granted"]


async def test_no_is_said_with_exit_1_and_what_is_no_amount_with_2(shell: Shell) -> None:
    number = (await shell.desk.receive(Subject="Saldo terpotong dua kali")).number
    assert "the limit per_customer_90_days refused request 1" in shell.run(
        "ticket", "compensate", number, "Rp90 juta", "--agent", RATNA, code=1
    )
    assert "in Rupiah" in shell.run("ticket", "compensate", number, "USD", "50", code=1)
    assert "is not an amount" in shell.run("ticket", "compensate", number, "banyak", code=2)
    assert "no agent of any team has this address" in shell.run(
        "ticket", "compensate", number, "1jt", "--agent", "fitri.handayani@staf.example", code=1
    )
    assert "there is no ticket" in shell.run("ticket", "compensate", "TOKO-48217390-8", "1jt", code=1)
    shell.run("ticket", "compensate", number, "1jt", "--agent", FITRI)
    assert "refused request 3: mahal" in shell.run(
        "ticket", "refuse", number, "--because", "mahal", "--agent", GILANG
    )
    assert "no request for compensation is open" in shell.run("ticket", "approve", number, code=1)
