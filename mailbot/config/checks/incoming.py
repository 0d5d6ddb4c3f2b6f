"""Check and build the programs that send what people wrote: each map is tried with its sample."""

from base64 import b64decode
from collections.abc import Iterator

from mailbot.config.environment import ANSWERS, CALLS, MIN_SECRET, Environment, own_name
from mailbot.config.files.incoming import IncomingEntry
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.model import Incoming
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.programs.call import CallMap, FilesMap, Said, example
from mailbot.domain.programs.places import read_document
from mailbot.errors import Problem

# Ways in that have a name of their own, and words that would mislead people.
TAKEN = frozenset(
    {
        *("mail", "page", "form", "api", "web", "chat", "phone", "telegram", "whatsapp", "incoming"),
        *("smtp", "lmtp", "imap", "pipe"),
    }
)
HEADERS = {"standard": "webhook-signature", "hmac": "X-Hub-Signature-256", "token": "Authorization"}
PREFIX = "whsec_"


def build(file: MailbotFile, first: str) -> tuple[Incoming, ...]:
    """Build the programs, without their secrets. `first`: the first mailbox."""
    return tuple(
        Incoming(
            entry.name,
            entry.mailbox or first,
            entry.signature,
            entry.header or HEADERS[entry.signature],
            _map(entry),
            entry.vouched,
            entry.send.url if entry.send else "",
        )
        for entry in file.channels.incoming
    )


def _map(entry: IncomingEntry) -> CallMap:
    files = FilesMap(**entry.map.files.model_dump()) if entry.map.files else None
    when = {place: tuple(values) for place, values in entry.when.items()}
    return CallMap(**entry.map.model_dump(exclude={"files"}), files=files, when=when)


def problems(file: MailbotFile, source: Source) -> Iterator[Problem]:
    """List names that are taken, maps that do not fit their sample, and answers without a way."""
    seen: set[str] = set()
    for index, entry in enumerate(file.channels.incoming):
        place: Place = ("channels", "incoming", index)
        if entry.name in TAKEN or entry.name in seen:
            hint = "name it as the program, such as marketplace"
            yield source.at_value((*place, "name"), f"`{entry.name}` is the name of another channel", hint)
        seen.add(entry.name)
        if entry.header and entry.signature == "standard":
            message = "Standard Webhooks name their own headers"
            yield source.at_key((*place, "header"), message, "leave it out, or write `signature: hmac`")
        yield from _sample_problems(entry, source, place)


def _sample_problems(entry: IncomingEntry, source: Source, place: Place) -> Iterator[Problem]:
    try:
        document = read_document(entry.sample.encode())
    except ValueError as error:
        yield source.at_value((*place, "sample"), str(error), "paste the body of one call, as it came")
        return
    try:
        said = example(_map(entry), document)
    except ValueError as error:
        yield source.at_key((*place, "map"), f"it does not fit `sample`: {error.args[0]}", "")
        return
    yield from _answer_problems(entry, said, source, place)


def _answer_problems(entry: IncomingEntry, said: Said, source: Source, place: Place) -> Iterator[Problem]:
    if "@" not in said.author and entry.send is None:
        message = f"answers to `{said.author[:60]}` have no way"
        hint = "name `send`, or map an address of mail as `author`"
        yield source.at_value((*place, "map", "author"), message, hint)


def warnings(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List secrets that are missing, short or of no use."""
    known = set()
    for index, entry in enumerate(file.channels.incoming):
        for kind in (CALLS, ANSWERS) if entry.send else (CALLS,):
            name = f"{kind}{own_name(entry.name)}"
            known.add(name)
            if fault := _fault(environment.channel_secrets.get(name, "")):
                hint = (
                    f"give it as MAILBOT_{name} or as a systemd credential; `openssl rand -hex 32` makes one"
                )
                place: Place = ("channels", "incoming", index)
                yield source.at_value(place, f"MAILBOT_{name} {fault}: it can't work", hint)
    for name in environment.channel_secrets:
        if name.startswith((f"{CALLS}_", f"{ANSWERS}_")) and name not in known:
            yield Problem(f"MAILBOT_{name}", 0, 0, "has no effect: there is no such channel in `incoming`")


def _fault(secret: str) -> str:
    """Return what is wrong with a secret, or with one of two; "" for nothing."""
    if not secret.split():
        return "is missing"
    for each in secret.split():
        text = each.removeprefix(PREFIX)
        if len(text) < MIN_SECRET:
            return f"has less than {MIN_SECRET} letters"
        if each.startswith(PREFIX) and not _is_base64(text):
            return f"is no base64 after {PREFIX}"
    return ""


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except ValueError:
        return False
