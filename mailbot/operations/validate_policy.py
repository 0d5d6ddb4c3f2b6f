"""All that must hold before a policy comes in force: the files, the templates, the admins' own tests.

`check`, the start and each reload ask here, so that none of them takes what another would refuse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from mailbot.config.api import load
from mailbot.config.model import Loaded
from mailbot.config.shipped import templates_for
from mailbot.config.yaml.source import parse as parse_yaml
from mailbot.domain import policy_tests
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.policy import Policy
from mailbot.domain.policy_tests import Expected, Mismatch, PolicyTest
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose import sample_mail
from mailbot.mail.compose.reply_tokens import check_token_fits
from mailbot.mail.compose.templates import Templates
from mailbot.mail.compose.templates import load as load_templates
from mailbot.mail.parsing.envelope import build_envelope
from mailbot.mail.parsing.parse import parse

ROUTING = "routing.yaml"
STEPS = 1_500_000  # of the analysis, 3 s at most: a reload must not wait long
LARGEST = 64 * 1024 * 1024  # bytes of a mail that a test names


@dataclass(frozen=True, slots=True)
class Approved:
    """A configuration that can be gone by, with its templates."""

    loaded: Loaded
    templates: Templates


def approve(directory: Path, env: Mapping[str, str], today: date) -> Approved:
    """Raises ConfigError with every problem found."""
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
        problems += [*_room(loaded.policy, directory), *failures(loaded, directory)]
    if problems or loaded is None or templates is None:
        raise ConfigError(problems)
    return Approved(loaded, templates)


def doubts(loaded: Loaded, directory: Path) -> list[Problem]:
    """What the analysis of the policy proves to be a fault: no reload takes it. What it could not decide, and
    what may be meant, is none."""
    # A start never asks, and must not wait for what it does not need.
    from mailbot.analysis.lint.checks import Budget, check, faults
    from mailbot.operations import finding_places

    budget = Budget(steps=STEPS)
    return finding_places.problems(faults(check(loaded.policy, budget)), loaded.sources, directory)


def _room(policy: Policy, directory: Path) -> list[Problem]:
    problems = []
    for box in policy.mailboxes.values():
        try:
            check_token_fits(box.address, box.prefix, box.digits)
        except ValueError as error:
            problems.append(Problem(str(directory / "mailbot.yaml"), 0, 0, str(error)))
    return problems


def failures(loaded: Loaded, directory: Path) -> list[Problem]:
    """What the tests beside the rules expect and what does not come out, each at its place in the file."""
    problems = [problem for test in loaded.tests for problem in _failures(test, loaded.policy, directory)]
    if not problems:
        return []
    source, _ = parse_yaml(loaded.sources.files[ROUTING].encode(), str(directory / ROUTING))
    return [source.at((each.line, each.column), each.message, each.hint) for each in problems]


def _failures(test: PolicyTest, policy: Policy, directory: Path) -> list[Problem]:
    at = policy_tests.moment_of(test.mail.at, policy)
    try:
        mail, envelope = _posted(test, policy, directory)
    except OSError as error:
        message = f"test `{test.name}`: {test.mail.file} can't be read: {error.strerror}"
        return [Problem(ROUTING, test.line, test.column, message)]
    result = policy_tests.run_mail(policy, mail, envelope, test.mail.customer_history, at)
    return [_problem(test.name, mismatch) for mismatch in policy_tests.find_mismatches(test.expected, result)]


def _posted(test: PolicyTest, policy: Policy, directory: Path) -> tuple[InboundMail, Envelope]:
    said = test.mail
    recipient = said.recipient or next(iter(policy.mailboxes))
    if said.file:
        raw = _read(directory / said.file)
    else:
        raw = sample_mail.write_mail(said.sender, recipient, said.subject, said.body, said.headers)
    mail = parse(raw, own_addresses=policy.mailboxes.keys())
    at = policy_tests.moment_of(said.at, policy)
    envelope = build_envelope(raw, policy, at, recipient=said.recipient or None)
    return replace(
        mail,
        language=mail.language if said.language is None else said.language,
        attachments=mail.attachments or tuple(map(sample_mail.sample_attachment, said.attachments)),
        size=mail.size if said.size is None else said.size,
    ), envelope


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever
        raise OSError(0, "is not a file")
    with path.open("rb") as file:
        return file.read(LARGEST)


def _problem(test: str, found: Mismatch) -> Problem:
    wanted = found.expected
    message = f"test `{test}`: {_said(wanted, found.actual)}"
    return Problem(ROUTING, wanted.line, wanted.column, message, found.explanation)


def _said(wanted: Expected, came: str) -> str:
    listed = ", ".join(wanted.values)
    kind, _, inner = wanted.key.partition(".")
    name = f"{kind.removesuffix('s')} `{inner}`" if inner else kind.replace("_", " ")
    if wanted.key == "not_rule":
        return f"none of these rules should match: {listed}"
    if wanted.key == "rule":
        return f"rule `{listed}` should match, not {came}"
    if wanted.key in ("tags", "ask_for"):
        return f"{name} should hold {listed}, there is {came}"
    return f"{name} is {came}, not {listed}"
