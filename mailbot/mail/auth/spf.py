"""Check whether a host may send mail for a domain: Sender Policy Framework (RFC 7208), bounded at every step.

Theory of operation. A record is parsed whole before any term is evaluated, so that an error anywhere gives
"permerror" (section 4.6). Evaluation stops after ten terms that query the DNS, or after two empty answers
(4.6.4). Both limits hold over all included records together, so they limit the depth too.
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
TERM_LIMIT = 10  # terms that query the DNS
VOID_LIMIT = 2  # look-ups without an answer
HOST_LIMIT = 10  # of one mx or ptr

_QUALIFIERS: dict[str, Result] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)\Z", re.DOTALL)
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)\Z", re.DOTALL)
_CIDR = r"(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?\Z"
_TARGET = re.compile(r"(?::(?P<target>[^\s]+?))?" + _CIDR)
_NETWORK = re.compile(r":(?P<network>[0-9A-Fa-f:.]+)(?:/(?P<size>0|[1-9][0-9]{0,2}))?\Z")
# Each character begins one kind of token only: the scan is linear.
_TOKEN = re.compile(r"%\{([A-Za-z])([0-9]{0,3})([rR]?)([.+,/_=-]*)\}|%([%_-])|([\x21-\x24\x26-\x7e]+)")
_TOP_LABEL = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\Z")


class _PermanentError(Exception):
    """The domain's records are invalid."""


@dataclass(frozen=True, slots=True)
class _Directive:
    result: Result
    name: str
    target: str  # the domain-spec as written, "" when there is none
    network: str  # of ip4 and ip6
    prefix_v4: int  # prefix lengths
    prefix_v6: int


@dataclass(slots=True)
class _Evaluation:
    """The state of one evaluation."""

    peer: IPv4Address | IPv6Address
    local: str
    sender_domain: str
    helo: str
    lookup: Lookup
    terms: int = 0
    voids: int = 0
    peer_names: list[str] | None = None

    @property
    def address_type(self) -> RecordType:
        return "A" if self.peer.version == 4 else "AAAA"

    def count_term(self) -> None:
        self.terms += 1
        if self.terms > TERM_LIMIT:
            raise _PermanentError("more than ten terms query the DNS")

    def query(self, name: str, record_type: RecordType) -> list[str]:
        records = list(self.lookup(name, record_type)) if _is_name(name) else []
        if not records:
            self.voids += 1
            if self.voids > VOID_LIMIT:
                raise _PermanentError("more than two look-ups without an answer")
        return records


