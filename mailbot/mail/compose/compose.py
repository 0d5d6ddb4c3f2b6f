"""Compose the outbound mail for a notice.

Theory of operation. A notice becomes template values, which the templates of its language (or of both
languages) render. A failing template is replaced by the fallback text. `mime_writer` writes the header and
the bodies, the DKIM signer signs, and the written header is verified against the intended one. The result is
frozen bytes: the outbox sends the same ones however often it tries.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from markupsafe import escape

from mailbot.domain.notices import (
    FOR_COLLEAGUES,
    Acknowledgement,
    AgentWorklist,
    Answer,
    AnswerHeld,
    Bulletin,
    Closing,
    CompensationDecided,
    CompensationWanted,
    Notice,
    Question,
    Receipt,
    StatusAnswer,
    TeamNotice,
    ToCustomer,
    recipient_of,
)
from mailbot.domain.people.identities import is_identity, mail_form
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.ticket_number import bracketed
from mailbot.mail.auth.sign import HEADER_NAME as SIGNATURE
from mailbot.mail.auth.sign import Signer
from mailbot.mail.compose import frame, mime_writer
from mailbot.mail.compose.cleaning import body_text, header_text
from mailbot.mail.compose.fallback_text import details_request, fallback_text
from mailbot.mail.compose.inline_pictures import place_pictures
from mailbot.mail.compose.mime_writer import ComposeRefused, is_ascii_address, require_ascii_address
from mailbot.mail.compose.notice_values import ToAgents, Value
from mailbot.mail.compose.reply_tokens import MAC, TokenSigner, check_token_fits
from mailbot.mail.compose.tap_links import tap_links
from mailbot.mail.compose.template_values import LANGUAGES, Values, build_values
from mailbot.mail.compose.templates import CHAT, KINDS, TemplateFailed, Templates
from mailbot.mail.replies.automatic import LOOP_HEADER

__all__ = ["LOOP_HEADER", "ComposeRefused", "Composer", "OutboundMail"]

_SEPARATOR = f"\n\n{'-' * 40}\n\n"
_RULE = frame.inline_styles("<hr>")
_EARLIER = 11  # notices that the next one refers to
_NO_TICKET = {
    "id": "Surel ini tidak menyangkut tiket mana pun; jawaban atasnya akan menjadi tiket baru.",
    "en": "This mail is about no ticket; an answer to it would open one.",
}


@dataclass(frozen=True, slots=True)
class OutboundMail:
    """A mail as the outbox stores it: the bytes never change, however often they are sent.

    `fallback`: the fallback text was used because of `template_error`.
    """

    message_id: str
    kind: str
    lane: int
    number: str
    sender: str  # of the envelope: a bounce address with a token
    recipient: str
    content: bytes = field(repr=False)
    fallback: bool = False
    template_error: str = ""
    parts: tuple[tuple[int, bytes], ...] = field(repr=False, default=())  # files: offset in `content`, bytes


@dataclass(frozen=True, slots=True)
class _Content:
    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes mails. `zone` is for readers whose team has no calendar; `signer` signs for its domain.

    Raises ValueError, with a text for the admin, for a mailbox whose address has no room for our tokens.
    """

    templates: Templates
    tokens: TokenSigner
    policy: Policy
    zone: str = "UTC"
    signer: Signer | None = None

    def __post_init__(self) -> None:
        for box in self.policy.mailboxes.values():
            check_token_fits(box.address, box.prefix, box.digits)

    def compose(
        self, notice: Notice | Bulletin, *, nonce: str, now: datetime, page_url: str = ""
    ) -> OutboundMail:
        """Return the mail for this notice. Equal arguments give equal bytes.

        `nonce`: 1 to 16 of a-z and 0-9, unique to the outbox row. `page_url`: of the page where its recipient
        sees the ticket, "" for none. Raises ComposeRefused.
        """
        box = self.policy.mailboxes.get(notice.mailbox)
        if box is None:
            raise ComposeRefused(f"there is no mailbox {notice.mailbox!r} any more")
        to, in_chat = require_ascii_address(mail_form(notice.to)), is_identity(notice.to)
        cc = tuple(filter(is_ascii_address, notice.cc)) if isinstance(notice, Answer) else ()
        recipient = require_ascii_address(mail_form(recipient_of(notice)))
        if notice.number:
            message_id = self.tokens.message_id(notice.number, nonce, box.domain)
        else:
            message_id = self.tokens.bulletin_id(nonce, box.domain)
        if isinstance(notice, Bulletin):
            content, template_error = _bulletin_content(notice), ""
        else:
            content, template_error = self._content(notice, box, nonce, now, page_url)
        headers = self._headers(notice, box, message_id, content.subject, now)
        if in_chat:
            content = replace(content, html="")
            headers.append(("Content-Language", notice.language if notice.language in LANGUAGES else "id"))
        if cc:
            headers.insert(3, ("Cc", ",\r\n ".join(cc)))  # a line each: 998 octets at most
        boundary = f"=_{message_id.partition('@')[0][-MAC:]}"  # part of the MAC: it can't be guessed
        files = notice.attachments if isinstance(notice, Answer | Closing | Bulletin) else ()
        html, pictures, files = place_pictures(content.html, files, box.domain)
        parts = _parts(notice)
        raw = mime_writer.write_mail(headers, content.text, html, boundary, files, pictures, parts)
        if self.signer and self.signer.signs_for(box.domain):
            raw, headers = self.signer.sign(raw, now), [(SIGNATURE, ""), *headers]
        mime_writer.verify_header(raw, headers, to, box.address, cc)
        if recipient not in (to, *cc):
            raise ComposeRefused("the mail would go to somebody whom it does not name")
        return OutboundMail(
            message_id=message_id,
            kind=notice.name,
            lane=notice.lane,
            number=notice.number,
            sender=self.tokens.bounce_address(box.address, nonce),
            recipient=recipient_of(notice),
            content=raw,
            fallback=bool(template_error),
            template_error=template_error,
            parts=_places(raw, parts),
        )

    def _headers(
        self, notice: Notice | Bulletin, box: Mailbox, message_id: str, subject: str, now: datetime
    ) -> list[tuple[str, str]]:
        headers = [
            ("Date", _date(now)),
            ("From", mime_writer.format_mailbox(box.brand, box.address)),
            (
                "To",
                mail_form(notice.to),
            ),  # without a name: Python's parser turns a long quoted one into recipients
            (
                "Subject",
                mime_writer.format_subject(subject, bracketed(notice.number) if notice.number else ""),
            ),
            ("Message-ID", message_id),
        ]
        if isinstance(notice, TeamNotice | Receipt | AnswerHeld):
            headers.append(("Reply-To", self.tokens.reply_address(box.address, notice.number, notice.to)))
        elif notice.name in FOR_COLLEAGUES:
            headers.append(("Reply-To", self.tokens.decision_address(box.address, notice.number, notice.to)))
        if isinstance(notice, ToAgents):
            ids, _ = notice.context.notified.get(notice.to, ((), None))
            if ids:
                headers += [("In-Reply-To", ids[-1]), ("References", _chain(ids))]
        elif answered := mime_writer.safe_message_id(getattr(notice, "in_reply_to", "")):
            headers += [("In-Reply-To", answered), ("References", _references(notice, answered))]
        return headers + _automatic_fields(notice) + [(LOOP_HEADER, box.address)]

    def _content(
        self, notice: Notice, box: Mailbox, nonce: str, now: datetime, page_url: str
    ) -> tuple[_Content, str]:
        """Return the content in the notice's language, or in both, and the error of a failed template."""
        languages = (notice.language,) if notice.language in LANGUAGES else LANGUAGES
        zone = self._zone(notice)

        def values(language: str, wanted: Collection[str] | None) -> Values:
            return build_values(
                notice,
                box,
                language=language,
                zone=zone,
                again=int(language != languages[0]),
                policy=self.policy,
                now=now,
                survey_address=self._survey_address(notice, box),
                buttons=self._buttons(notice, box, nonce, language),
                page_url=page_url,
                wanted=wanted,
            )

        try:
            content = [(lang, self._render(notice, lang, values)) for lang in languages]
            return _join(content, notice.number, in_chat=is_identity(notice.to)), ""
        except TemplateFailed as error:  # a plain mail is better than none
            texts = ((lang, fallback_text(notice.name, lang, values(lang, None))) for lang in languages)
            return _join([(lang, _Content(*text)) for lang, text in texts], notice.number), str(error)

    def _buttons(
        self, notice: Notice, box: Mailbox, nonce: str, language: str
    ) -> tuple[dict[str, Value], ...]:
        def address(code: str) -> str:
            return self.tokens.tap_address(box.address, notice.number, nonce, code, notice.to)

        if not isinstance(notice, ToAgents) or not notice.number or notice.to not in self.policy.agents:
            return ()
        reply_to = self.tokens.reply_address(box.address, notice.number, notice.to)
        return tap_links(notice, language, address, reply_to)

    def _survey_address(self, notice: Notice, box: Mailbox) -> str:
        if not isinstance(notice, Closing):
            return ""
        return self.tokens.survey_address(box.address, notice.number)

    def _render(
        self, notice: Notice, language: str, values: Callable[[str, Collection[str] | None], Values]
    ) -> _Content:
        name = notice.name
        if isinstance(notice, Acknowledgement) and self.templates.has(f"{name}.{notice.template}", language):
            name = f"{name}.{notice.template}"
        in_chat = is_identity(notice.to) and self.templates.has(name, language, CHAT)
        printed = values(language, self.templates.names_in(name, language, in_chat=in_chat))
        kinds = (KINDS[0], CHAT) if in_chat else KINDS
        content = _Content(*(self.templates.render(name, language, kind, printed) for kind in kinds))
        needed = printed.get("needed")
        return _add_request(content, language, needed) if isinstance(needed, dict) else content

    def _zone(self, notice: Notice) -> str:
        if isinstance(notice, ToCustomer) and self.policy.calendars:
            return next(
                iter(self.policy.calendars.values())
            ).zone  # customers are assumed near the first team
        if isinstance(notice, AgentWorklist) and (calendar := self.policy.agent_calendars.get(notice.to)):
            return calendar.zone
        with_team = TeamNotice | Question | Receipt | AnswerHeld | CompensationWanted | CompensationDecided
        team = notice.team if isinstance(notice, with_team) else ""
        return self.policy.calendar_of(team).zone if team in self.policy.teams else self.zone


