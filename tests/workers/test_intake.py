"""From kept mail to recorded tickets, with the real store, parser, decisions and composer."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.config.model import Trust
from mailbot.domain.commands import Release
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Envelope, InboundMail, Status, Ticket, Turn
from mailbot.domain.notices import Notice
from mailbot.domain.reasons import Refusal, render
from mailbot.errors import StoreUnavailable
from mailbot.mail.compose.compose import Composer, OutboundMail
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import load as load_templates
from mailbot.metrics import Metrics
from mailbot.store import inbox
from mailbot.store.codec import match_of, reason_of
from mailbot.store.queries import frozen_mail
from mailbot.store.schema import events, messages, outbox
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.service.claims import Held
from mailbot.store.store import Store
from mailbot.store.tickets import load
from mailbot.workers.agent_loads import AgentLoads
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.runtime import Deps, Runtime, Snapshot
from tests.builders import BOX, EKO, NUMBER, RINA
from tests.builders import policy as policy_of
from tests.shaky_store import ShakyStore

KEYS = TokenSigner(b"a secret of sixteen bytes or more")
TEMPLATES = load_templates(Path(__file__).parents[2] / "templates")
BUDI = "budi@pelanggan.example"
AGENTS_NETWORK = "10.20.0.9"
AGENTS_TRUSTED = Trust(agent_networks=(ip_network("10.20.0.0/16"),), authserv_ids=("mx.dukungan.example",))


class Desk:
    """An intake with its store; `clock` is the time it sees."""

    def __init__(
        self,
        store: Store,
        composer: Composer | None = None,
        *,
        loads: AgentLoads | None = None,
        trust: Trust = AGENTS_TRUSTED,
        **policy_changes: Any,
    ) -> None:
        policy = policy_of(**policy_changes)
        composer = composer or Composer(TEMPLATES, KEYS, policy)
        self.runtime = Runtime(Snapshot(policy, composer, KEYS, trust, loads or AgentLoads()))
        self.store, self.clock, self.woken = store, datetime(2026, 11, 23, 3, 0, tzinfo=UTC), 0
        self.deps = Deps(store, self.runtime, lambda: self.clock, Metrics(), self._wake)
        self.intake = Intake(self.deps, "n1")
        self._kept = 0

    def _wake(self) -> None:
        self.woken += 1

    async def keep(
        self, sender: str = BUDI, to: str = BOX.address, peer: str = "192.0.2.7", **headers: str
    ) -> int:
        body = headers.pop("body", "Pesanan saya belum sampai, mohon dibantu.")
        envelope_sender = headers.pop("return_path", sender)
        self._kept += 1
        lines = {"From": sender, "To": to, "Subject": "Barang", "Message-ID": f"<{self._kept}@x.example>"}
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + f"\r\n{body}\r\n"
        envelope = Envelope(envelope_sender, (to,), peer, self.clock)
        kept = inbox.ReceivedMail(f"mark{self._kept}", envelope, text.encode())
        return (await self.store.write(inbox.keep, kept)).inbox_id

    async def receive(self, **mail: str) -> Ticket:
        """Handle one mail and return its ticket."""
        id_ = await self.keep(**mail)
        await self.work()
        return self.ticket_of(id_)

    async def work(self) -> None:
        while await self.intake.run_once() == 0:
            pass

    def ticket_of(self, inbox_id: int) -> Ticket:
        row = self.one(select(inbox_table).where(inbox_table.c.id == inbox_id))
        assert row.state == "done", row.reason
        return self.store.read_now(load, [row.ticket])[row.ticket]

    def one(self, query: Any) -> Any:
        return self.store.read_now(lambda c: c.execute(query).one())

    def all(self, query: Any) -> list[Any]:
        return list(self.store.read_now(lambda c: c.execute(query).all()))

    def outbox_rows(self, kind: str) -> list[Any]:
        return self.all(select(outbox).where(outbox.c.kind == kind).order_by(outbox.c.id))

    def content(self, row: Any) -> Any:
        content = self.store.read_now(frozen_mail, row.id)
        assert content is not None
        return message_from_bytes(content, policy=policy.default)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_a_mail_becomes_a_ticket_with_its_acknowledgement_in_one_go(desk: Desk) -> None:
    ticket = await desk.receive(Subject="Saldo terpotong dua kali")

    (row,) = desk.outbox_rows("acknowledgement")
    mail = desk.content(row)
    assert (ticket.team, ticket.customer, ticket.status) == ("payments", BUDI, Status.NEW)
    assert (row.ticket, row.recipient, row.state) == (ticket.number, BUDI, "due")
    assert f"[{ticket.number}]" in mail["Subject"]
    assert mail["In-Reply-To"] == "<1@x.example>"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert "Saldo terpotong" not in mail.as_string()
    assert desk.woken == 1


@pytest.mark.parametrize("how", ["subject", "our Message-ID", "own Message-ID"])
async def test_a_customers_reply_finds_its_ticket(desk: Desk, how: str) -> None:
    first = await desk.receive()
    (row,) = desk.outbox_rows("acknowledgement")
    headers = {
        "subject": {"Subject": f"Bls: [{first.number.lower().replace('-', ' ')}] pesanan"},
        "our Message-ID": {"In_Reply_To": row.message_id},
        "own Message-ID": {"References": "<1@x.example>"},
    }[how]
    again = await desk.receive(**headers)

    assert again.number == first.number
    assert len(desk.outbox_rows("acknowledgement")) == 1
    found = desk.all(select(messages.c.evidence).order_by(messages.c.id))[-1].evidence
    assert "sender takes part" in render(match_of(found).reason, "en")


async def test_a_stranger_with_the_right_number_gets_a_ticket_and_answer_like_any_customer(
    desk: Desk,
) -> None:
    first = await desk.receive()
    theirs = await desk.receive(sender="asing@lain.example", Subject=f"Re: [{first.number}]")
    nobody = await desk.receive(sender="siti@lain.example", Subject="Halo")

    assert theirs.number != first.number
    opened = desk.one(
        select(events.c.data).where(events.c.kind == "ticket_opened", events.c.ticket == theirs.number)
    )
    assert opened.data["claims"] == first.number
    mails = {row.ticket: desk.content(row) for row in desk.outbox_rows("acknowledgement")}
    stranger, other = mails[theirs.number], mails[nobody.number]
    assert first.number not in stranger.as_string()
    bodies = [
        str(mail.get_body(("plain",)).get_content()).replace(ticket.number, "N")
        for mail, ticket in ((stranger, theirs), (other, nobody))
    ]
    assert bodies[0] == bodies[1]


async def test_a_mailbox_may_thread_strangers_when_its_admin_allows_it(store: Store) -> None:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, strangers="thread")})
    first = await desk.receive()
    theirs = await desk.receive(sender="asing@lain.example", Subject=f"Re: [{first.number}]")

    assert theirs.number == first.number


async def test_two_mails_of_one_conversation_in_one_batch_are_decided_in_turn(desk: Desk) -> None:
    one = await desk.keep()
    two = await desk.keep(References="<1@x.example>")
    await desk.work()

    assert desk.ticket_of(one).number == desk.ticket_of(two).number
    assert len(desk.outbox_rows("acknowledgement")) == 1


def tag(number: str, agent: str = RINA.address) -> str:
    return KEYS.reply_address(BOX.address, number, agent)


async def test_an_agents_answer_goes_to_the_customer_without_the_quoted_notice(desk: Desk) -> None:
    ticket = await desk.receive()
    (notice,) = desk.outbox_rows("team")
    reply_to = desk.content(notice)["Reply-To"]
    assert reply_to == tag(ticket.number)
    answered = await desk.receive(
        sender=RINA.address,
        to=reply_to,
        peer=AGENTS_NETWORK,
        body="Pak Budi, barang dikirim ulang besok.\r\n\r\n"
        "Pada Sen, 23 Nov 2026 TokoDompet menulis:\r\n> rahasia tim",
    )

    (answer,) = desk.outbox_rows("answer")
    mail = desk.content(answer)
    text = mail.get_body(("plain",)).get_content()
    assert (answered.number, answered.status, answered.turn) == (ticket.number, Status.OPEN, Turn.OURS)
    assert (answer.recipient, mail["From"].addresses[0].addr_spec) == (BUDI, BOX.address)
    assert "barang dikirim ulang besok" in text
    assert "rahasia" not in mail.as_string()
    assert f"[{ticket.number}]" in mail["Subject"]
    assert "Auto-Submitted" not in mail


@pytest.mark.parametrize(
    ("peer", "headers", "acts"),
    [
        (AGENTS_NETWORK, {}, True),
        ("192.0.2.7", {}, False),
        (
            "192.0.2.7",
            {"Authentication_Results": "mx.dukungan.example; dmarc=pass header.from=tim.example"},
            True,
        ),
        ("192.0.2.7", {"Authentication_Results": "evil.example; dmarc=pass header.from=tim.example"}, False),
        (
            AGENTS_NETWORK,
            {"Authentication_Results": "mx.dukungan.example; dmarc=fail header.from=tim.example"},
            False,
        ),
    ],
)
async def test_only_a_proven_agents_mail_acts(
    desk: Desk, peer: str, headers: dict[str, str], acts: bool
) -> None:
    ticket = await desk.receive()
    await desk.receive(sender=RINA.address, to=tag(ticket.number), peer=peer, body="Beres.", **headers)

    assert len(desk.outbox_rows("answer")) == (1 if acts else 0)
    assert len(desk.outbox_rows("refusal")) == (0 if acts else 1)
    assert desk.one(select(messages.c.direction).where(messages.c.author == RINA.address)).direction == (
        "out" if acts else "note"
    )


async def test_a_reply_token_leaked_to_another_person_gives_no_access(desk: Desk) -> None:
    ticket = await desk.receive()
    other = await desk.receive(sender="asing@lain.example", to=tag(ticket.number), peer=AGENTS_NETWORK)

    assert other.number != ticket.number
    assert desk.outbox_rows("answer") == []


async def test_an_auto_reply_is_recorded_and_never_answered(desk: Desk) -> None:
    ticket = await desk.receive(Auto_Submitted="auto-replied")

    (row,) = desk.outbox_rows("acknowledgement")
    assert (row.ticket, row.state) == (ticket.number, "suppressed")
    assert "auto-replied" in str(reason_of(row.reason)).lower()


async def test_thanks_and_an_absence_known_by_its_text_alone_stay_on_their_ticket_unanswered(
    desk: Desk,
) -> None:
    ticket = await desk.receive()
    subject = f"Re: [{ticket.number}] Barang"
    acknowledgement = desk.content(desk.outbox_rows("acknowledgement")[0]).get_body(("plain",)).get_content()
    ours = "".join(f"> {line}\r\n" for line in acknowledgement.splitlines())
    quoted = f"Pada Sen, 23 Nov 2026 pukul 10.15 Toko <{BOX.address}> menulis:\r\n\r\n{ours}"
    thanked = await desk.receive(Subject=subject, body=f"Makasih banyak ya min\r\n\r\n{quoted}")
    absent = await desk.receive(
        Subject=f"Balasan otomatis: [{ticket.number}] Barang", body="Saya sedang cuti sampai Jumat."
    )

    assert thanked == replace(ticket, events=ticket.events + 1)
    assert absent == replace(ticket, events=ticket.events + 2)
    kept = desk.all(select(messages).order_by(messages.c.id))
    assert [(row.turn, str(reason_of(row.no_auto_reply))) for row in kept[1:]] == [
        ("", ""),
        ("", "out of office, by its words"),
    ]


async def test_an_absence_known_by_its_text_alone_opens_a_ticket_without_acknowledgement(desk: Desk) -> None:
    await desk.receive(Subject="Out of office: Barang", body="I am on leave until Friday.")

    (row,) = desk.outbox_rows("acknowledgement")
    assert (row.state, str(reason_of(row.reason))) == ("suppressed", "out of office, by its words")


async def test_a_bounce_of_our_own_mail_comes_back_to_its_ticket(desk: Desk) -> None:
    ticket = await desk.receive()
    (row,) = desk.outbox_rows("acknowledgement")
    bounce = await desk.receive(
        sender="MAILER-DAEMON@mx.example", return_path="", to=row.sender, Subject="Undelivered"
    )

    assert bounce.number == ticket.number
    assert bounce.status is Status.NEW
    assert len(desk.outbox_rows("acknowledgement")) == 1


async def test_a_guessed_bounce_address_leads_nowhere(desk: Desk) -> None:
    ticket = await desk.receive()
    (row,) = desk.outbox_rows("acknowledgement")
    forged = row.sender.replace(row.nonce, "0123456789abcdef")
    other = await desk.receive(sender="asing@lain.example", return_path="", to=forged)

    assert other.number != ticket.number


class Poisoned(Composer):
    """A composer that a bug attempts on one recipient."""

    def compose(self, notice: Notice, *, nonce: str, now: datetime, page_url: str = "") -> OutboundMail:
        if notice.to == "racun@x.example":
            raise ZeroDivisionError("a bug of ours")
        return super().compose(notice, nonce=nonce, now=now, page_url=page_url)


async def test_p5_one_bad_mail_is_parked_with_its_reason_and_the_others_go_on(store: Store) -> None:
    desk = Desk(store, Poisoned(TEMPLATES, KEYS, policy_of()))
    good = [await desk.keep(sender=f"p{n}@x.example") for n in range(3)]
    bad = await desk.keep(sender="racun@x.example")
    more = [await desk.keep(sender=f"q{n}@x.example") for n in range(3)]
    await desk.work()

    assert len({desk.ticket_of(id_).number for id_ in (*good, *more)}) == 6
    row = desk.one(select(inbox_table).where(inbox_table.c.id == bad))
    assert (row.state, row.reason) == ("parked", "ZeroDivisionError: a bug of ours")
    assert len(desk.outbox_rows("acknowledgement")) == 6


async def test_mail_that_another_node_handled_first_is_not_recorded_twice(desk: Desk) -> None:
    id_ = await desk.keep()
    other = Intake(desk.deps, "n2")
    await asyncio.gather(desk.intake.run_once(), other.run_once())
    await desk.work()

    assert desk.ticket_of(id_)
    assert len(desk.outbox_rows("acknowledgement")) == 1


async def test_the_customers_last_language_is_used_when_a_mail_has_no_clear_one(desk: Desk) -> None:
    await desk.receive(body="I have been waiting for my order and nobody answered me yet.", Subject="Order")
    second = await desk.receive(body="12345", Subject="12345")

    assert second.language == "en"
    assert second.number != NUMBER


async def test_mail_that_another_node_claims_during_the_work_is_left_to_it(desk: Desk) -> None:
    id_ = await desk.keep()
    (claimed,) = await desk.store.write(inbox.claim, inbox.Claim("n1", 1))
    await desk.store.write(inbox.release_unheld, Held("n1", ()))
    await desk.store.write(inbox.claim, inbox.Claim("n2", 1))
    await desk.intake._handle(await desk.intake._parse_all([claimed]))

    row = desk.one(select(inbox_table).where(inbox_table.c.id == id_))
    assert (row.state, row.claimed_by) == ("new", "n2")
    assert desk.outbox_rows("acknowledgement") == []


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("operation", ["claim", "_record"])
async def test_a_lost_reply_to_a_commit_leaves_one_ticket_and_nothing_claimed(
    desk: Desk, operation: str, committed: bool
) -> None:
    shaky: Any = ShakyStore(desk.store, operation, committed=committed)
    intake = Intake(replace(desk.deps, store=shaky), "n1")
    id_ = await desk.keep()
    with pytest.raises(StoreUnavailable):
        await intake.run_once()
    await intake.run_once()

    row = desk.one(select(inbox_table).where(inbox_table.c.id == id_))
    assert (row.state, row.claimed_by, row.claimed_at, row.attempts) == ("done", None, None, 0)
    assert len(desk.outbox_rows("acknowledgement")) == 1


async def test_a_fault_of_ours_around_a_batch_is_blamed_on_it_and_parks_it_in_the_end(desk: Desk) -> None:
    async def fails(*_: Any) -> InboundMail:
        raise ZeroDivisionError("a bug of ours")

    intake = Intake(desk.deps, "n1", fails)
    id_ = await desk.keep()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await intake.run_once()
        desk.clock += timedelta(seconds=10)
    await intake.run_once()

    row = desk.one(select(inbox_table).where(inbox_table.c.id == id_))
    assert (row.state, row.claimed_by) == ("parked", None)


BOUNCED = {"sender": "mailer-daemon@mx.example", "body": "Your mail to x@y.example could not be delivered."}


async def test_a_machines_mail_about_no_ticket_is_filed_and_can_be_released(desk: Desk) -> None:
    ticket = await desk.receive(**BOUNCED, Subject="Undelivered Mail Returned to Sender")
    assert (ticket.status, ticket.clocks, ticket.assignee) == (Status.FILED, (), None)
    assert desk.outbox_rows("team") == []

    released = on_command(ticket, Release(), EKO, desk.runtime.policy, desk.clock)
    assert isinstance(released, Decision)
    assert (released.ticket.status, bool(released.ticket.clocks)) == (Status.NEW, True)
    assert [notice.name for notice in released.notices] == ["team"]
    refused = on_command(released.ticket, Release(), EKO, desk.runtime.policy, desk.clock)
    assert isinstance(refused, Refusal)


async def test_machines_that_write_too_often_share_the_newest_filed_ticket(store: Store) -> None:
    desk, filed = Desk(store, filed_per_hour=2), []
    for n in range(4):
        desk.clock += timedelta(seconds=1)  # the newest is found by its time
        filed.append((await desk.receive(**BOUNCED, Subject=f"Undelivered {n}")).number)
    desk.clock += timedelta(hours=2)
    later = await desk.receive(**BOUNCED, Subject="Undelivered 5")

    assert len(set(filed[:2])) == 2
    assert set(filed[2:]) == {filed[1]}
    assert later.number not in filed


async def test_a_person_who_replies_on_a_filed_ticket_reaches_its_team(desk: Desk) -> None:
    headers = {"Auto_Submitted": "auto-replied", "Message_ID": "<away@x.example>"}
    filed = await desk.receive(Subject="Automatic reply: Barang", body="I am out of the office.", **headers)
    assert filed.status is Status.FILED
    ticket = await desk.receive(References="<away@x.example>", body="Ini saya sendiri, mohon dibantu.")

    assert (ticket.number, ticket.status) == (filed.number, Status.NEW)
    assert len(desk.outbox_rows("team")) == 1


GUARDS = [
    {"Auto_Submitted": "auto-replied"},
    {"Auto_Submitted": "auto-generated"},
    {"Precedence": "bulk"},
    {"Precedence": "list"},
    {"Precedence": "auto_reply"},
    {"List_Id": "<orang.kantor.example>"},
    {"List_Unsubscribe": "<mailto:keluar@crm.example>"},
    {"X_Auto_Response_Suppress": "All"},
    {"X_Auto_Response_Suppress": "OOF"},
    {"X_Autoreply": "yes"},
    {"X_Autorespond": "x"},
    {"X_Autogenerated": "Reply"},
    {"X_Loop": "crm@kantor.example"},
    {"X_MS_Exchange_Generated_Message_Source": "Mailbox Rules Agent"},
    {"X_FC_Machinegenerated": "true"},
    {"Delivered_To": "autoresponder@kantor.example"},
    {"Return_Path": "<>"},
    {"return_path": ""},
]
PAIRS = [first | second for first, second in itertools.combinations(GUARDS, 2)]


async def test_p15_no_header_keeps_a_participants_words_from_the_team(desk: Desk) -> None:
    ticket = await desk.receive()
    for position, headers in enumerate([*GUARDS, *PAIRS], 1):
        text = f"Mohon dicek lagi, ini pesan ke-{position} dari saya."
        again = await desk.receive(Subject=f"Re: [{ticket.number}] Barang", body=text, **headers)

        assert again.number == ticket.number, headers
        assert len(desk.outbox_rows("team")) == position + 1, headers
    assert len(desk.outbox_rows("acknowledgement")) == 1


def acknowledgements(desk: Desk) -> list[Any]:
    return [row for row in desk.outbox_rows("acknowledgement") if row.state == "due"]


@pytest.mark.parametrize("by", ["reference", "subject"])
async def test_a_desk_that_answers_our_acknowledgements_gets_one(desk: Desk, by: str) -> None:
    await desk.receive(sender="case-1@vendor.example")
    for n in range(2, 6):
        (row,) = acknowledgements(desk)
        subject = f"Your case {n} was registered: {desk.content(row)['Subject']}"
        answered = {"In_Reply_To": row.message_id} if by == "reference" else {"Subject": subject}
        await desk.receive(sender=f"case-{n}@vendor.example", **answered)

        assert len(desk.outbox_rows("team")) == n, "a person sees each of them"
    assert len(acknowledgements(desk)) == 1


async def test_silence_does_not_show_whether_a_number_exists(desk: Desk) -> None:
    first = await desk.receive()
    await desk.receive(sender="siti@lain.example", Subject=f"Tentang [{first.number}]")
    for n, number in enumerate([first.number, NUMBER]):
        await desk.receive(
            sender=f"asing{n}@lain.example", Subject=f"Re: [{number}] Pesan Anda sudah kami terima"
        )

    assert [row.recipient for row in acknowledgements(desk)] == [BUDI, "siti@lain.example"]
