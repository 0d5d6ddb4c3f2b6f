"""From a notice to the mail that leaves: who it is from and for, its headers, its words, frozen as bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from markupsafe import escape

from mailbot.domain.notices import (
    Acknowledgement,
    Answer,
    Bulletin,
    CompensationWanted,
    Notice,
    Progress,
    Question,
    TeamNotice,
)
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.ticket_number import tagged
from mailbot.mail.auth.sign import NAME as SIGNATURE
from mailbot.mail.auth.sign import Signer
from mailbot.mail.compose.fallback_text import asking, built_in
from mailbot.mail.compose.mime_writer import (
    ComposeRefused,
    bare_address,
    mail,
    mailbox_text,
    message_id_or_nothing,
    unstructured,
    verify,
)
from mailbot.mail.compose.reply_tokens import MAC, TokenSigner, check_token_fits
from mailbot.mail.compose.template_values import LANGUAGES, Values, body_text, header_text, values_of
from mailbot.mail.compose.templates import KINDS, TemplateFailed, Templates
from mailbot.mail.replies.automatic import LOOP_HEADER

__all__ = ["LOOP_HEADER", "ComposeRefused", "Composer", "OutboundMail"]

_RULE = f"\n\n{'-' * 40}\n\n"
_PAGE = (
    '<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"></head>\n'
    '<body style="font-family: sans-serif; font-size: 15px; line-height: 1.45; color: #222222">\n'
)
_NO_TICKET = {
    "id": "Surel ini tidak menyangkut tiket mana pun; jawaban atasnya akan menjadi tiket baru.",
    "en": "This mail is about no ticket; an answer to it would open one.",
}


@dataclass(frozen=True, slots=True)
class OutboundMail:
    """A mail to be sent, as the outbox keeps it: the bytes never change, however often they are sent.

    `fallback`: the built-in words went out, because a template failed; `template_error` says which and how.
    """

    message_id: str
    kind: str
    lane: int
    number: str
    sender: str  # of the envelope: a keyed bounce address
    recipient: str
    content: bytes = field(repr=False)
    fallback: bool = False
    template_error: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes mails. `zone` is where readers are whose team has no calendar; `signer` signs for its domain.

    Raises ValueError, with a text for the admin, for a mailbox whose address has no room for our tags.
    """

    templates: Templates
    tokens: TokenSigner
    policy: Policy
    zone: str = "UTC"
    signer: Signer | None = None

    def __post_init__(self) -> None:
        for box in self.policy.mailboxes.values():
            check_token_fits(box.address, box.prefix, box.digits)

    def compose(self, notice: Notice | Bulletin, *, nonce: str, now: datetime) -> OutboundMail:
        """The mail for this notice. The same notice, nonce and moment give the same bytes.

        `nonce`: 1 to 16 of a-z and 0-9, of the outbox row alone. ComposeRefused: it can't be sent as meant.
        """
        box = self.policy.mailboxes.get(notice.mailbox)
        if box is None:
            raise ComposeRefused(f"there is no mailbox {notice.mailbox!r} any more")
        recipient = bare_address(notice.to)
        if isinstance(notice, Bulletin):
            message_id, words, template_error = (
                self.tokens.bulletin_id(nonce, box.domain),
                _complete(notice),
                "",
            )
        else:
            message_id = self.tokens.message_id(notice.number, nonce, box.domain)
            words, template_error = self._words(notice, box)
        headers = self._headers(notice, box, message_id, words.subject, now)
        boundary = f"=_{message_id.partition('@')[0][-MAC:]}"  # keyed: nobody can write it in advance
        files = notice.attachments if isinstance(notice, Answer | Bulletin) else ()
        content = mail(headers, words.text, words.html, boundary, files)
        if self.signer and self.signer.signs_for(box.domain):
            content, headers = self.signer.signed(content, now), [(SIGNATURE, ""), *headers]
        verify(content, headers, recipient, box.address)
        return OutboundMail(
            message_id=message_id,
            kind=notice.name,
            lane=notice.lane,
            number=notice.number,
            sender=self.tokens.bounce_address(box.address, nonce),
            recipient=recipient,
            content=content,
            fallback=bool(template_error),
            template_error=template_error,
        )

    def _headers(
        self, notice: Notice | Bulletin, box: Mailbox, message_id: str, subject: str, now: datetime
    ) -> list[tuple[str, str]]:
        headers = [
            ("Date", _date(now)),
            ("From", mailbox_text(box.brand, box.address)),
            (
                "To",
                notice.to,
            ),  # never with a name: a long quoted one becomes more recipients in Python's parser
            ("Subject", unstructured(tagged(notice.number) if notice.number else "", subject)),
            ("Message-ID", message_id),
        ]
        if isinstance(notice, TeamNotice):
            headers.append(("Reply-To", self.tokens.reply_address(box.address, notice.number, notice.to)))
        elif isinstance(notice, CompensationWanted) and notice.asker.isascii() and notice.asker:
            headers.append(("Reply-To", bare_address(notice.asker)))  # a question; no reply decides anything
        elif answered := message_id_or_nothing(getattr(notice, "in_reply_to", "")):
            headers += [("In-Reply-To", answered), ("References", answered)]
        return headers + _automatic(notice) + [(LOOP_HEADER, box.address)]

    def _words(self, notice: Notice, box: Mailbox) -> tuple[_Words, str]:
        """What the mail says in the notice's language, or in both; built-in words when a template fails."""
        languages = (notice.language,) if notice.language in LANGUAGES else LANGUAGES
        zone = self._zone(notice)
        said = [
            (language, values_of(notice, box, language=language, zone=zone, again=int(again > 0)))
            for again, language in enumerate(languages)
        ]
        try:
            words = [(lang, self._rendered(notice, lang, values)) for lang, values in said]
            return _joined(words, notice.number), ""
        except TemplateFailed as error:  # the mail is worth more than its looks
            words = [(lang, _Words(*built_in(notice.name, lang, values))) for lang, values in said]
            return _joined(words, notice.number), str(error)

    def _rendered(self, notice: Notice, language: str, values: Values) -> _Words:
        name = notice.name
        if isinstance(notice, Acknowledgement) and self.templates.has(f"{name}.{notice.template}", language):
            name = f"{name}.{notice.template}"
        words = _Words(*(self.templates.render(name, language, kind, values) for kind in KINDS))
        needed = values.get("needed")
        return _asked(words, language, needed) if isinstance(needed, dict) else words

    def _zone(self, notice: Notice) -> str:
        if isinstance(notice, Progress) and self.policy.calendars:
            return next(iter(self.policy.calendars.values())).zone  # customers are where the desk is
        team = notice.team if isinstance(notice, TeamNotice | Question) else ""
        return self.policy.calendar_of(team).zone if team in self.policy.teams else self.zone


