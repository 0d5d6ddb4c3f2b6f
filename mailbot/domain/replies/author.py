"""Who wrote a mail: a person, a machine, or a machine that reports about a mail.

Theory of operation. What a machine may answer and who wrote the mail are two questions. A header that forbids
automatic answers stands in many a person's mail: of a mailing list, a CRM, Exchange. So a header alone makes no
machine. It takes a machine's words as well, or a sender that no person has. In doubt it is a person: a machine's
mail that reaches an agent costs a minute, a person's mail that reaches nobody costs a customer.
"""

from collections.abc import Collection
from dataclasses import replace

import re2

from mailbot.domain import reasons
from mailbot.domain.model import PERSON_BY_DEFAULT, Author, InboundMail
from mailbot.domain.people.addresses import owner, registered_domain, robot_kind
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies.absence import has_absence_subject, is_absence_note
from mailbot.domain.routing.text import fold_accents, options

# Codes of `no_auto_reply`.
_REPORTS = frozenset({"report", "bounce", "receipt", "complaint"})
_DECLARED = frozenset(
    {"auto_submitted", "precedence", "auto_response_suppress", "machine_header", "autoresponder", "mail_loop"}
)
_NULL_SENDERS = frozenset({"null_sender", "null_return_path", "robot_envelope_sender"})
_LOOKED_AT = 3_000  # characters of a text
_ROBOT_WORDS = re2.compile(
    r"\b(?:this|please note that this)(?: \w+){0,3} (?:is|was) (?:an? )?(?:auto(?:matically|matic|mated)?|system)"
    r"[- ]?(?:generated|sent|message|e-?mail|reply|response|notification)"
    r"|\b(?:automatically generated|auto-?generated|automated message|generated automatically|sent automatically)\b"
    r"|\b(?:do not|don.t|please do not) (?:reply|respond) (?:directly )?to this (?:e-?mail|message)\b"
    r"|\b(?:we have|has been|was) received your (?:message|e-?mail|request|enquiry|inquiry|report|ticket)\b"
    r"|\byour (?:request|message|e-?mail|enquiry|inquiry|ticket|case) (?:has been|was) (?:received|registered|created)"
    r"|\b(?:mailbox|address|inbox) is not (?:monitored|attended)\b|\bunsubscribe from these (?:e-?mails|alerts)\b"
    r"|\b(?:e-?mail|pesan|surel|surat) ini (?:\w+ )?(?:dikirim|dibuat|dihasilkan) (?:secara |oleh )?(?:otomatis|sistem)"
    r"|\b(?:mohon|harap|jangan)(?: untuk)?(?: tidak)? (?:mem)?balas (?:e-?mail|pesan|surel) ini\b"
    r"|(?:(?:\A|\n)|\b(?:ini adalah|merupakan) (?:\w+ )?)(?:pesan|e-?mail|balasan|surat) otomatis\b"
    r"|\be-?mel ini dijana\b"
    r"|\bautomatisch (?:erstellt|generiert|versendet|gegenereerd|verzonden)|\bwurde automatisch\b"
    r"|\bmessage automatique\b|\bne pas repondre\b|\bmensaje automatico\b|\bmensagem automatica\b"
    r"|\bmessaggio automatico\b|\bwiadomosc automatyczn|自动发送|系统自动|自動送信|自動配信",
    options(),
)
# Words about a mail that did not arrive. A parcel that was not delivered is a customer's matter.
_FAILED_MAIL = re2.compile(
    r"\b(?:your|this|the|a|following) (?:\w+ ){0,2}(?:message|e-?mail|mail)\b(?:[^.!?]|\.\S){0,80}"
    r"\b(?:could not|couldn.t|can ?not|can.t|was not|wasn.t|has not been|not) (?:be )?(?:delivered|sent)\b"
    r"|\bundeliver(?:able|ed) (?:mail|message)|(?:\A|\n)undeliverable\b|\breturned mail\b"
    r"|\bmail (?:delivery (?:system|subsystem|failed|failure)|system)\b|\bfailure notice\b"
    r"|\bdelivery (?:status notification|to the following)\b"
    r"|\b(?:trouble|problems?|errors?) (?:delivering|sending) your (?:message|e-?mail|mail)\b"
    r"|\bmailbox (?:is )?full\b|\b(?:user|recipient|mailbox) unknown\b|\brecipient address rejected\b|\bno such user\b"
    r"|\b(?:pesan|e-?mail|surel|surat) (?:anda|ini|berikut)\b(?:[^.!?]|\.\S){0,80}"
    r"\b(?:gagal|tidak (?:dapat|bisa)) (?:di|ter)?kirim"
    r"|\b(?:nachricht|mail)\b(?:[^.!?]|\.\S){0,80}\bnicht zugestellt\b|\bunzustellbar"
    r"|\bmessage non remis\b|\bpas pu etre remis\b"
    r"|\bmensaje\b(?:[^.!?]|\.\S){0,80}\bno se (?:pudo|ha podido) entregar\b"
    r"|メールエラー|配信できません|送信できませんでした|退信|无法投递",
    options(),
)
# Enough where the sender is a postmaster.
_FAILED = re2.compile(
    r"\b(?:un)?deliver(?:y|able|ed)\b|\bcould not be sent\b|\bbounced?\b"
    r"|\b(?:gagal|tidak (?:dapat|bisa)) (?:di|ter)?kirim"
    r"|\binvalid (?:user|address|recipient)\b|\b55[0-9]\b",
    options(),
)
_AUTO_REPLIED = re2.compile(r"auto.?(?:re|no|resp)", options())  # not "auto-generated": so are a CRM's mails
_ANSWERED_INVITATION = re2.compile(
    r"\b(?:accepted|declined|tentative|tentatively|proposed|menerima|menolak|terima|tolak)\b", options()
)
_DOMAIN = re2.compile(r"[a-zA-Z0-9._%+-]@([a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+)")
_NUMBER = re2.compile(r"\b[A-Za-z]{2,10}-[0-9]{8,12}-[0-9]\b")
_COMPLAINT = re2.compile(
    r"complaint about message from [0-9a-f.:]+", options()
)  # of Outlook.com, without ARF
_CAMPAIGN = (
    "feedback-id",
    "x-campaign",
    "x-campaignid",
    "x-mailchimp",
    "x-mc-user",
    "x-sg-eid",
    "x-sfmc-stack",
)
_UNSUBSCRIBE = re2.compile(
    r"\bunsubscribe\b|\bberhenti berlangganan\b|\bopt[- ]?out\b|\bmanage (?:your )?(?:e-?mail )?preferences\b"
    r"|\babbestellen\b|\bse desabonner\b|\bdesinscri|\bdarse de baja\b",
    options(),
)
_OF_A_DISCUSSION = ("list-post", "mailing-list", "x-google-group-id", "x-original-from", "x-original-sender")


