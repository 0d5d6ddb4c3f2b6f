"""DNS look-ups for the checks of senders, bounded in time and number for each mail."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from mailbot.errors import ConfigError, Problem
from mailbot.mail.auth.dns_lookup import Lookup, LookupFailed, RecordType, TimeLimitReached

MOST_QUERIES = 40  # for one mail: SPF alone may need 11 and the hosts of an mx
MOST_RECORDS = 50  # of one answer that are used
CACHED = 500  # answers, of 64 KiB at most
PAYLOAD = 1232  # octets of UDP that pass without fragments (DNS flag day 2020); more comes over TCP


class Resolver:
    """Queries `server` (IP address, port), or the servers of the system, and caches answers.

    Raises ConfigError when there is none. May be used from many threads.
    """

    def __init__(
        self, server: tuple[str, int] | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        import dns.resolver

        self._monotonic = monotonic
        try:
            self._dns = dns.resolver.Resolver(configure=server is None)
        except dns.resolver.NoResolverConfiguration as error:
            hint = "name one as trust.resolver"
            raise ConfigError([Problem("/etc/resolv.conf", 0, 0, "names no DNS server", hint)]) from error
        if server:
            self._dns.nameservers, self._dns.port = [server[0]], server[1]
        self._dns.cache = dns.resolver.LRUCache(CACHED)
        self._dns.use_edns(0, 0, PAYLOAD)

    def until(self, end: float) -> Lookup:
        """Return the look-up for one mail. It raises TimeLimitReached from the (monotonic) moment `end`
        on.
        """
        queries = 0

        def look_up(name: str, kind: RecordType) -> Sequence[str]:
            nonlocal queries
            queries += 1
            if queries > MOST_QUERIES:
                raise LookupFailed("too many queries for one mail")
            left = end - self._monotonic()
            if left <= 0:
                raise TimeLimitReached
            return self._query(name, kind, left)

        return look_up

    def _query(self, name: str, kind: RecordType, seconds: float) -> list[str]:
        import dns.exception
        import dns.name
        import dns.resolver

        try:  # label by label: in a text a backslash would be an escape
            labels = [label.encode("ascii") for label in name.removesuffix(".").split(".")]
            question = dns.name.Name([*labels, b""])
        except (UnicodeEncodeError, dns.exception.DNSException):
            return []  # there can be no such name
        try:
            answer = self._dns.resolve(
                question, kind, lifetime=seconds, raise_on_no_answer=False, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return []
        except dns.exception.Timeout as error:
            raise TimeLimitReached from error
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(type(error).__name__) from error
        records = list(answer.rrset or ())[:MOST_RECORDS]
        if kind == "MX":
            records.sort(key=lambda record: record.preference)
        return [_text(record, kind) for record in records]


def _text(record: Any, kind: RecordType) -> str:
    match kind:
        case "TXT":
            return b"".join(record.strings).decode("latin-1")
        case "MX":
            return str(record.exchange.to_text(omit_final_dot=True))
        case "PTR":
            return str(record.target.to_text(omit_final_dot=True))
    return str(record.address)
