"""Every fault is refused with its file, line, column, and what to do; all faults at once."""

from pathlib import Path

import pytest

from tests.config.faults import BASE, brief, directories, lay, loaded, problems

# (file, text in the base, its replacement, the expected problem)
CASES = {
    "a duration without a unit": (
        "escalation.yaml", "first_response: 30 min,", "first_response: 30,",
        "13:31: `30` has no unit | a time span is written like `30 min`",
    ),
    "a unit that is none": (
        "escalation.yaml", "30 min,", "30 minits,",
        "13:31: `30 minits` is not a time span | did you mean `mins`?",
    ),
    "a clock time where a duration belongs": (
        "escalation.yaml", "30 min,", "17:30,",
        "13:31: `17:30` is not a time span | write it like 30 min, 8 h, 1 h 30 min, 2 days",
    ),
    "hours that overlap": (
        "escalation.yaml", "sat: 08:00-12:00", "sat: 08:00-12:00, 11:00-13:00",
        "6:12: 08:00-12:00 and 11:00-13:00 overlap",
    ),
    "hours that run backward": (
        "escalation.yaml", "sat: 08:00-12:00", "sat: 22:00-06:00",
        "6:12: `22:00-06:00`: hours run forward inside one day, 00:00 to 24:00 | write them like "
        "08:00-12:00; past midnight: 22:00-24:00 here, 00:00-06:00 on the next day",
    ),
    "hours of a day that does not exist": (
        "escalation.yaml", "sat: 08:00-12:00", "besok: 08:00-12:00",
        "6:7: `besok` is not a weekday | known here: mon, tue, wed, thu, fri, sat, sun",
    ),
    "a weekday in two lines": (
        "escalation.yaml", "sat: 08:00-12:00", "Friday: 08:00-12:00",
        "6:7: a day of `Friday` is already in a line above | each day can have one line",
    ),
    "a week that is always closed": (
        "escalation.yaml", "hours: always", "hours: {mon: closed}",
        "10:12: no day has hours: nothing would ever come due",
    ),
    "a date that does not exist": (
        "escalation.yaml", "2026-12-31", "2026-02-30",
        "8:7: `2026-02-30` is not a date | write it like 2026-12-31, or 2026-12-24 to 2027-01-02",
    ),
    "a zone that does not exist": (
        "escalation.yaml", "Asia/Jakarta", "Asia/Djakarta",
        "3:11: `Asia/Djakarta` is not a time zone | write it like WIB, WITA, WIT or Asia/Jakarta",
    ),
    "a country without known holidays": (
        "escalation.yaml", "hours: always", "hours: always\n    holidays: {country: XX}",
        "11:25: no holidays are known for `XX` | write the country's two letters: ID is Indonesia",
    ),
    "collective leave where there is none": (
        "escalation.yaml",
        "hours: always", "hours: always\n    holidays: {country: NL, collective_leave: true}",
        "11:15: `collective_leave` means nothing in NL | leave it out",
    ),
    "a step that does nothing": (
        "escalation.yaml", "\n        remind: assignee", "",
        "15:9: this step does nothing | "
        "give it one of: remind, "
        "escalate_to, hand_over_to, reassign, ask_decision, notify, tell_customer",
    ),
    "a step before a step above it": (
        "escalation.yaml", "at: first_response\n", "at: 50% of first_response\n",
        "17:13: comes due before a step above it | put the steps in the order they come due",
    ),
    "a step before the ticket": (
        "escalation.yaml", "75% of first_response", "1 h before first_response",
        "15:13: comes due before the ticket is opened: first_response is only 0:30:00",
    ),
    "quiet hours that never end": (
        "escalation.yaml", "    steps:", "    quiet_hours: 00:00-24:00\n    steps:",
        "14:18: `00:00-24:00` is the whole day: no reminder would ever leave | write them like 21:00-07:00",
    ),
    "a category that no ticket can have": (
        "escalation.yaml", "escalate_to: L2", "escalate_to: {paymet: L2}",
        "18:23: there is no category `paymet` | did you mean `payment`?",
    ),
    "a level by category that does not exist": (
        "escalation.yaml", "escalate_to: L2", "escalate_to: {payment: L2, other: L9}",
        "18:43: there is no level `L9` | known here: L1, L2, management",
    ),
    "a decision without its question": (
        "escalation.yaml", "remind: assignee", "ask_decision: management",
        "16:23: the question itself is missing | question: May we refund in full?",
    ),
    "a decision with one way out": (
        "escalation.yaml",
        "remind: assignee", "ask_decision: L2\n        question: Refund?\n        options: [Yes, yes]",
        "18:18: there must be two options or more, and no two alike | options: [yes, no]",
    ),
    "a question to nobody": (
        "escalation.yaml", "remind: assignee", "remind: assignee\n        question: Refund?",
        "17:9: nobody is asked | ask_decision: management",
    ),
    "whoever decides gets the ticket too": (
        "escalation.yaml",
        "escalate_to: L2", "escalate_to: L2\n        ask_decision: L2\n        question: Refund?",
        "18:9: whoever is asked to decide does not get the ticket | put it in a step of its own",
    ),
    "somebody else twice": (
        "escalation.yaml", "escalate_to: L2", "escalate_to: L2\n        reassign: true",
        "19:9: it goes to somebody else anyway: the step names another level or team | leave `reassign` out",
    ),
    "a confirmation that nobody owes": (
        "escalation.yaml", "        escalate_to: L2\n", "        remind: team\n",
        "19:9: no new owner could acknowledge | it goes with escalate_to, "
        "hand_over_to, reassign or ask_decision",
    ),
    "somebody to notify whom nobody knows": (
        "escalation.yaml", "[Dewi Anggraini,", "[Dewi Angraini,",
        "22:18: there is no agent or team `Dewi Angraini` | did you mean `Dewi Anggraini`?",
    ),
    "a priority without a ladder": (
        "escalation.yaml", ", urgent: standard", "",
        "24:1: no ladder for the priority `urgent` | every priority needs one",
    ),
    "a priority that is none": (
        "escalation.yaml", "urgent: standard", "urgent: standard, asap: standard",
        "24:81: there is no priority `asap` | known here: low, normal, high, urgent",
    ),
    "a label of a priority that is none": (
        "escalation.yaml", "urgent: standard}", "urgent: standard}\npriority_labels: {asap: {id: a, en: b}}",
        "25:19: there is no priority `asap` | known here: low, normal, high, urgent",
    ),
    "a label of a level that is none": (
        "teams.yaml", "[L1, L2, management]", "[L1, L2, management]\nlevel_labels: {boss: {id: a, en: b}}",
        "2:16: there is no level `boss` | known here: L1, L2, management",
    ),
    "a label of a category that is none": (
        "routing.yaml", "rules:", "category_labels: {paymet: {id: a, en: b}}\nrules:",
        "1:19: there is no category `paymet` | did you mean `payment`?",
    ),
    "a label in one language": (
        "routing.yaml", "name: failed payment", "name: failed payment\n    label: {id: Pembayaran gagal}",
        "3:12: `en` is missing here | it is: in English: Double payment",
    ),
    "a word where true or false belongs": (
        "escalation.yaml", "tell_customer: true", "tell_customer: yes",
        "23:24: `tell_customer` must be true or false, not `yes`",
    ),
    "a level where nobody works": (
        "teams.yaml", "staf.example, level: L2}", "staf.example, level: L1}",
        "escalation.yaml:18:22: nobody works at the level `L2` | give an agent this level in teams.yaml",
    ),
    "an agent without an address": (
        "teams.yaml", "        address: ayu@staf.example\n", "",
        "6:9: `address` is missing here | it is: where tickets are sent to, and answers come from",
    ),
    "an address with a name in it": (
        "teams.yaml", "ayu@staf.example", "Ayu <ayu@staf.example>",
        "7:18: `Ayu <ayu@staf.example>` is not a mail address | "
        "write it like ayu@dukungan.example, without a name or brackets",
    ),
    "one agent in two teams": (
        "teams.yaml", "citra@staf.example", "Ayu@Staf.example",
        "13:41: `Ayu@Staf.example` belongs to an agent already | the first is on line 7",
    ),
    "a team of nobody": (
        "teams.yaml", "levels: [L1, L2, management]", "levels: [L1, L2, management]\nempty: 1",
        "2:1: unknown key `empty` | known here: levels, teams, level_labels, public_levels, authority",
    ),
    "a number where a name belongs": (
        "teams.yaml", "name: Ayu Lestari", "name: 2026",
        "6:15: `name` must be text, not `2026` | put quotes around it",
    ),
    "a calendar nobody knows": (
        "teams.yaml", "calendar: office", "calendar: Office",
        "4:15: there is no calendar `Office` | did you mean `office`?",
    ),
    "conditions without a field": (
        "routing.yaml", "- subject: {contains: [saldo terpotong, payment failed]}", "- saldo terpotong",
        "5:11: conditions are needed here, not `saldo terpotong` | "
        "write it like `subject: {contains: [saldo terpotong]}`",
    ),
    "a field without an operator": (
        "routing.yaml", "subject: {contains: [saldo terpotong, payment failed]}", "language: id",
        "5:21: `language` needs an operator | write it like `language: {is: id}`; it knows: is",
    ),
    "a list where a group belongs": (
        "routing.yaml", "      any:\n", "",
        "4:9: conditions are needed here, not a list | put `any:` or `all:` before it",
    ),
    "an amount cut by its comma": (
        "routing.yaml", r"body: {matches: 'Rp\s?[0-9.]{7,}'}", "amount: {over: Rp1,5 juta}",
        "6:30: there is no operator `5 juta` | between braces a comma ends the value: put quotes around it, "
        '"1,5 juta"',
    ),
    "a pattern that RE2 does not have": (
        "routing.yaml", r"'Rp\s?[0-9.]{7,}'", "'Rp(?=[0-9])'",
        "6:27: 'Rp(?=[0-9])' is not an RE2 pattern: invalid perl operator: (?= "
        "(RE2 has no look-around)",
    ),
    "a rule without a team": (
        "routing.yaml", "then: {team: frontline}", "then: {category: general}",
        "9:11: this rule names no team | only a rule with `go_on: true` may leave it to the rules below",
    ),
    "an urgency that is none": (
        "routing.yaml", "urgency: high", "urgency: urgent",
        "7:40: `urgent` is not allowed here | did you mean `critical`? Known here: low, normal, high, critical",
    ),
    "an incident without a time": (
        "mailbot.yaml", "    prefix: TOKO", "    prefix: TOKO\n    incident: {after: 20}",
        "9:23: `20` has no unit | a rate is written like `20 per day`",
    ),
    "an incident's level that does not exist": (
        "mailbot.yaml", "    prefix: TOKO",
        "    prefix: TOKO\n    incident: {after: 20 per 10 min, level: L3}",
        "9:45: there is no level `L3` | known here: L1, L2, management",
    ),
    "a mailbox that two share": (
        "mailbot.yaml", "    prefix: TOKO",
        "    prefix: TOKO\n  - {address: Support@dukungan.example, brand: Lain, prefix: LAIN}",
        "9:15: `Support@dukungan.example` is the address of two mailboxes | the first is on line 6",
    ),
    "a prefix that two share": (
        "mailbot.yaml", "    prefix: TOKO",
        "    prefix: TOKO\n  - {address: cs@dukungan.example, brand: Lain, prefix: TOKO}",
        "9:57: `TOKO` is the prefix of two mailboxes: their numbers would look alike | "
        "the first is on line 8",
    ),
    "a mailbox with a tag": (
        "mailbot.yaml", "support@", "support+desk@",
        "6:14: a mailbox can't have a `+`: mailbot uses what follows it",
    ),
    "a mailbox without room for a tag": (
        "mailbot.yaml", "support@", "customer-support-desk@",
        "6:14: has 21 characters before the `@`, with this prefix there is room for 18 | "
        "replies carry the number and a proof beside it (RFC 5321: 64 in all)",
    ),
    "no mailbox": (
        "mailbot.yaml",
        "mailboxes:\n  - address: support@dukungan.example\n    brand: TokoDompet\n    prefix: TOKO",
        "mailboxes: []",
        "5:12: at least one mailbox is needed",
    ),
    "a rate that lets nothing through": (
        "mailbot.yaml", "5 per day", "0 per day",
        "9:39: a rate of 0 lets nothing through | leave the mailbox out, or set a rate",
    ),
    "a rate without a period": (
        "mailbot.yaml", "5 per day", "5",
        "9:39: `5` has no unit | a rate is written like `5 per day`",
    ),
    "a port that is none": (
        "mailbot.yaml", "127.0.0.1:2526", "127.0.0.1:99999",
        "4:12: `127.0.0.1:99999` is not a host with a port | "
        "write it like 127.0.0.1:25, [::1]:25 or mail.example:587",
    ),
    "an IPv6 address without brackets": (
        "mailbot.yaml", "127.0.0.1:2526", "'::1:25'",
        "4:12: `::1:25`: an IPv6 address needs brackets | write it like [::1]:25",
    ),
    "a store of another kind": (
        "mailbot.yaml", "store: mailbot.db", "store: mysql://localhost/mailbot",
        "2:8: unknown kind of store `mysql` | known here: sqlite, postgresql",
    ),
    "a store that forgets": (
        "mailbot.yaml", "store: mailbot.db", "store: 'sqlite:///:memory:'",
        "2:8: a store in memory is lost when the daemon stops | name a file: mailbot.db",
    ),
    "a password in the clear": (
        "mailbot.yaml", "address: 127.0.0.1:2526", "address: relay.example:25\n  user: mailbot",
        "4:3: `starttls` may send the relay's password in the clear | "
        "with `tls: required` or `tls: implicit` it can't be read on the way",
    ),
    "figures for everybody": (
        "mailbot.yaml", "store: mailbot.db", "monitor: 0.0.0.0:9125",
        "2:10: `0.0.0.0` is not a loopback address | "
        "it is not for the network; a web server on this machine may be in front: 127.0.0.1:9125",
    ),
    "pages for everybody": (
        "mailbot.yaml", "store: mailbot.db", "console: 0.0.0.0:8025",
        "2:10: `0.0.0.0` is not a loopback address | "
        "it is not for the network; a web server on this machine may be in front: 127.0.0.1:8025",
    ),
    "everybody logs in as anybody": (
        "mailbot.yaml", "store: mailbot.db",
        "console: {listen: 127.0.0.1:8025, proxies: [0.0.0.0/0], user_header: X-User}",
        "2:45: `0.0.0.0/0` holds addresses of all the world: everybody could log in as anybody | "
        "name the web server in front: 127.0.0.1",
    ),
    "a public address with a path": (
        "mailbot.yaml", "store: mailbot.db", "public_url: https://dukungan.example/bantuan",
        "2:13: `https://dukungan.example/bantuan` has more than a host | "
        "the pages need a host of their own: https://bantuan.example",
    ),
    "a public address in the clear": (
        "mailbot.yaml", "store: mailbot.db", "public_url: http://bantuan.example",
        "2:13: links to customers' tickets must not be read on the way | https://bantuan.example",
    ),
    "a provider of log-ins in the clear": (
        "mailbot.yaml", "store: mailbot.db",
        "console: {listen: 127.0.0.1:8025, oidc: {issuer: http://login.example, client_id: meja}}",
        "2:50: what is sent there must not be read on the way | https://login.example",
    ),
    "a size without a unit": (
        "mailbot.yaml", "store: mailbot.db", "limits: {size: 25}",
        "2:16: `25` has no unit | a size is written like `25 MB`",
    ),
    "files of notices without a unit": (
        "mailbot.yaml", "store: mailbot.db", "notices: {attach_up_to: 10}",
        "2:25: `10` has no unit | a size is written like `10 MB`",
    ),
    "a network with a host in it": (
        "mailbot.yaml", "store: mailbot.db", "trust: {agent_networks: [10.0.0.1/8]}",
        "2:26: `10.0.0.1/8` is not a network: 10.0.0.1/8 has host bits set | "
        "write it like 10.0.0.0/8, 127.0.0.1 or fd00::/8",
    ),
    "agents everywhere": (
        "mailbot.yaml", "store: mailbot.db", "trust: {agent_networks: [10.0.0.0/8, 0.0.0.0/0]}",
        "2:38: `0.0.0.0/0` holds addresses of all the world: every mail would count as an agent's | "
        "name your own: 10.20.0.0/16, 127.0.0.1",
    ),
    "our own mail servers everywhere": (
        "mailbot.yaml", "store: mailbot.db", "trust: {front_networks: ['::/0']}",
        "2:26: `::/0` holds addresses of all the world: every host would count as our own mail server, without "
        "limits | name your own: 10.20.0.0/16, 127.0.0.1",
    ),
    "proxies everywhere": (
        "mailbot.yaml", "store: mailbot.db", "trust: {proxy_networks: [128.0.0.0/1]}",
        "2:26: `128.0.0.0/1` holds addresses of all the world: every client could name any address as its own | "
        "name your own: 10.20.0.0/16, 127.0.0.1",
    ),
    "too many connections": (
        "mailbot.yaml", "  address: 127.0.0.1:2526", "  connections: 1000",
        "4:16: `connections` is at most 100, not 1000",
    ),
    "a language without templates": (
        "mailbot.yaml", "    prefix: TOKO", "    prefix: TOKO\n    language: fr",
        "9:15: there are no templates for `fr` | known here: en, id",
    ),
    "an unknown mode of TLS": (
        "mailbot.yaml", "  address: 127.0.0.1:2526", "  tls: start-tls",
        "4:8: `tls` can't be `start-tls` | did you mean `starttls`?",
    ),
}  # fmt: skip


