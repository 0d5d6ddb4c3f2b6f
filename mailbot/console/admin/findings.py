"""What commands of the shell found about a policy: the parts of their JSON that the pages show."""

import msgspec


class Problem(msgspec.Struct):
    """A fault or a remark with its place; line 0: the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    excerpt: str = ""


class Checked(msgspec.Struct):
    """`mailbot check --json`."""

    ok: bool
    policy: str | None
    problems: list[Problem]
    warnings: list[Problem]


class Witness(msgspec.Struct):
    shows: str


class Finding(Problem, kw_only=True):
    kind: str
    severity: str
    witness: Witness | None = None


class Proven(msgspec.Struct):
    """`mailbot rules check --json`."""

    ok: bool
    findings: list[Finding]


class PriorityShift(msgspec.Struct):
    priority: str
    gained: int
    off_hours: int
    lost: int


class Share(msgspec.Struct):
    name: str
    old: int
    new: int


class PromiseShift(msgspec.Struct):
    target: str
    sooner: bool
    old: float | None  # seconds of work time
    new: float | None
    old_calendar: str  # "" where both are the same
    new_calendar: str
    count: int


class Person(msgspec.Struct):
    address: str
    name: str
    old: int
    new: int
    old_night: int
    new_night: int


class Consequences(msgspec.Struct):
    priorities: list[PriorityShift]
    teams: list[Share]
    levels: list[Share]
    promises: list[PromiseShift]
    people: list[Person]
    steps: list[str]


class Placed(msgspec.Struct):
    name: str
    old: str | list[str]
    new: str | list[str]


class Group(msgspec.Struct):
    old_rule: str
    new_rule: str
    count: int
    placed: list[Placed]
    examples: list[str]


class Compared(msgspec.Struct):
    """`mailbot rules diff --json`."""

    mails: int
    changed: int
    not_replayed: int
    newly_uncaught: int
    newly_caught: int
    consequences: Consequences
    groups: list[Group]
    subjects: dict[str, str]


class Count(msgspec.Struct):
    count: int


class Figures(msgspec.Struct):
    tickets: int
    raised: list[Count]
    told: list[Count]


class Simulated(msgspec.Struct):
    figures: Figures


class Advice(msgspec.Struct):
    kept: int
    missed: int


class Simulation(msgspec.Struct):
    """`mailbot simulate --json`: the policy in force, then the new one."""

    policies: list[Simulated]
    advice: list[Advice]
    limits: list[str]
