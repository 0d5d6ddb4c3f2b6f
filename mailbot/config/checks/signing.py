"""Check and build what verifying senders and signing our mail need besides the YAML."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from ipaddress import ip_address

from mailbot.config.environment import Environment
from mailbot.config.files.mailbot import DkimEntry, MailbotFile
from mailbot.config.model import Dkim, PrivateKey
from mailbot.config.yaml.scalars import message_and_hint
from mailbot.config.yaml.source import Source
from mailbot.errors import Problem, install_hint

# The fields that answers and notices have. Left out: trace headers, and what relays add.
HEADERS = (
    *("from", "to", "reply-to", "subject", "date", "message-id", "in-reply-to", "references"),
    *("auto-submitted", "mime-version", "content-type", "content-transfer-encoding"),
)
BITS = range(2048, 4097)  # of an RSA key: less is forged one day, more does not fit into the DNS everywhere
KEY_HINT = (
    "give it as MAILBOT_DKIM_KEY, in a MAILBOT_DKIM_KEY_FILE, or as the systemd credential mailbot-dkim-key"
)
INSTALL = install_hint("auth")


def dkim(entry: DkimEntry | None) -> Dkim | None:
    """Build how our mail is signed, without the key."""
    if entry is None:
        return None
    headers = tuple(dict.fromkeys(("from", *entry.headers))) if entry.headers else HEADERS
    return Dkim(entry.domain, entry.selector, headers, None)


def with_key(dkim: Dkim | None, environment: Environment) -> Dkim | None:
    """Add the key, after `problems` found none; without one `key` stays None."""
    return dkim and replace(dkim, key=read_key(environment.dkim_key) if environment.dkim_key else None)


def problems(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List missing packages, a resolver by name, a domain without mailboxes, an unusable key."""
    if file.trust.verify and (missing := _missing("cryptography", "dns")):
        yield source.at_value(("trust", "verify"), f"`{missing}` is not installed", INSTALL)
    if file.trust.resolver and not _is_ip(file.trust.resolver[0]):
        message = f"`{file.trust.resolver[0]}` is a name, and there is no other resolver to look it up"
        yield source.at_value(("trust", "resolver"), message, "write its IP address, like 127.0.0.1:53")
    if file.dkim is None:
        return
    if _missing("cryptography"):
        yield source.at_key(("dkim",), "`cryptography` is not installed", INSTALL)
        return
    domain = file.dkim.domain
    if not any(_is_under(box.address, domain) for box in file.mailboxes):
        message = f"no mailbox is in `{domain}`: nothing would be signed"
        yield source.at_value(("dkim", "domain"), message, "name the domain of your mailboxes' addresses")
    if environment.dkim_key:
        try:
            read_key(environment.dkim_key)
        except ValueError as error:
            yield Problem("MAILBOT_DKIM_KEY", 0, 0, *message_and_hint(error))


def warnings(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List a missing key, mailboxes whose mail is not signed, settings that have no effect."""
    if file.dkim is None and environment.dkim_key:
        yield Problem("MAILBOT_DKIM_KEY", 0, 0, "has no effect: dkim is not set")
    if file.dkim is not None and not environment.dkim_key:
        yield source.at_key(
            ("dkim",), "the key is missing: `mailbot run` will not start without it", KEY_HINT
        )
    for index, box in enumerate(file.mailboxes):
        place = ("mailboxes", index)
        if file.dkim is not None and not _is_under(box.address, file.dkim.domain):
            yield source.at_value(
                (*place, "address"), f"its mail is not signed: dkim.domain is `{file.dkim.domain}`"
            )
        if file.trust.verify or file.trust.authserv_ids:
            continue
        hint = "set trust.authserv_ids, or trust.verify"
        if box.unauthenticated != "neutral":
            message = "nobody gets automatic answers: without authentication no sender can pass"
            yield source.at_value((*place, "unauthenticated"), message, hint)
        if box.rich_acknowledgements and "rich_acknowledgements" in box.model_fields_set:
            yield source.at_value(
                (*place, "rich_acknowledgements"), "has no effect: nobody authenticates senders", hint
            )


def read_key(pem: bytes) -> PrivateKey:
    """Load the private key in `pem`: RSA of 2,048 to 4,096 bits, or Ed25519.

    Raises ValueError(message, hint).
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    how = "`openssl genrsa 2048` makes one"
    try:
        key = load_pem_private_key(pem.replace(b"\\n", b"\n"), None)
    except TypeError:
        raise ValueError("is encrypted with a password", "`openssl pkey -in KEY` takes it off") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a private key in PEM form", how) from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("is neither an RSA nor an Ed25519 key", how)
    if key.key_size not in BITS:
        raise ValueError(f"has {key.key_size} bits, {BITS[0]} to {BITS[-1]} are needed", how)
    return key


def _missing(*modules: str) -> str:
    return next((name for name in modules if find_spec(name) is None), "").replace("dns", "dnspython")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_under(address: str, domain: str) -> bool:
    return f".{address.rpartition('@')[2]}".endswith(f".{domain}")
