"""Compare domains without a public suffix list: careful rather than complete."""

# Second levels under a country's domain where anybody can register a name (co.id, com.sg, ac.uk).
_SECOND_LEVELS = frozenset(
    """
    ac biz co com desa edu gen go gob gouv gov gub id info int ltd me mil my name ne net nom or org
    plc ponpes sch web
    """.split()  # noqa: SIM905 - words in rows can be read
)
# Hosts that give subdomains to anybody.
_SHARED = frozenset(
    """
    appspot.com azurewebsites.net blogspot.com cloudfront.net firebaseapp.com github.io gitlab.io
    herokuapp.com myshopify.com netlify.app onmicrosoft.com pages.dev sharepoint.com vercel.app
    web.app wixsite.com wordpress.com workers.dev
    """.split()  # noqa: SIM905 - words in rows can be read
)


def registered_domain(domain: str) -> str:
    """Return the part of `domain` (lower case) that one owner registered: "mail.bank.co.id" ->
    "bank.co.id".
    """
    labels = domain.strip(".").split(".")
    size = 3 if len(labels) > 2 and _is_public(".".join(labels[-2:])) else 2
    return ".".join(labels[-size:])


def aligned(one: str, other: str) -> bool:
    """Check whether the domains are equal, or one is a subdomain of the other and both have one owner."""
    one, other = one.strip(".").lower(), other.strip(".").lower()
    if not one or not other:
        return False
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return long.endswith("." + short) and "." in short and not _is_public(short)


def _is_public(domain: str) -> bool:
    first, _, last = domain.rpartition(".")
    return domain in _SHARED or (len(last) == 2 and first in _SECOND_LEVELS)