def _parts(notice: Notice | Bulletin) -> tuple[bytes, ...]:
    """Return the files that this recipient has not got yet, as MIME parts."""
    if not isinstance(notice, TeamNotice):
        return ()
    context = notice.context
    return tuple(file.part for file in context.files if file.part and context.is_new(file, (notice.to,)))


def _places(raw: bytes, parts: Sequence[bytes]) -> tuple[tuple[int, bytes], ...]:
    places, start = [], 0
    for part in parts:
        start = raw.index(part, start)
        places.append((start, part))
        start += len(part)
    return tuple(places)


def _chain(ids: Sequence[str]) -> str:
    """Return the first of our Message-IDs and the newest: mail programs group by them."""
    listed = ids if len(ids) <= _EARLIER else (ids[0], *ids[1 - _EARLIER :])
    return "\r\n ".join(listed)


def _references(notice: Notice | Bulletin, answered: str) -> str:
    """Return the conversation's Message-IDs, one on each line, the answered one last (RFC 5322 3.6.4)."""
    listed = getattr(notice, "references", ())
    safe = [found for each in listed if (found := mime_writer.safe_message_id(each)) and found != answered]
    return "\r\n ".join((*safe, answered))


def _add_request(content: _Content, language: str, needed: Iterable[str]) -> _Content:
    """Append the details that are needed and that the admin's template does not ask for."""
    text, html = content.text, content.html
    if missing := [label for label in needed if label not in text]:
        text = f"{text.rstrip()}\n\n{details_request(language, missing)}\n"
    if html and (missing := [label for label in needed if str(escape(label)) not in html]):
        html += f"\n<p>{escape(details_request(language, missing))}</p>".replace("\n  - ", "<br>\n- ")
    return replace(content, text=text, html=html)


