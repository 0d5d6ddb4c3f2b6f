"""Faults as changes of a whole configuration: rules, ladders, hours, people, limits.

A mutation changes the data of the four files in place. It raises Unfit where the configuration has no place
for it.
"""

from collections.abc import Callable, Iterator
from typing import Any

Data = dict[str, Any]  # "mailbot", "teams", "routing", "escalation"


class Unfit(Exception):
    """The configuration has no place for this fault."""


MUTATIONS: dict[str, Callable[[Data], None]] = {}


def mutation(function: Callable[[Data], None]) -> Callable[[Data], None]:
    MUTATIONS[function.__name__] = function
    return function


# --- where things are -------------------------------------------------------------------------------------


def rules(data: Data) -> list[Any]:
    return list(data["routing"]["rules"])


def ending(data: Data) -> list[Any]:
    """List the rules with conditions that end the routing."""
    return [each for each in rules(data) if "when" in each and not each.get("go_on")]


def insert(data: Data, place: int, name: str, when: Any, then: Any = None, **more: Any) -> None:
    last = rules(data)[-1]["then"]
    data["routing"]["rules"].insert(place, {"name": name, "when": when, "then": dict(then or last), **more})


def ladders(data: Data) -> Iterator[tuple[str, Any]]:
    yield from data["escalation"]["ladders"].items()


def steps_with(data: Data, key: str) -> Iterator[tuple[list[Any], int]]:
    for _, ladder in ladders(data):
        yield from ((ladder["steps"], at) for at, step in enumerate(ladder["steps"]) if key in step)


def first(found: Iterator[Any]) -> Any:
    for each in found:
        return each
    raise Unfit


def agents(data: Data) -> Iterator[Any]:
    return (agent for team in data["teams"]["teams"].values() for agent in team["agents"])


def levels(data: Data) -> list[str]:
    return list(data["teams"]["levels"])


def words(rule: Any) -> list[str]:
    found = rule["when"].get("text", {}).get("contains") if isinstance(rule["when"], dict) else None
    if not isinstance(found, list):
        raise Unfit
    return found


def wordy(data: Data) -> Any:
    return first(
        each for each in ending(data) if isinstance(each["when"].get("text", {}).get("contains"), list)
    )


def limits(data: Data) -> Any:
    try:
        return data["teams"]["authority"]["per_ticket"]
    except KeyError:
        raise Unfit from None


# --- rules ------------------------------------------------------------------------------------------------


@mutation
def general_above_special(data: Data) -> None:
    every = data["routing"]["rules"]
    at = first(at for at, each in enumerate(every[:-1]) if "amount" in each.get("when", {}))
    every[at], every[at + 1] = every[at + 1], every[at]


@mutation
def same_rule_twice(data: Data) -> None:
    insert(data, len(rules(data)) - 1, "seeded", ending(data)[0]["when"])


@mutation
def shadowed_by_a_wider_rule(data: Data) -> None:
    rule = ending(data)[1]
    insert(
        data, rules(data).index(rule), "seeded", {"any": [rule["when"], {"subject": {"contains": ["zzz"]}}]}
    )


@mutation
def shadowed_by_three_languages(data: Data) -> None:
    rule = ending(data)[-1]
    for language in ("id", "en", "unsure"):
        when = {"all": [rule["when"], {"language": {"is": language}}]}
        insert(data, rules(data).index(rule), f"seeded {language}", when, rule["then"])


@mutation
def grave_rule_at_the_bottom(data: Data) -> None:
    rule = first(each for each in ending(data) if each["then"].get("urgency") == "critical")
    data["routing"]["rules"].remove(rule)
    data["routing"]["rules"].insert(-1, rule)


@mutation
def unknown_team(data: Data) -> None:
    ending(data)[0]["then"]["team"] = "nobody-knows"


@mutation
def unknown_level(data: Data) -> None:
    ending(data)[0]["then"]["level"] = "L9"


@mutation
def unknown_ladder(data: Data) -> None:
    ending(data)[0]["then"]["ladder"] = "nowhere"


