"""Verify the sender of a mail by SPF, DKIM and DMARC, for a mailbot that receives from the internet itself.

Theory of operation. Only domains that could be aligned with From's domain are looked up: a signature or an
envelope sender of another domain proves nothing about From. So a sender can't make us query the DNS of a
domain of their choice about another domain's From, nor slow us down with it.
"""

from dataclasses import dataclass

from mailbot.domain.model import Authentication, Envelope
from mailbot.domain.people import addresses
from mailbot.mail.auth import canonical, dkim, dmarc, spf
from mailbot.mail.auth.dns_lookup import Lookup, LookupFailed

SIGNATURE_LIMIT = 5  # signatures of one mail that are verified


@dataclass(slots=True)
class _Verification:
    """The state for one mail. `undecided`: a look-up failed, so nothing counts as failed."""

    domain: str
    lookup: Lookup
    passed: list[tuple[str, str]]  # ("spf" or "dkim", domain)
    undecided: bool = False


def verify(raw: bytes, sender: str, envelope: Envelope, lookup: Lookup, *, direct: bool) -> Authentication:
    """Return PASS, FAIL or NONE for the domain of `sender`, the one address in From.

    - PASS: SPF or DKIM passed in alignment with it.
    - FAIL: neither passed, and the domain wants such mail quarantined or rejected.

    `direct` is False behind our own mail server, whose address proves nothing about the sender. Then, as
    after a failed look-up, nothing fails. Raises TimeLimitReached.
    """
    domain = ascii_domain(sender)
    if "." not in domain:
        return Authentication.NONE
    state = _Verification(domain, lookup, [], undecided=not direct)
    if (direct and _spf(state, envelope)) or _dkim(state, raw, envelope):
        return Authentication.PASS
    try:
        return _apply_policy(state, dmarc.find_policy(domain, lookup))
    except LookupFailed:
        return Authentication.NONE


def ascii_domain(address: str) -> str:
    """Return the domain as the DNS knows it, "" when it is invalid."""
    domain = address.rpartition("@")[2].rstrip(".").lower()
    if len(domain) > 253:
        return ""
    try:
        return domain.encode("ascii" if domain.isascii() else "idna").decode("ascii")
    except UnicodeError:
        return ""


def _spf(state: _Verification, envelope: Envelope) -> bool:
    """Check whether SPF passes for From's own domain. A pass for a related domain is recorded."""
    local, _, _ = envelope.sender.rpartition("@")
    domain = ascii_domain(envelope.sender)
    if not _may_align(domain, state.domain) or not envelope.peer:
        return False
    # The HELO name is not stored: the macros for it get the sender's domain.
    result = spf.check(envelope.peer, f"{local}@{domain}", domain, state.lookup)
    state.undecided |= result == "temperror"
    if result == "pass":
        state.passed.append(("spf", domain))
    return result == "pass" and domain == state.domain


def _dkim(state: _Verification, raw: bytes, envelope: Envelope) -> bool:
    """Check whether a signature of From's own domain verifies. One of a related domain is recorded."""
    mail = canonical.split(raw)
    if mail is None:
        return False
    related = [found for found in dkim.find_signatures(mail) if _may_align(found.domain, state.domain)]
    related.sort(key=lambda signature: signature.domain != state.domain)
    for signature in related[:SIGNATURE_LIMIT]:
        if _verifies(state, signature, mail, envelope):
            state.passed.append(("dkim", signature.domain))
            if signature.domain == state.domain:
                return True
    return False


def _verifies(
    state: _Verification, signature: dkim.Signature, mail: canonical.SplitMail, envelope: Envelope
) -> bool:
    try:
        return dkim.verify(signature, mail, state.lookup, envelope.received_at)
    except LookupFailed:
        state.undecided = True
        return False


def _apply_policy(state: _Verification, policy: dmarc.DmarcPolicy | None) -> Authentication:
    for method, domain in state.passed:
        strict = policy and (policy.strict_spf if method == "spf" else policy.strict_dkim)
        if not strict and _aligned(state, domain):
            return Authentication.PASS
    return Authentication.FAIL if policy and policy.rejects and not state.undecided else Authentication.NONE


def _aligned(state: _Verification, domain: str) -> bool:
    """Check relaxed alignment (RFC 7489 section 3.1): both domains belong to one organisation."""
    if addresses.aligned(domain, state.domain):
        return True
    own = dmarc.organisational_domain(state.domain, state.lookup)
    return dmarc.organisational_domain(domain, state.lookup) == own


def _may_align(domain: str, other: str) -> bool:
    """Check by the names alone whether the domains could be aligned; in doubt True."""
    return bool(domain) and addresses.registered_domain(domain) == addresses.registered_domain(other)