def with_author(mail: InboundMail, by_envelope: Reason = NO_REASON) -> InboundMail:
    """Return the mail with `author` and `author_reason`.

    `by_envelope`: why no machine may answer by the envelope sender, known only where the mail was accepted.
    """
    kind, reason = _author(mail, by_envelope)
    if (kind, reason) == (mail.author, mail.author_reason):
        return mail
    return replace(mail, author=kind, author_reason=reason)


def _author(mail: InboundMail, by_envelope: Reason) -> tuple[Author, Reason]:
    code = mail.no_auto_reply.code if mail.no_auto_reply else ""
    robot = robot_kind(mail.sender) or ("mailer-daemon" if not mail.sender and code == "robot_sender" else "")
    returned = by_envelope or (mail.no_auto_reply if code in _NULL_SENDERS else NO_REASON)
    daemon = robot in ("mailer-daemon", "postmaster")
    if code in _REPORTS and (
        code != "bounce" or daemon or returned or _reads_as_bounce(mail, by_postmaster=False)
    ):
        return Author.REPORT, mail.no_auto_reply
    if "calendar-reply" in mail.flags and not _has_comment(mail):
        return Author.REPORT, reasons.of("calendar_reply")
    if daemon or returned or code == "machine_header":
        if mail.report:
            return Author.REPORT, reasons.of("reads_as_report", kind=mail.report.kind)
        if robot == "mailer-daemon" or _reads_as_bounce(mail, by_postmaster=daemon):
            return Author.REPORT, reasons.of("robot_sender", name=robot or "mailer-daemon")
    if mail.attachments and _COMPLAINT.fullmatch(mail.subject.strip().lower()):
        return Author.REPORT, reasons.of("reads_as_report", kind="complaint")
    if code == "own_mail" and not _is_passed_on(mail):
        return Author.MACHINE, mail.no_auto_reply
    if _is_away(mail, code):
        return Author.MACHINE, reasons.of("out_of_office")
    if robot == "no-reply" and not mail.reply_to_named and not _may_be_form(mail):
        return Author.MACHINE, reasons.of("robot_sender", name=robot)
    if (code in _DECLARED or returned or robot) and not _is_form(mail, robot):
        text = fold_accents(mail.visible[:_LOOKED_AT])
        if _ROBOT_WORDS.search(text) or _FAILED_MAIL.search(text):
            return Author.MACHINE, reasons.of("robot_words")
    if _is_newsletter(mail):
        return Author.MACHINE, reasons.of("newsletter")
    return Author.PERSON, PERSON_BY_DEFAULT


