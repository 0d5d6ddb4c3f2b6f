"""Read a customer's mail that an agent forwards, attached or inline, in the words of many mail programs."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mailbot.domain.model import Attachment, Contact, InboundMail
from mailbot.mail.replies.new_text import extract_new_text
from mailbot.mail.replies.quotes import BLANK, FORWARDED, LONGEST_LINE, SEPARATOR

_LINES = 2_000  # that are searched
_HEAD_LINES = 14
_FIELDS = 3  # of a mail head, with its sender
_WRAPPED = 2  # lines of one field
_SUBJECT_PREFIX = re.compile(
    r"\s*(?:fwd?|fw|trs|terusan|teruskan|diteruskan|wg|tr|rv|i|enc|doorst|vl|vb|vs|pd|i̇lt|ilt|转发|轉寄|転送|전달)\s?[:：]\s*",
    re.IGNORECASE,
)
# Words for "forwarded" between dashes, or in front of a colon.
_FORWARDED = re.compile(
    r"[-_=>* ]{3,}.{0,12}(?:forwarded|diteruskan|terusan|dimajukan|weitergeleitet|transféré|transmis|reenviado"
    r"|encaminhada|inoltrato|doorgestuurd|vidarebefordrat|videresend|przekazana|przesłana|пересылаем|пересланное"
    r"|iletilen|転送|转发|轉寄|전달).{0,30}[-_=*: ]{2,}\Z"
    r"|.{0,12}(?:begin forwarded message|awal pesan|anfang der weitergeleiteten|début du message)\b.{0,30}[:：]\Z",
    re.IGNORECASE,
)
_FIELD = re.compile(r"[>*_|\s]*([^\W\d_][^:：\n]{0,30}?)\s?[*_]*\s?[:：](?!//)[*_\s]*(.*)")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+){1,8}")
_FROM = frozenset(
    """
    from dari pengirim daripada von de van da från fra od от отправитель kimden gönderen lähettäjä expéditeur
    remitente mittente afzender avsändare nadawca 差出人 送信者 发件人 發件人 寄件者 보낸사람 từ від
    """.split()  # noqa: SIM905 - words in rows can be read
) | {"보낸 사람", "от кого"}
_SUBJECT = frozenset(
    """
    subject perihal subjek subyek judul betreff objet asunto assunto oggetto onderwerp ämne emne temat тема konu
    aihe 件名 主题 主旨 제목
    """.split()  # noqa: SIM905 - words in rows can be read
)


@dataclass(frozen=True, slots=True)
class ForwardedMail:
    """The mail inside: nothing of it is proven. `cover`: what the agent wrote above it."""

    sender: Contact
    subject: str
    text: str
    cover: str
    message_id: str = ""


def read_forwarded(
    mail: InboundMail, parse: Callable[[bytes], InboundMail], is_outside: Callable[[str], bool]
) -> ForwardedMail | None:
    """Return the first mail of somebody outside that `mail` forwards, None where it forwards none."""
    for attachment in mail.attachments:
        if found := _attached(mail, attachment, parse, is_outside):
            return found
    lines = mail.text.split("\n", _LINES)[:_LINES]
    by_subject = _SUBJECT_PREFIX.match(mail.subject) is not None
    for number, head in _heads(lines):
        if (by_subject or _is_announced(lines, number)) and is_outside(head.sender.address):
            return _inline(mail, lines, number, head)
    return None


def _attached(
    mail: InboundMail,
    attachment: Attachment,
    parse: Callable[[bytes], InboundMail],
    is_outside: Callable[[str], bool],
) -> ForwardedMail | None:
    if attachment.type != "message/rfc822" or not attachment.content:
        return None
    inside = parse(attachment.content)
    if not inside.sender or not is_outside(inside.sender):
        return None
    cover = "" if mail.visible.strip() == inside.text.strip() else mail.visible
    sender = Contact(inside.sender_name, inside.sender)
    return ForwardedMail(sender, inside.subject, inside.visible, cover, inside.message_id)


@dataclass(frozen=True, slots=True)
class _Head:
    sender: Contact
    subject: str
    end: int  # the line after it


def _heads(lines: Sequence[str]) -> Iterator[tuple[int, _Head]]:
    for number, line in enumerate(lines):
        found = _FIELD.match(line[:LONGEST_LINE]) if ":" in line or "：" in line else None
        if found and found[1].casefold() in _FROM and (head := _head(lines, number)):
            yield number, head


def _head(lines: Sequence[str], number: int) -> _Head | None:
    """Return the head that begins with this line, None without an address or with too few fields."""
    fields: list[tuple[str, str]] = []
    end, wrapped = number, ""
    for at in range(number, min(number + _HEAD_LINES, len(lines))):
        line = lines[at][:LONGEST_LINE]
        if found := _FIELD.match(line):
            if wrapped:
                fields[-1] = fields[-1][0], fields[-1][1] + wrapped
            fields.append((found[1].casefold(), found[2].strip(BLANK)))
            end, wrapped = at + 1, ""
        elif line.strip(BLANK + ">") and at < end + _WRAPPED:
            wrapped += f" {line.strip(BLANK + '>')}"
        else:
            break
    address = _ADDRESS.search(fields[0][1]) if fields else None
    if address is None or len(fields) < _FIELDS:
        return None
    name = re.sub(r"\bmailto:", "", fields[0][1][: address.start()]).strip(BLANK + "<>[]()\"'*")
    subject = next((value for label, value in fields if label in _SUBJECT), "")
    return _Head(Contact(name, address[0].lower()), subject, end)


def _is_announced(lines: Sequence[str], number: int) -> bool:
    """Check for a line above the head that calls it forwarded or original."""
    above = [line.strip(BLANK + ">") for line in lines[max(0, number - 4) : number]]
    last = next((line for line in reversed(above) if line), "")[:LONGEST_LINE]
    return any(pattern.match(last) for pattern in (FORWARDED, SEPARATOR, _FORWARDED))


def _inline(mail: InboundMail, lines: Sequence[str], number: int, head: _Head) -> ForwardedMail:
    above = list(lines[:number])
    while above and (not above[-1].strip(BLANK + ">-_=*") or _is_announced([*above, ""], len(above))):
        above.pop()
    below = list(lines[head.end :])
    if lines[number].lstrip(BLANK).startswith(">"):
        below = [re.sub(r"^\s*> ?", "", line) for line in below]
    text = "\n".join(below).strip("\n ")
    subject = head.subject or _SUBJECT_PREFIX.sub("", mail.subject, count=1)
    cover = "\n".join(above).strip()
    return ForwardedMail(head.sender, subject, extract_new_text(text, is_reply=True), cover)
