"""Signatures of messages, as the Standard Webhooks specification has them."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.programs import standard_webhooks
from tests.builders import NOW
from tests.fakes.webhook_receiver import verify

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))


def text(secret: bytes) -> str:
    return f"whsec_{base64.b64encode(secret).decode()}"


def test_it_is_the_example_of_the_specification() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    made = standard_webhooks.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [secret])

    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(), st.binary(min_size=24, max_size=64))
def test_a_receiver_verifies_it_and_nothing_else(body: bytes, secret: bytes) -> None:
    made = standard_webhooks.headers("msg_a", NOW, body, [secret])
    now = NOW.timestamp()

    assert verify(text(secret), made, body, now)
    assert not verify(text(secret), made, body + b".", now)
    assert not verify(text(secret), {**made, "webhook-id": "msg_b"}, body, now)
    assert not verify(text(secret), made, body, now + 301)


@pytest.mark.parametrize("known", [SECRET, OTHER])
def test_while_a_secret_is_changed_receivers_with_either_verify(known: bytes) -> None:
    made = standard_webhooks.headers("msg_a", NOW, b"{}", [SECRET, OTHER])

    assert verify(text(known), made, b"{}", NOW.timestamp())
    assert made["webhook-signature"].count("v1,") == 2


def test_an_event_has_one_id_for_each_webhook() -> None:
    wanted = standard_webhooks.message_id("a", "T-1", 1, NOW)

    assert wanted == standard_webhooks.message_id("a", "T-1", 1, NOW)
    assert len(wanted) < 64
    others = [
        standard_webhooks.message_id("b", "T-1", 1, NOW),
        standard_webhooks.message_id("a", "T-2", 1, NOW),
        standard_webhooks.message_id("a", "T-1", 2, NOW),
        standard_webhooks.message_id("a", "T-1", 1, NOW + timedelta(microseconds=1)),
    ]
    assert len({wanted, *others}) == 5
