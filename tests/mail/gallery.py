"""All mails that we send, with values as a desk has them: for pictures, and for what every mail must fulfil."""

import dataclasses
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

from mailbot.domain.notices import Notice
from mailbot.domain.policy import Agent, Team
from mailbot.domain.worktime import ALWAYS
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.template_values import LANGUAGES, NOTICES
from mailbot.mail.compose.templates import load
from mailbot.views import template_examples
from tests.builders import BOX
from tests.builders import policy as policy_of
from tests.mail.chromium import Page

TEMPLATES = load(Path(__file__).parents[2] / "templates")
EKO = Agent("Eko Prasetyo", template_examples.READER, "L1", ("id", "en"))
POLICY = policy_of(
    calendars={"always": dataclasses.replace(ALWAYS, zone="Asia/Jakarta")},
    teams={"payments": Team("payments", "always", (EKO,))},
    labels={
        "category": {"payment/double": {"id": "Bayar dobel", "en": "Paid twice"}},
        "team": {"payments": {"id": "Pembayaran", "en": "Payments"}},
        "rule": {"paid twice": {"id": "Bayar dobel", "en": "Paid twice"}},
    },
)
COMPOSER = Composer(TEMPLATES, TokenSigner(b"a secret of sixteen bytes or more"), POLICY, zone="Asia/Jakarta")
VARIANTS = ("", "payment", "fraud", "formal")


def notices() -> Iterator[tuple[str, Notice]]:
    """Yield name and notice: every kind, branch and variant in every language."""
    for kind in NOTICES:
        for language in LANGUAGES:
            for case, notice in template_examples.examples(kind, language, POLICY, BOX.address):
                for variant in VARIANTS if kind == "acknowledgement" else ("",):
                    name = ".".join(part for part in (kind, variant, case, language) if part)
                    yield name, template_examples.of_variant(notice, variant)


def mails() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, subject, text and HTML of each mail."""
    for number, (name, notice) in enumerate(notices()):
        out = COMPOSER.compose(notice, nonce=f"n{number}", now=template_examples.NOW)
        read = message_from_bytes(out.content, policy=policy.default)
        assert not out.fallback, out.template_error
        plain, html = read.get_body(("plain",)), read.get_body(("html",))
        assert plain is not None
        assert html is not None
        yield name, str(read["Subject"]), str(plain.get_content()), str(html.get_content())


def pages() -> list[Page]:
    return [Page(name, html) for name, _, _, html in mails()]
