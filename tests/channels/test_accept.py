"""The pace of mail coming in: slower while much waits, never for good."""

from mailbot.channels.smtp.accept import COMFORT, SLOWEST, Backpressure


def behind(mails: int) -> Backpressure:
    flow = Backpressure()
    for _ in range(mails):
        flow.kept()
    return flow


def test_senders_wait_only_while_more_waits_than_is_comfortable() -> None:
    assert behind(COMFORT).delay() == 0
    assert 0 < behind(COMFORT + 50).delay() < SLOWEST
    assert behind(COMFORT + 10_000).delay() == SLOWEST


def test_full_batches_bring_the_pace_back_step_by_step() -> None:
    flow = behind(COMFORT + 100)
    before = flow.delay()
    flow.handled(50, 50)

    assert 0 < flow.delay() < before


def test_an_intake_that_finds_less_than_it_would_take_ends_all_waiting_whoever_took_the_rest() -> None:
    flow = behind(COMFORT + 10_000)
    flow.handled(0, 50)

    assert flow.delay() == 0
