"""Evaluate what a trusted host found out about the sender: Authentication-Results (RFC 8601)."""

import re
from collections.abc import Collection, Iterator

from mailbot.domain.model import Authentication
from mailbot.domain.people import addresses
from mailbot.mail.parsing.header_fields import Fields

_FIELD_LIMIT = 8 * 1024  # characters of one field that are read
_RESULT_LIMIT = 50  # results of one mail that are read

# Each character belongs to one kind of token only: the scan is linear.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|([();=])|(\s+)|((?:[^\s"();=\\]|\\.)+|\\)', re.DOTALL)

Result = tuple[str, str, dict[str, str]]  # method, result, properties ("header.d": ...)


def evaluate(header: Fields, from_address: str, authserv_ids: Collection[str]) -> Authentication:
    """Return PASS, FAIL or NONE for the domain of `from_address`.

    - PASS: DMARC passed for it, or an aligned DKIM signature or SPF sender passed.
    - FAIL: DMARC failed for it; this beats any pass.
    - NONE: no trusted host has a result.

    Only fields of the hosts in `authserv_ids` count, and of those the topmost run. Hosts add fields on top,
    so everything below the next Received line was in the mail when it came, whatever name it bears. The
    trusted host has to remove forged ones (RFC 8601 section 5).
    """
    domain = from_address.rpartition("@")[2]
    if not domain or not authserv_ids:
        return Authentication.NONE
    trusted = {name.lower() for name in authserv_ids}
    verdict = Authentication.NONE
    for number, result in enumerate(_trusted_results(header, trusted)):
        if number == _RESULT_LIMIT:
            break
        single = _evaluate_result(result, domain)
        if single is Authentication.FAIL:
            return single
        if single is Authentication.PASS:
            verdict = single
    return verdict


def _trusted_results(header: Fields, trusted: Collection[str]) -> Iterator[Result]:
    in_run = False
    for name, value in header.rows:
        if name == "authentication-results":
            authserv_id, results = _parse_field(value[:_FIELD_LIMIT])
            if authserv_id in trusted:
                in_run = True
                yield from results
            elif in_run:
                return
        elif name == "received" and in_run:
            return


def _evaluate_result(result: Result, domain: str) -> Authentication:
    method, outcome, properties = result
    if method == "dmarc":
        evaluated = properties.get("header.from", domain).rpartition("@")[2]
        if evaluated != domain:
            return Authentication.NONE
        if outcome == "fail":
            return Authentication.FAIL
        return Authentication.PASS if outcome == "pass" else Authentication.NONE
    if outcome != "pass":
        return Authentication.NONE
    if method == "dkim":
        passed = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
    elif method == "spf":
        passed = properties.get("smtp.mailfrom", "").rpartition("@")[2]
    else:
        return Authentication.NONE
    return Authentication.PASS if addresses.aligned(passed, domain) else Authentication.NONE


def _parse_field(value: str) -> tuple[str, list[Result]]:
    """Return the authserv-id and the results of one field, all in lower case."""
    statements = _statements(value)
    head = statements[0]
    if not head or "=" in head:  # no authserv-id, as some hosts write for themselves
        return "", []
    results = []
    for words in statements[1:]:
        pairs = _pairs(words)
        if pairs:
            (method, outcome), *properties = pairs
            results.append((method.partition("/")[0], outcome, dict(reversed(properties))))
    return head[0], results


def _statements(value: str) -> list[list[str]]:
    """Return the words and "=" signs between semicolons, without the (nested) comments."""
    statements: list[list[str]] = [[]]
    depth = 0
    glue = False  # the last token was part of a word: without white space the next one belongs to it
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
            statements[-1][-1] += "="  # part of the value: smtp.mailfrom=prvs=0123=budi@bank.example
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
    """Return "dkim = pass header.d = bank.example" as pairs."""
    return [
        (words[i - 1], words[i + 1])
        for i in range(1, len(words) - 1)
        if words[i] == "=" and words[i - 1] != "=" and words[i + 1] != "="
    ]
