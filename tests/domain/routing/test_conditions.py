"""Test which rule matches a mail: each operator by table, all together against a slow evaluator."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.model import CustomerHistory
from mailbot.domain.routing import conditions as routing
from mailbot.domain.routing.conditions import (
    COMPLEXITIES,
    FIELDS,
    PRIORITIES,
    URGENCIES,
    AllOf,
    AnyOf,
    Condition,
    NoneOf,
    RoutingFacts,
    RuleMatch,
    When,
    build,
    explain,
    match_rules,
    operators_of,
)
from mailbot.domain.routing.field_types import AddressList, Context
from mailbot.domain.routing.operators import OPERATORS, octets, week_hours
from mailbot.domain.routing.text import fold, plain
from mailbot.domain.worktime import Calendar, hours

WIB = timezone(timedelta(hours=7))
MONDAY_MORNING = datetime(2026, 11, 23, 8, 5, tzinfo=WIB)


@dataclass(frozen=True)
class Rule:
    name: str
    when: When | None
    go_on: bool = False


EVERYTHING_ELSE = Rule("everything else", None)
CONTEXT = Context(
    {
        "office": Calendar("office", "Asia/Jakarta", ((hours("08:00-17:00"),),) * 5 + ((), ())),
        "night": Calendar("night", "Asia/Jayapura", ((hours("00:00-08:00"),),) * 7),  # 06:00 in Jakarta
    },
    {
        "vip": AddressList(domains=frozenset({"bank.co.id"})),
        "people": AddressList(frozenset({"support@dukungan.example"})),
    },
)


def facts(**told: object) -> RoutingFacts:
    usual: dict[str, object] = {
        "subject": "Saldo terpotong dua kali",
        "text": "Halo,\nsaldo OVO saya terpotong Rp 1.250.000 tapi\n  belum   masuk.",
        "sender": "budi@mail.bank.co.id",
        "mailbox": "support@dukungan.example",
        "language": "id",
        "attachment_names": ("Bukti Transfer.PDF", "foto.jpg"),
        "attachment_types": ("application/pdf", "image/jpeg"),
        "size": 5_000_000,
        "local_time": MONDAY_MORNING,
        "footer": "Budi, Advokat",
        "sender_name": "Ibu Budi (VIP)",
        "headers": {"x-priority": ("1 (Highest)",), "list-id": ("",)},
        "customer_history": CustomerHistory(known_customer=True, open_tickets=2, looked_up=True),
    }
    return RoutingFacts(**(usual | told))


def holds(when: When, seen: RoutingFacts) -> bool:
    return match_rules([Rule("asked", when), EVERYTHING_ELSE], seen)[-1].rule_index == 0


# --- one operator at a time -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("subject", "contains", "saldo terpotong", True),
        ("subject", "contains", ["gagal bayar", "TERPOTONG"], True),
        ("subject", "contains", "terpotong  dua", True),  # white space is one space on both sides
        ("subject", "contains", "gopay", False),
        ("subject", "contains", "rp", True),  # in "terpotong": that is what `mentions` is for
        ("subject", "mentions", "rp", False),
        ("body", "contains", "tapi belum masuk", True),  # over a line's end
        ("new_text", "contains", "dua kali", True),  # the subject counts
        ("new_text", "contains", "tapi belum masuk", True),
        ("new_text", "mentions", "advokat", False),
        ("new_body", "contains", "dua kali", False),
        ("footer", "mentions", "advokat", True),
        ("text", "contains", "dua kali", True),
        ("text", "contains", "belum masuk", True),
        ("attachment_name", "contains", "transfer", True),
        ("sender", "contains", "@mail.", True),
        ("text", "contains_all", ["dua kali", "belum masuk"], True),  # one in the subject, one in the body
        ("subject", "contains_all", ["saldo", "belum"], False),
        ("body", "mentions", "ovo", True),
        ("body", "mentions", ["dana", "ov"], False),
        ("body", "mentions", "saldo ovo", True),
        ("body", "mentions", "halo", True),  # at the very start, with a comma behind
        ("body", "mentions", "masuk", True),  # at the very end
        ("body", "mentions", "1.250.000", True),
        ("body", "matches", r"rp\s?[0-9.]{7,}", True),
        ("body", "matches", r"tapi$", False),
        ("body", "matches", r"tapi belum masuk", True),  # over a line end and a run of spaces
        ("body", "matches", r"(?m)tapi$", False),
        ("body", "matches", ["x{3}", r"^halo, saldo"], True),
        ("attachment_name", "matches", r"\.(pdf|docx)$", True),
        ("subject", "is", ["x", "SALDO  terpotong dua kali"], True),
        ("subject", "is", "saldo terpotong", False),
        ("sender", "is", "Budi@Mail.Bank.CO.ID", True),
        ("recipient", "is", "support@dukungan.example", True),
        ("language", "is", ["en", "id"], True),
        ("language", "is", "unsure", False),
        ("attachment_type", "is", "image/jpeg", True),
        ("subject", "starts_with", "saldo", True),
        ("subject", "starts_with", "terpotong", False),
        ("attachment_name", "ends_with", [".exe", ".pdf"], True),
        ("attachment_type", "starts_with", "image/", True),
        ("sender_domain", "is", "bank.co.id", False),
        ("sender_domain", "under", "bank.co.id", True),
        ("sender_domain", "under", "mail.bank.co.id", True),
        ("sender_domain", "under", ["ank.co.id", "x.mail.bank.co.id"], False),
        ("sender_domain", "ends_with", ".co.id", True),
        ("size", "over", "4.9 MB", True),
        ("size", "over", "5 MB", False),
        ("size", "over", 4_999_999, True),
        ("size", "below", "5 MB", False),
        ("size", "below", "5 MiB", True),
        ("hour", "within", "mon-fri 08:00-17:00", True),
        ("hour", "within", "mon-fri 08:06-17:00", False),
        ("hour", "within", ["sat, sun", "Monday 08.05-08.06"], True),
        ("hour", "within", "08:00-08:05", False),
        ("hour", "within", "tue-sun", False),
        ("hour", "within", "sat-mon", True),
        ("hour", "within", "sun 22:00-09:00", True),  # Sunday's night lasts into Monday
        ("hour", "within", "mon 22:00-09:00", False),
        ("sender_name", "mentions", "vip", True),
        ("sender_name", "is", "budi", False),
        ("header.x-priority", "starts_with", "1", True),
        ("header.X-Priority", "contains", "HIGHEST", True),
        ("header.x-priority", "is", "1", False),
        ("header.x-spam", "exists", False, True),
        ("header.list-id", "exists", True, False),  # there, and empty
        ("attachments", "over", 1, True),
        ("attachments", "over", 2, False),
        ("attachments", "below", 3, True),
        ("amount", "over", "Rp1.000.000", True),
        ("amount", "over", "1,25 juta", False),
        ("amount", "below", "Rp 2 juta", True),
        ("amount", "over", "USD 1", False),  # never across currencies
        ("amount", "below", "USD 9000000", False),
        ("amount", "exists", True, True),
        ("known_customer", "is", True, True),
        ("known_customer", "is", False, False),
        ("reopened", "is", False, True),
        ("escalated_before", "is", True, False),
        ("open_tickets", "over", 1, True),
        ("open_tickets", "below", 2, False),
        ("authentication", "is", ["fail", "none"], True),
        ("authentication", "is", "pass", False),
        ("author", "is", ["machine", "report"], False),
        ("author", "is", "person", True),
        ("machine_may_answer", "is", True, True),
        ("sender", "listed_in", "vip", True),  # its domain, and those below it
        ("sender", "listed_in", ["people"], False),
        ("sender_domain", "listed_in", "vip", True),
        ("recipient", "listed_in", ["vip", "people"], True),
        ("hour", "in_calendar", "office", True),
        ("hour", "in_calendar", ["night"], False),
        ("hour", "outside_calendar", "night", True),
        ("hour", "outside_calendar", ["night", "office"], False),
        ("attachment_name", "exists", True, True),
        ("attachment_name", "exists", False, False),
        ("subject", "exists", False, False),
    ],
)
def test_an_operator_matches_or_not(field, operator, value, expected):
    assert holds(build(field, operator, value, CONTEXT), facts()) is expected


@pytest.mark.parametrize(
    ("subject", "needle"),
    [
        ("ＳＡＬＤＯ ｔｅｒｐｏｔｏｎｇ", "saldo terpotong"),
        ("saldo terpotong", "ＳＡＬＤＯ"),
        ("STRASSE", "straße"),
        ("sal\u00addo ter\u200bpotong", "saldo terpotong"),
        ("saldo\u00a0terpotong", "saldo terpotong"),
        ("café", "cafe\u0301"),
        ("№ 5 ﬁnal", "no 5 final"),
    ],
)
def test_letters_that_look_alike_match(subject, needle):
    assert holds(build("subject", "contains", needle), facts(subject=subject))
    assert holds(build("subject", "is", subject), facts(subject=subject))


def test_a_pattern_sees_full_width_digits_as_digits():
    assert holds(build("body", "matches", r"rp [0-9.]{9}"), facts(text="Ｒｐ １.２５０.０００"))


def test_nothing_exists_in_an_empty_mail():
    empty = facts(
        subject=" \u200b", text="", attachment_names=(), attachment_types=(), sender="", language=""
    )
    for field in ("subject", "body", "text", "attachment_name", "attachment_type", "sender", "sender_domain"):
        assert holds(build(field, "exists", False), empty)
    assert holds(build("language", "is", "unsure"), empty)


# --- refusals at load -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "operator", "value", "message"),
    [
        ("subjet", "contains", "x", "no field 'subjet'; did you mean 'subject'?"),
        ("zzz", "contains", "x", "no field 'zzz'; known here: subject, body"),
        ("subject", "contain", "x", "no operator 'contain'; did you mean 'contains' or 'contains_all'?"),
        ("size", "zzz", "x", "no operator 'zzz'; known here: over, below"),
        ("size", "contains", "x", "size can't be asked 'contains'; it knows over, below"),
        ("sender", "under", "x", "sender can't be asked 'under'"),
        ("subject", "contains", [], "list is empty"),
        ("subject", "contains", "", "an empty text would match every mail"),
        ("subject", "contains", ["x", " \u200b "], "an empty text would match every mail"),
        ("subject", "contains", 812, "812 is read as a number; put quotes around it"),
        ("subject", "contains", [True], "true is read as true or false; put quotes around it"),
        ("subject", "contains", None, "None is read as no text"),
        ("subject", "contains", {"any": "x"}, "is read as no text"),
        ("body", "matches", "saldo(", "is not an RE2 pattern: missing )"),
        ("body", "matches", "(?=saldo)", "no look-around"),
        ("body", "matches", r"\p{L}{1000}", "pattern too large"),
        ("sender", "is", "bank.co.id", "not an address; use sender_domain"),
        ("sender_domain", "under", "@bank.co.id", "write a domain like bank.co.id"),
        ("sender_domain", "under", "*.bank.co.id", "write a domain like bank.co.id"),
        ("language", "is", "indonesian", "no language; known here: id, en, unsure"),
        ("size", "over", "5 apples", "'5 apples' is not a size"),
        ("size", "over", True, "true is not a size"),
        ("size", "over", ["5 MB"], "is not a size"),
        ("hour", "within", "office hours", "'office hours' is not a day"),
        ("hour", "within", "mon-xyz 08:00-17:00", "'xyz' is not a day"),
        ("hour", "within", "mon 8-17", "hours are written like 08:00-17:00"),
        ("hour", "within", ", 08:00-17:00", "write it like mon-fri"),
        ("attachment_name", "exists", "yes", "only true or false"),
        ("known_customer", "is", "yes", "only true or false"),
        ("known_customer", "contains", "x", "known_customer can't be asked 'contains'; it knows is"),
        ("open_tickets", "over", "3", "'3' is not a count; write a whole number"),
        ("open_tickets", "over", -1, "-1 is not a count"),
        ("attachments", "below", True, "true is not a count"),
        ("amount", "over", 1_000_000, "'1000000' has no currency; write it like Rp1.000.000"),
        ("amount", "over", "banyak", "'banyak' is not an amount"),
        ("amount", "over", ["Rp1.000"], "a list is not an amount"),
        ("authentication", "is", "failed", "no authentication; known here: pass, fail, none"),
        ("author", "is", "robot", "no author; known here: person, machine, report"),
        ("header.", "is", "x", "there is no field 'header.'"),
        ("header.x y", "is", "x", "there is no field 'header.x y'"),
        ("header.x-spam", "contain", "x", "there is no operator 'contain'; did you mean 'contains'"),
        ("sender", "listed_in", "vipp", "there is no list 'vipp'; did you mean 'vip'?"),
        ("sender_name", "listed_in", "vip", "sender_name can't be asked 'listed_in'"),
        ("hour", "in_calendar", "zzz", "there is no calendar 'zzz'; known here: office, night"),
        ("body", "matches", "(?P<Order>x)", "a group's name is written like order_number, not 'Order'"),
    ],
)
def test_a_wrong_condition_is_refused(field, operator, value, message):
    with pytest.raises(ValueError, match=r".") as refused:
        build(field, operator, value, CONTEXT)
    assert message in str(refused.value)


@pytest.mark.parametrize("group", [AllOf, AnyOf, NoneOf])
def test_a_group_without_conditions_is_refused(group):
    with pytest.raises(ValueError, match="at least one condition"):
        group(())


# --- the tables that loader, schema and docs read ---------------------------------------------------------


def test_every_field_and_operator_has_one_line_of_documentation():
    for name, entry in (FIELDS | OPERATORS).items():
        assert entry.name == name
        assert 10 < len(entry.doc) < 80
        assert "\n" not in entry.doc


def test_every_field_has_an_operator_and_every_operator_a_field():
    assert all(operators_of(field) for field in FIELDS)
    assert {name for field in FIELDS for name in operators_of(field)} == set(OPERATORS)
    assert json.dumps([operator.takes.schema for operator in OPERATORS.values()])


def test_sizes_are_decimal_or_binary_as_written():
    assert [octets(each) for each in ("5MB", "1,5 kb", "2 MiB", "7 B", 9)] == [5_000_000, 1500, 2 << 20, 7, 9]


def test_hours_over_midnight_belong_to_the_day_they_began():
    assert [(day, str(each)) for day, each in week_hours("sun 22:00-06:00")] == [
        (6, "22:00-24:00"),
        (0, "00:00-06:00"),
    ]
    assert [(day, str(each)) for day, each in week_hours("fri 22:00-00:00")] == [(4, "22:00-24:00")]


# --- reasons ----------------------------------------------------------------------------------------------

TERPOTONG = build("subject", "contains", ["gagal bayar", "saldo terpotong"])
ENGLISH = build("language", "is", "en")
BIG = build("size", "over", "1 MB")


@pytest.mark.parametrize(
    ("when", "because"),
    [
        (TERPOTONG, "subject contains 'saldo terpotong'"),
        (AllOf((TERPOTONG, BIG)), "subject contains 'saldo terpotong' and size over '1 MB'"),
        (AnyOf((ENGLISH, BIG)), "size over '1 MB'"),
        (NoneOf((ENGLISH, build("size", "over", 9_000_000))), "not (language is 'en' or size over 9000000)"),
        (AllOf((BIG, NoneOf((ENGLISH,)))), "size over '1 MB' and not (language is 'en')"),
        (build("subject", "starts_with", "saldo"), "subject starts with 'saldo'"),
        (build("body", "mentions", ["dana", "OVO"]), "body mentions 'OVO'"),
        (build("attachment_name", "exists", True), "attachment_name exists true"),
        (None, "no other rule matched"),
    ],
)
def test_the_reason_names_the_condition_and_the_value_that_matched(when, because):
    assert match_rules([Rule("never", ENGLISH), Rule("asked", when)], facts()) == [RuleMatch(1, because)]


def test_a_long_reason_is_cut():
    when = NoneOf((build("subject", "contains", [f"word{n}" for n in range(500)]),))
    because = match_rules([Rule("asked", when)], facts())[-1].because
    assert len(because) == 500
    assert because.endswith("...")


def test_explain_returns_each_condition_with_its_value():
    conditions = (TERPOTONG, ENGLISH, BIG, build("hour", "within", "sat-sun"))
    assert [explain(each, facts(text="x" * 500)) for each in conditions] == [
        ("subject contains 'gagal bayar' or 'saldo terpotong'", True, "Saldo terpotong dua kali"),
        ("language is 'en'", False, "id"),
        ("size over '1 MB'", True, "5000000 bytes"),
        ("hour within 'sat-sun'", False, "monday 08:05"),
    ]
    _, _, seen = explain(build("body", "contains", "y"), facts(text="x" * 500))
    assert seen == "x" * 77 + "..."


@pytest.mark.parametrize(
    ("field", "operator", "value", "words", "seen"),
    [
        ("amount", "over", "Rp2.000.000", "amount over 'Rp2.000.000'", "Rp1.250.000"),
        ("amount", "exists", False, "amount exists false", "Rp1.250.000"),
        ("open_tickets", "over", 3, "open_tickets over 3", "2"),
        ("reopened", "is", True, "reopened is true", "false"),
        ("authentication", "is", "pass", "authentication is 'pass'", "none"),
        ("header.X-Priority", "is", "5", "header.X-Priority is '5'", "1 (Highest)"),
        ("header.x-spam", "exists", True, "header.x-spam exists true", ""),
        ("sender", "listed_in", "people", "sender listed in 'people'", "budi@mail.bank.co.id"),
        ("hour", "outside_calendar", "office", "hour outside calendar 'office'", "monday 08:05"),
    ],
)
def test_explain_returns_the_value_of_each_kind_of_field(field, operator, value, words, seen):
    assert explain(build(field, operator, value, CONTEXT), facts()) == (words, False, seen)


# --- captured values --------------------------------------------------------------------------------------

ORDER = ["pesanan (?P<order_number>\\d+)", r"(?P<order_number>INV-\d+)(?: via (?P<courier>\pL+))?"]


@pytest.mark.parametrize(
    ("when", "text", "captures"),
    [
        (
            build("text", "matches", ORDER),
            "INV-9 via JNE, pesanan 77",
            {"order_number": "77", "courier": "JNE"},
        ),
        (build("text", "matches", ORDER), "ini INV-9", {"order_number": "INV-9"}),
        (
            build("text", "matches", r"no (?P<order_number>.*)"),
            "no " + "9" * 500,
            {"order_number": "9" * 200},
        ),
        (build("text", "matches", r"(?s)no(?P<order_number>.*)x"), "no \n 1 \n 2 x", {"order_number": "1 2"}),
        (build("text", "matches", r"no(?P<order_number>\d*)"), "no", {}),
        (
            AnyOf((build("text", "contains", "pesanan"), build("text", "matches", ORDER))),
            "pesanan 12",  # the first condition is enough to hold, the second takes it along all the same
            {"order_number": "12"},
        ),
        (
            AllOf((build("text", "contains", "halo"), NoneOf((build("text", "matches", ORDER),)))),
            "halo",
            {},
        ),
    ],
)
def test_named_groups_capture_their_values(when, text, captures):
    [match] = match_rules([Rule("asked", when), EVERYTHING_ELSE], facts(subject="", text=text))
    assert dict(match.captures) == captures
    assert match.rule_index == 0


def test_texts_of_groups_have_brackets_where_they_matter():
    assert str(AllOf((BIG, AnyOf((ENGLISH, TERPOTONG))))) == (
        "size over '1 MB' and (language is 'en' or subject contains 'gagal bayar' or 'saldo terpotong')"
    )


def test_rules_without_an_unconditional_last_one_are_refused():
    with pytest.raises(ValueError, match="last rule must be unconditional"):
        match_rules([Rule("never", ENGLISH)], facts())


# --- comparison with a second evaluator -------------------------------------------------------------------

WORDS = ["saldo", "Refund", "ＯＶＯ", "paket", "rusak", "STRASSE", "straße", "ovo", "bank.co.id"]
texts = st.lists(st.sampled_from(WORDS), max_size=4).map("  ".join)
choices = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(
        st.sampled_from(["subject", "body", "text", "attachment_name", "sender_domain", "size", "language"])
    )
    if field == "size":
        return build(field, draw(st.sampled_from(["over", "below"])), draw(st.integers(0, 5)))
    if field == "language":
        return build(field, "is", draw(st.lists(st.sampled_from(["id", "en", "unsure"]), min_size=1)))
    if field == "sender_domain":
        return build(
            field, draw(st.sampled_from(["is", "under"])), draw(st.sampled_from(["co.id", "bank.co.id"]))
        )
    operator = draw(st.sampled_from(["contains", "contains_all", "is", "starts_with", "ends_with", "exists"]))
    return build(field, operator, draw(st.booleans() if operator == "exists" else choices))


whens = st.recursive(
    conditions(),
    lambda inner: st.builds(
        lambda group, parts: group(tuple(parts)),
        st.sampled_from([AllOf, AnyOf, NoneOf]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)

mails = st.builds(
    facts,
    subject=texts,
    text=texts,
    sender=st.sampled_from(["", "a@co.id", "a@bank.co.id", "a@x.bank.co.id", "a@notbank.co.id"]),
    language=st.sampled_from(["id", "en", ""]),
    attachment_names=st.lists(texts, max_size=2).map(tuple),
    size=st.integers(0, 6),
)


def slowly(when: When, mail: RoutingFacts) -> bool:
    """Evaluate it without caches, compiled patterns or the table of operators."""
    if isinstance(when, AllOf | AnyOf | NoneOf):
        answers = [slowly(part, mail) for part in when.parts]
        return {AllOf: all(answers), AnyOf: any(answers), NoneOf: not any(answers)}[type(when)]
    wanted = list(when.value) if isinstance(when.value, tuple) else [when.value]
    if when.field == "size":
        return mail.size > wanted[0] if when.operator == "over" else mail.size < wanted[0]
    if when.field == "language":
        return (mail.language or "unsure") in wanted
    if when.field == "sender_domain":
        domain = mail.sender.split("@")[-1]
        return domain == wanted[0] or (when.operator == "under" and domain.endswith("." + wanted[0]))
    seen = {"subject": [mail.subject], "body": [mail.text], "text": [mail.subject, mail.text]}
    spelled = [slow_fold(each) for each in seen.get(when.field, mail.attachment_names)]
    if when.operator == "exists":
        return (max(map(len, spelled), default=0) > 0) == wanted[0]
    ask = {"contains": "__contains__", "contains_all": "__contains__", "is": "__eq__"}
    method = ask.get(when.operator, when.operator.replace("_", ""))
    found = [any(getattr(text, method)(slow_fold(word)) is True for text in spelled) for word in wanted]
    return all(found) if when.operator == "contains_all" else any(found)


def slow_fold(text: str) -> str:
    return " ".join(text.replace("ＯＶＯ", "ovo").replace("ß", "ss").lower().split())


@given(st.lists(whens, max_size=5), mails)
def test_the_first_rule_that_holds_wins(asked, mail):
    rules = [Rule(f"rule {n}", when) for n, when in enumerate(asked)] + [EVERYTHING_ELSE]
    expected = next((n for n, when in enumerate(asked) if slowly(when, mail)), len(asked))
    match = match_rules(rules, mail)[-1]
    assert match.rule_index == expected
    assert match.because


@given(whens, mails)
def test_explain_agrees_with_every_single_condition(when, mail):
    def leaves(part: When) -> list[Condition]:
        return (
            [part] if isinstance(part, Condition) else [leaf for each in part.parts for leaf in leaves(each)]
        )

    assert all(explain(leaf, mail)[1] is slowly(leaf, mail) for leaf in leaves(when))


# --- text -------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=[]), max_size=25))
def test_any_text_can_be_folded_and_folding_it_again_changes_nothing(text):
    assert fold(fold(text)) == fold(text)
    plain(text).encode()


def test_a_megabyte_of_combining_marks_is_folded():
    """Check the time: normalising alone would take minutes, the marks of a letter are sorted by insertion."""
    assert len(fold("a" + "\u0300\u0316" * 500_000)) < 100


def test_a_large_body_is_folded_once_for_all_rules():
    mail = facts(text="Belum masuk. " * 80_000)
    rules = [Rule(f"rule {n}", build("body", "contains", f"word {n}")) for n in range(200)]
    assert match_rules([*rules, EVERYTHING_ELSE], mail)[-1].rule_index == 200
    assert mail.texts["body"][0].folded is mail.texts["body"][0].folded


# --- priority ---------------------------------------------------------------------------------------------


def test_priority_is_known_for_every_pair_and_never_falls_when_either_rises():
    rank = {each: n for n, each in enumerate(PRIORITIES)}
    assert {routing.priority(*pair) for pair in product(URGENCIES, COMPLEXITIES)} == set(PRIORITIES)
    for (low, high), complexity in product(pairwise(URGENCIES), COMPLEXITIES):
        assert rank[routing.priority(low, complexity)] <= rank[routing.priority(high, complexity)]
    for urgency, (low, high) in product(URGENCIES, pairwise(COMPLEXITIES)):
        assert rank[routing.priority(urgency, low)] <= rank[routing.priority(urgency, high)]


@pytest.mark.parametrize(
    ("urgency", "complexity", "expected"),
    [
        ("normal", "medium", "normal"),
        ("high", "medium", "high"),
        ("critical", "low", "urgent"),
        ("low", "high", "normal"),
    ],
)
def test_priority_follows_from_urgency_and_complexity(urgency, complexity, expected):
    assert routing.priority(urgency, complexity) == expected