@mutation
def unknown_category(data: Data) -> None:
    if "categories" not in data["routing"]:
        raise Unfit
    ending(data)[0]["then"]["category"] = "nothing/such"


@mutation
def unknown_field(data: Data) -> None:
    ending(data)[0]["when"] = {"betreff": {"contains": ["x"]}}


@mutation
def broken_pattern(data: Data) -> None:
    ending(data)[0]["when"] = {"text": {"matches": "(unclosed"}}


@mutation
def amount_without_currency(data: Data) -> None:
    ending(data)[0]["when"] = {"amount": {"over": 5000000}}


@mutation
def hole_at_an_amount(data: Data) -> None:
    rule = wordy(data)
    at, when = rules(data).index(rule), rule["when"]
    rule["when"] = {"all": [when, {"amount": {"over": "Rp5.000.000"}}]}
    insert(data, at + 1, "seeded", {"all": [when, {"amount": {"below": "Rp5.000.000"}}]}, rule["then"])


@mutation
def hole_at_a_count(data: Data) -> None:
    rule = wordy(data)
    at, when = rules(data).index(rule), rule["when"]
    rule["when"] = {"all": [when, {"attachments": {"below": 2}}]}
    insert(data, at + 1, "seeded", {"all": [when, {"attachments": {"over": 2}}]}, rule["then"])


@mutation
def hole_between_day_and_night(data: Data) -> None:
    rule = wordy(data)
    at, when = rules(data).index(rule), rule["when"]
    rule["when"] = {"all": [when, {"hour": {"within": "07:00-18:59"}}]}
    insert(data, at + 1, "seeded", {"all": [when, {"hour": {"within": "19:00-06:59"}}]}, rule["then"])


@mutation
def sizes_swapped(data: Data) -> None:
    ending(data)[0]["when"] = {"all": [ending(data)[0]["when"], {"size": {"over": "5 MB", "below": "1 MB"}}]}


@mutation
def alternative_that_never_holds(data: Data) -> None:
    rule = ending(data)[1]
    never = {"all": [{"language": {"is": "id"}}, {"language": {"is": "en"}}]}
    rule["when"] = {"any": [rule["when"], never]}


@mutation
def alternative_taken_above(data: Data) -> None:
    when = ending(data)[0]["when"]
    ending(data)[-1]["when"] = {
        "any": [ending(data)[-1]["when"], {"all": [when, {"size": {"over": "1 MB"}}]}]
    }


@mutation
def larger_than_the_door(data: Data) -> None:
    insert(data, 0, "seeded", {"size": {"over": "100 MB"}})


@mutation
def excludes_its_own_words(data: Data) -> None:
    rule = wordy(data)
    rule["when"] = {**rule["when"], "none": [{"text": {"contains": words(rule)}}]}


@mutation
def inside_and_outside_the_hours(data: Data) -> None:
    calendar = next(iter(data["escalation"]["calendars"]))
    hours = {"in_calendar": calendar, "outside_calendar": calendar}
    ending(data)[0]["when"] = {"all": [ending(data)[0]["when"], {"hour": hours}]}


@mutation
def mailbox_that_is_not_ours(data: Data) -> None:
    where = {"recipient": {"is": "old@elsewhere.example"}}
    ending(data)[0]["when"] = {"all": [ending(data)[0]["when"], where]}


@mutation
def phrase_within_a_phrase(data: Data) -> None:
    rule = wordy(data)
    words(rule).append(f"{words(rule)[0]} sekali")


@mutation
def phrase_taken_above(data: Data) -> None:
    rule = wordy(data)
    insert(data, len(rules(data)) - 1, "seeded", {"text": {"contains": ["zzz satu", words(rule)[0]]}})


@mutation
def order_alone_decides(data: Data) -> None:
    names = list(data["teams"]["teams"])
    then = rules(data)[-1]["then"]
    word = {"text": {"contains": ["zzz satu"]}}
    other = {**then, "team": first(each for each in names if each != then["team"])}
    insert(data, len(rules(data)) - 1, "upper", {"all": [word, {"size": {"over": "1 MB"}}]})
    insert(data, len(rules(data)) - 1, "lower", {"all": [word, {"language": {"is": "id"}}]}, other)


