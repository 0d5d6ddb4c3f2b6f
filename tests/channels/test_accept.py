"""Backpressure: senders are slowed while many mails wait, never for good."""

from mailbot.channels.keep import FREE_BACKLOG, MAX_DELAY, Backpressure


def behind(mails: int) -> Backpressure:
    backpressure = Backpressure()
    for _ in range(mails):
        backpressure.kept()
    return backpressure


def test_senders_wait_only_while_the_backlog_is_larger_than_allowed() -> None:
    assert behind(FREE_BACKLOG).delay() == 0
    assert 0 < behind(FREE_BACKLOG + 50).delay() < MAX_DELAY
    assert behind(FREE_BACKLOG + 10_000).delay() == MAX_DELAY


def test_full_batches_shorten_the_delay_step_by_step() -> None:
    backpressure = behind(FREE_BACKLOG + 100)
    before = backpressure.delay()
    backpressure.handled(50, 50)

    assert 0 < backpressure.delay() < before


def test_a_batch_that_is_not_full_ends_the_delay() -> None:
    backpressure = behind(FREE_BACKLOG + 10_000)
    backpressure.handled(0, 50)

    assert backpressure.delay() == 0
