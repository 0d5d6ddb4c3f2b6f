"""MAIL and RCPT: parse their paths and parameters, and find the mailbox of a recipient."""

import re
from collections.abc import Mapping

from mailbot.domain.policy import Policy
from mailbot.errors import Refused

# Both expressions need linear time: no two alternatives begin with the same character.
ARGUMENT = re.compile(
    r'(FROM|TO):\s*(?:<((?:"(?:\\.|[^"\\])*"|[^<>"])*)>|([^\s<>"]+))(?:\s+(.*))?', re.IGNORECASE
)
LOCAL = re.compile(
    r'[^\s<>()\[\]\\,;:@"]+|"(?:\\.|[^"\\])*"'
)  # dots anywhere: some carriers' addresses have ".."
DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*|\[[\w.:]+\]")
PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=]+))?")
LONGEST = 512  # RFC 5321 4.5.3.1.3 wants 256 at least, and no limit if possible: bounce addresses grow long

Parameters = Mapping[str, str]  # by name in capitals; "" for one without a value

# Words, no exceptions: one that is raised again and again keeps the frames of all times, sessions and all.
BAD_SENDER = "5.1.7 Bad sender address syntax"
BAD_RECIPIENT = "5.1.3 Bad recipient address syntax"


def sender(argument: str) -> tuple[str, Parameters]:
    """Parse "FROM:<path> parameters" into address ("" is the null sender) and parameters.

    A source route is removed (RFC 5321 appendix C). The address stays as written, since only its owner can
    interpret it. Raises Refused.
    """
    path, parameters = _split(argument, "FROM", BAD_SENDER)
    if path:
        _, domain = _halves(path, BAD_SENDER)
        if not domain:
            raise Refused(501, BAD_SENDER)
    return path, parameters


def recipient(argument: str) -> tuple[str, str, Parameters]:
    """Parse "TO:<path> parameters" into local part (unquoted), domain ("" for <postmaster>) and parameters.

    Raises Refused, with 553 for paths that ask to be relayed further (`%` and `!`).
    """
    path, parameters = _split(argument, "TO", BAD_RECIPIENT)
    if not path.startswith('"') and ("%" in path or "!" in path):
        raise Refused(553, "5.1.3 Source routes by % or ! are not taken")
    local, domain = _halves(path, BAD_RECIPIENT)
    if local.startswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    if not domain and local.lower() != "postmaster":  # RFC 5321 4.5.1: <postmaster> alone must be taken
        raise Refused(501, BAD_RECIPIENT)
    return local, domain, parameters


def resolve_recipient(local: str, domain: str, policy: Policy) -> str:
    """Return the address, in lower case with its +tag, under which one of our mailboxes takes this mail.

    Postmaster (RFC 5321 4.5.1) is the first mailbox of its domain unless it is one itself. Raises Refused.
    """
    local, domain = local.lower(), domain.lower()
    if domain and "@" not in local and policy.mailbox_for(f"{local}@{domain}"):
        return f"{local}@{domain}"
    ours = [
        box.address.lower() for box in policy.mailboxes.values() if not domain or box.domain.lower() == domain
    ]
    if ours and local.partition("+")[0] == "postmaster":
        return ours[0]
    if ours:
        raise Refused(550, "5.1.1 No such mailbox here")
    raise Refused(550, "5.7.1 We take no mail for that domain")


def _split(argument: str, keyword: str, bad: str) -> tuple[str, Parameters]:
    """Split an argument into path, without brackets and source route, and parameters."""
    found = ARGUMENT.fullmatch(argument) if argument.isprintable() else None  # no controls, no stray bytes
    if found is None or found[1].upper() != keyword:
        raise Refused(501, bad)
    path = found[3] if found[2] is None else found[2]
    if path.startswith("@"):
        _, colon, path = path.partition(":")
        if not colon or not path:
            raise Refused(501, bad)
    if len(path) > LONGEST:
        raise Refused(501, bad)
    parameters = _parameters(found[4] or "")
    if not path.isascii() and "SMTPUTF8" not in parameters:
        raise Refused(553, "5.6.7 A non-ASCII address needs SMTPUTF8")
    return path, parameters


def _halves(path: str, bad: str) -> tuple[str, str]:
    """Split a path into local part and domain; without @ it is all local part."""
    local, at, domain = path.rpartition("@")
    if not at:
        local, domain = path, ""
    if not LOCAL.fullmatch(local) or (at and (len(domain) > 255 or not DOMAIN.fullmatch(domain))):
        raise Refused(501, bad)
    return local, domain


def _parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for word in text.split():
        found = PARAMETER.fullmatch(word)
        if found is None or found[1].upper() in parameters:
            raise Refused(501, "5.5.4 Bad parameter syntax")
        parameters[found[1].upper()] = found[2] or ""
    return parameters
