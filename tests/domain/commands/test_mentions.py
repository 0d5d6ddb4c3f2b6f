"""Mentions in notes: whom they notify, and what is no mention."""

import pytest

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.acts.agent_act import leaves_at
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.commands.mentions import mentioned
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import TeamNotice
from tests.builders import BAYU, DEWI, NOW, RINA, policy
from tests.domain.test_decisions import open_ticket


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("@bayu tolong dicek", (BAYU.address,)),
        ("Tanya @Dewi, lalu (@bayu).", (DEWI.address, BAYU.address)),
        ("@bayu @BAYU", (BAYU.address,)),
        ("tulis ke bayu@tim.example atau x@bayu", ()),
        ("@entah @", ()),
    ],
)
def test_a_name_behind_an_at_sign_is_a_mention(text: str, addresses: tuple[str, ...]) -> None:
    assert mentioned(text, policy()) == addresses


def test_who_is_mentioned_in_a_note_gets_a_notice_and_its_author_none() -> None:
    decision = on_command(
        open_ticket(), c.AddNote("@bayu @rina lihat"), Actor.agent(RINA.address), policy(), NOW
    )
    assert isinstance(decision, Decision)
    (notice,) = decision.notices
    assert isinstance(notice, TeamNotice)
    assert (notice.to, notice.why) == (BAYU.address, NoticeKind.NOTIFY)
    assert str(notice.because) == f"{RINA.address} mentions you in a note"
    assert leaves_at(decision, policy()) is None  # a note is never taken back