@mutation
def priority_against_urgency(data: Data) -> None:
    ending(data)[0]["then"] |= {"urgency": "critical", "priority": "low"}


@mutation
def category_set_above(data: Data) -> None:
    rule = ending(data)[0]
    other = first(
        each["then"]["category"]
        for each in ending(data)
        if each["then"]["category"] != rule["then"]["category"]
    )
    insert(data, 0, "seeded", rule["when"], {"category": other}, go_on=True)


@mutation
def last_rule_with_conditions(data: Data) -> None:
    rules(data)[-1]["when"] = {"text": {"contains": ["x"]}}


@mutation
def rule_without_conditions_in_the_middle(data: Data) -> None:
    del ending(data)[0]["when"]


@mutation
def rule_without_a_team(data: Data) -> None:
    del ending(data)[0]["then"]["team"]


@mutation
def level_that_the_team_lacks(data: Data) -> None:
    for rule in ending(data):
        team = data["teams"]["teams"][rule["then"]["team"]]
        held = {agent["level"] for agent in team["agents"]}
        lacking = [each for each in levels(data) if each not in held]
        if lacking:
            rule["then"]["level"] = lacking[0]
            return
    raise Unfit


@mutation
def skill_of_nobody(data: Data) -> None:
    ending(data)[0]["then"]["skill"] = "astrology"


@mutation
def skill_of_another_level(data: Data) -> None:
    for rule in ending(data):
        team = data["teams"]["teams"][rule["then"]["team"]]
        start = rule["then"].get("level", levels(data)[0])
        held = {agent["level"] for agent in team["agents"]}
        for agent in team["agents"]:
            if agent["level"] != start and start in held:
                agent["skills"] = ["origami"]
                rule["then"]["skill"] = "origami"
                return
    raise Unfit


@mutation
def language_of_nobody(data: Data) -> None:
    rule = ending(data)[-1]
    for agent in data["teams"]["teams"][rule["then"]["team"]]["agents"]:
        agent["languages"] = ["id"]
    rule["when"] = {"all": [rule["when"], {"language": {"is": "en"}}]}


@mutation
def team_that_nothing_leads_to(data: Data) -> None:
    person = {
        "name": "Xaverius",
        "address": "x@staf.example",
        "level": levels(data)[0],
        "languages": ["id", "en"],
    }
    calendar = next(iter(data["teams"]["teams"].values()))["calendar"]
    data["teams"]["teams"]["archive"] = {"calendar": calendar, "agents": [person]}


# --- ladders ----------------------------------------------------------------------------------------------


@mutation
def step_to_an_unknown_level(data: Data) -> None:
    steps, at = first(steps_with(data, "escalate_to"))
    steps[at]["escalate_to"] = "L9"


@mutation
def step_to_the_lowest_level(data: Data) -> None:
    steps, at = first(steps_with(data, "escalate_to"))
    steps[at]["escalate_to"] = levels(data)[0]


@mutation
def same_step_twice(data: Data) -> None:
    steps, at = first(steps_with(data, "escalate_to"))
    steps.insert(at, dict(steps[at]))


@mutation
def two_levels_at_one_moment(data: Data) -> None:
    for steps, at in steps_with(data, "escalate_to"):
        for other in levels(data)[1:]:
            if isinstance(steps[at]["escalate_to"], str) and other != steps[at]["escalate_to"]:
                steps.insert(at + 1, {"at": steps[at]["at"], "escalate_to": other})
                return
    raise Unfit


@mutation
def reminder_as_it_is_raised(data: Data) -> None:
    steps, at = first(steps_with(data, "escalate_to"))
    steps.insert(at, {"at": steps[at]["at"], "remind": "assignee"})


@mutation
def reminder_in_the_same_step(data: Data) -> None:
    steps, at = first(steps_with(data, "escalate_to"))
    steps[at]["remind"] = "assignee"


