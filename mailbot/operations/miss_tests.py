"""Write the mails that the rules got wrong as tests beside the rules, without personal data."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailbot.analysis.misses.find import Group, Misses
from mailbot.analysis.misses.miss import Miss
from mailbot.analysis.misses.neutral import neutral_mail
from mailbot.analysis.misses.paste import scalar
from mailbot.config.model import Loaded
from mailbot.config.yaml.insert import insert_items
from mailbot.config.yaml.source import MAX_BYTES, parse
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_tests import Expected, PolicyTest, SampleMail
from mailbot.operations.validate_policy import ROUTING, run_test

HEADING = (
    "--- corrected by people (`mailbot rules misses --add-tests`; addresses and numbers are made up) ---"
)
SENDER = "pelanggan@surel.example"


@dataclass(slots=True)
class Added:
    """`written`: names of the tests. `known`: tickets that have one. `unlike`: whose text alone goes right."""

    written: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)


def add_tests(found: Misses, loaded: Loaded, directory: Path) -> Added:
    """Write a test for each miss that has none. Raises OSError, and ValueError where the file can't be added to."""
    added, tests = Added(), []
    names = {test.name for test in loaded.tests}
    mails = {(test.mail.subject, test.mail.body) for test in loaded.tests}
    for group, miss in _all(found):
        test = _test_of(group, miss, loaded, directory)
        if test is None:
            added.unlike.append(miss.ticket.number)
        elif test.name in names or (test.mail.subject, test.mail.body) in mails:
            added.known.append(miss.ticket.number)
        else:
            mails.add((test.mail.subject, test.mail.body))
            tests.append(test)
    if tests:
        _write((directory / ROUTING).resolve(), tests)
    added.written = [test.name for test in tests]
    return added


def broken_tests(loaded: Loaded, directory: Path, changed: Policy) -> list[str]:
    """Name the tests beside the rules that the changed policy would fail."""
    tests = (test for test in loaded.tests if not test.expected_to_fail)
    return [test.name for test in tests if run_test(test, changed, directory)]


def _all(found: Misses) -> Iterator[tuple[Group, Miss]]:
    return ((group, miss) for group in found.groups for miss in group.misses)


def _test_of(group: Group, miss: Miss, loaded: Loaded, directory: Path) -> PolicyTest | None:
    """Build the shortest test that the rules fail as they failed the mail; None where its text is not the cause."""
    expected = tuple(Expected(name, (value,)) for name, value in miss.expected.items())
    failing = None
    for whole in (True, False):
        subject, body = neutral_mail(miss.ticket.case.mail, group.term, whole=whole)
        mail = SampleMail(sender=SENDER, subject=subject, body=body)
        test = PolicyTest(f"corrected {miss.ticket.number}", mail, expected, expected_to_fail=True)
        if not run_test(test, loaded.policy, directory):
            return failing
        failing = test
    return failing


def _write(path: Path, tests: list[PolicyTest]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        before = file.read()
    after = insert_items(before, "tests", [_lines(test) for test in tests], HEADING)
    _check_only_added(before, after, len(tests))
    new = path.with_name(f".{path.name}.new")
    try:
        shutil.copy2(path, new)  # with its mode
        new.write_text(after, encoding="utf-8", newline="")
        owner = path.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _lines(test: PolicyTest) -> list[str]:
    expected = ", ".join(f"{each.key}: {scalar(each.values[0])}" for each in test.expected)
    return [
        f"name: {test.name}",
        "mail:",
        f"  from: {test.mail.sender}",
        f"  subject: {scalar(test.mail.subject)}",
        f"  body: {scalar(test.mail.body)}",
        f"expect: {{{expected}}}",
        "expected_to_fail: yes",
    ]


def _check_only_added(before: str, after: str, count: int) -> None:
    """Compare both as data: a file of unusual format, or one that is full, must not be spoiled."""
    old, new = (parse(text.encode(), ROUTING)[0].data for text in (before, after))
    if isinstance(old, dict) and isinstance(new, dict) and len(after.encode()) <= MAX_BYTES:
        tests = new.get("tests")
        same = {**new, "tests": None} == {**old, "tests": None}
        if same and isinstance(tests, list) and tests[count:] == (old.get("tests") or []):
            return
    raise ValueError("tests can't be added to a file of this format or size")
