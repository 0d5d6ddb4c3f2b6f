"""The link to the customers' page: its key, and the mails that hold it."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any, get_args

import pytest

from mailbot.domain.model import Authentication, Role
from mailbot.domain.notices import Acknowledgement, Answer, Notice, ToCustomer
from mailbot.domain.people.page_readers import has_link, readers_of
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.fallback_text import fallback_text
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.template_values import LANGUAGES, SAMPLE_NOW, build_values, sample_notices
from tests.builders import BOX, NUMBER
from tests.builders import policy as policy_of
from tests.domain.test_assignment import ticket
from tests.workers.test_intake import BUDI, KEYS, TEMPLATES

URL = f"https://bantuan.example/t/{NUMBER}?k=mxqv3"
VARIANTS = ("", "payment", "fraud", "formal", "incident")


def _notices(language: str) -> Iterator[Notice]:
    for kind in get_args(ToCustomer):
        for sample in sample_notices(kind.name, language):
            whole: Any = replace(sample, mailbox=BOX.address, to=BUDI)  # type: ignore[arg-type]
            yield from (
                [replace(whole, template=each) for each in VARIANTS] if kind is Acknowledgement else [whole]
            )


@pytest.mark.parametrize("language", [*LANGUAGES, ""])
def test_every_mail_to_a_customer_has_the_link_in_text_and_html_where_there_are_pages(language: str) -> None:
    composer, halves = Composer(TEMPLATES, KEYS, policy_of()), 1 if language else 2
    for notice in _notices(language or "id"):
        notice = replace(notice, language=language)  # type: ignore[arg-type]
        for page_url in (URL, ""):
            mail = composer.compose(notice, nonce="a1", now=SAMPLE_NOW, page_url=page_url)
            read = message_from_bytes(mail.content, policy=policy.default)
            for kind in ("plain", "html"):
                body = read.get_body((kind,))
                assert body is not None
                assert body.get_content().count(URL) == (halves if page_url else 0), (kind, notice)
            assert not mail.fallback
            assert len(mail.content) < 20_000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", get_args(ToCustomer))
def test_the_fallback_text_has_the_link_as_well(kind: type[Notice], language: str) -> None:
    notice = sample_notices(kind.name, language)[0]
    values = build_values(notice, BOX, language=language, zone="UTC", now=SAMPLE_NOW, page_url=URL)
    assert URL in fallback_text(kind.name, language, values)[1]
    assert URL not in fallback_text(kind.name, language, {**values, "page_url": ""})[1]


def test_a_key_is_of_one_ticket_one_person_and_one_count_of_revocations() -> None:
    key = KEYS.page_key(NUMBER, BUDI, 0)
    assert len(key) == 26
    assert KEYS.verify_page_key(key, NUMBER, "Budi+toko@Pelanggan.example", 0)
    assert not KEYS.verify_page_key(key, NUMBER, BUDI, 1)
    assert not KEYS.verify_page_key(key, NUMBER, "ana@pelanggan.example", 0)
    assert not KEYS.verify_page_key(key, "TOKO-11111111-1", BUDI, 0)
    assert not KEYS.verify_page_key("", NUMBER, BUDI, 0)
    assert not TokenSigner(b"another secret of 32 bytes......").verify_page_key(key, NUMBER, BUDI, 0)


def test_no_other_token_of_the_same_ticket_and_person_is_a_key() -> None:
    tokens = (
        KEYS.reply_address(BOX.address, NUMBER, BUDI),
        KEYS.decision_address(BOX.address, NUMBER, BUDI),
        KEYS.survey_address(BOX.address, NUMBER),
        KEYS.posted_address(BOX.address, NUMBER, "0", BUDI),
    )
    for address in tokens:
        mac = address.partition("@")[0].rpartition(".")[2]
        assert not KEYS.verify_page_key(mac, NUMBER, BUDI, 0)
        assert KEYS.posted(address, "0", BUDI) == (NUMBER if "+w." in address else "")


def test_the_proof_of_a_post_is_of_this_mail_and_author() -> None:
    address = KEYS.posted_address(BOX.address, NUMBER, "<web.1@x>", BUDI)
    assert KEYS.posted(address.upper(), "<web.1@x>", BUDI) == NUMBER
    assert KEYS.posted(address, "<web.2@x>", BUDI) == ""
    assert KEYS.posted(address, "<web.1@x>", "ana@pelanggan.example") == ""
    assert KEYS.posted(BOX.address, "<web.1@x>", BUDI) == ""


def test_who_takes_part_reads_the_page_and_nobody_else() -> None:
    roles = {
        BUDI: Role.CUSTOMER,
        "ana@kantor.example": Role.PARTICIPANT,
        "budi+x@pelanggan.example": Role.PARTICIPANT,
        "named@lain.example": Role.NAMED,
        "former@lain.example": Role.REMOVED,
    }
    expected = (BUDI, "kasir@pelanggan.example", "ana@kantor.example")
    assert readers_of(BUDI, "kasir@pelanggan.example", roles) == expected
    assert readers_of(BUDI, "", roles) == (expected[0], expected[2])


@pytest.mark.parametrize(
    ("to", "authentication", "has"),
    [
        (BUDI, Authentication.PASS, True),
        (BUDI, Authentication.NONE, True),
        ("budi+toko@pelanggan.example", Authentication.NONE, True),
        (BUDI, Authentication.FAIL, False),
        ("bounce@lain.example", Authentication.PASS, False),
    ],
)
def test_an_acknowledgement_has_the_link_where_it_goes_to_the_customer(
    to: str, authentication: Authentication, has: bool
) -> None:
    acknowledgement = Acknowledgement(NUMBER, BOX.address, to, "id", "<1@x>")
    assert has_link(acknowledgement, ticket(customer=BUDI), authentication) is has
    answer = Answer(NUMBER, BOX.address, BUDI, "id", "", "Rina", "Halo", copy_to="ana@kantor.example")
    assert has_link(answer, ticket(customer=BUDI), Authentication.FAIL)
