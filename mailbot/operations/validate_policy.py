"""Validates a configuration before it comes in force: the files, the templates, the admins' own tests.

The start, each reload and `check` call this, so that none of them takes what another would refuse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from mailbot.config.api import load
from mailbot.config.model import Loaded
from mailbot.config.shipped import templates_for
from mailbot.config.yaml.source import parse as parse_yaml
from mailbot.domain import reasons
from mailbot.domain.model import Author, Envelope, InboundMail
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review import policy_tests
from mailbot.domain.policy_review.policy_tests import Expected, Mismatch, PolicyTest, Result
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose import sample_mail
from mailbot.mail.compose.reply_tokens import check_token_fits
from mailbot.mail.compose.templates import Templates
from mailbot.mail.compose.templates import load as load_templates
from mailbot.mail.parsing.envelope import build_envelope
from mailbot.mail.parsing.parse import parse

ROUTING = "routing.yaml"
ANALYSIS_STEPS = 1_500_000  # 3 s at most: a reload must not wait long
LARGEST_MAIL = 64 * 1024 * 1024  # bytes of a file that a test names


@dataclass(frozen=True, slots=True)
class Validated:
    """A configuration without faults, with its templates."""

    loaded: Loaded
    templates: Templates


def validate(directory: Path, env: Mapping[str, str], today: date) -> Validated:
    """Validate what a start needs. Raises ConfigError with every problem found."""
    problems: list[Problem] = []
    loaded = templates = None
    try:
        loaded = load(directory, env, today=today)
    except ConfigError as refusal:
        problems += refusal.problems
    if loaded or directory.is_dir():
        try:
            templates = load_templates(loaded.settings.templates if loaded else templates_for(directory))
        except ConfigError as refusal:
            problems += refusal.problems
    if loaded:
        failed, remarks = _run_tests(loaded, directory)
        problems += [*_check_mailboxes(loaded.policy, directory), *failed]
        loaded = replace(loaded, warnings=(*loaded.warnings, *remarks))
    if problems or loaded is None or templates is None:
        raise ConfigError(problems)
    return Validated(loaded, templates)


def validate_with_analysis(directory: Path, env: Mapping[str, str], today: date) -> Validated:
    """Validate what a reload needs: the analysis must prove no fault. Raises ConfigError.

    What the analysis could not decide, and what may be meant, is no fault. A start does without it: after a
    crash it must not wait, nor be refused for what worked before.
    """
    from mailbot.analysis.lint.checks import FAULT_CHECKS, Budget, check, faults
    from mailbot.operations.finding_locations import locate

    validated = validate(directory, env, today)
    loaded = validated.loaded
    budget, largest = Budget(steps=ANALYSIS_STEPS), loaded.settings.limits.size
    found = faults(check(loaded.policy, budget, FAULT_CHECKS, largest=largest))
    if problems := locate(found, loaded.sources, directory):
        raise ConfigError(problems)
    return validated


def _check_mailboxes(policy: Policy, directory: Path) -> list[Problem]:
    problems = []
    for box in policy.mailboxes.values():
        try:
            check_token_fits(box.address, box.prefix, box.digits)
        except ValueError as error:
            problems.append(Problem(str(directory / "mailbot.yaml"), 0, 0, str(error)))
    return problems


def _run_tests(loaded: Loaded, directory: Path) -> tuple[list[Problem], list[Problem]]:
    """Run the tests beside the rules. Return what fails, and which pass against expectation, with their places."""
    problems, remarks = [], []
    for test in loaded.tests:
        failed = run_test(test, loaded.policy, directory)
        if not test.expected_to_fail:
            problems += failed
        elif not failed:
            remarks.append(_mended(test))
    if not (problems or remarks):
        return [], []
    source, _ = parse_yaml(loaded.sources.files[ROUTING].encode(), str(directory / ROUTING))
    failed, passed = (
        [source.at((each.line, each.column), each.message, each.hint) for each in found]
        for found in (problems, remarks)
    )
    return failed, passed


def _mended(test: PolicyTest) -> Problem:
    hint = "remove `expected_to_fail`, and the rules can't lose it again"
    return Problem(ROUTING, test.line, test.column, f"test `{test.name}` passes now", hint)


def run_test(test: PolicyTest, policy: Policy, directory: Path) -> list[Problem]:
    """Run one test. Return each expectation that failed."""
    result = _result(test, policy, directory)
    if isinstance(result, Problem):
        return [result]
    return [_problem(test.name, mismatch) for mismatch in policy_tests.find_mismatches(test.expected, result)]


def _result(test: PolicyTest, policy: Policy, directory: Path) -> Result | Problem:
    at = policy_tests.moment_of(test.mail.at, policy)
    try:
        mail, envelope = _mail_of(test, policy, directory)
    except OSError as error:
        message = f"test `{test.name}`: {test.mail.file} can't be read: {error.strerror}"
        return Problem(ROUTING, test.line, test.column, message)
    return policy_tests.run_mail(policy, mail, envelope, test.mail.customer_history, at)


def mails_of_tests(loaded: Loaded, directory: Path) -> tuple[RoutingFacts, ...]:
    """Return what the rules see of each test's mail, where it can be read and the rules do what the test wants."""
    tests = (test for test in loaded.tests if not test.expected_to_fail)
    found = (_result(test, loaded.policy, directory) for test in tests)
    return tuple(each.facts for each in found if isinstance(each, Result) and each.facts)


def _mail_of(test: PolicyTest, policy: Policy, directory: Path) -> tuple[InboundMail, Envelope]:
    given = test.mail
    recipient = given.recipient or next(iter(policy.mailboxes))
    if given.file:
        raw = _read(directory / given.file)
    else:
        raw = sample_mail.write_mail(given.sender, recipient, given.subject, given.body, given.headers)
    mail = parse(raw, own_addresses=policy.mailboxes.keys())
    at = policy_tests.moment_of(given.at, policy)
    envelope = build_envelope(raw, policy, at, recipient=given.recipient or None)
    if given.author:
        assumed, by_person = reasons.of("assumed"), given.author is Author.PERSON
        refused = mail.no_auto_reply or (NO_REASON if by_person else assumed)
        mail = replace(mail, author=given.author, author_reason=assumed, no_auto_reply=refused)
    return replace(
        mail,
        language=mail.language if given.language is None else given.language,
        attachments=mail.attachments or tuple(map(sample_mail.sample_attachment, given.attachments)),
        size=mail.size if given.size is None else given.size,
    ), envelope


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever
        raise OSError(0, "is not a file")
    with path.open("rb") as file:
        return file.read(LARGEST_MAIL)


def _problem(test: str, mismatch: Mismatch) -> Problem:
    expected = mismatch.expected
    message = f"test `{test}`: {_message(expected, mismatch.actual)}"
    return Problem(ROUTING, expected.line, expected.column, message, mismatch.explanation)


def _message(expected: Expected, actual: str) -> str:
    listed = ", ".join(expected.values)
    kind, _, inner = expected.key.partition(".")
    name = f"{kind.removesuffix('s')} `{inner}`" if inner else kind.replace("_", " ")
    if expected.key == "not_rule":
        return f"none of these rules should match: {listed}"
    if expected.key == "rule":
        return f"rule `{listed}` should match, not {actual}"
    if expected.key in ("tags", "ask_for"):
        return f"{name} should hold {listed}, there is {actual}"
    return f"{name} is {actual}, not {listed}"
