"""What happens in a run: complaints, replies, an agent's answer, refusals of the relay, a deadline.

Several short scripts instead of a long one: each point of each is run again with each outcome.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from mailbot.domain.model import Target
from mailbot.domain.policy import Ladder, Moment, Policy, Step
from tests.builders import BOX, STANDARD
from tests.builders import policy as policy_of
from tests.faults.posts import Posts, key_in
from tests.faults.relay import USUAL, Arrived
from tests.faults.world import World

OUTSIDE, AGENTS = "192.0.2.7", "10.20.0.9"
BUDI, SITI, WATI = (f"{name}@pelanggan.example" for name in ("budi", "siti", "wati"))
GONE, LATER = "gone@pelanggan.example", "later@pelanggan.example"
PATIENCE = 900.0  # seconds until a mail that the script waits for counts as lost


def policy(promise: timedelta = timedelta(hours=8)) -> Policy:
    ladder = Ladder(
        "standard",
        {Target.FIRST_RESPONSE: promise, Target.RESOLUTION: timedelta(days=8)},
        (
            Step(Moment(Target.FIRST_RESPONSE, 0.5), remind="assignee"),
            Step(Moment(Target.FIRST_RESPONSE), escalate_to="L2"),
        ),
    )
    return policy_of(ladders={STANDARD.name: ladder})


class NeverCame(Exception):
    """A mail that somebody waits for did not come."""


class Script:
    """The steps, in a world. Each mail has a Message-ID that the ledger knows again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sent: list[str] = []  # Message-IDs
        self.posts = Posts(world)
        self._deferred = False
        world.relay.reply = self._relay

    async def mail(self, sender: str, subject: str, *, again: bool = False, **headers: str) -> None:
        raw, message_id = self._raw(sender, BOX.address, subject, headers)
        for _ in range(1 + again):
            await self.world.send(raw, message_id, sender, (BOX.address,), OUTSIDE)
        await self.world.settle()

    async def reply(self, sender: str, body: str, **headers: str) -> None:
        """Reply to the newest mail that this customer got."""
        got = await self._wait(lambda mail: mail.recipient == sender, f"a mail to {sender}")
        headers |= {"In-Reply-To": got.message_id, "body": body}
        await self.mail(sender, f"Re: {_subject(got)}", **headers)

    async def answer(self, customer: str, body: str) -> None:
        """Answer a customer's ticket as the agent who was notified of it."""
        got = await self._wait(
            lambda mail: mail.recipient == customer and _number(mail), f"a mail with a number to {customer}"
        )
        await self._answer(_number(got), body)

    async def _answer(self, number: str, body: str) -> None:
        notice = await self._wait(
            lambda mail: "tim.example" in mail.recipient and number in _subject(mail), f"a notice of {number}"
        )
        to = str(notice.headers["Reply-To"])
        raw, message_id = self._raw(notice.recipient, to, f"Re: {_subject(notice)}", {"body": body})
        await self.world.send(raw, message_id, notice.recipient, (to,), AGENTS)
        await self.world.settle()

    async def chat(self, by: str, text: str) -> None:
        """Let somebody write by the chat."""
        provider = self.world.chat
        assert provider
        self.sent.append(await provider.write(by, text))
        await self.world.settle()
        await self.world.run(30.0, 5.0)

    async def fill_in(self, address: str, text: str) -> None:
        """Send a form, and confirm its address by the mail that comes."""
        message_id = await self.posts.fill_in(address, text)
        await self.world.settle()
        asked = await self._wait(lambda mail: b"/confirm?" in mail.content, f"a link for {address}")
        await self.posts.press(key_in(asked.content))
        self.sent.append(message_id)
        await self.world.settle()

    async def bring(self, address: str, text: str) -> None:
        """Let a shop's program bring a message."""
        self.sent.append(await self.posts.bring(address, text))
        await self.world.settle()

    async def taken_by(self, identity: str) -> str:
        """Wait for a message of ours in the chat, and return the number in it. Raises NeverCame."""
        got = await self._wait(lambda mail: mail.recipient == identity, f"a message to {identity}")
        found = re.search(r"[A-Z]+-[0-9]{8}-[0-9]", got.content.decode())
        assert found
        return found[0]

    async def answer_chat(self, identity: str, body: str) -> None:
        """Answer somebody's ticket as the agent who was notified of it."""
        await self._answer(await self.taken_by(identity), body)

    async def _wait(self, wanted: Callable[[Arrived], object], name: str) -> Arrived:
        """Wait for a mail at the relay. Raises NeverCame."""
        end = self.world.loop.time() + PATIENCE
        while self.world.loop.time() < end:
            if found := [mail for mail in self.world.relay.taken if wanted(mail)]:
                return found[-1]
            await self.world.run(20.0, 20.0)
        raise NeverCame(f"{name} did not come within {PATIENCE:g} s")

    def _raw(self, sender: str, to: str, subject: str, headers: dict[str, str]) -> tuple[bytes, str]:
        message, body = EmailMessage(), headers.pop("body", "Pesanan saya belum sampai, mohon dibantu.")
        message_id = f"<{len(self.sent)}@script.example>"
        self.sent.append(message_id)
        standing = {"From": sender, "To": to, "Subject": subject, "Message-ID": message_id}
        for name, value in {**standing, **headers}.items():
            message[name] = value
        message.set_content(body)
        return message.as_bytes(), message_id

    def _relay(self, phase: str, recipient: str) -> str | None:
        if phase == "rcpt" and recipient == GONE:
            return "550 5.1.1 no such user"
        if phase == "rcpt" and recipient == LATER and not self._deferred:
            self._deferred = True
            return "450 4.2.0 try again later"
        return USUAL[phase]


