"""Who is the customer of a mail, and where our mails to that customer go.

Theory of operation. The customer is who is named in From, and else who sent the mail. Three kinds of mail name
somebody else:

- A form of ours (`trust.forms`) sends in its own name, and Reply-To is the customer. Only where From is proven.
- A list of ours (`trust.lists`) may write its own address into From, because DMARC would fail on the author's.
  X-Original-From, X-Original-Sender or Reply-To is the customer.
- Mail from our own mailbox is the same as a list's, but nobody vouches for it, so no machine answers it.

Our mailboxes and agents are never customers. What such fields name without proof is shown to agents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mailbot.domain import reasons
from mailbot.domain.model import Authentication, Author, Envelope, InboundMail
from mailbot.domain.people.addresses import is_no_reply, organisation, owner
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.routing.patterns import Pattern

_Lifted = Mapping[str, tuple[str, ...]]
_LIST_ID = Pattern(r"<\s*([^<>\s]{1,250})\s*>")
# What every mail of a form, or of a list, has against an automatic answer: code -> its parameter.
_OF_FORMS: _Lifted = {"robot_sender": ("name", "no-reply"), "auto_submitted": ("value", "auto-generated")}
_OF_LISTS: _Lifted = {"list_mail": (), "precedence": ("value", "list"), "own_mail": ("field", "From")}


def customer_of(mail: InboundMail, envelope: Envelope, policy: Policy) -> str:
    """Return the customer of the ticket that the mail would open, "" when it names nobody outside."""
    if passed_on := passed_on_for(mail, policy):
        return passed_on
    named = mail.sender or envelope.sender
    return "" if policy.mailbox_for(named) else named


def passed_on_for(mail: InboundMail, policy: Policy) -> str:
    """Return the author of a mail that a form or a list sent in its own name, "" for all other mail."""
    if not mail.sender:
        return ""
    if mail.sender in policy.forms:
        return _outside([mail.reply_to_named], policy) if _is_proven(mail) else ""
    if policy.mailbox_for(mail.sender) or _is_list(mail.sender, policy):
        original = mail.original_from.address if mail.original_from else ""
        return _outside([original, mail.reply_to_named], policy)
    return ""


def is_vouched_for(mail: InboundMail, policy: Policy) -> bool:
    """Check for a mail that a proven form or list of ours passed on for its customer."""
    trusted = mail.sender in policy.forms or _is_list(mail.sender, policy)
    return trusted and _is_proven(mail) and passed_on_for(mail, policy) != ""


def with_trusted_origin(mail: InboundMail, policy: Policy) -> InboundMail:
    """Return the mail without what is said against an answer only because our form or list sent it."""
    if not (policy.forms or policy.list_ids):
        return mail
    if mail.sender in policy.forms and is_vouched_for(mail, policy):
        code, lifted = "form_passed_on", _OF_FORMS
    elif is_vouched_for(mail, policy) or (_came_by_list(mail, policy) and not is_ours(mail.sender, policy)):
        code, lifted = "list_passed_on", _OF_LISTS
    else:
        return mail
    if mail.author is Author.MACHINE and mail.author_reason.code in {*lifted, "robot_words"}:
        mail = replace(mail, author=Author.PERSON, author_reason=reasons.of(code))
    return replace(mail, no_auto_reply=NO_REASON) if _lifts(mail.no_auto_reply, lifted) else mail


def _lifts(reason: Reason, lifted: _Lifted) -> bool:
    if reason.code not in lifted:
        return False
    param = lifted[reason.code]
    return not param or reason.params.get(param[0]) == param[1]


def reply_to_at_home(mail: InboundMail, policy: Policy) -> str:
    """Return where answers go if not to From: Reply-To, within the sender's own organisation; else "".

    Of a domain that many people share, only another spelling of the same address counts.
    """
    address, shared = mail.reply_to, policy.shared_domains
    if not address or address == mail.sender or mail.authentication is Authentication.FAIL:
        return ""
    mine = organisation(mail.sender, shared)
    at_home = mine != "" and organisation(address, shared) == mine
    return _outside([address], policy) if at_home or owner(address) == owner(mail.sender) else ""


def acknowledge_to(mail: InboundMail, envelope: Envelope, policy: Policy) -> str:
    """Return where an automatic answer goes: to the envelope's sender (RFC 3834 section 4), or to the customer.

    The customer is known to have written the mail where From is proven. Where From and the envelope's sender are of
    one organisation, such as a mail service's bounce address, that organisation may sort out forgeries.
    """
    if is_vouched_for(mail, policy):
        return passed_on_for(mail, policy)
    sender, returned = mail.sender, envelope.sender.lower()
    if not sender or mail.authentication is Authentication.FAIL:
        return envelope.sender
    if not is_proven_author(mail, policy) and not _same_organisation(sender, returned, policy):
        return envelope.sender
    return reply_to_at_home(mail, policy) or (envelope.sender if sender == returned else sender)


def is_proven_author(mail: InboundMail, policy: Policy) -> bool:
    """Check whether who gets an automatic answer is known to have written the mail.

    What a form passes on anybody may have typed in.
    """
    return _is_proven(mail) and passed_on_for(mail, policy) == ""


def other_sender(mail: InboundMail, customer: str, policy: Policy) -> Reason:
    """Return for the agent who else may be the author of the mail, no reason where nobody else is named."""
    if passed_on_for(mail, policy) == customer != "":
        code = "passed_on" if is_vouched_for(mail, policy) else "passed_on_unproven"
        return reasons.of(code, sender=mail.sender, customer=customer)
    known = {owner(each) for each in (customer, mail.sender) if each}
    original = mail.original_from.address if mail.original_from else ""
    for address in filter(None, (original, mail.reply_to_named)):
        if owner(address) not in known and not policy.mailbox_for(address):
            return reasons.of("names_other_sender", other=address)
    return NO_REASON


def why_unreachable(address: str) -> Reason:
    """Return why no answer can reach a customer's address (lower case), no reason where one may."""
    if not address:
        return reasons.of("no_customer_address")
    return reasons.of("no_reply_customer", customer=address) if is_no_reply(address) else NO_REASON