def _has_comment(mail: InboundMail) -> bool:
    """Check for words of a person above the reply to an invitation."""
    text = fold_accents(mail.visible.partition("[calendar:")[0])
    return bool(text) and (not _ANSWERED_INVITATION.search(text) or " note" in text)


def _may_be_form(mail: InboundMail) -> bool:
    """Check for a web form without Reply-To: our own site's, or one that names the person in its text."""
    own = registered_domain(mail.sender.rpartition("@")[2])
    if any(registered_domain(each.address.rpartition("@")[2]) == own for each in mail.to):
        return True
    if mail.visible.lstrip().startswith("{"):  # JSON of a service
        return False
    named = _DOMAIN.findall(mail.visible[:_LOOKED_AT])
    return any(registered_domain(each.lower()) != own for each in named)


def _is_passed_on(mail: InboundMail) -> bool:
    """Check for mail that a form or a group sent in the name of our mailbox, for somebody else."""
    others = (mail.original_from.address if mail.original_from else "", mail.reply_to_named)
    in_our_name = mail.no_auto_reply.params.get("field") == "From"
    return in_our_name and any(owner(each) != owner(mail.sender) for each in others if each)


def _is_form(mail: InboundMail, robot: str) -> bool:
    """Check for mail of a web form: "do not reply" is meant for its own address, not for the person in Reply-To."""
    generated = mail.no_auto_reply.params.get("value") == "auto-generated"
    if robot == "no-reply" and not mail.reply_to_named:
        return not generated and _may_be_form(mail)
    return (robot == "no-reply" or generated) and _answers_elsewhere(mail)


def _answers_elsewhere(mail: InboundMail) -> bool:
    """Check for a Reply-To of another organisation: somebody else wrote what this sender passes on."""
    theirs = mail.reply_to_named
    if not theirs or robot_kind(theirs):
        return False
    domains = (registered_domain(each.rpartition("@")[2]) for each in (theirs, mail.sender))
    return len(set(domains)) > 1


def _is_away(mail: InboundMail, code: str) -> bool:
    """Check for an absence note. Only a header of automatic replies makes the text alone enough."""
    if code not in _DECLARED:
        return is_absence_note(mail.subject, mail.visible)
    declared = [str(mail.no_auto_reply.params.get(name, "")).lower() for name in ("value", "field")]
    replied = code == "autoresponder" or (
        code != "auto_response_suppress" and any(map(_AUTO_REPLIED.search, declared))
    )
    if has_absence_subject(mail.subject):
        return True
    return is_absence_note(mail.subject, mail.visible, declared=replied)


def _reads_as_bounce(mail: InboundMail, *, by_postmaster: bool) -> bool:
    text = fold_accents(f"{mail.subject}\n{mail.visible[:_LOOKED_AT]}")
    return bool(_FAILED_MAIL.search(text) or (by_postmaster and _FAILED.search(text)))


def _is_newsletter(mail: InboundMail) -> bool:
    """Check for mail to subscribers: it can be unsubscribed by header and by text, or a campaign sent it.

    Mail through a discussion list is a person's.
    """
    headers: Collection[str] = mail.headers
    if (
        "list-unsubscribe" not in headers
        or mail.in_reply_to
        or _NUMBER.search(mail.subject)
        or any(name in headers for name in _OF_A_DISCUSSION)
    ):
        return False
    if any(name in headers for name in _CAMPAIGN):
        return True
    # Without one a list that writes its own address into From has the author in Reply-To.
    return (
        not _answers_elsewhere(mail)
        and _UNSUBSCRIBE.search(fold_accents(mail.text[-_LOOKED_AT:])) is not None
    )
