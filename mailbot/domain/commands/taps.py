"""One-tap links: what a notice offers by a link that opens a ready mail, and what the code in its address means.

Theory of operation. The address holds a code, the nonce of the notice and a MAC over both, the ticket and the agent
(see `mail.compose.reply_tokens`). The code alone says what to do: a letter for the verb, digits for its argument.
The text of the mail does nothing. A link works once, for its agent, within VALID_FOR.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.ladder import open_question
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal

VALID_FOR = timedelta(days=14)
MOST_OPTIONS = 9

Texts = Mapping[str, str]  # by language


@dataclass(frozen=True, slots=True)
class Tap:
    """One link: its code, its label, and the verb that does the same, in both languages."""

    code: str
    label: Texts
    word: Texts


def _tap(code: str, indonesian: tuple[str, str], english: tuple[str, str]) -> Tap:
    return Tap(code, {"id": indonesian[0], "en": english[0]}, {"id": indonesian[1], "en": english[1]})


TAKE = _tap("t", ("Ambil", "#ambil"), ("Take", "#take"))
WAIT = _tap("w", ("Tunggu pelanggan", "#tunggu pelanggan"), ("Wait for customer", "#wait customer"))
CLOSE = _tap("c", ("Selesai", "#selesai"), ("Close", "#close"))
REJECT = _tap("r", ("Tolak", "#tolak"), ("Reject", "#reject"))
ACCEPT = _tap("a", ("Terima", "#terima"), ("Accept", "#accept"))
UNDO = _tap("u", ("Batalkan", "#batal"), ("Undo", "#undo"))


def approve(request: str) -> Tap:
    return _tap(f"y{request}", ("Setuju", f"#setuju {request}"), ("Approve", f"#approve {request}"))


def refuse(request: str) -> Tap:
    return _tap(f"n{request}", ("Tolak", f"#tolak {request}"), ("Refuse", f"#refuse {request}"))


def options(given: tuple[str, ...]) -> tuple[Tap, ...]:
    """Return a link for each option of a question."""
    return tuple(
        _tap(f"d{place}{_check(option)}", (option, f"#putuskan {option}"), (option, f"#decide {option}"))
        for place, option in enumerate(given[:MOST_OPTIONS], 1)
    )


def _check(option: str) -> str:
    """Return three digits by which an option is known that stands in another's place by now."""
    return f"{int.from_bytes(sha256(option.encode()).digest()[:4]) % 1000:03}"


def command_of(code: str, ticket: Ticket, by: Actor, policy: Policy) -> c.AnyCommand | Refusal:
    """Return what a code stands for on this ticket."""
    verb, argument = code[:1], code[1:]
    match verb:
        case "t":
            return c.Assign(by.name)
        case "w":
            return c.Wait(Turn.CUSTOMER)
        case "c":
            return c.Close()
        case "r":
            return c.Reject()
        case "a":
            return c.Accept()
        case "u":
            return c.Undo()
        case "y" | "n" if argument:
            return c.Approve(int(argument)) if verb == "y" else c.Refuse(int(argument))
        case "d" if argument:
            return _option(int(argument[0]), argument[1:], ticket, policy)
    return reasons.refuse("tap_unknown")


def _option(place: int, check: str, ticket: Ticket, policy: Policy) -> c.AnyCommand | Refusal:
    asked = open_question(ticket, policy)
    if asked is None:
        return reasons.refuse("no_question", ticket=ticket.number)
    chosen = asked.options[place - 1 : place]
    if not chosen or _check(chosen[0]) != check:
        return reasons.refuse("tap_changed")
    return c.Decide(chosen[0])
