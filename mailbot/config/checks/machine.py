"""Check the machine's side of mailbot.yaml and build Settings from it."""

import socket
from collections.abc import Iterator
from pathlib import Path

from mailbot.config.build import values_of
from mailbot.config.checks import channels, console, networks, signing, webhooks
from mailbot.config.environment import Environment, own_name
from mailbot.config.files.mailbot import ImapEntry, MailbotFile
from mailbot.config.model import ImapAccount, Limits, Listen, Monitor, Relay, Settings, Trust
from mailbot.config.yaml.scalars import is_loopback, suggest
from mailbot.config.yaml.source import Source
from mailbot.errors import Problem


def settings(file: MailbotFile, directory: Path, templates: Path) -> Settings:
    """Build the settings of a file in which `check` found no problem, without what the environment adds."""
    tls = file.tls
    host, port = file.listen.smtp or ("", None)
    return Settings(
        directory=directory,
        templates=templates,
        hostname=file.hostname or _hostname(file),
        listen=Listen(
            host,
            port,
            certificate=(directory / tls.certificate).absolute() if tls else None,
            key=(directory / tls.key).absolute() if tls else None,
            require_tls=bool(tls and tls.required),
            lmtp=file.listen.lmtp,
        ),
        store="",
        relay=Relay(
            *file.relay.address,
            file.relay.tls,
            file.relay.user,
            connections=file.relay.connections,
        ),
        trust=Trust(**values_of(file.trust, "forms", "lists")),
        monitor=Monitor(*file.monitor) if file.monitor else None,
        console=console.build(file),
        channels=channels.build(file),
        webhooks=webhooks.build(file),
        limits=Limits(**file.limits.model_dump(exclude={"filed_per_hour"})),
        log=file.log or "",
        secret=None,
        imap=tuple(map(_account, file.imap)),
        dkim=signing.dkim(file.dkim),
        shadow=(directory / file.shadow).absolute() if file.shadow else None,
    )


def _account(entry: ImapEntry) -> ImapAccount:
    after, folder = entry.after
    return ImapAccount(
        **values_of(entry, "port", "after"),
        port=entry.port or (993 if entry.tls == "implicit" else 143),
        after=after,
        move_to=folder,
    )


def check(
    file: MailbotFile, source: Source, directory: Path, templates: Path, environment: Environment
) -> Iterator[Problem]:
    """List the problems of the machine's side beyond its shape: files, passwords in the clear, IMAP, DKIM, networks."""
    for key in ("certificate", "key") if file.tls else ():
        path = directory / str(getattr(file.tls, key))
        if not path.is_file():
            yield source.at_value(("tls", key), f"there is no file {path}")
    if file.relay.user and not _is_private(file, environment):
        hint = "with `tls: required` or `tls: implicit` it can't be read on the way"
        message = f"`{file.relay.tls}` may send the relay's password in the clear"
        yield source.at_value(("relay", "tls"), message, hint)
    yield from _imap_problems(file, source)
    yield from signing.problems(file, source, environment)
    yield from networks.check(file, source)
    yield from console.problems(file, source)
    yield from channels.problems(file, source)
    yield from webhooks.problems(file, source)
    for index, box in enumerate(file.mailboxes):
        named = "language" in box.model_fields_set and box.language != "both"
        if named and templates.is_dir() and not (templates / box.language).is_dir():
            known = tuple(sorted(path.parent.name for path in templates.glob("*/acknowledgement.txt.j2")))
            message, hint = f"there are no templates for `{box.language}`", suggest(box.language, known)
            yield source.at_value(("mailboxes", index, "language"), message, hint)


def _imap_problems(file: MailbotFile, source: Source) -> Iterator[Problem]:
    boxes = tuple(box.address for box in file.mailboxes)
    first: dict[tuple[str, str, str], int] = {}
    for index, entry in enumerate(file.imap):
        place, folder = ("imap", index), _folder_key(entry.folder)
        if entry.mailbox not in boxes:
            message, hint = f"`{entry.mailbox}` is not one of our mailboxes", suggest(entry.mailbox, boxes)
            yield source.at_value((*place, "mailbox"), message, hint)
        if entry.tls == "none" and not is_loopback(entry.host):
            hint = "with `tls: implicit` or `tls: starttls` it can't be read on the way"
            yield source.at_value((*place, "tls"), "`none` sends the password in the clear", hint)
        if _folder_key(entry.after[1]) == folder:
            message = f"its mail would be moved into the folder it is in: `{entry.folder}`"
            yield source.at_value((*place, "after"), message, "name another folder")
        before = first.setdefault((entry.user, entry.host, folder), index)
        if before != index:
            hint = f"the first is on line {source.line_of(('imap', before))}"
            yield source.at_value(place, "this folder is already fetched", hint)


def _folder_key(folder: str) -> str:
    return "INBOX" if folder.upper() == "INBOX" else folder  # RFC 3501 5.1: the one name in any case


def warnings(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List passwords that are missing or of no use."""
    if file.relay.user and not environment.relay_password:
        hint = "give it as MAILBOT_RELAY_PASSWORD or as the systemd credential mailbot-relay-password"
        yield source.at_value(("relay", "user"), "the relay needs a password, there is none", hint)
    if environment.relay_password and not file.relay.user:
        yield Problem("MAILBOT_RELAY_PASSWORD", 0, 0, "has no effect: relay.user is not set")
    yield from signing.warnings(file, source, environment)
    yield from console.warnings(file, source, environment)
    yield from channels.warnings(file, source, environment)
    yield from webhooks.warnings(file, source, environment)
    for index, entry in enumerate(file.imap):
        if not environment.imap_password(entry.user):
            own = f"MAILBOT_IMAP_PASSWORD{own_name(entry.user)}"
            hint = f"give it as MAILBOT_IMAP_PASSWORD or {own}, or as the systemd credential of such a name"
            message = "this account needs a password, there is none"
            yield source.at_value(("imap", index, "user"), message, hint)
    for name in environment.imap_passwords.keys() - {"", *(own_name(entry.user) for entry in file.imap)}:
        message = "has no effect: there is no such account in `imap`"
        yield Problem(f"MAILBOT_IMAP_PASSWORD{name}", 0, 0, message)


def _hostname(file: MailbotFile) -> str:
    """Return this machine's full name, else the first mailbox's domain: asking the DNS could take minutes."""
    own = socket.gethostname()
    return own if "." in own else file.mailboxes[0].address.rpartition("@")[2]


def _is_private(file: MailbotFile, environment: Environment) -> bool:
    host = (environment.relay or file.relay.address)[0]
    return file.relay.tls in ("required", "implicit") or is_loopback(host)
