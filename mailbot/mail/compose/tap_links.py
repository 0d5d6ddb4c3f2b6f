"""The one-tap links of a notice to our people: each opens a mail that is ready to be sent (RFC 6068)."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import quote

from mailbot.domain.commands import taps
from mailbot.domain.commands.taps import Tap
from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import AnswerHeld, CompensationWanted, Notice, Question, Receipt, TeamNotice
from mailbot.mail.compose.notice_values import Value, takes_reply

_READY = {"id": "Kirim email ini apa adanya.", "en": "Just send this mail as it is."}
_NOTE = {"id": ("Catatan", "#catatan"), "en": ("Note", "#note")}
_SEND = {"id": ("Tetap kirim", "#kirim"), "en": ("Send all the same", "#send")}

Address = Callable[[str], str]  # of a code; raises ValueError where a mailbox's address has no room for it


def tap_links(notice: Notice, language: str, address: Address, reply_to: str) -> tuple[dict[str, Value], ...]:
    """Return for each link its `label`, the verb that does the same as `word`, and the `link`.

    `address`: of a code. `reply_to`: where the agent's replies go.
    """
    links = [*_links(notice, language, address)]
    if isinstance(notice, TeamNotice) and takes_reply(notice):
        label, word = _NOTE[language]
        links.insert(
            int(offered(notice)[:1] == (taps.TAKE,)),
            {"label": label, "word": word, "link": _mailto(notice, label, reply_to, f"{word}\r\n\r\n")},
        )
    if isinstance(notice, AnswerHeld) and notice.own:
        label, word = _SEND[language]
        links.append({"label": label, "word": word, "link": _mailto(notice, label, reply_to, f"{word}\r\n")})
    return tuple(links)


def _links(notice: Notice, language: str, address: Address) -> Iterator[dict[str, Value]]:
    for tap in offered(notice):
        try:
            to = address(tap.code)
        except ValueError:
            continue  # the verb can be written all the same
        label = tap.label[language]
        yield {
            "label": label,
            "word": tap.word[language],
            "link": _mailto(notice, label, to, _READY[language]),
        }


def offered(notice: Notice) -> tuple[Tap, ...]:
    """Return the links of a notice, the most usual one first."""
    match notice:
        case TeamNotice(why=NoticeKind.UNCONFIRMED):
            return (taps.ACCEPT, taps.REJECT)
        case TeamNotice() if takes_reply(notice):
            is_own = notice.owner == notice.to and not notice.confirm_by
            return (taps.WAIT, taps.CLOSE) if is_own else (taps.TAKE, taps.WAIT, taps.CLOSE)
        case Question():
            return taps.options(notice.choices)
        case CompensationWanted():
            return taps.approve(notice.request), taps.refuse(notice.request)
        case Receipt(undo_until=until) if until:
            return (taps.UNDO,)
    return ()


def _mailto(notice: Notice, label: str, to: str, body: str) -> str:
    # "+" as %2B: some programs read a plain one as a space. Cut there, since quoting costs ten times as much.
    address = "%2B".join(quote(part, safe="@") for part in to.split("+"))
    number = f"%20%5B{notice.number}%5D"  # as `bracketed` writes it
    return f"mailto:{address}?subject={_quoted(label)}{number}&body={_quoted(body)}"


_quoted = lru_cache(maxsize=256)(quote)  # labels and bodies: the same in each notice