def check(peer: str, sender: str, helo: str, lookup: Lookup) -> Result:
    """Return the result for `sender` ("local@domain") and the IP address `peer` (section 4).

    Raises TimeLimitReached when `lookup` does.
    """
    address = ip_address(peer.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    local, _, domain = sender.rpartition("@")
    evaluation = _Evaluation(address, local or "postmaster", domain, helo, lookup)
    try:
        return _evaluate(evaluation, domain)
    except _PermanentError:
        return "permerror"
    except LookupFailed:
        return "temperror"


def _evaluate(evaluation: _Evaluation, domain: str) -> Result:
    domain = domain.removesuffix(".")
    if not _is_name(domain) or "." not in domain:
        return "none"
    texts = [text for text in evaluation.lookup(domain, "TXT") if text[:7].lower() in ("v=spf1", "v=spf1 ")]
    if not texts:
        return "none"
    if len(texts) > 1:
        raise _PermanentError("more than one record")
    directives, redirect = _parse(texts[0])
    for directive in directives:
        if _matches(evaluation, directive, domain):
            return directive.result
    if not redirect:
        return "neutral"
    evaluation.count_term()
    result = _evaluate(evaluation, _expand(evaluation, redirect, domain))
    if result == "none":
        raise _PermanentError("redirect leads to no record")
    return result


def _parse(text: str) -> tuple[list[_Directive], str]:
    """Return the directives and the redirect of a record (section 12). Raises _PermanentError for invalid
    syntax.
    """
    if not text.isascii() or len(text) > RECORD_LIMIT:
        raise _PermanentError("the record is not ASCII, or too long")
    directives: list[_Directive] = []
    modifiers: dict[str, str] = {}
    for term in filter(None, text[6:].split(" ")):
        if modifier := _MODIFIER.match(term):
            name, value = modifier[1].lower(), modifier[2]
            if name in ("redirect", "exp"):
                if name in modifiers:
                    raise _PermanentError(f"{name} is given twice")
                _check_spec(value)
                modifiers[name] = value
            else:
                list(_tokens(value))
        else:
            directives.append(_directive(term))
    return directives, modifiers.get("redirect", "")


def _directive(term: str) -> _Directive:
    match = _DIRECTIVE.match(term)
    if not match:
        raise _PermanentError("not a term")
    result, name, rest = _QUALIFIERS[match[1] or "+"], match[2].lower(), match[3]
    if name == "all" and not rest:
        return _Directive(result, name, "", "", 32, 128)
    if name in ("ip4", "ip6"):
        return _network(result, name, rest)
    if name in ("a", "mx", "ptr", "include", "exists"):
        parts = _TARGET.match(rest)
        if not parts or (name not in ("a", "mx") and (parts["four"] or parts["six"])):
            raise _PermanentError(f"invalid {name}")
        target = parts["target"] or ""
        if target or name in ("include", "exists"):
            _check_spec(target)
        return _Directive(
            result, name, target, "", _prefix_length(parts["four"], 32), _prefix_length(parts["six"], 128)
        )
    raise _PermanentError("unknown mechanism")


def _network(result: Result, name: str, rest: str) -> _Directive:
    parts = _NETWORK.match(rest)
    longest = 32 if name == "ip4" else 128
    if not parts:
        raise _PermanentError(f"invalid {name}")
    length = _prefix_length(parts["size"], longest)
    try:
        network = ip_network(f"{parts['network']}/{length}", strict=False)
    except ValueError as error:
        raise _PermanentError(str(error)) from None
    if network.max_prefixlen != longest:
        raise _PermanentError(f"{name} with an address of the other family")
    return _Directive(result, name, "", str(network), 32, 128)


def _prefix_length(text: str | None, longest: int) -> int:
    length = longest if text is None else int(text)
    if length > longest:
        raise _PermanentError("the prefix is too long")
    return length


def _matches(evaluation: _Evaluation, directive: _Directive, domain: str) -> bool:
    if directive.name == "all":
        return True
    if directive.network:
        return evaluation.peer in ip_network(directive.network)
    evaluation.count_term()
    target = _expand(evaluation, directive.target, domain) if directive.target else domain
    match directive.name:
        case "include":
            result = _evaluate(evaluation, target)
            if result == "none":
                raise _PermanentError("include leads to no record")
            return result == "pass"
        case "exists":
            return bool(evaluation.query(target, "A"))
        case "a":
            return _any_host_matches(evaluation, [target], directive)
        case "mx":
            hosts = evaluation.query(target, "MX")
            if len(hosts) > HOST_LIMIT:
                raise _PermanentError("more than ten mail servers")
            return _any_host_matches(evaluation, hosts, directive)
    return any(_is_under(name, target) for name in _names_of_peer(evaluation))


def _any_host_matches(evaluation: _Evaluation, hosts: list[str], directive: _Directive) -> bool:
    length = directive.prefix_v4 if evaluation.peer.version == 4 else directive.prefix_v6
    return any(
        evaluation.peer in ip_network(f"{address}/{length}", strict=False)
        for host in hosts
        for address in evaluation.query(host, evaluation.address_type)
    )


def _names_of_peer(evaluation: _Evaluation) -> list[str]:
    """Return the peer's names that resolve back to it (section 5.5), without failed look-ups."""
    if evaluation.peer_names is None:
        evaluation.peer_names = []
        for name in _query_uncounted(evaluation, evaluation.peer.reverse_pointer, "PTR")[:HOST_LIMIT]:
            if evaluation.peer in map(
                ip_address, _query_uncounted(evaluation, name, evaluation.address_type)
            ):
                evaluation.peer_names.append(name.lower().removesuffix("."))
    return evaluation.peer_names


def _query_uncounted(evaluation: _Evaluation, name: str, record_type: RecordType) -> list[str]:
    """Query without counting empty answers: the peer's owner writes its PTR records, not the domain's."""
    try:
        return list(evaluation.lookup(name, record_type)) if _is_name(name) else []
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
            raise _PermanentError("invalid macro")
        yield token
        at = token.end()


def _check_spec(spec: str) -> None:
    """Check a domain-spec: its end must be a macro or a top label."""
    tokens = list(_tokens(spec))
    if not tokens or any(token[1] and token[1].lower() in "crt" for token in tokens):
        raise _PermanentError("a domain is missing")
    if tokens[-1][6] is None:
        return
    head, dot, label = spec.removesuffix(".").rpartition(".")
    if not (head or spec.startswith(".")) or not dot or not _TOP_LABEL.match(label) or label.isdigit():
        raise _PermanentError("invalid domain")


def _expand(evaluation: _Evaluation, spec: str, domain: str) -> str:
    parts = []
    for token in _tokens(spec):
        if token[1]:
            parts.append(_expand_macro(evaluation, token, domain))
        elif token[5]:
            parts.append({"%": "%", "_": " ", "-": "%20"}[token[5]])
        else:
            parts.append(token[6])
    name = "".join(parts).removesuffix(".")
    while len(name) > 253 and "." in name:
        name = name.partition(".")[2]
    return name


def _expand_macro(evaluation: _Evaluation, token: re.Match[str], domain: str) -> str:
    letter, digits, reverse, delimiters = token[1], token[2], token[3], token[4] or "."
    value = _macro_value(evaluation, letter.lower(), domain)
    pieces = re.split(f"[{re.escape(delimiters)}]", value)
    if reverse:
        pieces.reverse()
    value = ".".join(pieces[-int(digits) :] if digits else pieces)
    return quote(value, safe="-._~") if letter.isupper() else value


def _macro_value(evaluation: _Evaluation, letter: str, domain: str) -> str:
    if letter == "p":
        return _name_of_peer(evaluation, domain)
    peer, v4 = evaluation.peer, evaluation.peer.version == 4
    values = {
        "s": f"{evaluation.local}@{evaluation.sender_domain}",
        "l": evaluation.local,
        "o": evaluation.sender_domain,
        "d": domain,
        "h": evaluation.helo,
        "v": "in-addr" if v4 else "ip6",
        "i": str(peer) if v4 else ".".join(peer.exploded.replace(":", "").upper()),
    }
    return values[letter]


def _name_of_peer(evaluation: _Evaluation, domain: str) -> str:
    names = _names_of_peer(evaluation)
    inside = [name for name in names if _is_under(name, domain)]
    return next((name for name in inside if name == domain), "") or (inside or names or ["unknown"])[0]
