"""What a domain wants done with mail that only says it comes from it: DMARC (RFC 7489)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailbot.mail.auth import domains
from mailbot.mail.auth.dns_lookup import Lookup

RECORD_LIMIT = 4096  # characters
STEPS = 5  # names asked on the way up from one domain

_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Wish:
    """The record that holds for a domain. `refuses`: mail that fails is not to be taken for the domain's."""

    refuses: bool
    strict_dkim: bool
    strict_spf: bool


def wish(domain: str, lookup: Lookup) -> Wish | None:
    """Of the domain itself, else of the organisation above it (section 6.6.3).

    Raises LookupFailed, TimeLimitReached.
    """
    for name in _way_up(domain):
        record = _record(name, lookup)
        if record is not None:
            asked = record.get("sp", record.get("p", "")) if name != domain else record.get("p", "")
            return Wish(
                # What is only being tried out (pct=0, t=y) is not asked of us yet.
                refuses=asked.lower() in _POLICIES[1:]
                and record.get("pct") != "0"
                and record.get("t") != "y",
                strict_dkim=record.get("adkim", "r").lower() == "s",
                strict_spf=record.get("aspf", "r").lower() == "s",
            )
    return None


def organisation(domain: str, lookup: Lookup) -> str:
    """The highest name above `domain` that publishes a record, and so has one owner with it; else `domain`.

    In place of a public suffix list, which is out of date the day it is shipped: whoever has a record at
    bank.example answers for what is below it. It never goes above what `domains` takes for registered.
    """
    found = domain
    for name in _way_up(domain):
        record = _record(name, lookup)
        if record is not None and record.get("psd") != "y":
            found = name
    return found


def _way_up(domain: str) -> Iterator[str]:
    """`domain`, then the names above it up to the registered one, the longest of them left out."""
    top = domains.organisation(domain)
    labels = domain.removesuffix(top).strip(".").split(".")
    above = [".".join((*labels[cut:], top)) for cut in range(1, len(labels))]
    yield domain
    yield from above[-(STEPS - 2) :]
    if top != domain:
        yield top


def _record(name: str, lookup: Lookup) -> Mapping[str, str] | None:
    texts = [text for text in lookup(f"_dmarc.{name}", "TXT") if text[:8] == "v=DMARC1"]
    if len(texts) != 1 or len(texts[0]) > RECORD_LIMIT:
        return None
    # Section 6.3: what is not written as it should be is left out, not the whole record with it.
    pairs = [part.partition("=") for part in texts[0].split(";")]
    found = {name.strip().lower(): value.strip() for name, equals, value in reversed(pairs) if equals}
    if found.get("v") != "DMARC1":
        return None
    if found.get("p", "").lower() not in _POLICIES:
        # Section 6.6.3: with somewhere to report to it counts as "none", else it is no record.
        return {**found, "p": "none", "sp": "none"} if found.get("rua") else None
    return found