def _asked(words: _Words, language: str, needed: Iterable[str]) -> _Words:
    """With what is needed at the end, where the admin's own template does not ask for it."""
    text, html = words.text, words.html
    if missing := [label for label in needed if label not in text]:
        text = f"{text.rstrip()}\n\n{asking(language, missing)}\n"
    if html and (missing := [label for label in needed if str(escape(label)) not in html]):
        html += f"\n<p>{escape(asking(language, missing))}</p>".replace("\n  - ", "<br>\n- ")
    return replace(words, text=text, html=html)


@lru_cache(maxsize=4)  # all mails of one turn share their moment
def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC))


def _automatic(notice: Notice | Bulletin) -> list[tuple[str, str]]:
    """RFC 3834 section 5; what an agent wrote is a person's mail and says nothing of the kind."""
    if isinstance(notice, Answer):
        return []
    kind = "auto-replied" if isinstance(notice, Acknowledgement) else "auto-generated"
    return [("Auto-Submitted", kind), ("X-Auto-Response-Suppress", "All")]


def _complete(notice: Bulletin) -> _Words:
    language = notice.language if notice.language in LANGUAGES else "en"
    said, more = body_text(notice.text).strip("\n"), _NO_TICKET[language]
    html = body_text(notice.html)
    page = f"{_PAGE.format(language=language)}{html}\n<p>{more}</p>\n</body>\n</html>\n" if html else ""
    return _Words(header_text(notice.subject), f"{said}\n\n-- \n{more}\n", page)


def _joined(parts: Sequence[tuple[str, _Words]], number: str) -> _Words:
    """One mail of the halves in each language. The subject's number is put there by us, once."""
    subjects = (header_text(words.subject.replace(tagged(number), "")) for _, words in parts)
    text = _RULE.join(words.text.strip("\n") for _, words in parts)
    html = "\n<hr>\n".join(
        f'<div lang="{lang}">\n{words.html}\n</div>' for lang, words in parts if words.html
    )
    page = f"{_PAGE.format(language=parts[0][0])}{html}\n</body>\n</html>\n" if html else ""
    return _Words(" / ".join(dict.fromkeys(subjects)), f"{text}\n", page)
