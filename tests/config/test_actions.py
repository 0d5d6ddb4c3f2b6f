"""Test what rules set by name, and agents' hours and days off."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from mailbot.config.checks import actions
from mailbot.domain.policy import Detail
from tests.config.faults import BASE, brief, lay, loaded, problems

TREE = "categories: {payment: {double: , failed: }, delivery: [late, lost], general: }\n"
DETAILS = "details:\n  order: {id: nomor pesanan, en: order number, pattern: '(INV-[0-9]+)'}\n"
WHEN = "when: {subject: {contains: saldo}}"


def desk(tmp_path: Path, routing: str, teams: str = "", templates: bool = False) -> Path:
    """Write the base with these rules, and a set of templates with the variant `vip`."""
    lay(tmp_path)
    (tmp_path / "routing.yaml").write_text(routing)
    if teams:
        text = (BASE / "teams.yaml").read_text()
        assert "level: L2}" in text
        (tmp_path / "teams.yaml").write_text(text.replace("level: L2}", f"level: L2, {teams}}}"))
    if templates:
        for language in ("id", "en"):
            for kind in ("subject", "txt", "html"):
                file = tmp_path / "templates" / language / f"acknowledgement.vip.{kind}.j2"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("{{ number }}")
    return tmp_path


def rules(then: str, more: str = "") -> str:
    one, rest = f"{{name: one, {WHEN}, then: {{{then}}}}}", "{name: rest, then: {team: frontline}}"
    return f"{more}rules:\n  - {one}\n  - {rest}\n"


def test_a_tree_is_read_into_paths_parents_first() -> None:
    tree = {"payment": {"double": None, "failed": None}, "delivery": ["late", "lost"], "general": None}
    assert actions.paths(tree) == (
        *("payment", "payment/double", "payment/failed"),
        *("delivery", "delivery/late", "delivery/lost", "general"),
    )


def test_everything_that_a_rule_sets_is_in_the_policy(tmp_path: Path) -> None:
    then = (
        "team: frontline, category: payment/double, level: L2, ladder: standard, assign: least_load, "
        "skill: refund, template: vip, ask_for: order"
    )
    place = desk(tmp_path, rules(then, TREE + DETAILS), "skills: [refund]", templates=True)
    policy = loaded(place).policy

    found = policy.rules[0].then
    assert (found.category, found.level, found.ladder) == ("payment/double", "L2", "standard")
    assert (found.assign, found.skill, found.template, found.ask_for) == (
        "least_load",
        "refund",
        "vip",
        ("order",),
    )
    assert policy.categories[:2] == ("payment", "payment/double")
    labels = {"id": "nomor pesanan", "en": "order number"}
    assert policy.details == {"order": Detail("order", labels, "(INV-[0-9]+)")}


def test_agents_have_skills_hours_and_days_off_and_teams_an_assignment(tmp_path: Path) -> None:
    more = "skills: [refund], calendar: always, away: [2026-12-24 to 2026-12-26, 2027-01-04], notify: digest 15 min"
    more += ', signature: {id: "Salam,\\nSari"}, keep_signature: true'
    place = desk(tmp_path, rules("team: frontline"), more)
    text = (
        (place / "teams.yaml")
        .read_text()
        .replace("calendar: office", "calendar: office\n    assign: round_robin")
    )
    (place / "teams.yaml").write_text(text)
    policy = loaded(place).policy

    agent = next(each for each in policy.agents.values() if each.skills)
    assert (agent.skills, agent.calendar) == (("refund",), "always")
    assert agent.notify == timedelta(minutes=15)
    assert (agent.signature, agent.keep_signature) == ({"id": "Salam,\nSari"}, True)
    assert agent.away == {date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 4)}
    assert policy.agent_calendars[agent.address].name == "always"
    assert policy.teams["frontline"].assign == "round_robin"


@pytest.mark.parametrize(
    ("own", "team", "hours"),
    [("", "", None), ("07:30", "", 7.5), ("", "08:00", 8), ("off", "08:00", None), ("09:00", "08:00", 9)],
)
def test_an_agents_morning_goes_before_the_teams(
    tmp_path: Path, own: str, team: str, hours: float | None
) -> None:
    place = desk(tmp_path, rules("team: frontline"), f"skills: [x], morning: {own}" if own else "skills: [x]")
    text = (place / "teams.yaml").read_text()
    if team:
        text = text.replace("calendar: office", f"calendar: office\n    morning: {team}")
    (place / "teams.yaml").write_text(text)
    (agent,) = (each for each in loaded(place).policy.agents.values() if each.skills)
    assert agent.morning == (None if hours is None else timedelta(hours=hours))


FAULTS = {
    "a category outside of the tree": (
        TREE, "team: frontline, category: payments/double",
        "there is no category `payments/double` | did you mean `payment/double`?",
    ),
    "a category without what it belongs to": (
        TREE, "team: frontline, category: lost",
        "there is no category `lost` | did you mean `delivery/lost`?",
    ),
    "a detail that nobody described": (
        DETAILS, "team: frontline, ask_for: [oder]", "there is no detail `oder` | did you mean `order`?",
    ),
    "a detail where none is described": (
        "", "team: frontline, ask_for: order",
        "there is no detail `order` | `details` says what there is to ask for",
    ),
    "a skill that nobody has": (
        "", "team: frontline, skill: refnd", "nobody has the skill `refnd` | did you mean `refund`?",
    ),
    "a skill that another team has": (
        "", "team: payments, skill: refund",
        "nobody of `payments` has the skill `refund` | somebody of frontline has",
    ),
    "a ladder that is none": (
        "", "team: frontline, ladder: standrad", "there is no ladder `standrad` | did you mean `standard`?",
    ),
    "a way that is none": (
        "", "team: frontline, assign: round-robin",
        "`assign` can't be `round-robin` | did you mean `round_robin`?",
    ),
    "a template without files": (
        "", "team: frontline, template: vpi", "there is no template `vpi` | did you mean `vip`?",
    ),
    "a template in another folder": (
        "", "team: frontline, template: ../vip",
        "`../vip` is not allowed in a file name | small letters, digits, - and _",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_unknown_name_is_refused_with_a_suggestion(fault: tuple[str, str, str], tmp_path: Path) -> None:
    more, then, told = fault
    found = [
        brief(each)
        for each in problems(desk(tmp_path, rules(then, more), "skills: [refund]", templates=True))
    ]

    line = rules(then, more).splitlines().index("rules:") + 2
    assert len(found) == 1
    assert found[0].startswith(f"routing.yaml:{line}:")
    assert found[0].endswith(f": {told}")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("categories: {a/b: }\n", "1:14: `b` is not a name of a category"),
        (
            "categories: {payment: [double, double], general: }\n",
            "1:32: `payment/double` is already above",
        ),
        ("categories: {payment: 5, general: }\n", "1:23: categories are needed below `payment`, not `5`"),
        ("categories: {payment: }\n", "without a category this is `general`, which is not in `categories`"),
        ("categories: {a: {b: {c: {d: {e: }}}}, general: }\n", "`a/b/c/d/e` is deeper than 4 levels"),
        ("details: {Order No: {id: a, en: b}}\n", "1:11: `Order No` is not a detail's name"),
        ("details: {order: {id: nomor pesanan}}\n", "1:18: `en` is missing here"),
        ("details: {order: {id: a, en: b, pattern: '(?=x)'}}\n", "1:42: '(?=x)' is not an RE2 pattern"),
    ],
)
def test_trees_and_details_of_the_wrong_shape_are_refused_with_their_place(
    tmp_path: Path, more: str, told: str
) -> None:
    found = [brief(each) for each in problems(desk(tmp_path, rules("team: frontline", more)))]
    assert told in found[0]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("calendar: offise", "there is no calendar `offise` | did you mean `office`?"),
        ("away: [2026-13-01]", "`2026-13-01` is not a date"),
        ("skills: refund", "`skills` must be a list"),
        ("signature: Sari", "`signature` must be"),
        ("signature: {id: ''}", "is not allowed in a mail | 1 to 1,000 letters, several lines"),
        ("signature: {jv: Salam}", "`jv`"),
        ("keep_signature: ya", "`keep_signature` must be"),
        ("notify: daily", "`daily` is no way to notify | write `each`, or `digest 15 min`"),
        ("morning: 8", "`8` is no time of a morning mail | write it like 08:00, or `off`"),
        ("morning: 25:00", "`25:00` is no time of a morning mail"),
        ("notify: digest soon", "`soon` is not a time span"),
        ("notify: digest 2 days", "a digest every `2 days` does not help | collect for 1 min to 12 h"),
    ],
)
def test_a_wrong_agent_is_refused(tmp_path: Path, more: str, told: str) -> None:
    found = [brief(each) for each in problems(desk(tmp_path, rules("team: frontline"), more))]
    assert told in found[0]


def test_a_category_may_be_anything_where_there_is_no_tree(tmp_path: Path) -> None:
    assert problems(desk(tmp_path, rules("team: frontline, category: anything at all"))) == ()


@pytest.mark.parametrize(
    ("written", "copies"),
    [("", True), ("yes", True), ("Yes", True), ("true", True), ("no", False), ("false", False)],
)
def test_a_mailbox_sends_copies_unless_told_otherwise(tmp_path: Path, written: str, copies: bool) -> None:
    place = desk(tmp_path, rules("team: frontline"))
    path = place / "mailbot.yaml"
    more = f"prefix: TOKO\n    copies: {written}" if written else "prefix: TOKO"
    path.write_text(path.read_text().replace("prefix: TOKO", more, 1))

    assert [box.copies for box in loaded(place).policy.mailboxes.values()] == [copies]


def test_copies_that_are_neither_yes_nor_no_are_refused(tmp_path: Path) -> None:
    place = desk(tmp_path, rules("team: frontline"))
    path = place / "mailbot.yaml"
    path.write_text(path.read_text().replace("prefix: TOKO", "prefix: TOKO\n    copies: perhaps", 1))

    assert [brief(each) for each in problems(place)] == ["mailbot.yaml:9:13: `perhaps` is neither yes nor no"]
