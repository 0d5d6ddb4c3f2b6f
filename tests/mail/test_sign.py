"""dkimpy verifies the mails that we sign, and none that was changed afterwards."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dkim
import pytest

from mailbot.config.checks.signing import HEADERS
from mailbot.domain.notices import Acknowledgement, TeamNotice
from mailbot.domain.policy import Mailbox
from mailbot.mail.auth.sign import Signer
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.mime_writer import ComposeRefused
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import load
from tests.builders import BOX, NUMBER, policy
from tests.mail.senders import ed25519, rsa

AT = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)  # dkimpy refuses what was signed in the future
TEMPLATES = load(Path(__file__).parents[2] / "templates")
ACKNOWLEDGEMENT = Acknowledgement(
    NUMBER, BOX.address, "budi@pelanggan.example", "id", "<1@pelanggan.example>"
)


def signer(key: Any, domain: str = BOX.domain) -> Signer:
    return Signer(domain, "mb1", HEADERS, key)


def composed(key: Any, notice: Any = ACKNOWLEDGEMENT, domain: str = BOX.domain, box: Mailbox = BOX) -> bytes:
    chosen = policy(mailboxes={box.address: box})
    composer = Composer(
        TEMPLATES, TokenSigner(b"a secret of thirty-two bytes ...."), chosen, signer=signer(key, domain)
    )
    return composer.compose(notice, nonce="abc", now=AT).content


def verifies(mail: bytes, key: Any) -> bool:
    """Verify with dkimpy and the record that the admin publishes."""
    name, text = signer(key).dns_record()

    def lookup(name_asked: bytes, timeout: int = 5) -> bytes | None:
        return text.encode() if name_asked == f"{name}.".encode() else None

    return bool(dkim.verify(mail, dnsfunc=lookup))


@pytest.mark.parametrize("key", [rsa(), ed25519()])
def test_an_acknowledgement_is_signed_once_and_dkimpy_verifies_it(key: Any) -> None:
    mail = composed(key)

    assert mail.startswith(b"DKIM-Signature: v=1; ")
    assert mail.count(b"DKIM-Signature:") == 1
    assert verifies(mail, key)
    assert mail == composed(key)
    assert max(map(len, mail.partition(b"\r\nDate: ")[0].split(b"\r\n"))) <= 78


def test_the_signature_covers_all_fields_that_people_act_on() -> None:
    mail = composed(rsa())
    field = mail.partition(b"h=")[2].partition(b";")[0].decode()
    names = [name.strip() for name in field.split(":")]

    expected = ["to", "date", "message-id", "in-reply-to", "references", "auto-submitted"]
    assert {*expected, "from", "subject", "mime-version", "content-type"} == set(names)
    assert (names.count("from"), names.count("subject"), names.count("to")) == (2, 2, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda mail: mail.replace(b"Subject: ", b"Subject: Re: "),
        lambda mail: mail.replace(b"To: budi@", b"To: siti@"),
        lambda mail: b"Subject: lain\r\n" + mail,
        lambda mail: b"From: lain@dukungan.example\r\n" + mail,
        lambda mail: mail + b"tambahan\r\n",
        lambda mail: mail.replace(b"Auto-Submitted: auto-replied", b"Auto-Submitted: no"),
    ],
)
def test_a_change_or_addition_breaks_the_signature(change: Any) -> None:
    mail = composed(rsa())
    changed = change(mail)

    assert changed != mail
    assert not verifies(changed, rsa())


def test_a_relay_may_add_its_own_lines_on_top() -> None:
    assert verifies(b"Received: from mailbot by relay\r\n" + composed(rsa()), rsa())


def test_a_notice_to_the_team_is_signed_with_its_reply_address() -> None:
    texts = ("new", "x", "a@b.example", "s", "t", "", "", "frontline", "L1")
    notice = TeamNotice(NUMBER, BOX.address, "rina@tim.example", "id", *texts, None)
    mail = composed(rsa(), notice)

    assert b"reply-to" in mail.partition(b"bh=")[0]
    assert verifies(mail, rsa())


def test_mail_of_the_domain_and_its_subdomains_is_signed() -> None:
    other = Mailbox("halo@toko.example", "Toko", "TOKO")
    below = Mailbox("halo@cs.dukungan.example", "Toko", "TOKO")

    for box, is_signed in ((other, False), (below, True)):
        notice = Acknowledgement(NUMBER, box.address, "budi@pelanggan.example", "id", "")
        assert composed(rsa(), notice, box=box).startswith(b"DKIM-Signature") is is_signed


def test_an_ambiguous_header_is_not_signed() -> None:
    with pytest.raises(ComposeRefused):
        signer(rsa()).sign(b"From: a@b.example\r\nnonsense\r\n\r\nx", AT)


def test_the_zone_line_holds_the_record_in_strings_that_fit() -> None:
    name, text = signer(rsa()).dns_record()
    line = signer(rsa()).zone_line()
    strings = line.split('"')[1::2]

    assert line.startswith("mb1._domainkey.dukungan.example. IN TXT ( ")
    assert (name, "".join(strings)) == ("mb1._domainkey.dukungan.example", text)
    assert max(map(len, strings)) <= 255


def test_the_repr_of_a_signer_shows_no_key() -> None:
    assert "key" not in repr(signer(rsa()))
