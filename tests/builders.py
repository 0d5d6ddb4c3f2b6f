"""Small makers of values for tests: everything has a sensible default, a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mailbot.domain.actor import Actor
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Author, Envelope, InboundMail, Target
from mailbot.domain.policy import Actions, Agent, Ladder, Mailbox, Moment, Policy, Rule, Step, Team
from mailbot.domain.reasons import NO_REASON, written
from mailbot.domain.replies.mail_facts import MailFacts
from mailbot.domain.routing import conditions
from mailbot.domain.worktime import ALWAYS, Calendar

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # a Monday, 10:00 in Jakarta
NUMBER = "TOKO-48217390-8"
BOX = Mailbox("support@dukungan.example", "TokoDompet", "TOKO")
RINA = Agent("Rina", "rina@tim.example", "L1", ("id", "en"))
BAYU = Agent("Bayu", "bayu@tim.example", "L2", ("id",))
SARI = Agent("Sari", "sari@tim.example", "management", ("id",))
EKO, OPERATOR = Actor.operator("eko"), Actor.operator()
DEWI = Agent("Dewi", "dewi@tim.example", "L1", ("id",))

STANDARD = Ladder(
    "standard",
    {
        Target.FIRST_RESPONSE: timedelta(hours=1),
        Target.NEXT_RESPONSE: timedelta(hours=2),
        Target.RESOLUTION: timedelta(hours=8),
    },
    (
        Step(Moment(Target.FIRST_RESPONSE, 0.5), remind="assignee"),
        Step(Moment(Target.FIRST_RESPONSE), escalate_to="L2", acknowledge_within=timedelta(minutes=15)),
        Step(Moment(Target.RESOLUTION), escalate_to="management", tell_customer=True),
    ),
)


def policy(**changes: Any) -> Policy:
    standing = Policy(
        version="v1",
        mailboxes={BOX.address: BOX},
        levels=("L1", "L2", "management"),
        teams={
            "frontline": Team("frontline", "always", (RINA, BAYU)),
            "payments": Team("payments", "always", (DEWI,)),
            "management": Team("management", "always", (SARI,)),
        },
        rules=(
            Rule(
                "payment",
                conditions.build("subject", "contains", ["saldo"]),
                Actions("payment", "high", "medium", ("money",), "payments"),
            ),
            Rule("everything else", None, Actions(team="frontline")),
        ),
        ladders={"standard": STANDARD},
        ladder_of=dict.fromkeys(conditions.PRIORITIES, "standard"),
        calendars={"always": ALWAYS},
    )
    return replace(standing, **changes)


def with_calendar(calendar: Calendar, ladder: Ladder = STANDARD) -> Policy:
    return policy(calendars={"always": calendar}, ladders={"standard": ladder})


def mail(**changes: Any) -> InboundMail:
    if isinstance(reason := changes.get("no_auto_reply"), str):
        changes["no_auto_reply"] = written(reason)
        if reason:  # a machine's, unless the test is about a person's mail with a header of machines
            changes = {"author": Author.MACHINE, "author_reason": written(reason), **changes}
    standing = InboundMail(
        sender="budi@pelanggan.example",
        sender_name="Budi Santoso",
        subject="Barang belum sampai",
        text="Pesanan saya belum sampai.",
        visible="Pesanan saya belum sampai.",
        message_id="<a@pelanggan.example>",
        in_reply_to=(),
        references=(),
        reply_to="",
        no_auto_reply=NO_REASON,
        authentication=Authentication.NONE,
        attachments=(),
        flags=(),
        size=1000,
        language="id",
    )
    return replace(standing, **changes)


def envelope(**changes: Any) -> Envelope:
    standing = Envelope("budi@pelanggan.example", (BOX.address,), "192.0.2.7", NOW)
    return replace(standing, **changes)


def facts(**changes: Any) -> MailFacts:
    standing = MailFacts(number=NUMBER, match=Match())
    return replace(standing, **changes)
