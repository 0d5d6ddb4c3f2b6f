"""The relay matrix: each answer at each phase, for days on the virtual clock, to one mail or to all of them.

`python -m tests.faults.relay_matrix` prints what becomes of the mail and of its neighbours.
"""

import logging
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from mailbot.store.outbox import next_due
from tests.faults.ledger import pending
from tests.faults.points import Points
from tests.faults.relay import CUT, SILENCE, USUAL
from tests.faults.run import Simulation
from tests.faults.script import Script, policy
from tests.faults.world import World

PHASES = ("connect", "ehlo", "mail", "rcpt", "data", "dot")
OF_ONE_MAIL = PHASES[3:]  # where the relay knows the recipient
ANSWERS = {
    "2xx": "250 2.0.0 as you like",
    "4xx": "451 4.3.0 later",
    "5xx": "554 5.7.1 no",
    "421": "421 4.3.2 closing",
    "closed": CUT,
    "silence": SILENCE,
}
VICTIM = "korban@lain.example"
NEIGHBOURS = ("ana@satu.example", "budi@dua.example", "cici@tiga.example")
WORKERS = frozenset({"intake", "delivery", "failed mail", "heartbeat"})
HOUR, DAY = 3600.0, 86400.0
LONGEST_STEP = 900.0
HELD_STEP = 60.0  # while mails are overdue, because the breaker is open


@dataclass(frozen=True, slots=True)
class Cell:
    """`lasts`: seconds for which the relay answers so; to the victim alone, or to `everybody`."""

    phase: str
    answer: str
    everybody: bool

    @property
    def lasts(self) -> float:
        return HOUR if self.everybody else 6 * DAY


CELLS = [Cell(phase, answer, True) for phase in PHASES for answer in ANSWERS]
CELLS += [Cell(phase, answer, False) for phase in OF_ONE_MAIL for answer in ANSWERS]


@dataclass(frozen=True, slots=True)
class Mail:
    """An acknowledgement: `first_at`, `copies` and `taken` as the relay saw them, in seconds from the start."""

    state: str
    attempts: int
    unknown: int
    settled_after: float | None
    first_at: float | None
    copies: int
    taken: int  # copies that the relay answered 250, or would have
    reply: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The mails by recipient when the trouble ended (`during`), and at the end of all (`after`)."""

    during: dict[str, Mail]
    after: dict[str, Mail]


class Matrix(Simulation):
    """Runs cells, each in a store of its own."""

    def play(self, cell: Cell) -> Seen:
        return self.in_world(lambda world: self._play(world, cell), policy(timedelta(days=100)), Points())

    async def _play(self, world: World, cell: Cell) -> Seen:
        script, active = Script(world), True
        world.only = WORKERS

        def reply(phase: str, recipient: str) -> str | None:
            hit = active and phase == cell.phase and (cell.everybody or recipient == VICTIM)
            return ANSWERS[cell.answer] if hit else USUAL[phase]

        world.relay.reply = reply
        await world.run(2.5, 1.0)
        begun = world.loop.time()
        for sender in (VICTIM, *NEIGHBOURS):
            await script.mail(sender, "Saldo terpotong dua kali")
        await self._wait(world, cell.lasts)
        during = self._mails(world, begun)
        active = False
        await self._wait(world, 3 * HOUR)
        return Seen(during, self._mails(world, begun))

    async def _wait(self, world: World, seconds: float) -> None:
        """Wait so long, from one due mail to the next, or until nothing is pending."""
        end, step = world.loop.time() + seconds, 1.0
        while world.loop.time() < end:
            with self._books.connect() as connection:
                if not pending(connection, world.now()):
                    return
                due_at = next_due(connection)
            left = (due_at - world.now()).total_seconds() if due_at else 0.0
            step = min(max(left, 0.5), LONGEST_STEP) if left > 0 else min(1.5 * step, HELD_STEP)
            await world.run(step, step)

    def _mails(self, world: World, begun: float) -> dict[str, Mail]:
        rows = [row for row in self.books().outbox if row.kind == "acknowledgement"]
        return {row.recipient: _mail(world, row, begun) for row in rows}


def _mail(world: World, row: Any, begun: float) -> Mail:
    arrived = [mail for mail in world.relay.arrived if mail.message_id == row.message_id]
    settled = (row.settled_at - row.requested_at).total_seconds() if row.settled_at else None
    first = arrived[0].at - begun if arrived else None
    # A relay that cuts or keeps silent after the dot may have taken the mail: that is the worse case.
    taken = sum(mail.reply is None or mail.reply[:1] in ("", "2") for mail in arrived)
    return Mail(row.state, row.attempts, row.unknown, settled, first, len(arrived), taken, row.reply or "")


def main() -> None:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as directory:
        matrix = Matrix(Path(directory))
        print("| to | phase | answer | the mail | attempts | arrived | its neighbours |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for cell in CELLS:
            print(_line(cell, matrix.play(cell)), flush=True)


def _line(cell: Cell, seen: Seen) -> str:
    mail = seen.after[VICTIM]
    others = sorted({_course(seen.during[name], seen.after[name]) for name in NEIGHBOURS})
    to = "all, 1 h" if cell.everybody else "one, 6 days"
    fields = (to, cell.phase, cell.answer, _course(seen.during[VICTIM], mail), mail.attempts, mail.copies)
    return f"| {' | '.join(map(str, fields))} | {others[0]} |"


def _course(during: Mail, after: Mail) -> str:
    course = after.state if during.state == after.state else f"{during.state}, then {after.state}"
    return course if after.settled_after is None else f"{course} after {_span(after.settled_after)}"


def _span(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h {minutes} min" if hours else f"{minutes} min"


if __name__ == "__main__":
    main()