def _number(mail: Arrived) -> str:
    return _subject(mail).partition("[")[2].partition("]")[0]


def _subject(mail: Arrived) -> str:
    return str(mail.headers["Subject"])


async def complaints(script: Script) -> None:
    """Two mails at once, one that is sent twice, and the answer of a machine."""
    await script.mail(BUDI, "Saldo terpotong dua kali")
    await script.mail(SITI, "Barang belum sampai", again=True)
    await script.reply(SITI, "Saya sedang cuti.", **{"Auto-Submitted": "auto-replied"})


async def conversation(script: Script) -> None:
    """A complaint, more of it, an agent's answer, and the customer's reply to that."""
    await script.mail(BUDI, "Saldo terpotong dua kali")
    await script.reply(BUDI, "Transaksinya tanggal 2 Oktober, Rp 350.000.")
    await script.answer(BUDI, "Mohon kirim nomor rekening supaya bisa kami periksa.")
    await script.reply(BUDI, "Nomornya 12345678. Tolong dipercepat ya.")


async def refusals(script: Script) -> None:
    """An address that the relay refuses, one that it defers."""
    await script.mail(GONE, "Alamat saya salah")
    await script.mail(LATER, "Tolong dicek")
    await script.world.run(4.0, 2.0)


async def deadline(script: Script) -> None:
    """A ticket that nobody answers: a reminder, then the next level."""
    await script.mail(WATI, "Aplikasi tidak bisa dibuka")
    await script.world.run(640.0, script.world.longest_step)


async def _chat(script: Script) -> None:
    """Two people write by a chat, one goes on, an agent answers, and the thanks go onto the same ticket."""
    await script.chat("budi", "Saldo saya terpotong dua kali")
    await script.chat("siti", "Paket saya belum sampai")
    await script.chat("budi", "Transaksinya tanggal 2 Oktober, Rp 350.000.")
    await script.taken_by("chat:budi")
    await script.answer_chat("chat:budi", "Mohon kirim nomor rekening supaya bisa kami periksa.")
    await script.chat("budi", "Nomornya 12345678. Tolong dipercepat ya.")


async def chat_polled(script: Script) -> None:
    """Ask the provider of a chat for news."""
    await _chat(script)


async def chat_called(script: Script) -> None:
    """Let the provider of a chat call us."""
    await _chat(script)


async def posted(script: Script) -> None:
    """Take a form whose address is confirmed by mail, and what a shop's program brings."""
    await script.fill_in(SITI, "Paket saya belum sampai sejak Senin.")
    await script.bring(WATI, "Aplikasi tidak bisa dibuka")
    await script.answer(SITI, "Mohon kirim nomor resi supaya bisa kami periksa.")


SCRIPTS = {
    each.__name__: each
    for each in (complaints, conversation, refusals, deadline, chat_polled, chat_called, posted)
}
CHATS = {"chat_polled": "polled", "chat_called": "called"}  # how messages come in these scripts
KEPT_FIRST = "kept first"  # the same mails where nothing is decided before it is kept and claimed
SCRIPTS[KEPT_FIRST] = conversation
POLICIES = {"deadline": policy(timedelta(minutes=10))}
