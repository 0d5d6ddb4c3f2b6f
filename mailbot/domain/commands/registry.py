"""The verbs: one table for mail, shell, help and documentation.

Theory of operation. A verb has its words in both languages, the shape of its arguments, and a function that
reads them into a command (`domain.commands`) or refuses. `grammar` finds verbs in a mail, `carry_out` gives
commands their effect. Adding a verb is one entry in VERBS, with its command.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum

import re2

from mailbot.domain import commands as c
from mailbot.domain import ladder, reasons
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.closing.causes import unknown_cause
from mailbot.domain.commands import moments
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.people.identities import MAIL, is_channel, read_identity
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing import money

MOST_WORDS = 500  # characters after a verb

Texts = Mapping[str, str]  # by language


class Below(StrEnum):
    """What the text below the verbs is."""

    ANSWER = "answer"  # it goes to the customer
    NOTE = "note"  # all of it stays with us
    REASON = "reason"  # why: it is kept with the command and never sent


@dataclass(frozen=True, slots=True)
class Reading:
    """What the arguments of a verb are read by. `because`: a reason given apart, by an option of the shell."""

    ticket: Ticket
    by: Actor
    policy: Policy
    at: datetime
    because: str = ""

    def moment(self, words: str) -> datetime | Refusal:
        """Read a moment ahead, in the zone of the ticket's team."""
        try:
            at = moments.read(words, self.at, ladder.calendar_of(self.ticket, self.policy))
        except (ValueError, OverflowError):
            return reasons.refuse("no_moment", words=words[:60])
        if at <= self.at:
            return reasons.refuse("moment_past", words=words[:60])
        too_far = at - self.at > moments.FURTHEST
        return reasons.refuse("moment_too_far", days=moments.FURTHEST.days) if too_far else at