def test_the_base_has_no_fault(tmp_path: Path) -> None:
    found = loaded(lay(tmp_path))
    assert found.warnings == ()
    assert [rule.name for rule in found.policy.rules] == ["failed payment", "everything else"]


@pytest.mark.parametrize("fault", directories(), ids=lambda path: path.name)
def test_a_fault_directory_is_refused_with_every_problem_at_once(fault: Path, tmp_path: Path) -> None:
    found = "".join(f"{brief(problem)}\n" for problem in problems(lay(tmp_path, fault)))
    assert found == (fault / "expected").read_text()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault_is_refused_with_its_place(case: tuple[str, str, str, str], tmp_path: Path) -> None:
    file, old, new, expected = case
    text = (BASE / file).read_text()
    assert text.count(old) >= 1
    (lay(tmp_path) / file).write_text(text.replace(old, new, 1))
    expected = expected if ".yaml:" in expected else f"{file}:{expected}"
    assert list(map(brief, problems(tmp_path))) == [expected]


def test_a_missing_certificate_is_a_problem(tmp_path: Path) -> None:
    with (lay(tmp_path) / "mailbot.yaml").open("a") as file:
        file.write("tls: {certificate: cert.pem, key: key.pem}\n")
    (tmp_path / "key.pem").touch()
    assert list(map(brief, problems(tmp_path))) == [
        f"mailbot.yaml:11:20: there is no file {tmp_path / 'cert.pem'}"
    ]
    (tmp_path / "cert.pem").touch()
    assert loaded(tmp_path).settings.listen.certificate == tmp_path / "cert.pem"


def test_a_missing_directory_and_missing_files_are_problems(tmp_path: Path) -> None:
    assert [problem.message for problem in problems(tmp_path / "none")] == ["there is no such directory"]
    assert [brief(problem) for problem in problems(tmp_path)] == [
        f"{name}.yaml: there is no such file | `mailbot init DIR` writes a working set"
        for name in ("mailbot", "teams", "routing", "escalation")
    ]


def test_a_problem_shows_its_line_with_a_caret(tmp_path: Path) -> None:
    (lay(tmp_path) / "teams.yaml").write_text((BASE / "teams.yaml").read_text().replace("L1", "L7", 2))
    problem = problems(tmp_path)[0]
    assert (problem.line, problem.column, problem.excerpt) == (13, 68, (
        "      - {name: Citra Maharani, address: citra@staf.example, level: L1}"
    ))  # fmt: skip
    assert f"\n    {' ' * 67}^\n" in str(problem)


def test_no_secret_is_shown_in_any_problem(tmp_path: Path) -> None:
    for fault in directories():
        assert "hunter2" not in "".join(map(str, problems(lay(tmp_path, fault))))