@mutation
def round_two_teams(data: Data) -> None:
    names = list(data["teams"]["teams"])
    for name, ladder in ladders(data):
        if name == data["escalation"]["priorities"]["normal"]:
            ladder["steps"][:0] = [
                {"at": f"{share}% of first_response", "hand_over_to": team}
                for share, team in zip((5, 10, 15), (names[0], names[1], names[0]), strict=True)
            ]


@mutation
def nobody_higher_is_notified(data: Data) -> None:
    for name, ladder in ladders(data):
        if name == data["escalation"]["priorities"]["normal"]:
            ladder["steps"] = [each for each in ladder["steps"] if set(each) == {"at", "remind"}]


@mutation
def steps_out_of_order(data: Data) -> None:
    for _, ladder in ladders(data):
        ladder["steps"].append({"at": "10% of first_response", "remind": "assignee"})


@mutation
def resolution_before_the_first_answer(data: Data) -> None:
    for _, ladder in ladders(data):
        targets = ladder["targets"]
        targets["first_response"], targets["resolution"] = targets["resolution"], targets["first_response"]
        ladder["steps"] = [{"at": "first_response", "escalate_to": levels(data)[-1]}]


@mutation
def step_of_a_target_that_is_missing(data: Data) -> None:
    for _, ladder in ladders(data):
        ladder["targets"].pop("next_response", None)
        ladder["steps"].append({"at": "next_response", "remind": "team"})


@mutation
def more_time_to_confirm_than_to_the_next_step(data: Data) -> None:
    for _, ladder in ladders(data):
        low, high = levels(data)[1], levels(data)[-1]
        if low == high:
            raise Unfit
        ladder["steps"] = [
            {"at": "first_response", "escalate_to": low, "acknowledge_within": "90 min"},
            {"at": "first_response + 1 h", "escalate_to": high},
        ]


@mutation
def time_to_confirm_without_an_owner(data: Data) -> None:
    for _, ladder in ladders(data):
        ladder["steps"][0] = {"at": ladder["steps"][0]["at"], "remind": "team", "acknowledge_within": "1 h"}


@mutation
def quiet_nearly_all_day(data: Data) -> None:
    for _, ladder in ladders(data):
        ladder["quiet_hours"] = "07:30-07:00"


@mutation
def quiet_in_work_hours(data: Data) -> None:
    name = data["teams"]["teams"][rules(data)[-1]["then"]["team"]]["calendar"]
    if data["escalation"]["calendars"][name]["hours"] == "always":
        raise Unfit
    for _, ladder in ladders(data):
        ladder["quiet_hours"] = "06:30-22:00"
    for team in data["teams"]["teams"].values():
        team["calendar"] = name


@mutation
def priority_without_a_ladder(data: Data) -> None:
    data["escalation"]["priorities"]["low"] = "nowhere"


@mutation
def ladder_of_nobody(data: Data) -> None:
    data["escalation"]["ladders"]["spare"] = dict(next(ladders(data))[1])


@mutation
def question_to_a_level_of_nobody(data: Data) -> None:
    data["teams"]["levels"] = [*levels(data), "oracle"]
    next(ladders(data))[1]["steps"].append(
        {"at": "resolution + 99 h", "ask_decision": "oracle", "question": "Why?", "options": ["yes", "no"]}
    )


@mutation
def somebody_else_where_one_works(data: Data) -> None:
    for team in data["teams"]["teams"].values():
        kept = {agent["level"]: agent for agent in team["agents"]}
        team["agents"] = list(kept.values())
        for agent in team["agents"]:
            agent.pop("calendar", None)
    for _, ladder in ladders(data):
        ladder["steps"].insert(0, {"at": "5% of first_response", "reassign": True})


# --- hours and people -------------------------------------------------------------------------------------


@mutation
def hours_that_run_backwards(data: Data) -> None:
    next(iter(data["escalation"]["calendars"].values()))["hours"] = {"mon-fri": "17:00-08:00"}


