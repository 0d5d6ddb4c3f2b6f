"""What a ladder asks is answered from a shell, and `reload` lists what it would change."""

from dataclasses import replace
from datetime import timedelta

from mailbot.domain.model import Target
from mailbot.domain.policy import Moment, Step
from mailbot.store import ladders
from mailbot.workers.deadlines import Deadlines
from tests.cli.test_merge import TEMPLATES, Shell
from tests.cli.test_merge import shell as shell

ASK = Step(
    Moment(Target.FIRST_RESPONSE, 0.01),
    ask_decision="management",
    question="Refund?",
    options=("yes", "no"),
    acknowledge_within=timedelta(days=20_000),  # the shell decides by the time of now
)


async def test_a_decision_is_shown_answered_once_and_told(shell: Shell) -> None:
    policy = shell.desk.runtime.policy
    asking = {name: replace(each, steps=(ASK, *each.steps)) for name, each in policy.ladders.items()}
    shell.desk.runtime.replace(replace(policy, ladders=asking), TEMPLATES)
    shell.store.write_now(ladders.save, shell.desk.runtime.policy)
    number = (await shell.desk.receive()).number
    shell.desk.clock += timedelta(hours=1)
    duty = Deadlines(shell.desk.deps)
    await duty.run_once()

    assert "to decide Refund? (yes, no), by management" in shell.run("ticket", "show", number)
    assert "as it was when the ticket was given it" in shell.run("explain", number, "--all")
    assert "there are: yes, no" in shell.run("ticket", "decide", number, "perhaps", code=1)
    assert "decided: yes: goodwill" in shell.run("ticket", "decide", number, "YES", "--because", "goodwill")
    assert "waits for no decision" in shell.run("ticket", "decide", number, "no", code=1)
