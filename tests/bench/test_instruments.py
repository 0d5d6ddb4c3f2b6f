"""The instruments of the bench detect faults: a ledger that can't find one proves nothing."""

import asyncio

import pytest

from tests.bench import corpus, generator
from tests.bench.figures import Goal, percentile
from tests.bench.ledger import Ledger
from tests.bench.sink import Sink

MAILS = corpus.mails(3)
NUMBERS = (b"TOKO-00000001-7", b"TOKO-00000002-1", b"TOKO-00000003-9")


def answer(ledger: Ledger, index: int, *, number: bytes = b"", recipient: str = "") -> None:
    mail = MAILS[index]
    header = b"Subject: [%s] Halo\r\nIn-Reply-To: <%s>" % (number or NUMBERS[index], mail.message_id)
    ledger.arrived(recipient or mail.sender, header)


def all_taken() -> Ledger:
    ledger = Ledger(MAILS)
    for index in range(len(MAILS)):
        ledger.sent(index, 0.0, 1.0)
    return ledger


def test_a_run_in_which_each_mail_got_its_own_number_once_has_no_faults() -> None:
    ledger = all_taken()
    for index in range(len(MAILS)):
        answer(ledger, index)
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


def test_an_acknowledgement_without_a_number_and_a_mail_that_was_not_taken_are_faults() -> None:
    ledger = Ledger(MAILS)
    ledger.sent(0, 0.0, 1.0)
    ledger.arrived(MAILS[0].sender, b"Subject: Halo\r\nIn-Reply-To: <%s>" % MAILS[0].message_id)
    assert ledger.faults()["without a number"] == 1
    assert ledger.faults()["mails not taken"] == 2


def test_mail_to_the_staff_is_no_acknowledgement() -> None:
    ledger = all_taken()
    ledger.arrived("ayu@staf.example", b"Subject: [TOKO-00000001-7] Halo")
    assert (ledger.others, ledger.answered) == (1, 0)


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
    assert ledger.faults()["mails not taken"] == 2
    assert sum(ledger.troubles.values()) == 2


def test_percentiles_and_goals_judge_as_they_are_read() -> None:
    assert percentile(range(1, 101), 0.5) == 51
    assert percentile([3.0], 0.99) == 3.0
    assert Goal(least=450).met(450)
    assert not Goal(most=1.3).met(1.31)