@mutation
def hours_of_minutes(data: Data) -> None:
    team = next(iter(data["teams"]["teams"].values()))
    data["escalation"]["calendars"]["slip"] = {"hours": {"mon-fri": "08:00-08:15"}}
    team["agents"][0]["calendar"] = "slip"


@mutation
def clocks_that_run_at_night(data: Data) -> None:
    team = data["teams"]["teams"][rules(data)[-1]["then"]["team"]]
    data["escalation"]["calendars"]["day and night"] = {"hours": "always"}
    data["escalation"]["calendars"]["nine to five"] = {"hours": {"mon-fri": "09:00-17:00"}}
    team["calendar"] = "day and night"
    for agent in team["agents"]:
        agent["calendar"] = "nine to five"


@mutation
def a_shift_without_people(data: Data) -> None:
    for team in data["teams"]["teams"].values():
        shifts = [
            agent for agent in team["agents"] if "calendar" in agent and agent["level"] == levels(data)[0]
        ]
        if len(shifts) > 1:
            team["agents"].remove(shifts[-1])
            return
    raise Unfit


@mutation
def all_away_on_one_day(data: Data) -> None:
    for agent in agents(data):
        agent["away"] = ["2026-12-23"]


@mutation
def agent_of_an_unknown_level(data: Data) -> None:
    next(agents(data))["level"] = "L9"


@mutation
def one_address_for_two_agents(data: Data) -> None:
    one, other, *_ = agents(data)
    other["address"] = one["address"]


@mutation
def agent_at_a_mailbox(data: Data) -> None:
    next(agents(data))["address"] = data["mailbot"]["mailboxes"][0]["address"]


@mutation
def team_with_an_unknown_calendar(data: Data) -> None:
    next(iter(data["teams"]["teams"].values()))["calendar"] = "moon"


# --- limits -----------------------------------------------------------------------------------------------


@mutation
def less_above_than_below(data: Data) -> None:
    limits(data)[levels(data)[0]] = "Rp900 juta"


@mutation
def two_persons_where_one_may(data: Data) -> None:
    top = levels(data)[-1]
    for team in data["teams"]["teams"].values():
        team["agents"] = [agent for agent in team["agents"] if agent["level"] != top] or team["agents"][:1]
    next(iter(data["teams"]["teams"].values()))["agents"].append(
        {"name": "Boss", "address": "boss@staf.example", "level": top, "languages": ["id", "en"]}
    )
    limits(data)[top] = "Rp500 juta"
    data["teams"]["authority"]["two_persons_above"] = "Rp300 juta"
    data["teams"]["authority"].pop("per_customer_90_days", None)


@mutation
def a_day_has_less_than_a_ticket(data: Data) -> None:
    limits(data)
    data["teams"]["authority"]["per_agent_day"] = {levels(data)[-1]: "Rp10.000"}


@mutation
def a_customer_has_less_than_a_ticket(data: Data) -> None:
    limits(data)
    data["teams"]["authority"]["per_customer_90_days"] = "Rp10.000"


@mutation
def a_limit_of_nobody(data: Data) -> None:
    limits(data)["oracle"] = "Rp900 juta"
    data["teams"]["levels"] = [*levels(data), "oracle"]


@mutation
def limits_of_an_unknown_category(data: Data) -> None:
    limits(data)["unicorns"] = dict.fromkeys(levels(data), "Rp1 juta")


@mutation
def two_persons_never(data: Data) -> None:
    limits(data)
    data["teams"]["authority"]["two_persons_above"] = "Rp900 juta"


# --- the machine ------------------------------------------------------------------------------------------


@mutation
def agents_everywhere(data: Data) -> None:
    data["mailbot"]["trust"] = {"agent_networks": ["0.0.0.0/0"]}


@mutation
def one_prefix_for_two_mailboxes(data: Data) -> None:
    box = data["mailbot"]["mailboxes"][0]
    data["mailbot"]["mailboxes"].append({**box, "address": "second@klinik.example"})
