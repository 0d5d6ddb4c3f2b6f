"""Find the DMARC policy of a domain (RFC 7489)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailbot.domain.people import addresses
from mailbot.mail.auth.dns_lookup import Lookup

RECORD_LIMIT = 4096  # characters
LOOKUP_LIMIT = 5  # names looked up from one domain upwards

_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class DmarcPolicy:
    """The policy in force for a domain. `rejects`: the domain wants failing mail quarantined or rejected."""

    rejects: bool
    strict_dkim: bool
    strict_spf: bool


def find_policy(domain: str, lookup: Lookup) -> DmarcPolicy | None:
    """Return the policy of the domain, else of the organisation above it (section 6.6.3).

    Raises LookupFailed and TimeLimitReached.
    """
    for name in _upwards(domain):
        record = _record(name, lookup)
        if record is not None:
            policy = record.get("p", "") if name == domain else record.get("sp", record.get("p", ""))
            in_trial = record.get("pct") == "0" or record.get("t") == "y"
            return DmarcPolicy(
                rejects=policy.lower() in _POLICIES[1:] and not in_trial,
                strict_dkim=record.get("adkim", "r").lower() == "s",
                strict_spf=record.get("aspf", "r").lower() == "s",
            )
    return None


def organisational_domain(domain: str, lookup: Lookup) -> str:
    """Return the highest name above `domain` that publishes a record, else `domain`.

    This replaces a public suffix list, which is out of date on the day it is shipped. The owner of a record
    at bank.example is responsible for all names below it. It never goes above the registered domain.
    """
    highest = domain
    for name in _upwards(domain):
        record = _record(name, lookup)
        if record is not None and record.get("psd") != "y":
            highest = name
    return highest


def _upwards(domain: str) -> Iterator[str]:
    """Yield `domain`, then the names above it up to the registered one, without the longest of them."""
    top = addresses.registered_domain(domain)
    labels = domain.removesuffix(top).strip(".").split(".")
    above = [".".join((*labels[cut:], top)) for cut in range(1, len(labels))]
    yield domain
    yield from above[-(LOOKUP_LIMIT - 2) :]
    if top != domain:
        yield top


def _record(name: str, lookup: Lookup) -> Mapping[str, str] | None:
    texts = [text for text in lookup(f"_dmarc.{name}", "TXT") if text[:8] == "v=DMARC1"]
    if len(texts) != 1 or len(texts[0]) > RECORD_LIMIT:
        return None
    # Section 6.3: an invalid tag is ignored, the rest of the record counts.
    pairs = [part.partition("=") for part in texts[0].split(";")]
    tags = {name.strip().lower(): value.strip() for name, equals, value in reversed(pairs) if equals}
    if tags.get("v") != "DMARC1":
        return None
    if tags.get("p", "").lower() not in _POLICIES:
        # Section 6.6.3: with an address for reports it counts as "none", else it is no record.
        return {**tags, "p": "none", "sp": "none"} if tags.get("rua") else None
    return tags
