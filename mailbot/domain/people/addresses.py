"""Compare addresses: of one person, of one organisation, of a robot.

Domains are compared without a public suffix list: careful rather than complete.
"""

from collections.abc import Collection
from functools import lru_cache

from mailbot.domain.routing.patterns import Pattern

DOTS_MEAN_NOTHING = frozenset({"gmail.com", "googlemail.com"})

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

# Mail domains of many independent people, beside those that the policy names: whole, or the name in front of any
# country's ending. Of such a domain a forger can have an address, too.
_SHARED_NAMES = frozenset(
    """
    aol fastmail gmail gmx googlemail hotmail hushmail icloud live mailinator msn outlook proton protonmail
    rediffmail rocketmail tutanota yahoo yandex ymail yopmail zoho zohomail
    """.split()  # noqa: SIM905 - words in rows can be read
)
_SHARED_MAIL = frozenset(
    """
    me.com mac.com pm.me mail.com email.com usa.com inbox.com duck.com hey.com tuta.io web.de freenet.de
    arcor.de t-online.de mail.ru bk.ru list.ru inbox.ru rambler.ru ukr.net seznam.cz wp.pl o2.pl onet.pl
    interia.pl abv.bg qq.com foxmail.com 163.com 126.com 139.com 189.cn sina.com sohu.com naver.com
    hanmail.net daum.net nate.com telkom.net plasa.com cbn.net.id indo.net.id indosat.net.id centrin.net.id
    singnet.com.sg streamyx.com tm.net.my bigpond.com optusnet.com.au comcast.net verizon.net att.net
    sbcglobal.net bellsouth.net cox.net charter.net earthlink.net shaw.ca rogers.com telus.net
    btinternet.com sky.com virginmedia.com talktalk.net orange.fr free.fr sfr.fr laposte.net wanadoo.fr
    libero.it tiscali.it virgilio.it uol.com.br bol.com.br terra.com.br guerrillamail.com
    """.split()  # noqa: SIM905 - words in rows can be read
)
_ROBOTS = {
    "mailer-daemon": Pattern(r"mailer[-_.]?daemon|mail[-_.]?daemon"),
    "postmaster": Pattern(r"post[-_.]?master"),
    "no-reply": Pattern(r"(?:.*[-_.+])?(?:no|do[-_.]?not|dont)[-_.]?reply(?:[-_.+0-9].*)?"),
}


_ROBOT_PARTS = ("daemon", "post", "reply")  # one of them is in each: looked for first, at a tenth of the cost


def robot_kind(address: str) -> str:
    """Return "mailer-daemon", "postmaster" or "no-reply" for an address (lower case) that no person reads, else
    "".
    """
    local = address.rpartition("@")[0] or address
    if not any(part in local for part in _ROBOT_PARTS):
        return ""
    return next((kind for kind, pattern in _ROBOTS.items() if pattern.fullmatch(local)), "")


def is_no_reply(address: str) -> bool:
    """Check for an address (lower case) that no person reads."""
    return robot_kind(address) != ""


def organisation(address: str, shared: Collection[str] = ()) -> str:
    """Return the registered domain of an address, "" where many independent people share it.

    `shared`: more such domains, beside the well-known ones.
    """
    domain = registered_domain(address.rpartition("@")[2].lower())
    named = domain.partition(".")[0] in _SHARED_NAMES
    return "" if named or domain in _SHARED_MAIL or domain in shared else domain


@lru_cache(maxsize=4096)  # of one mail it is asked a dozen times
def owner(address: str) -> str:
    """Return the address without what its owner, or a forger, may add to it at will.

    That is the part behind a "+" (RFC 5233), and Gmail's dots. Each spelling would else get its own answer.
    """
    local, at, domain = address.lower().rpartition("@")
    if not at:
        return domain  # the identity of another channel
    plain = local.partition("+")[0] or local
    if domain in DOTS_MEAN_NOTHING:
        plain, domain = plain.replace(".", "") or plain, "gmail.com"
    return f"{plain}@{domain}"


@lru_cache(maxsize=1024)
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
