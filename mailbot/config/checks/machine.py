"""The machine's side of mailbot.yaml with the environment above it -> Settings."""

import socket
from collections.abc import Iterator
from pathlib import Path

from mailbot.config.checks import signing
from mailbot.config.environment import Environment, own_name
from mailbot.config.files.mailbot import ImapEntry, LimitsEntry, MailbotFile
from mailbot.config.model import ImapAccount, Limits, Listen, Monitor, Relay, Settings, Trust
from mailbot.config.store_url import store_url
from mailbot.config.yaml.scalars import close_to, is_loopback
from mailbot.config.yaml.source import Source
from mailbot.errors import Problem


def settings(file: MailbotFile, directory: Path, templates: Path, said: Environment) -> Settings:
    """Call `check` first: this one takes the values as they are."""
    tls = file.tls
    host, port = said.listen or file.listen.smtp or ("", None)
    relay_host, relay_port = said.relay or file.relay.address
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
        store=store_url(file.store, directory, said),
        relay=Relay(
            relay_host,
            relay_port,
            file.relay.tls,
            file.relay.user,
            said.relay_password,
            file.relay.connections,
        ),
        trust=Trust(
            tuple(file.trust.authserv_ids),
            tuple(file.trust.agent_networks),
            tuple(file.trust.front_networks),
            tuple(file.trust.proxy_networks),
            verify=file.trust.verify,
            resolver=file.trust.resolver,
        ),
        monitor=Monitor(*file.monitor) if file.monitor else None,
        limits=_limits(file.limits, said),
        log=said.log or file.log or "",
        secret=said.secret,
        imap=tuple(_account(entry, said) for entry in file.imap),
        dkim=signing.dkim(file.dkim, said),
        shadow=(directory / file.shadow).absolute() if file.shadow else None,
    )


def _account(entry: ImapEntry, said: Environment) -> ImapAccount:
    after, folder = entry.after
    return ImapAccount(
        host=entry.host,
        port=entry.port or (993 if entry.tls == "implicit" else 143),
        user=entry.user,
        mailbox=entry.mailbox,
        tls=entry.tls,
        folder=entry.folder,
        after=after,
        move_to=folder,
        every=entry.every,
        password=said.imap_password(entry.user),
    )


def check(
    file: MailbotFile, source: Source, directory: Path, templates: Path, said: Environment
) -> Iterator[Problem]:
    """What is wrong with the machine's side, beyond its shape."""
    for key in ("certificate", "key") if file.tls else ():
        path = directory / str(getattr(file.tls, key))
        if not path.is_file():
            yield source.at_value(("tls", key), f"there is no file {path}")
    if file.relay.user and not _is_private(file, said):
        hint = "with `tls: required` or `tls: implicit` it can't be read on the way"
        yield source.at_value(
            ("relay", "tls"), f"`{file.relay.tls}` may send the relay's password in the clear", hint
        )
    yield from _imap_problems(file, source)
    yield from signing.problems(file, source, said)
    for index, box in enumerate(file.mailboxes):
        if box.language and templates.is_dir() and not (templates / box.language).is_dir():
            known = tuple(sorted(path.name for path in templates.iterdir() if path.is_dir()))
            place = ("mailboxes", index, "language")
            yield source.at_value(
                place, f"there are no templates for `{box.language}`", close_to(box.language, known)
            )


def _imap_problems(file: MailbotFile, source: Source) -> Iterator[Problem]:
    boxes = tuple(box.address for box in file.mailboxes)
    first: dict[tuple[str, str, str], int] = {}
    for index, entry in enumerate(file.imap):
        place, folder = ("imap", index), _folder_key(entry.folder)
        if entry.mailbox not in boxes:
            yield source.at_value(
                (*place, "mailbox"),
                f"`{entry.mailbox}` is no mailbox of ours",
                close_to(entry.mailbox, boxes),
            )
        if entry.tls == "none" and not is_loopback(entry.host):
            hint = "with `tls: implicit` or `tls: starttls` it can't be read on the way"
            yield source.at_value((*place, "tls"), "`none` sends the password in the clear", hint)
        if _folder_key(entry.after[1]) == folder:
            message = f"its mail would be moved to where it is: `{entry.folder}`"
            yield source.at_value((*place, "after"), message, "name another folder")
        before = first.setdefault((entry.user, entry.host, folder), index)
        if before != index:
            hint = f"the first is on line {source.values[('imap', before)][0]}"
            yield source.at_value(place, "this folder is fetched already", hint)


def _folder_key(folder: str) -> str:
    return "INBOX" if folder.upper() == "INBOX" else folder  # RFC 3501 5.1: the one name in any case


def remarks(file: MailbotFile, source: Source, said: Environment) -> Iterator[Problem]:
    if file.relay.user and not said.relay_password:
        hint = "give it as MAILBOT_RELAY_PASSWORD or as the systemd credential mailbot-relay-password"
        yield source.at_value(("relay", "user"), "the relay wants a password, none is here", hint)
    if said.relay_password and not file.relay.user:
        yield Problem("MAILBOT_RELAY_PASSWORD", 0, 0, "is of no use: relay.user is not set")
    yield from signing.remarks(file, source, said)
    for index, entry in enumerate(file.imap):
        if not said.imap_password(entry.user):
            own = f"MAILBOT_IMAP_PASSWORD{own_name(entry.user)}"
            hint = f"give it as MAILBOT_IMAP_PASSWORD or {own}, or as the systemd credential of such a name"
            yield source.at_value(
                ("imap", index, "user"), "this account wants a password, none is here", hint
            )
    for name in said.imap_passwords.keys() - {"", *(own_name(entry.user) for entry in file.imap)}:
        yield Problem(
            f"MAILBOT_IMAP_PASSWORD{name}", 0, 0, "is of no use: there is no such account in `imap`"
        )


def _hostname(file: MailbotFile) -> str:
    """This machine's full name if it knows it; else the first mailbox's domain (DNS could take minutes)."""
    own = socket.gethostname()
    return own if "." in own else file.mailboxes[0].address.rpartition("@")[2]


def _limits(entry: LimitsEntry, said: Environment) -> Limits:
    limits = Limits(**dict(entry))
    return limits if said.limits else limits.without_rates()


def _is_private(file: MailbotFile, said: Environment) -> bool:
    host = (said.relay or file.relay.address)[0]
    return file.relay.tls in ("required", "implicit") or is_loopback(host)
