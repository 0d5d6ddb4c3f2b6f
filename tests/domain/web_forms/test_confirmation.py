"""Which limits hold for mails that confirm an address."""

from dataclasses import replace
from datetime import timedelta

from mailbot.domain.policy import AnswerLimits, Rate
from mailbot.domain.web_forms.confirmation import PER_ADDRESS, confirmation_rates, is_ours
from tests.builders import RINA, policy

HOURLY = Rate(5, timedelta(hours=1))
LIMITED = replace(
    policy(),
    answers=AnswerLimits(per_domain=(HOURLY,), overall=(HOURLY,)),
    shared_domains=frozenset({"gmail.com"}),
)


def test_spellings_of_one_address_share_its_limit() -> None:
    keys = {
        next(iter(confirmation_rates(each, LIMITED)))
        for each in ("a.b@gmail.com", "ab+x@googlemail.com", "AB@gmail.com")
    }
    assert len(keys) == 1
    assert keys.pop()[1] == PER_ADDRESS


def test_shared_domains_have_no_limit_of_their_own() -> None:
    def scopes(address: str) -> list[str]:
        return [key.partition(" ")[0] for key, _ in confirmation_rates(address, LIMITED)]

    assert scopes("a@kantor.example") == ["form-address", "form-domain", "form-overall"]
    assert scopes("a@gmail.com") == ["form-address", "form-overall"]


def test_mailboxes_and_agents_are_ours() -> None:
    box = next(iter(LIMITED.mailboxes))
    local, _, domain = box.partition("@")
    assert is_ours(f"{local}+x@{domain}", LIMITED)
    assert is_ours(RINA.address.upper(), LIMITED)
    assert not is_ours("siti@pelanggan.example", LIMITED)
