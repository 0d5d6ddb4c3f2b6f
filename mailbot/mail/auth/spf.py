"""May this host send mail for this domain? Sender Policy Framework (RFC 7208), bounded at every step.

Theory of operation. A record is read whole before any of it is evaluated, so that a fault anywhere makes a
"permerror" (section 4.6). Evaluation stops at ten terms that ask the DNS and at two that get nothing (4.6.4);
those two bounds hold over all included records together, and so they bound the depth as well.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import quote

from mailbot.mail.auth.dns_lookup import Lookup, LookupFailed, RecordType

Result = Literal["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]

RECORD_LIMIT = 4096  # characters; section 3.4 asks for 450 or so
TERMS = 10
VOIDS = 2
HOSTS = 10  # of one mx or ptr

_QUALIFIERS: dict[str, Result] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_ASKING = ("include", "a", "mx", "ptr", "exists", "redirect")

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)\Z", re.DOTALL)
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)\Z", re.DOTALL)
_CIDR = r"(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?\Z"
_TARGET = re.compile(r"(?::(?P<target>[^\s]+?))?" + _CIDR)
_NETWORK = re.compile(r":(?P<network>[0-9A-Fa-f:.]+)(?:/(?P<size>0|[1-9][0-9]{0,2}))?\Z")
# Each character begins one kind of token only: the scan is linear.
_TOKEN = re.compile(r"%\{([A-Za-z])([0-9]{0,3})([rR]?)([.+,/_=-]*)\}|%([%_-])|([\x21-\x24\x26-\x7e]+)")
_TOP_LABEL = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\Z")


class _Permanent(Exception):
    """The domain's records can't be used as they are."""


@dataclass(frozen=True, slots=True)
class _Directive:
    result: Result
    name: str
    target: str  # the domain-spec as written, "" when there is none
    network: str  # of ip4 and ip6
    four: int  # prefix lengths of an IPv4 and an IPv6 address
    six: int


@dataclass(frozen=True, slots=True)
class _Record:
    directives: tuple[_Directive, ...]
    redirect: str


@dataclass(slots=True)
class _Check:
    """One evaluation under way."""

    peer: IPv4Address | IPv6Address
    local: str
    sender_domain: str
    helo: str
    lookup: Lookup
    terms: int = 0
    voids: int = 0
    peer_names: list[str] | None = None

    @property
    def kind(self) -> RecordType:
        return "A" if self.peer.version == 4 else "AAAA"

    def asks(self) -> None:
        self.terms += 1
        if self.terms > TERMS:
            raise _Permanent("more than ten terms ask the DNS")

    def look(self, name: str, kind: RecordType) -> list[str]:
        found = list(self.lookup(name, kind)) if _is_name(name) else []
        if not found:
            self.voids += 1
            if self.voids > VOIDS:
                raise _Permanent("more than two look-ups found nothing")
        return found


def check(peer: str, sender: str, helo: str, lookup: Lookup) -> Result:
    """The result for `sender` ("local@domain") as it came from the IP address `peer`; section 4.

    Raises TimeLimitReached when `lookup` does.
    """
    address = ip_address(peer.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    local, _, domain = sender.rpartition("@")
    running = _Check(address, local or "postmaster", domain, helo, lookup)
    try:
        return _evaluate(running, domain)
    except _Permanent:
        return "permerror"
    except LookupFailed:
        return "temperror"


def _evaluate(check: _Check, domain: str) -> Result:
    domain = domain.removesuffix(".")
    if not _is_name(domain) or "." not in domain:
        return "none"
    texts = [text for text in check.lookup(domain, "TXT") if text[:7].lower() in ("v=spf1", "v=spf1 ")]
    if not texts:
        return "none"
    if len(texts) > 1:
        raise _Permanent("more than one record")
    record = _read(texts[0])
    for directive in record.directives:
        if _matches(check, directive, domain):
            return directive.result
    if not record.redirect:
        return "neutral"
    check.asks()
    result = _evaluate(check, _expanded(check, record.redirect, domain))
    if result == "none":
        raise _Permanent("redirect leads to no record")
    return result


def _read(text: str) -> _Record:
    """Section 12. Raises _Permanent at anything that the grammar does not know."""
    if not text.isascii() or len(text) > RECORD_LIMIT:
        raise _Permanent("a record that is not ASCII, or too long")
    directives: list[_Directive] = []
    modifiers: dict[str, str] = {}
    for term in filter(None, text[6:].split(" ")):
        if modifier := _MODIFIER.match(term):
            name, value = modifier[1].lower(), modifier[2]
            if name in ("redirect", "exp"):
                if name in modifiers:
                    raise _Permanent(f"{name} stands twice")
                _check_spec(value)
                modifiers[name] = value
            else:
                list(_tokens(value))
        else:
            directives.append(_directive(term))
    return _Record(tuple(directives), modifiers.get("redirect", ""))


def _directive(term: str) -> _Directive:
    found = _DIRECTIVE.match(term)
    if not found:
        raise _Permanent("no term at all")
    result, name, rest = _QUALIFIERS[found[1] or "+"], found[2].lower(), found[3]
    if name == "all" and not rest:
        return _Directive(result, name, "", "", 32, 128)
    if name in ("ip4", "ip6"):
        return _network(result, name, rest)
    if name in ("a", "mx", "ptr", "include", "exists"):
        parts = _TARGET.match(rest)
        if not parts or (name not in ("a", "mx") and (parts["four"] or parts["six"])):
            raise _Permanent(f"{name} is not written like that")
        target = parts["target"] or ""
        if target or name in ("include", "exists"):
            _check_spec(target)
        return _Directive(result, name, target, "", _size(parts["four"], 32), _size(parts["six"], 128))
    raise _Permanent("an unknown mechanism")


def _network(result: Result, name: str, rest: str) -> _Directive:
    parts = _NETWORK.match(rest)
    most = 32 if name == "ip4" else 128
    if not parts:
        raise _Permanent(f"{name} is not written like that")
    size = _size(parts["size"], most)
    try:
        network = ip_network(f"{parts['network']}/{size}", strict=False)
    except ValueError as error:
        raise _Permanent(str(error)) from None
    if network.max_prefixlen != most:
        raise _Permanent(f"{name} of the other family")
    return _Directive(result, name, "", str(network), 32, 128)


def _size(text: str | None, most: int) -> int:
    size = most if text is None else int(text)
    if size > most:
        raise _Permanent("a prefix that is too long")
    return size


def _matches(check: _Check, directive: _Directive, domain: str) -> bool:
    if directive.name == "all":
        return True
    if directive.network:
        return check.peer in ip_network(directive.network)
    check.asks()
    target = _expanded(check, directive.target, domain) if directive.target else domain
    match directive.name:
        case "include":
            result = _evaluate(check, target)
            if result == "none":
                raise _Permanent("include leads to no record")
            return result == "pass"
        case "exists":
            return bool(check.look(target, "A"))
        case "a":
            return _holds(check, [target], directive)
        case "mx":
            hosts = check.look(target, "MX")
            if len(hosts) > HOSTS:
                raise _Permanent("more than ten mail servers")
            return _holds(check, hosts, directive)
    return any(_is_under(name, target) for name in _names_of_peer(check))


def _holds(check: _Check, hosts: list[str], directive: _Directive) -> bool:
    size = directive.four if check.peer.version == 4 else directive.six
    return any(
        check.peer in ip_network(f"{address}/{size}", strict=False)
        for host in hosts
        for address in check.look(host, check.kind)
    )


def _names_of_peer(check: _Check) -> list[str]:
    """Names of the peer that lead back to it (section 5.5); look-ups that fail are left out."""
    if check.peer_names is None:
        check.peer_names = []
        for name in _quietly(check, check.peer.reverse_pointer, "PTR")[:HOSTS]:
            if check.peer in map(ip_address, _quietly(check, name, check.kind)):
                check.peer_names.append(name.lower().removesuffix("."))
    return check.peer_names


def _quietly(check: _Check, name: str, kind: RecordType) -> list[str]:
    """Not counted as void: the peer's owner writes its PTR records, and the domain's must not suffer."""
    try:
        return list(check.lookup(name, kind)) if _is_name(name) else []
    except LookupFailed:
        return []


def _is_under(name: str, domain: str) -> bool:
    domain = domain.lower().removesuffix(".")
    return name == domain or name.endswith(f".{domain}")


def _is_name(name: str) -> bool:
    labels = name.removesuffix(".").split(".")
    return len(name) <= 254 and all(0 < len(label) < 64 for label in labels)


# --- macros (section 7) -----------------------------------------------------------------------------------


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if not token or (token[1] and token[1].lower() not in "slodiphcrtv") or token[2] == "0":
            raise _Permanent("a macro that is none")
        yield token
        at = token.end()


def _check_spec(spec: str) -> None:
    """A domain-spec: macros, and at its end a macro again or a top label."""
    tokens = list(_tokens(spec))
    if not tokens or any(token[1] and token[1].lower() in "crt" for token in tokens):
        raise _Permanent("no domain where one belongs")
    if tokens[-1][6] is None:
        return
    head, dot, label = spec.removesuffix(".").rpartition(".")
    if not (head or spec.startswith(".")) or not dot or not _TOP_LABEL.match(label) or label.isdigit():
        raise _Permanent("a domain that is none")


def _expanded(check: _Check, spec: str, domain: str) -> str:
    parts = []
    for token in _tokens(spec):
        if token[1]:
            parts.append(_macro(check, token, domain))
        elif token[5]:
            parts.append({"%": "%", "_": " ", "-": "%20"}[token[5]])
        else:
            parts.append(token[6])
    name = "".join(parts).removesuffix(".")
    while len(name) > 253 and "." in name:
        name = name.partition(".")[2]
    return name


def _macro(check: _Check, token: re.Match[str], domain: str) -> str:
    letter, digits, turned, marks = token[1], token[2], token[3], token[4] or "."
    value = _value(check, letter.lower(), domain)
    pieces = re.split(f"[{re.escape(marks)}]", value)
    if turned:
        pieces.reverse()
    value = ".".join(pieces[-int(digits) :] if digits else pieces)
    return quote(value, safe="-._~") if letter.isupper() else value


def _value(check: _Check, letter: str, domain: str) -> str:
    match letter:
        case "s":
            return f"{check.local}@{check.sender_domain}"
        case "l":
            return check.local
        case "o":
            return check.sender_domain
        case "d":
            return domain
        case "h":
            return check.helo
        case "v":
            return "in-addr" if check.peer.version == 4 else "ip6"
        case "p":
            return _name_of_peer(check, domain)
    if isinstance(check.peer, IPv4Address):
        return str(check.peer)
    return ".".join(check.peer.exploded.replace(":", "").upper())


def _name_of_peer(check: _Check, domain: str) -> str:
    names = _names_of_peer(check)
    better = [name for name in names if _is_under(name, domain)]
    return next((name for name in better if name == domain), "") or (better or names or ["unknown"])[0]