Read = Callable[[str, Reading], c.AnyCommand | tuple[c.AnyCommand, ...] | Refusal]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `name` is its English word and that of the shell.

    - `words`: after "#", by language; the first is the one that help shows.
    - `usage`: its arguments, by language, "" for none. `help`: one line of at most 70 characters.
    - `example`: arguments as people write them, by language; `help` puts names of the policy for what is in braces.
    - `alone`: no other verb may stand in the same mail. `by_mail`: whether mail knows it.
    """

    name: str
    words: Mapping[str, tuple[str, ...]]
    read: Read
    help: Texts
    usage: Texts = field(default_factory=lambda: {"id": "", "en": ""})
    below: Below = Below.ANSWER
    alone: bool = False
    example: Texts = field(default_factory=lambda: {"id": "", "en": ""})


# --- reading arguments ------------------------------------------------------------------------------------


def _nothing(make: Callable[[], c.AnyCommand]) -> Read:
    """Return the reader of a verb without arguments."""

    def read(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
        return reasons.refuse("no_arguments", words=words[:60]) if words else make()

    return read


def _note(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    return c.AddNote(words)


def _take(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    if words:
        return reasons.refuse("no_arguments", words=words[:60])
    by_agent = reading.by.kind is ActorKind.AGENT
    return c.Assign(reading.by.name) if by_agent else reasons.refuse("answer_needs_agent")


def _assign(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    found = find_agent(words, reading.policy)
    return found if isinstance(found, Refusal) else c.Assign(found)


def find_agent(words: str, policy: Policy) -> str | Refusal:
    """Return the address of the agent that `words` name: the address, its local part, or the name."""
    wanted = words.strip().strip("<>@").casefold()
    agents = policy.agents
    if wanted in agents:
        return wanted
    fits = [
        address
        for address, agent in agents.items()
        if wanted
        and wanted in (agent.name.casefold(), address.partition("@")[0], *agent.name.casefold().split())
    ]
    if len(fits) == 1:
        return fits[0]
    if fits:
        return reasons.refuse("several_agents", agent=words[:60], agents=", ".join(sorted(fits)[:5]))
    return reasons.refuse("no_agent_near", agent=words[:60], near=_near(wanted, [*agents, *_names(policy)]))


def _names(policy: Policy) -> list[str]:
    return [agent.name.casefold() for agent in policy.agents.values()]


def _hand_over(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    team, because = find_team(words, reading.policy)
    if not team:
        near = _near(words.casefold(), reading.policy.teams)
        return reasons.refuse("no_team_near", team=words[:60], near=near)
    return c.HandOver(team, because or reading.because)


def find_team(words: str, policy: Policy) -> tuple[str, str]:
    """Return the team that the words begin with, by key or label, and the rest; "" where there is none."""
    labels = policy.labels.get("team", {})
    known = {name: (name, *labels.get(name, {}).values()) for name in policy.teams}
    begins = [
        (len(label), name)
        for name, names in known.items()
        for label in names
        if (words.casefold() + " ").startswith(label.casefold() + " ")
    ]
    length, team = max(begins, default=(0, ""))
    return team, words[length:].strip(" :,-")


def _escalate(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    first, _, rest = words.partition(" ")
    labels = reading.policy.labels.get("level", {})
    for level in reading.policy.levels:
        if first.strip(":,").casefold() in (
            level.casefold(),
            *map(str.casefold, labels.get(level, {}).values()),
        ):
            return c.Escalate(level, rest.strip() or reading.because)
    if _LEVEL.fullmatch(first) or (not rest and get_close_matches(first, reading.policy.levels, 1, 0.8)):
        return reasons.refuse("no_level", level=first, levels=", ".join(reading.policy.levels))
    return c.Escalate("", words or reading.because)


_LEVEL = re2.compile(r"[A-Za-z]{1,2}[0-9]{1,2}")  # meant as a level, where no level has that name


def _work_on(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    if not words:
        return c.WorkOn()
    until = reading.moment(words)
    return until if isinstance(until, Refusal) else c.WorkOn(until)


_CUSTOMER = ("pelanggan", "customer", "the customer", "plgn")
_THIRD_PARTY = ("pihak ketiga", "third party", "third-party", "pihak-ketiga", "pihak lain", "vendor", "bank")


def _wait(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    lowered = words.casefold()
    for name in _CUSTOMER:
        if lowered == name or lowered.startswith(f"{name} "):
            rest = words[len(name) :].strip()
            until = reading.moment(rest) if rest else None
            return until if isinstance(until, Refusal) else c.Wait(Turn.CUSTOMER, until, reading.because)
    for name in _THIRD_PARTY:
        if lowered == name or lowered.startswith(f"{name} "):
            rest = words[len(name) :].strip()
            if not rest:
                return reasons.refuse("wait_needs_end")
            until = reading.moment(rest)
            return until if isinstance(until, Refusal) else c.Wait(Turn.THIRD_PARTY, until, reading.because)
    return reasons.refuse("wait_for_whom", words=words[:60])


def _snooze(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    if not words:
        return c.Snooze(None)
    until = reading.moment(words)
    return until if isinstance(until, Refusal) else c.Snooze(until)


def _close(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    return c.Close(reading.because, words)


def _resolve(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    return c.Resolve(words)


def _reopen(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    return c.Reopen(words or reading.because)


def _priority(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    found = _by_label(words, "priority", reading.policy.ladder_of, reading.policy)
    if not found:
        return reasons.refuse("no_priority", priority=words[:60], known=", ".join(reading.policy.ladder_of))
    return c.Correct(priority=found)


def _cause(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    if not words:
        return unknown_cause(words, reading.ticket, reading.policy)
    return c.Correct(cause=words)


def _category(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    categories = reading.policy.categories
    if not categories and words:
        return c.Correct(category=words.casefold())
    found = _by_label(words, "category", dict.fromkeys(categories, ""), reading.policy)
    if not found:
        return reasons.refuse("no_category", category=words[:60], near=_near(words.casefold(), categories))
    return c.Correct(category=found)


def _by_label(words: str, kind: str, known: Mapping[str, str], policy: Policy) -> str:
    """Return the key that `words` are, by itself or as its label in any language; "" for none."""
    wanted, labels = words.strip().casefold(), policy.labels.get(kind, {})
    for key in known:
        if wanted in (key.casefold(), *(text.casefold() for text in labels.get(key, {}).values())):
            return key
    return ""


def _tag(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    given = [word.casefold() for word in words.replace(",", " ").split()]
    added = tuple(word.removeprefix("+") for word in given if not word.startswith("-"))
    removed = tuple(word.removeprefix("-") for word in given if word.startswith("-"))
    if not given or not all((*added, *removed)):
        return reasons.refuse("no_tags")
    return c.Tag(added, removed)


def _customer(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    address = words.strip().strip("<>").removeprefix("mailto:").lower()
    return c.SetCustomer(address) if address else reasons.refuse("no_address", address=words[:60])


def _link(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    address = read_identity(words)
    return c.LinkIdentity(address) if address else reasons.refuse("no_identity", address=words[:60])


def _unlink(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    address = read_identity(words)
    return c.UnlinkIdentity(address) if address else reasons.refuse("no_identity", address=words[:60])


def _via(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    named = words.strip().casefold()
    channel = _CHANNELS.get(named, named)
    if is_channel(channel):
        return c.AnswerVia(channel)
    address = read_identity(words)
    return c.AnswerVia(address) if address else reasons.refuse("no_identity", address=words[:60])


_CHANNELS = {"email": MAIL, "e-mail": MAIL, "surel": MAIL, "wa": "whatsapp"}  # as people call them


def _participants(words: str, _reading: Reading) -> tuple[c.AnyCommand, ...] | Refusal:
    given = [word.strip("<>,;").lower() for word in words.split()]
    added = tuple(word.removeprefix("+").strip("<>") for word in given if not word.startswith("-"))
    removed = tuple(word.removeprefix("-").strip("<>") for word in given if word.startswith("-"))
    if not given or not all((*added, *removed)):
        return reasons.refuse("no_address", address=words[:60])
    adding = (c.AddParticipants(added),) if added else ()
    return (*adding, c.RemoveParticipants(removed)) if removed else adding


def _compensate(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    # The longest beginning that is an amount: "Rp 50.000 karena terlambat".
    parts = words.split()
    for count in range(min(4, len(parts)), 0, -1):
        try:
            typed = " ".join(parts[:count]).rstrip(":,-")
            digits = typed.replace(".", "").replace(",", "").isdigit()
            amount = money.read(f"Rp{typed}" if digits else typed)
        except ValueError:
            continue
        because = " ".join(parts[count:]).strip(" :,-") or reading.because
        # What stands below goes to the customer: a reason there would be read by the wrong person.
        return c.Compensate(amount, because) if because else reasons.refuse("compensation_needs_why")
    return reasons.refuse("amount_unclear", words=words[:60])


def _approve(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    request, because = _request(words)
    return c.Approve(request, because or reading.because)


def _refuse(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    if reading.ticket.held_for:
        return c.Reject()
    request, because = _request(words)
    return c.Refuse(request, because or reading.because)


def _request(words: str) -> tuple[int | None, str]:
    first, _, rest = words.partition(" ")
    number = first.strip("#:,")
    return (int(number), rest.strip()) if number.isascii() and number.isdigit() else (None, words)


def _decide(words: str, reading: Reading) -> c.AnyCommand | Refusal:
    return c.Decide(words, reading.because) if words else reasons.refuse("decide_needs_option")


def _macro(words: str, _reading: Reading) -> c.AnyCommand | Refusal:
    """Read the name and the values. Without a name it is refused with the names that fit, see `workers.macros`."""
    name, _, rest = words.partition(" ")
    arguments = _pairs(rest)
    return arguments if isinstance(arguments, Refusal) else c.Macro(name.casefold(), arguments)


def _pairs(words: str) -> dict[str, str] | Refusal:
    """Read `name=value name="several words"`; without quotation marks a value goes on until the next name."""
    pairs: dict[str, str] = {}
    name = ""
    rest = words.strip().translate(_QUOTATION_MARKS)
    while rest:
        word, _, tail = rest.partition(" ")
        key, equals, value = word.partition("=")
        if equals and key.isidentifier():
            name = key
            if value.startswith('"'):
                value, closed, tail = rest[len(key) + 2 :].partition('"')
                name = ""
                if not closed:
                    return reasons.refuse("macro_arguments", words=words[:60])
            pairs[key] = value
        elif name:
            pairs[name] += f" {word}"
        else:
            return reasons.refuse("macro_arguments", words=words[:60])
        rest = tail.strip()
    return pairs


_QUOTATION_MARKS = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"')
)  # of mail programs


def _near(wanted: str, known: object) -> str:
    return ", ".join(get_close_matches(wanted, list(known), 3, 0.5))  # type: ignore[call-overload]


# --- the table --------------------------------------------------------------------------------------------


def _words(indonesian: str, english: str) -> Mapping[str, tuple[str, ...]]:
    return {"id": tuple(indonesian.split()), "en": tuple(english.split())}


def _both(indonesian: str, english: str) -> Texts:
    return {"id": indonesian, "en": english}


VERBS: tuple[Verb, ...] = (
    Verb(
        "note",
        _words("catatan", "note"),
        _note,
        _both(
            "di bawahnya catatan untuk tim; @nama memberi tahu", "below is a note; @name notifies a colleague"
        ),
        _both("[teks]", "[text]"),
        Below.NOTE,
        example=_both("sudah dicek di bank", "checked with the bank"),
    ),
    Verb(
        "take", _words("ambil", "take"), _take, _both("tiket ini menjadi milik Anda", "the ticket is yours")
    ),
    Verb(
        "assign",
        _words("tugaskan", "assign"),
        _assign,
        _both("tugaskan kepada petugas lain", "assign it to another agent"),
        _both("PETUGAS", "AGENT"),
        example=_both("{agent}", "{agent}"),
    ),
    Verb(
        "hand-over",
        _words("oper", "handover hand-over"),
        _hand_over,
        _both("serahkan kepada tim lain", "hand it over to another team"),
        _both("TIM [alasan]", "TEAM [why]"),
        example=_both("{team} perlu bukti bayar", "{team} needs the proof of payment"),
    ),
    Verb(
        "escalate",
        _words("naik naikkan eskalasi", "escalate"),
        _escalate,
        _both(
            "naikkan ke tingkat berikutnya atau yang disebut", "raise it to the next level or the one named"
        ),
        _both("[TINGKAT] [alasan]", "[LEVEL] [why]"),
        example=_both("{level} nominalnya besar", "{level} it is a large amount"),
    ),
    Verb(
        "working",
        _words("proses", "working"),
        _work_on,
        _both(
            "masih kami kerjakan; pelanggan diberi tahu sampai kapan",
            "still ours; the customer reads until when",
        ),
        _both("[sampai WAKTU]", "[until TIME]"),
        example=_both("sampai besok 10.00", "until tomorrow 10:00"),
    ),
    Verb(
        "wait",
        _words("tunggu", "wait"),
        _wait,
        _both(
            "menunggu pelanggan, atau pihak ketiga sampai waktu itu",
            "wait for the customer, or a third party",
        ),
        _both("pelanggan | pihak ketiga WAKTU", "customer | third party UNTIL"),
        example=_both("pihak ketiga 3 hari", "third party 3 days"),
    ),
    Verb(
        "snooze",
        _words("tunda", "snooze"),
        _snooze,
        _both("sembunyikan dari daftar kerja sampai waktu itu", "leave it out of the worklist until then"),
        _both("[WAKTU]", "[TIME]"),
        example=_both("Senin 08.00", "Monday 08:00"),
    ),
    Verb(
        "close",
        _words("selesai tutup", "close"),
        _close,
        _both("tutup tiket, dengan penyebabnya", "close the ticket, with its cause"),
        _both("[PENYEBAB]", "[CAUSE]"),
        example=_both("{cause}", "{cause}"),
    ),
    Verb(
        "reopen",
        _words("buka", "reopen"),
        _reopen,
        _both("buka lagi tiket yang sudah ditutup", "reopen a closed ticket"),
        _both("[alasan]", "[why]"),
        example=_both("pelanggan menelepon lagi", "the customer called again"),
    ),
    Verb(
        "priority",
        _words("prioritas", "priority"),
        _priority,
        _both("betulkan prioritas", "correct the priority"),
        _both("PRIORITAS", "PRIORITY"),
        example=_both("{priority}", "{priority}"),
    ),
    Verb(
        "category",
        _words("kategori", "category"),
        _category,
        _both("betulkan kategori", "correct the category"),
        _both("KATEGORI", "CATEGORY"),
        example=_both("{category}", "{category}"),
    ),
    Verb(
        "cause",
        _words("penyebab", "cause"),
        _cause,
        _both("sebutkan penyebabnya, juga setelah selesai", "name the cause, also of a closed ticket"),
        _both("PENYEBAB", "CAUSE"),
        example=_both("{cause}", "{cause}"),
    ),
    Verb(
        "tag",
        _words("tag tanda", "tag"),
        _tag,
        _both("beri atau cabut tanda", "add or remove tags"),
        _both("+x -y", "+x -y"),
        example=_both("+vip -banding", "+vip -appeal"),
    ),
    Verb(
        "customer",
        _words("pelanggan", "customer"),
        _customer,
        _both("betulkan alamat pelanggan", "correct the customer's address"),
        _both("ALAMAT", "ADDRESS"),
        example=_both("siti@pelanggan.example", "siti@customer.example"),
    ),
    Verb(
        "link",
        _words("tautkan", "link"),
        _link,
        _both("alamat itu orang yang sama dengan pelanggan tiket", "it is the same person as the customer"),
        _both("ALAMAT", "ADDRESS"),
        example=_both("WhatsApp +628112233", "WhatsApp +628112233"),
    ),
    Verb(
        "unlink",
        _words("putus-taut", "unlink"),
        _unlink,
        _both("batalkan tautan itu: ternyata orang lain", "take that back: it is another person"),
        _both("ALAMAT", "ADDRESS"),
        example=_both("WhatsApp +628112233", "WhatsApp +628112233"),
    ),
    Verb(
        "via",
        _words("lewat", "via"),
        _via,
        _both("ke mana jawaban tiket ini dikirim", "where answers to this ticket go"),
        _both("SALURAN | ALAMAT", "CHANNEL | ADDRESS"),
        example=_both("whatsapp", "whatsapp"),
    ),
    Verb(
        "participant",
        _words("peserta", "participant participants"),
        _participants,
        _both("tambah atau keluarkan peserta", "add or remove people who take part"),
        _both("+ALAMAT | -ALAMAT", "+ADDRESS | -ADDRESS"),
        example=_both("+atasan@pelanggan.example", "+manager@customer.example"),
    ),
    Verb(
        "compensate",
        _words("kompensasi", "compensate compensation"),
        _compensate,
        _both("minta kompensasi untuk pelanggan", "ask for compensation for the customer"),
        _both("JUMLAH alasan", "AMOUNT why"),
        example=_both("Rp 50.000 paket rusak", "Rp 50,000 damaged parcel"),
    ),
    Verb(
        "approve",
        _words("setuju setujui", "approve"),
        _approve,
        _both("setujui permintaan kompensasi", "approve the request for compensation"),
        _both("[NOMOR] [alasan]", "[REQUEST] [why]"),
        Below.REASON,
    ),
    Verb(
        "refuse",
        _words("tolak", "refuse reject"),
        _refuse,
        _both(
            "tolak permintaan kompensasi, atau email yang ditahan",
            "refuse the request, or reject a held mail",
        ),
        _both("[NOMOR] alasan", "[REQUEST] why"),
        Below.REASON,
        example=_both("bukti kurang", "not enough proof"),
    ),
    Verb(
        "accept",
        _words("terima", "accept"),
        _nothing(c.Accept),
        _both("email yang ditahan memang tentang tiket itu", "a held mail is about the ticket that it names"),
        below=Below.REASON,
        alone=True,
    ),
    Verb(
        "release",
        _words("lepaskan", "release"),
        _nothing(c.Release),
        _both("jadikan email otomatis tiket biasa", "make an automatic mail an ordinary ticket"),
        below=Below.REASON,
    ),
    Verb(
        "decide",
        _words("putuskan", "decide"),
        _decide,
        _both("jawab pertanyaan eskalasi", "answer the question of an escalation"),
        _both("PILIHAN", "OPTION"),
        Below.REASON,
        example=_both("{option}", "{option}"),
    ),
    Verb(
        "macro",
        _words("makro", "macro"),
        _macro,
        _both("kirim teks baku dalam bahasa pelanggan", "send a checked text in the customer's language"),
        _both("NAMA [nama=nilai]", "NAME [name=value]"),
        example=_both("{macro}", "{macro}"),
    ),
    Verb(
        "resolve",
        _words("pulih", "resolved resolve"),
        _resolve,
        _both(
            "gangguan selesai: semua pelapornya mendapat teks di bawahnya",
            "the incident is over: all its customers get the text below",
        ),
        _both("[PENYEBAB]", "[CAUSE]"),
    ),
    Verb(
        "detach",
        _words("lepas", "detach"),
        _nothing(c.LeaveIncident),
        _both("keluarkan dari gangguan: tiket ini perkara sendiri", "take it out of its incident"),
        below=Below.REASON,
    ),
    Verb(
        "undo",
        _words("batal", "undo"),
        _nothing(c.Undo),
        _both("batalkan email terakhir Anda sebelum terkirim", "take your last mail back before it leaves"),
        below=Below.NOTE,
        alone=True,
    ),
    Verb(
        "send",
        _words("kirim", "send"),
        _nothing(c.Send),
        _both("kirim juga jawaban Anda yang ditahan", "send your held answer after all"),
        below=Below.NOTE,
        alone=True,
    ),
    Verb(
        "help",
        _words("bantuan", "help"),
        _nothing(c.Help),
        _both("daftar semua perintah", "list all commands"),
        below=Below.NOTE,
        alone=True,
    ),
)

BY_NAME: Mapping[str, Verb] = {verb.name: verb for verb in VERBS}
BY_WORD: Mapping[str, Verb] = {
    word: verb for verb in VERBS for words in verb.words.values() for word in words
}
