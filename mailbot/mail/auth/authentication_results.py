"""What a host that we trust says about the sender named in From: Authentication-Results (RFC 8601)."""

import re
from collections.abc import Collection, Iterator

from mailbot.domain.model import Authentication
from mailbot.mail.auth import domains
from mailbot.mail.parsing.header_fields import Fields

_FIELD_LIMIT = 8 * 1024  # characters of one field that are read
_RESULT_LIMIT = 50  # results of one mail that are read

# Each character belongs to one kind of token only: the scan is linear.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|([();=])|(\s+)|((?:[^\s"();=\\]|\\.)+|\\)', re.DOTALL)

Result = tuple[str, str, dict[str, str]]  # method, result, properties ("header.d": ...)


def verdict(header: Fields, from_address: str, authserv_ids: Collection[str]) -> Authentication:
    """PASS when DMARC passed for From's domain, or an aligned DKIM signature or SPF sender did; FAIL when
    DMARC failed; NONE when nobody we trust said so.

    Only fields of the hosts named in `authserv_ids` count, and of those the topmost run: they are added on
    top, so what stands below the next Received line was in the mail when it came, whoever's name it bears.
    That host has to remove forged ones (RFC 8601 section 5); a failure anywhere in the run beats a pass.
    """
    domain = from_address.rpartition("@")[2]
    if not domain or not authserv_ids:
        return Authentication.NONE
    trusted = {name.lower() for name in authserv_ids}
    found = Authentication.NONE
    for number, result in enumerate(_trusted_results(header, trusted)):
        if number == _RESULT_LIMIT:
            break
        says = _weigh(result, domain)
        if says is Authentication.FAIL:
            return says
        if says is Authentication.PASS:
            found = says
    return found


def _trusted_results(header: Fields, trusted: Collection[str]) -> Iterator[Result]:
    begun = False
    for name, value in header.rows:
        if name == "authentication-results":
            authserv_id, results = _read(value[:_FIELD_LIMIT])
            if authserv_id in trusted:
                begun = True
                yield from results
            elif begun:
                return
        elif name == "received" and begun:
            return


def _weigh(result: Result, domain: str) -> Authentication:
    method, outcome, properties = result
    if method == "dmarc":
        about = properties.get("header.from", domain).rpartition("@")[2]
        if about != domain:
            return Authentication.NONE
        if outcome == "fail":
            return Authentication.FAIL
        return Authentication.PASS if outcome == "pass" else Authentication.NONE
    if outcome != "pass":
        return Authentication.NONE
    if method == "dkim":
        vouched = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
    elif method == "spf":
        vouched = properties.get("smtp.mailfrom", "").rpartition("@")[2]
    else:
        return Authentication.NONE
    return Authentication.PASS if domains.aligned(vouched, domain) else Authentication.NONE


def _read(value: str) -> tuple[str, list[Result]]:
    """The authserv-id and the results of one field, all in lower case."""
    statements = _statements(value)
    head = statements[0]
    if not head or "=" in head:  # no authserv-id at all, as some hosts write for themselves
        return "", []
    results = []
    for words in statements[1:]:
        pairs = _pairs(words)
        if pairs:
            (method, outcome), *properties = pairs
            results.append((method.partition("/")[0], outcome, dict(reversed(properties))))
    return head[0], results


def _statements(value: str) -> list[list[str]]:
    """The words and "=" signs between semicolons, comments (they nest) left out."""
    statements: list[list[str]] = [[]]
    depth = 0
    glue = False  # the last token was part of a word: what follows without white space belongs to it
    for match in _TOKEN.finditer(value):
        quoted, mark, space, text = match.groups()
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif mark == ";":
            statements.append([])
        elif mark == "=" and glue and statements[-1][-2:-1] == ["="]:
            statements[-1][-1] += "="  # of the value itself: smtp.mailfrom=prvs=0123=budi@bank.example
            continue
        elif mark == "=":
            statements[-1].append("=")
        elif not space:
            word = (text if quoted is None else quoted).lower()
            if glue:
                statements[-1][-1] += word  # smtp.mailfrom="budi"@bank.example
            else:
                statements[-1].append(word)
            glue = True
            continue
        glue = False
    return statements


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    """ "dkim = pass header.d = bank.example" as pairs."""
    return [
        (words[i - 1], words[i + 1])
        for i in range(1, len(words) - 1)
        if words[i] == "=" and words[i - 1] != "=" and words[i + 1] != "="
    ]
