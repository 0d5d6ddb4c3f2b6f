"""Who is the customer of a mail, and where the acknowledgement goes."""

from typing import Any

import pytest

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands import RemoveParticipants, SetCustomer
from mailbot.domain.commands.carry_out import Acted, CommandFacts, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Author, Contact, InboundMail, Role
from mailbot.domain.notices import Acknowledgement, AgentRefusal, TeamNotice
from mailbot.domain.notify import to_customer
from mailbot.domain.people.customer import customer_of, with_trusted_origin
from mailbot.domain.people.participants import Roles, taking_part
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.reasons import Refusal
from tests.builders import BOX, NOW, RINA, envelope, facts, mail, policy

AGENT = Actor.agent(RINA.address)
PASS, FAIL = Authentication.PASS, Authentication.FAIL
FORM, LIST, ANI = "formulir@toko-mitra.example", "grup@dukungan.example", "ani@mail.example"
TRUSTING = policy(forms=frozenset({FORM}), list_ids=frozenset({"grup.dukungan.example"}))
BUDI, BOUNCES = "budi@pelanggan.example", "bounce-7@em.pelanggan.example"


def form(**changes: Any) -> InboundMail:
    return mail(**{"sender": FORM, "reply_to_named": ANI, "authentication": PASS} | changes)


def munged(sender: str = LIST, **changes: Any) -> InboundMail:
    through_list = reasons.of("list_mail", field="List-Id")
    original = {"original_from": Contact("Ani", ANI), "no_auto_reply": through_list}
    return mail(**{"sender": sender, "authentication": PASS} | original | changes)


def opened(came: InboundMail, sender: str = "x@mta.example", trusting: Policy = TRUSTING) -> Decision:
    came = with_trusted_origin(came, trusting)
    return on_mail(None, came, envelope(sender=sender), facts(), trusting, NOW).decision


def acknowledged(decision: Decision) -> list[str]:
    return [notice.to for notice in decision.notices if isinstance(notice, Acknowledgement)]


def remarks(decision: Decision) -> str:
    return str(next(notice.because for notice in decision.notices if isinstance(notice, TeamNotice)))


@pytest.mark.parametrize(
    ("came", "customer", "to"),
    [
        (form(), ANI, [ANI]),
        (form(no_auto_reply=reasons.of("robot_sender", name="no-reply")), ANI, [ANI]),
        (form(no_auto_reply=reasons.of("auto_submitted", value="auto-generated")), ANI, [ANI]),
        (form(no_auto_reply=reasons.of("auto_submitted", value="auto-replied")), ANI, []),
        (form(authentication=FAIL), FORM, ["x@mta.example"]),
        (form(authentication=Authentication.NONE), FORM, ["x@mta.example"]),
        (form(reply_to_named=BOX.address), FORM, [FORM]),
        (form(reply_to_named=RINA.address), FORM, [FORM]),
        (munged(), ANI, [ANI]),
        (munged(original_from=None, reply_to_named=ANI), ANI, [ANI]),
        (munged(authentication=FAIL), ANI, []),
        (munged(sender=BOX.address), ANI, []),
        (munged(sender=BOX.address, original_from=Contact("Rina", RINA.address)), "", []),
        (munged(sender="milis@asing.example"), "milis@asing.example", []),
    ],
)
def test_a_form_or_list_of_ours_passes_mail_on_only_where_it_is_proven(
    came: InboundMail, customer: str, to: list[str]
) -> None:
    decision = opened(came)

    assert (decision.ticket.customer, acknowledged(decision)) == (customer, to)
    outcomes = (e.AcknowledgementEnqueued, e.AcknowledgementSuppressed)
    assert sum(isinstance(event, outcomes) for event in decision.events) == 1


@pytest.mark.parametrize(
    "came",
    [form(), form(authentication=FAIL), munged(), munged(BOX.address), munged("milis@asing.example")],
)
def test_the_notice_names_whom_the_mail_was_passed_on_for(came: InboundMail) -> None:
    assert ANI in remarks(opened(came))


def test_a_mail_through_a_list_that_leaves_from_alone_is_answered_like_any_other() -> None:
    listed = mail(
        no_auto_reply=reasons.of("list_mail", field="List-Id"),
        headers={"list-id": ("Grup <grup.dukungan.example>",)},
    )
    assert acknowledged(opened(listed, sender=BUDI)) == [BUDI]
    assert acknowledged(opened(listed, sender=BUDI, trusting=policy())) == []


def test_a_machines_author_is_a_person_where_a_proven_form_passed_the_mail_on() -> None:
    robot = reasons.of("robot_sender", name="no-reply")
    machine = form(author=Author.MACHINE, author_reason=robot, no_auto_reply=robot)

    assert with_trusted_origin(machine, TRUSTING).author is Author.PERSON
    assert with_trusted_origin(machine, policy()).author is Author.MACHINE
    report = form(author=Author.REPORT, author_reason=reasons.of("report", type="delivery-status"))
    assert with_trusted_origin(report, TRUSTING).author is Author.REPORT


