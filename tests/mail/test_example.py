"""The example mails of an analysis, written as bytes and read back as the daemon reads them."""

from dataclasses import replace
from datetime import UTC

import pytest

from mailbot.analysis.lint.checks import Budget
from mailbot.analysis.lint.context import ground
from mailbot.analysis.lint.search import Found
from mailbot.domain.decisions import routing_facts
from mailbot.domain.policy import Policy
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.mail.compose.sample_mail import write_example
from mailbot.mail.parsing.parse import parse
from tests.analysis.lint.reading import SETS, policy_of, read


def again(facts: RoutingFacts, policy: Policy) -> RoutingFacts:
    mail = parse(write_example(facts))
    at = facts.local_time.astimezone(UTC)
    return routing_facts(mail, mail.sender, facts.mailbox, policy, at, facts.customer_history)


@pytest.mark.parametrize("path", sorted(SETS.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_is_read_as_what_it_was_made_from(path):
    policy = policy_of(read(path))
    at = ground(policy, Budget())
    for index, rule in enumerate(policy.rules):
        answer = at.search.ask(at.wanted[index], at.enders(index))
        assert isinstance(answer, Found), rule.name
        assert conditions.match_rules(policy.rules, again(answer.mail, policy)) == conditions.match_rules(
            policy.rules, answer.mail
        ), rule.name


@pytest.mark.parametrize("size", [2_000, 9_999, 5_000_001])
@pytest.mark.parametrize("names", [(), ("foto.jpg", "surat.pdf")])
def test_an_example_is_as_large_as_it_shall_be(size, names):
    policy = policy_of(read(SETS / "bank.yaml"))
    found = ground(policy, Budget()).search.ask(ground(policy, Budget()).wanted[1])
    assert isinstance(found, Found)
    types = ("image/jpeg", "application/pdf")[: len(names)]
    facts = replace(found.mail, size=size, attachment_names=names, attachment_types=types)
    read_back = again(facts, policy)
    assert read_back.size == size
    assert (read_back.attachment_names, read_back.attachment_types) == (names, types)
    assert read_back.text.strip() == facts.text.strip()


@pytest.mark.parametrize("size", [120, 200, 450])
def test_a_small_example_has_no_more_header_than_it_needs(size):
    policy = policy_of(read(SETS / "bank.yaml"))
    found = ground(policy, Budget()).search.ask(ground(policy, Budget()).wanted[1])
    assert isinstance(found, Found)
    facts = replace(found.mail, size=size, attachment_names=(), attachment_types=())
    read_back = again(facts, policy)
    assert abs(read_back.size - size) <= 12  # where a header for the padding has no room
    assert (read_back.subject, read_back.text.strip()) == (facts.subject, facts.text.strip())
