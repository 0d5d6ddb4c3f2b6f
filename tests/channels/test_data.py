"""A mail's bytes, and the arguments of MAIL and RCPT, whatever they are."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.channels.smtp import mail_and_rcpt
from mailbot.channels.smtp.data import has_bare_newlines, normalise, unstuff
from mailbot.channels.smtp.limits import limit_key, plain_address
from mailbot.errors import Refused
from tests.channels.smtp_client import SUPPORT, policy

TEXT = st.lists(st.sampled_from([b"\r\n", b"\r\n.", b".", b"\r", b"\n", b"a", b"\x00", b"\xff"])).map(
    b"".join
)
WORDS = st.lists(
    st.sampled_from(
        ["FROM:", "TO:", "<", ">", "@", '"', "\\", ".", "a", "ü", " ", "%", "!", ":", "=", "\x00"]
    )
)


def code(read: Callable[..., object], *words: object) -> int:
    """Return the code that `read` refuses these words with, or 0 when it accepts them."""
    try:
        read(*words)
    except Refused as refusal:
        return refusal.code
    return 0


@given(TEXT)
def test_dot_stuffing_is_removed_exactly(text: bytes) -> None:
    text += b"" if text.endswith(b"\r\n") or not text else b"\r\n"
    stuffed = re.sub(rb"(\A|\r\n)\.", rb"\1..", text)
    assert unstuff(b"\r\n" + stuffed + b".\r\n") == text


@given(TEXT)
def test_bare_newlines_are_found_and_replaced(text: bytes) -> None:
    assert has_bare_newlines(text) == bool(re.search(rb"\r(?!\n)|(?<!\r)\n", text))
    assert not has_bare_newlines(normalise(text))
    assert normalise(text).replace(b"\r\n", b"") == re.sub(rb"[\r\n]", b"", text)


@given(WORDS.map("".join) | st.text())
def test_any_argument_is_parsed_or_refused(words: str) -> None:
    for read in (mail_and_rcpt.sender, mail_and_rcpt.recipient):
        assert code(read, words) in (0, 501, 553)


@given(st.text(), st.text())
def test_an_accepted_recipient_belongs_to_one_of_our_mailboxes(local: str, domain: str) -> None:
    refused = code(mail_and_rcpt.resolve_recipient, local, domain, policy())
    assert refused == 550 or policy().mailbox_for(mail_and_rcpt.resolve_recipient(local, domain, policy()))


@pytest.mark.parametrize(
    ("host", "peer", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("", "", ""),
    ],
)
def test_an_ipv6_customer_is_counted_by_its_network(host: str, peer: str, counted_as: str) -> None:
    assert plain_address(host) == peer
    assert limit_key(peer) == counted_as


def test_parsing_a_path_takes_linear_time() -> None:
    for words in ("FROM:<" + '"\\a' * 500_000, "FROM:<" + '""' * 500_000, "TO:<" + "a@" * 500_000 + ">"):
        with pytest.raises(Refused):
            (mail_and_rcpt.sender if words[0] == "F" else mail_and_rcpt.recipient)(words)


def test_postmaster_of_each_domain_is_its_first_mailbox() -> None:
    ours = policy(SUPPORT, "care@shop.example", "b@shop.example")
    assert mail_and_rcpt.resolve_recipient("postmaster", "shop.example", ours) == "care@shop.example"
    assert mail_and_rcpt.resolve_recipient("PostMaster", "", ours) == SUPPORT
