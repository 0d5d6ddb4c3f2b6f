"""Who really sent this? SPF, DKIM and DMARC worked out by ourselves, for a mailbot that meets the net itself.

Theory of operation. Only what could be aligned with From's domain is looked at: who signs for, or sends as,
another domain proves nothing about From. So nobody can make us ask the DNS of a domain of their choice about
somebody else's From, nor be slow there on purpose.
"""

from dataclasses import dataclass

from mailbot.domain.model import Authentication, Envelope
from mailbot.mail.auth import canonical, dkim, dmarc, domains, spf
from mailbot.mail.auth.dns_lookup import Lookup, LookupFailed

SIGNATURES = 5  # of one mail that are verified


@dataclass(slots=True)
class _Case:
    """One mail under way. `open`: something could not be asked, so nothing counts as failed."""

    domain: str
    lookup: Lookup
    passed: list[tuple[str, str]]  # ("spf" or "dkim", domain)
    open: bool = False


def verify(raw: bytes, sender: str, envelope: Envelope, lookup: Lookup, *, direct: bool) -> Authentication:
    """PASS when SPF or DKIM passed in alignment with the domain of `sender`, the one address in From; FAIL
    when neither did and the domain wants such mail quarantined or rejected; else NONE.

    `direct` is False behind a server of our own: its address says nothing about the sender's. Then, as with a
    DNS that does not answer, nothing fails. Raises TimeLimitReached.
    """
    domain = ascii_domain(sender)
    if "." not in domain:
        return Authentication.NONE
    case = _Case(domain, lookup, [], open=not direct)
    if (direct and _spf(case, envelope)) or _dkim(case, raw, envelope):
        return Authentication.PASS
    try:
        return _by_wish(case, dmarc.wish(domain, lookup))
    except LookupFailed:
        return Authentication.NONE


def ascii_domain(address: str) -> str:
    """The domain as the DNS knows it; "" when it can't be one."""
    domain = address.rpartition("@")[2].rstrip(".").lower()
    if len(domain) > 253:
        return ""
    try:
        return domain.encode("ascii" if domain.isascii() else "idna").decode("ascii")
    except UnicodeError:
        return ""


def _spf(case: _Case, envelope: Envelope) -> bool:
    """Did SPF pass for From's very domain? A pass of a relative is noted."""
    local, _, _ = envelope.sender.rpartition("@")
    domain = ascii_domain(envelope.sender)
    if not _related(domain, case.domain) or not envelope.peer:
        return False
    # What was said in HELO is not kept: the macros that want it get the sender's domain.
    result = spf.check(envelope.peer, f"{local}@{domain}", domain, case.lookup)
    case.open |= result == "temperror"
    if result == "pass":
        case.passed.append(("spf", domain))
    return result == "pass" and domain == case.domain


def _dkim(case: _Case, raw: bytes, envelope: Envelope) -> bool:
    """Did the signature of From's very domain hold? One of a relative is noted."""
    letter = canonical.letter(raw)
    if letter is None:
        return False
    related = [each for each in dkim.signatures(letter) if _related(each.domain, case.domain)]
    related.sort(key=lambda each: each.domain != case.domain)
    for signature in related[:SIGNATURES]:
        if _holds(case, signature, letter, envelope):
            case.passed.append(("dkim", signature.domain))
            if signature.domain == case.domain:
                return True
    return False


def _holds(case: _Case, signature: dkim.Signature, letter: canonical.Letter, envelope: Envelope) -> bool:
    try:
        return dkim.holds(signature, letter, case.lookup, envelope.received_at)
    except LookupFailed:
        case.open = True
        return False


def _by_wish(case: _Case, wish: dmarc.Wish | None) -> Authentication:
    for method, domain in case.passed:
        strict = wish and (wish.strict_spf if method == "spf" else wish.strict_dkim)
        if not strict and _aligned(case, domain):
            return Authentication.PASS
    return Authentication.FAIL if wish and wish.refuses and not case.open else Authentication.NONE


def _aligned(case: _Case, domain: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1): both belong to one organisation."""
    if domains.aligned(domain, case.domain):
        return True
    return dmarc.organisation(domain, case.lookup) == dmarc.organisation(case.domain, case.lookup)


def _related(domain: str, other: str) -> bool:
    """Could the two be aligned? Looks at the names alone, and rather says yes."""
    return bool(domain) and domains.organisation(domain) == domains.organisation(other)
