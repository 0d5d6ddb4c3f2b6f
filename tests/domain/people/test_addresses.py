"""Addresses of one organisation, and addresses that no person reads."""

import pytest

from mailbot.domain.people.addresses import is_no_reply, organisation


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("budi@kantor.example", "kantor.example"),
        ("budi@mail.kantor.co.id", "kantor.co.id"),
        ("budi@GMAIL.com", ""),
        ("budi@yahoo.co.id", ""),
        ("budi@hotmail.fr", ""),
        ("budi@cbn.net.id", ""),
        ("budi@live-music.example", "live-music.example"),
        ("budi@surel.example", ""),  # the policy names it
    ],
)
def test_a_shared_domain_is_no_organisation(address: str, expected: str) -> None:
    assert organisation(address, {"surel.example"}) == expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("no-reply", True),
        ("noreply", True),
        ("do.not.reply", True),
        ("shop-noreply", True),
        ("noreply+7", True),
        ("mailer-daemon", True),
        ("postmaster", True),
        ("reply", False),
        ("noah.reply", False),
        ("donny", False),
    ],
)
def test_robots_are_known_by_their_names(local: str, expected: bool) -> None:
    assert is_no_reply(f"{local}@toko.example") is expected