@pytest.mark.parametrize(
    ("authentication", "sender", "return_path", "to"),
    [
        (PASS, BUDI, BOUNCES, BUDI),
        (PASS, BUDI, "x@amazonses.example", BUDI),
        (Authentication.NONE, BUDI, BOUNCES, BUDI),
        (Authentication.NONE, BUDI, "x@amazonses.example", "x@amazonses.example"),
        (FAIL, BUDI, BOUNCES, BOUNCES),
        (Authentication.NONE, "ani@gmail.com", "korban@gmail.com", "korban@gmail.com"),
        (Authentication.NONE, "a.ni+x@gmail.com", "ani@googlemail.com", "a.ni+x@gmail.com"),
    ],
)
def test_the_acknowledgement_goes_to_from_where_it_is_proven_or_at_home(
    authentication: Authentication, sender: str, return_path: str, to: str
) -> None:
    came = mail(sender=sender, authentication=authentication)
    assert acknowledged(opened(came, sender=return_path)) == [to]


def test_no_mailbox_of_ours_is_a_customer() -> None:
    other = Mailbox("sales@dukungan.example", "TokoDompet", "SALE")
    boxes = policy(mailboxes={BOX.address: BOX, other.address: other})

    for sender in (BOX.address, "sales@dukungan.example", "Support+x@dukungan.example"):
        assert customer_of(mail(sender=""), envelope(sender=sender), boxes) == ""
        assert customer_of(mail(sender=sender.lower()), envelope(), boxes) == ""


@pytest.mark.parametrize(
    ("came", "code"),
    [
        (mail(sender="noreply@toko-lain.example", reply_to_named=ANI), "no_reply_customer"),
        (mail(sender=BOX.address), "no_customer_address"),
    ],
)
def test_an_answer_that_can_reach_nobody_is_refused_with_a_word(came: InboundMail, code: str) -> None:
    ticket = opened(came).ticket
    assert str(reasons.of(code, customer=ticket.customer)) in remarks(opened(came))

    reply = mail(sender=RINA.address, subject=f"Re: [{ticket.number}]", visible="Sudah kami cek.")
    known = facts(match=Match(ticket.number, by_token=True), proof="trusted")
    decided = on_mail(ticket, reply, envelope(sender=RINA.address), known, policy(), NOW).decision
    (refusal,) = decided.notices
    assert isinstance(refusal, AgentRefusal)
    assert refusal.reason.code == code
    by_command = on_act(ticket, Act((), "Sudah."), AGENT, CommandFacts(), policy(), NOW)
    assert isinstance(by_command, Refusal)
    assert by_command.reason.code == code


OFFICE = "kantor@pelanggan.example"


@pytest.mark.parametrize(
    ("came", "reply_to"),
    [
        (mail(reply_to=OFFICE, reply_to_named=OFFICE), OFFICE),
        (mail(reply_to=OFFICE, authentication=FAIL), ""),
        (mail(reply_to=BUDI), ""),
        (mail(sender="ani@gmail.com", reply_to="orang-lain@gmail.com"), ""),
        (mail(sender="ani@gmail.com", reply_to="a.n.i+toko@gmail.com"), "a.n.i+toko@gmail.com"),
        (mail(sender="noreply@toko.example", reply_to="cs@toko.example"), "cs@toko.example"),
        (mail(reply_to="no-reply@pelanggan.example"), ""),
    ],
)
def test_reply_to_at_home_is_where_all_mail_to_the_customer_goes(came: InboundMail, reply_to: str) -> None:
    decision = opened(came, sender=came.sender)
    ticket, addresses = decision.ticket, {came.sender} | {reply_to} - {""}

    assert (ticket.customer, ticket.reply_to, ticket.answers_to) == (
        came.sender,
        reply_to,
        reply_to or came.sender,
    )
    assert taking_part(roles_after(decision)) == addresses
    assert acknowledged(decision) in ([], [ticket.answers_to])
    if reply_to:
        assert f"answers go to {reply_to}" in remarks(decision)
        known = CommandFacts(roles=roles_after(decision))
        answered = on_act(ticket, Act((), "Sudah."), AGENT, known, policy(), NOW)
        assert isinstance(answered, Acted)
        assert [notice.to for notice in answered.decision.notices] == [reply_to]
        assert to_customer(ticket)[2] == reply_to


def test_an_agent_who_corrects_the_customer_corrects_where_answers_go() -> None:
    decision = opened(mail(reply_to=OFFICE), sender=BUDI)
    ticket, roles = decision.ticket, roles_after(decision)

    facts = CommandFacts(roles=roles)
    again = on_act(ticket, Act((SetCustomer(BUDI),)), AGENT, facts, policy(), NOW)
    assert isinstance(again, Acted)
    assert again.decision.ticket.answers_to == BUDI
    other = on_act(ticket, Act((SetCustomer(ANI),)), AGENT, facts, policy(), NOW)
    assert isinstance(other, Acted)
    assert (other.decision.ticket.answers_to, taking_part(roles_after(other.decision, roles))) == (ANI, {ANI})
    refused = on_act(ticket, Act((RemoveParticipants((OFFICE,)),)), AGENT, facts, policy(), NOW)
    assert isinstance(refused, Refusal)


def roles_after(decision: Decision, roles: Roles = {}) -> dict[str, Role]:  # noqa: B006 - never changed
    found = dict(roles) or {decision.ticket.customer: Role.CUSTOMER}
    for event in decision.events:
        found |= e.roles_of(event)
    return found
