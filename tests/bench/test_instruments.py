"""The instruments of the bench detect faults: a ledger that can't find one proves nothing."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.bench import corpus, generator, queues, readme
from tests.bench.figures import Part, Run, percentile
from tests.bench.goals import Goal, judge
from tests.bench.ledger import Ledger
from tests.bench.sink import Sink

MAILS = corpus.mails(3)
NUMBERS = (b"TOKO-00000001-7", b"TOKO-00000002-1", b"TOKO-00000003-9")


def answer(ledger: Ledger, index: int, *, number: bytes = b"", recipient: str = "") -> None:
    mail = MAILS[index]
    header = b"Subject: [%s] Halo\r\nIn-Reply-To: <%s>" % (number or NUMBERS[index], mail.message_id)
    ledger.arrived(recipient or mail.sender, header)


def notify(ledger: Ledger, index: int) -> None:
    """Let the notice to the agent arrive."""
    ledger.arrived("ayu@staf.example", b"Message-ID: <mb.%s.1a@dukungan.example>" % NUMBERS[index].lower())


def all_taken() -> Ledger:
    ledger = Ledger(MAILS)
    for index in range(len(MAILS)):
        ledger.sent(index, 0.0, 1.0)
    return ledger


def test_a_run_in_which_each_mail_got_its_own_number_once_has_no_faults() -> None:
    ledger = all_taken()
    for index in range(len(MAILS)):
        answer(ledger, index)
        notify(ledger, index)
    assert set(ledger.faults().values()) == {0}


@pytest.mark.parametrize(
    ("changes", "fault", "count"),
    [
        ([], "missing", 1),
        ([{"index": 2}, {"index": 2}], "double", 1),
        ([{"index": 2, "recipient": "siti@lain.example"}], "to somebody else", 1),
        ([{"index": 2, "number": NUMBERS[0]}], "with another's number", 2),
    ],
)
def test_each_fault_is_found(changes: list[dict[str, object]], fault: str, count: int) -> None:
    ledger = all_taken()
    for change in ({"index": 0}, {"index": 1}, *changes):
        answer(ledger, **change)  # type: ignore[arg-type]
    assert ledger.faults()[fault] == count


def test_an_acknowledgement_without_a_number_is_a_fault() -> None:
    ledger = Ledger(MAILS)
    ledger.sent(0, 0.0, 1.0)
    ledger.arrived(MAILS[0].sender, b"Subject: Halo\r\nIn-Reply-To: <%s>" % MAILS[0].message_id)
    assert ledger.faults()["without a number"] == 1


def test_a_notice_is_no_acknowledgement_and_each_ticket_has_one_of_its_own() -> None:
    ledger = all_taken()
    answer(ledger, 0)
    answer(ledger, 1)
    for index in (0, 0):
        notify(ledger, index)
    assert (ledger.others, ledger.answered) == (2, 2)
    assert ledger.faults()["notices double"] == 1
    assert ledger.faults()["tickets without a notice"] == 1


def test_a_mail_that_a_relay_hands_on_is_its_own_answer_once() -> None:
    ledger = all_taken()
    for index in (0, 1, 2, 2):
        ledger.relayed("support@dukungan.example", b"Message-ID: <%s>" % MAILS[index].message_id)
    assert ledger.answered == 3
    assert {name for name, count in ledger.faults().items() if count} == {"double"}


@pytest.mark.parametrize(
    "send",
    [
        lambda port, ledger: generator.kept(port, ledger, connections=4),
        lambda port, ledger: generator.one_each(port, ledger, connections=4),
        lambda port, ledger: generator.at_rate(port, ledger, rate=2000),
    ],
)
async def test_the_generators_mails_reach_the_sink_whole(send: generator.Send) -> None:
    ledger, came = Ledger(corpus.mails(40)), []
    async with Sink() as sink:
        sink.arrived = lambda recipient, header: came.append(header)
        await send(sink.port, ledger)
    assert ledger.taken == 40
    assert sorted(came) == sorted(mail.body.partition(b"\r\n\r\n")[0] for mail in ledger.mails)
    assert all(began <= data <= taken for began, data, taken in zip(*_moments(ledger), strict=True))


def _moments(ledger: Ledger) -> tuple[list[float], list[float], list[float]]:
    return ledger.began_at, ledger.data_at, ledger.taken_at


async def test_a_server_that_refuses_or_hangs_up_is_told_and_not_waited_for() -> None:
    class Rude(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"421 4.7.0 too many\r\n")
            transport.close()

    server = await asyncio.get_running_loop().create_server(Rude, "127.0.0.1", 0)
    ledger = Ledger(corpus.mails(2))
    async with server, asyncio.timeout(5):
        await generator.kept(server.sockets[0].getsockname()[1], ledger, connections=1)
    assert ledger.taken == 0
    assert sum(ledger.troubles.values()) == 2


def test_percentiles_and_goals_judge_as_they_are_read() -> None:
    assert percentile(range(1, 101), 0.5) == 51
    assert percentile([3.0], 0.99) == 3.0
    rates = {"sqlite": 80.0, "sqlite-2": 130.0, "postfix": 100.0}
    part = Part("new", "", {name: [Run({"acknowledged (/s)": rate})] for name, rate in rates.items()})

    def met(**goal: object) -> bool:
        verdict = Goal("new", "acknowledged (/s)", **goal).judge({"new": part})  # type: ignore[arg-type]
        assert verdict
        return bool(verdict["met"])

    assert met(least=80)
    assert not met(least=80.1)
    assert met(most=80)
    assert not met(most=79.9)
    assert met(least=0.8, of="postfix")
    assert not met(least=0.81, of="postfix")
    assert met(least=1.3, of="postfix", columns=("sqlite-2", "postgres-2"))
    assert Goal("burst", "acknowledged (/s)", least=1).judge({"new": part}) is None


def test_the_readme_shows_what_the_json_of_a_run_holds(tmp_path: Path) -> None:
    runs = [
        Run({"acknowledged (/s)": rate, "CPU a mail (ms)": 2.5}, {"missing": 0}) for rate in (90, 300.4, 80)
    ]
    part = Part("new", "3,000 mails, a new connection each", {"sqlite": runs, "postfix": runs[:1]})
    told = {
        "machine": {
            **dict.fromkeys(("date", "processor", "kernel", "python", "sqlite", "interpreter"), "here"),
            "cores": 2,
            "fsync_ms": 0.1,
            "generator": 2000,
            "load": 0.0,
            "targets": {"postfix": "Postfix 3.7, accept", "postgres-2": "left out: it is not here"},
        },
        "parts": {"new": part.as_json()},
        "goals": judge([part]),
    }
    figures, page = tmp_path / "figures.json", tmp_path / "README.md"
    figures.write_text(json.dumps(told))
    page.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.rewrite(figures, page)
    shown = page.read_text()
    assert "| mailbot, SQLite |  | 90 (80 to 300) |" in shown
    assert "sqlite: acknowledged (/s) at least 0.8 x Postfix | 1.00 x | yes |" in shown
    assert "Beside it: Postfix 3.7." in shown
    assert "old" not in shown
    assert shown.startswith("before\n")
    assert shown.endswith("after\n")
    readme.rewrite(figures, page)
    assert page.read_text() == shown


def test_the_model_of_queues_holds_mail_while_the_relay_is_down_and_loses_none() -> None:
    costs = queues.Costs(take=0.002, send=0.001)
    quiet = queues.play([0.0, 10.0], costs)
    assert quiet.waits == pytest.approx([0.003, 0.003])

    moments = queues.arrivals([(5.0, 60.0)], seed=1)
    held = queues.play(moments, costs, (10.0, 30.0))
    assert len(held.waits) == len(moments)
    assert held.most == 2 * sum(10 <= at < 30 for at in moments)
    # Tried after 1, 2, 4, 8 and 16 seconds: the last time is the first one after its return.
    assert max(held.waits) == pytest.approx(31, abs=1)