@lru_cache(maxsize=4)  # all mails of one transaction share their moment
def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC))


def _automatic_fields(notice: Notice | Bulletin) -> list[tuple[str, str]]:
    """Return the fields of RFC 3834 section 5; an agent's answer is a person's mail and gets none."""
    if isinstance(notice, Answer) or (isinstance(notice, Closing) and notice.text):
        return []
    kind = "auto-replied" if isinstance(notice, Acknowledgement | StatusAnswer) else "auto-generated"
    return [("Auto-Submitted", kind), ("X-Auto-Response-Suppress", "All")]


def _bulletin_content(notice: Bulletin) -> _Content:
    if is_identity(notice.to):
        return _Content(header_text(notice.subject), f"{body_text(notice.text).strip()}\n")
    language = notice.language if notice.language in LANGUAGES else "en"
    text, footer = body_text(notice.text).strip("\n"), _NO_TICKET[language]
    html = body_text(notice.html)
    inner = frame.inline_styles(f'{html}\n<p class="small">{footer}</p>') if html else ""
    page = frame.page(language, inner) if html else ""
    return _Content(header_text(notice.subject), f"{text}\n\n-- \n{footer}\n", page)


def _join(parts: Sequence[tuple[str, _Content]], number: str, *, in_chat: bool = False) -> _Content:
    """Join the halves in each language. The ticket number is added to the subject later, once."""
    subjects = (header_text(content.subject.replace(bracketed(number), "")) for _, content in parts)
    separator = "\n\n" if in_chat else _SEPARATOR
    text = separator.join(filter(None, (content.text.strip("\n") for _, content in parts)))
    if len(parts) == 1:
        html = parts[0][1].html
    else:
        shown = [(lang, *frame.split_preheader(content.html)) for lang, content in parts if content.html]
        halves = (f'<div lang="{lang}">\n{inner}\n</div>' for lang, _, inner in shown)
        html = "".join(preheader for _, preheader, _ in shown[:1]) + f"\n{_RULE}\n".join(halves)
    page = frame.page(parts[0][0], html) if html else ""
    return _Content(" / ".join(dict.fromkeys(subjects)), f"{text}\n", page)