def is_outside(address: str, policy: Policy) -> bool:
    """Check whether an address (lower case) may be a customer's: none of ours, no agent's, no robot's."""
    return bool(address) and not is_ours(address, policy) and not is_no_reply(address)


def _outside(addresses: list[str], policy: Policy) -> str:
    return next((each for each in addresses if is_outside(each, policy)), "")


def why_unfit(address: str, policy: Policy) -> Refusal | None:
    """Return why an address can't be on a ticket."""
    if address in policy.agents:
        return reasons.refuse("is_agent", address=address)
    if is_ours(address, policy):
        return reasons.refuse("is_own_mailbox", address=address)
    return reasons.refuse("is_robot", address=address) if is_no_reply(address) else None


def is_ours(address: str, policy: Policy) -> bool:
    """Check for an address of a mailbox, an agent, a form or a list of ours."""
    return bool(
        policy.mailbox_for(address)
        or address in policy.agents
        or address in policy.forms
        or _is_list(address, policy)
    )


def _is_proven(mail: InboundMail) -> bool:
    return mail.authentication is Authentication.PASS


def _same_organisation(one: str, other: str, policy: Policy) -> bool:
    mine = organisation(one, policy.shared_domains)
    return owner(one) == owner(other) or (mine != "" and mine == organisation(other, policy.shared_domains))


def list_id(address: str) -> str:
    """Return the List-Id that a list with this address has (RFC 2919): support@shop -> support.shop."""
    return address.lower().replace("@", ".", 1)


def _is_list(address: str, policy: Policy) -> bool:
    return bool(policy.list_ids) and list_id(address) in policy.list_ids


def _came_by_list(mail: InboundMail, policy: Policy) -> bool:
    return any(each in policy.list_ids for each in _list_ids(mail))


def _list_ids(mail: InboundMail) -> Iterator[str]:
    for value in mail.headers.get("list-id", ())[:2]:
        if found := _LIST_ID.search(value[:1000].lower()):
            yield list_id(found[1])
