"""The running listener over real sockets: every reply of mail.md, "At the door", and promises P1, P4, P9."""

import asyncio
import gc
import socket
import ssl
import struct
import weakref
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from mailbot.channels.smtp.listener import load_certificate
from mailbot.channels.smtp.session import Session
from mailbot.config.model import Limits, Listen
from mailbot.errors import ConfigError, StoreFull, StoreUnavailable
from tests.channels.smtp_client import (
    LONG_TIMEOUTS,
    LOOPBACK,
    MAIL,
    SUPPORT,
    Inbox,
    connect,
    greeted,
    listening,
    policy,
)

OPEN = Limits(free_space=0)
SHORT = timedelta(milliseconds=150)
SENDER = "MAIL FROM:<budi@pelanggan.example>"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


# --- accepted mail ----------------------------------------------------------------------------------------


async def test_a_mail_is_kept_byte_for_byte_before_250(inbox: Inbox) -> None:
    async with greeted(inbox) as session:
        assert await session.mail() == "250 2.0.0 Ok: kept as 1"
    assert inbox.raw == MAIL
    assert inbox.envelope.sender == "budi@pelanggan.example"
    assert inbox.envelope.recipients == (SUPPORT,)
    assert inbox.envelope.peer == "127.0.0.1"
    assert inbox.envelope.received_at.utcoffset() == timedelta()


async def test_no_250_leaves_before_keep_has_ended(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    async with greeted(inbox) as session:
        await session.begin()
        session.send(MAIL + b".\r\n")
        await inbox.asked.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.reader.readline(), 0.1)
        inbox.hold.set()
        assert (await session.reply()).startswith("250 2.0.0 ")


async def test_the_greeting_and_ehlo_list_extensions_and_not_the_software(inbox: Inbox) -> None:
    async with listening(inbox, replace(OPEN, size=1000)) as listener, connect(listener) as session:
        assert await session.reply() == "220 mx.dukungan.example ESMTP mailbot"
        assert (await session.ask("EHLO x")).split("\n") == [
            "250-mx.dukungan.example",
            "250-PIPELINING",
            "250-SIZE 1000",
            "250-8BITMIME",
            "250-ENHANCEDSTATUSCODES",
            "250 SMTPUTF8",
        ]
        assert await session.ask("HELO x") == "250 mx.dukungan.example"


async def test_commands_sent_together_are_answered_in_order_also_after_the_final_dot(inbox: Inbox) -> None:
    group = f"{SENDER}\r\nRCPT TO:<nobody@dukungan.example>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n".encode()
    async with greeted(inbox) as session:
        session.send(group)
        assert [(await session.reply())[:3] for _ in range(4)] == ["250", "550", "250", "354"]
        session.send(MAIL + b".\r\n" + group)
        assert [(await session.reply())[:3] for _ in range(5)] == ["250", "250", "550", "250", "354"]
        session.send(b"zweite\r\n.\r\nQUIT\r\n")
        assert [(await session.reply())[:3] for _ in range(2)] == ["250", "221"]
        assert await session.ended() == b""
    assert [raw for _, raw in inbox.mails] == [MAIL, b"zweite\r\n"]


async def test_a_client_that_closes_its_half_after_the_dot_still_gets_its_reply(inbox: Inbox) -> None:
    words = f"EHLO x\r\n{SENDER}\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n".encode() + MAIL + b".\r\nQUIT\r\n"
    async with listening(inbox) as listener, connect(listener) as session:
        session.send(words)
        session.writer.write_eof()
        said = await session.ended()
    assert b"250 2.0.0 Ok: kept as 1\r\n221 " in said


@pytest.mark.parametrize(
    ("wire", "kept"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (b"..\r\n", b".\r\n"),
        (b".a\r\n..b\r\n...\r\n", b"a\r\n.b\r\n..\r\n"),
        (b"a\r\n..\r\n..\r\n\r\n", b"a\r\n.\r\n.\r\n\r\n"),
        (b"\xff\x00\x80 8bit\r\n", b"\xff\x00\x80 8bit\r\n"),
        (
            b"x" * 300_000 + b"\r\n" + b"..y" * 50_000 + b"\r\n",
            b"x" * 300_000 + b"\r\n." + b"y..".join([b""] * 50_000) + b"y\r\n",
        ),
    ],
)
async def test_doubled_dots_are_undone_and_nothing_else_changes(
    inbox: Inbox, wire: bytes, kept: bytes
) -> None:
    async with greeted(inbox) as session:
        assert (await session.mail(wire)).startswith("250 ")
    assert inbox.raw == kept


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 4096, 65535, 65536, 65537])
async def test_a_mail_arrives_the_same_however_it_is_cut_into_packets(inbox: Inbox, cut: int) -> None:
    text = (b"" if cut > 10 else MAIL) + (b"y" * 65_530 + b"\r\n..\r\n") * (3 if cut > 10 else 0)
    wire = text + b".\r\nNOOP\r\n"
    async with greeted(inbox) as session:
        await session.begin()
        for start in range(0, len(wire), cut):
            session.send(wire[start : start + cut])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert (await session.reply()).startswith("250 2.0.0 Ok: kept")
        assert await session.reply() == "250 2.0.0 Ok"
    assert inbox.raw == text.replace(b"\r\n..", b"\r\n.")


# --- recipients -------------------------------------------------------------------------------------------

RECIPIENTS = [
    ("<support@dukungan.example>", "250 2.1.5", SUPPORT),
    ("<Support+t.abc@DUKUNGAN.example>", "250 2.1.5", "support+t.abc@dukungan.example"),
    ('<"support"@dukungan.example>', "250 2.1.5", SUPPORT),
    ("support@dukungan.example", "250 2.1.5", SUPPORT),
    ("<@a.example,@b.example:support@dukungan.example>", "250 2.1.5", SUPPORT),
    ("<postmaster>", "250 2.1.5", SUPPORT),
    ("<Postmaster@dukungan.example>", "250 2.1.5", SUPPORT),
    ("<postmaster@elsewhere.example>", "550 5.7.1", ""),
    ("<nobody@dukungan.example>", "550 5.1.1", ""),
    ("<support@elsewhere.example>", "550 5.7.1", ""),
    ("<support@sub.dukungan.example>", "550 5.7.1", ""),
    ('<"support@dukungan.example"@elsewhere.example>', "550 5.7.1", ""),
    ('<"a@elsewhere.example"@dukungan.example>', "550 5.1.1", ""),
    ("<support%elsewhere.example@dukungan.example>", "553 5.1.3", ""),
    ("<elsewhere.example!support@dukungan.example>", "553 5.1.3", ""),
    ("<elsewhere.example!support>", "553 5.1.3", ""),
    ("<>", "501 5.1.3", ""),
    ("<support>", "501 5.1.3", ""),
    ("<@dukungan.example>", "501 5.1.3", ""),
    ("<@a.example,@b.example:>", "501 5.1.3", ""),
    ("<support@>", "501 5.1.3", ""),
    ("<support@dukungan..example>", "501 5.1.3", ""),
    ("<sup port@dukungan.example>", "501 5.1.3", ""),
    ("<support@dukungan.example", "501 5.1.3", ""),
    ("<support@dukungan.example>>", "501 5.1.3", ""),
    ("<a@b@dukungan.example>", "501 5.1.3", ""),
    ("<support\r@dukungan.example>", "501 5.1.3", ""),
    ("<support\x00@dukungan.example>", "501 5.1.3", ""),
    ("<" + "a" * 600 + "@dukungan.example>", "501 5.1.3", ""),
    ("", "501 5.1.3", ""),
    ("<bücher@dukungan.example>", "553 5.6.7", ""),
    ("<support@dukungan.example> NOTIFY=NEVER", "555 5.5.4", ""),
    ("<support@dukungan.example> =", "501 5.5.4", ""),
]


@pytest.mark.parametrize(("path", "code", "kept_for"), RECIPIENTS)
async def test_only_our_mailboxes_take_mail(inbox: Inbox, path: str, code: str, kept_for: str) -> None:
    async with greeted(inbox) as session:
        await session.ask(SENDER)
        assert (await session.ask(f"RCPT TO:{path}")).startswith(f"{code} ")
        if kept_for:
            await session.ask("DATA")
            await session.ask(MAIL + b".\r\n")
            assert inbox.envelope.recipients == (kept_for,)
        else:
            assert (await session.ask("DATA")).startswith("503 5.5.1 ")


SENDERS = [
    ("<>", "250 2.1.0", ""),
    ("<budi@pelanggan.example>", "250 2.1.0", "budi@pelanggan.example"),
    (" <Budi@Pelanggan.example> SIZE=100 BODY=8BITMIME", "250 2.1.0", "Budi@Pelanggan.example"),
    ("budi@pelanggan.example", "250 2.1.0", "budi@pelanggan.example"),
    ("<@relay.example:budi@pelanggan.example>", "250 2.1.0", "budi@pelanggan.example"),
    ('<"budi > santoso"@pelanggan.example>', "250 2.1.0", '"budi > santoso"@pelanggan.example'),
    ("<budi..s.@pelanggan.example>", "250 2.1.0", "budi..s.@pelanggan.example"),
    ("<budi@[192.0.2.1]>", "250 2.1.0", "budi@[192.0.2.1]"),
    ("<" + "b" * 90 + "@pelanggan.example>", "250 2.1.0", "b" * 90 + "@pelanggan.example"),
    ("<büdi@bücher.example> SMTPUTF8", "250 2.1.0", "büdi@bücher.example"),
    ("<büdi@bücher.example>", "553 5.6.7", ""),
    ("<budi>", "501 5.1.7", ""),
    ("<budi@>", "501 5.1.7", ""),
    ("<bu\x00di@pelanggan.example>", "501 5.1.7", ""),
    ("<bu\rdi@pelanggan.example>", "501 5.1.7", ""),
    (b"<bu\xffdi@pelanggan.example>", "501 5.1.7", ""),
    (b"<bu\xe2\x80\xaedi@pelanggan.example> SMTPUTF8", "501 5.1.7", ""),
    ('<"budi@pelanggan.example>', "501 5.1.7", ""),
    ("", "501 5.1.7", ""),
    ("<budi@pelanggan.example>SIZE=1", "501 5.1.7", ""),
    ("<budi@pelanggan.example> SIZE=x", "501 5.5.4", ""),
    ("<budi@pelanggan.example> SIZE=1 SIZE=2", "501 5.5.4", ""),
    ("<budi@pelanggan.example> BODY=BINARYMIME", "501 5.5.4", ""),
    ("<budi@pelanggan.example> SMTPUTF8=1", "501 5.5.4", ""),
    ("<budi@pelanggan.example> AUTH=<>", "555 5.5.4", ""),
    ("<budi@pelanggan.example> SIZE=26214401", "552 5.3.4", ""),
    ("<budi@pelanggan.example> SIZE=99999999999999999999", "552 5.3.4", ""),
]


@pytest.mark.parametrize(("path", "code", "sender"), SENDERS)
async def test_the_sender_may_be_anybody_with_a_readable_address(
    inbox: Inbox, path: str | bytes, code: str, sender: str
) -> None:
    words = path if isinstance(path, bytes) else path.encode()
    async with greeted(inbox) as session:
        assert (await session.ask(b"MAIL FROM:" + words + b"\r\n")).startswith(f"{code} ")
        if code == "250 2.1.0":
            await session.ask(f"RCPT TO:<{SUPPORT}>")
            await session.ask("DATA")
            await session.ask(MAIL + b".\r\n")
            assert inbox.envelope.sender == sender


async def test_refused_paths_leave_nothing_behind_in_memory(inbox: Inbox) -> None:
    async with listening(inbox) as listener:
        for _ in range(3):
            async with connect(listener) as session:
                await session.hello()
                await session.ask("MAIL FROM:<budi>")
                await session.ask(SENDER)
                for path in ("<a@b@dukungan.example>", "<support>", "<>", ""):
                    assert (await session.ask(f"RCPT TO:{path}")).startswith("501 ")
                await session.ask("QUIT")
                await session.ended()
        left = [weakref.ref(each) for each in gc.get_objects() if type(each) is Session]
        await asyncio.sleep(0.01)
        gc.collect()
        assert [each for each in left if each() is not None] == []


async def test_a_reloaded_policy_holds_from_the_next_recipient_on(inbox: Inbox) -> None:
    now = [policy()]
    async with greeted(inbox, rules=lambda: now[0]) as session:
        await session.ask(SENDER)
        assert (await session.ask("RCPT TO:<baru@dukungan.example>")).startswith("550 5.1.1 ")
        now[0] = policy(SUPPORT, "baru@dukungan.example", "postmaster@dukungan.example")
        assert (await session.ask("RCPT TO:<baru@dukungan.example>")).startswith("250 ")
        assert (await session.ask("RCPT TO:<postmaster@dukungan.example>")).startswith("250 ")
        await session.ask("DATA")
        await session.ask(MAIL + b".\r\n")
    assert inbox.envelope.recipients == ("baru@dukungan.example", "postmaster@dukungan.example")


async def test_of_5000_recipients_a_hundred_are_taken_and_then_the_session_ends(inbox: Inbox) -> None:
    async with greeted(inbox) as session:
        session.send(f"{SENDER}\r\n".encode())
        session.send(b"".join(b"RCPT TO:<support+%d@dukungan.example>\r\n" % n for n in range(5000)))
        said = (await session.ended()).decode().split("\r\n")
    assert said[:101] == ["250 2.1.0 Ok"] + ["250 2.1.5 Ok"] * 100
    assert said[101].startswith("452 4.5.3 ")
    assert said[-2].startswith("421 4.7.0 ")
    assert len(said) < 220


async def test_a_hundred_recipients_are_kept_in_one_mail_and_a_doubled_one_once(inbox: Inbox) -> None:
    addresses = tuple(f"support+{n}@dukungan.example" for n in range(100))
    async with greeted(inbox) as session:
        assert (await session.mail(MAIL, *addresses, addresses[0])).startswith("250 ")
    assert inbox.envelope.recipients == addresses


# --- refusals ---------------------------------------------------------------------------------------------

SMUGGLED = [
    b"a\n.\nMAIL FROM:<x@y.example>\r\n",
    b"a\n.\r\nMAIL FROM:<x@y.example>\r\n",
    b"a\r.\r\nMAIL FROM:<x@y.example>\r\n",
    b"a\r.\rMAIL FROM:<x@y.example>\r\n",
    b"a\r\n.\nMAIL FROM:<x@y.example>\r\n",
    b"a\r\n.\rMAIL FROM:<x@y.example>\r\n",
    b"a\n\r.\r\n\r\n",
    b"a\r\r\n",
    b"\na\r\n",
    b"a\r\n\r",
]


@pytest.mark.parametrize("text", SMUGGLED)
async def test_nothing_but_crlf_dot_crlf_ends_a_mail_and_bare_newlines_are_refused(
    inbox: Inbox, text: bytes
) -> None:
    end = b".\r\n" if text.endswith(b"\n") else b"\r\n.\r\n"
    async with greeted(inbox) as session:
        await session.begin()
        assert (await session.ask(text + end)).startswith("550 5.6.0 ")
        assert (await session.mail()).startswith("250 ")  # the dialogue is in step
    assert inbox.raw == MAIL


async def test_our_own_mta_in_front_gets_its_newlines_mended(inbox: Inbox) -> None:
    async with greeted(inbox, fronts=LOOPBACK) as session:
        assert (await session.mail(b"a\nb\rc\r\n\n.\nd\r\n")).startswith("250 ")
    assert inbox.raw == b"a\r\nb\r\nc\r\n\r\n.\r\nd\r\n"


async def test_a_mail_of_the_very_size_is_taken_and_one_byte_more_is_not(inbox: Inbox) -> None:
    limit = 100_000
    fits = (b"x" * 65_000 + b"\r\n") + b".\r\n" * ((limit - 65_002) // 3)
    fits = b"x" * (limit - len(fits)) + fits
    assert len(fits) == limit
    async with greeted(inbox, replace(OPEN, size=limit)) as session:
        assert (await session.mail(fits.replace(b"\r\n.", b"\r\n.."))).startswith("250 ")
        assert (await session.mail((b"x" + fits).replace(b"\r\n.", b"\r\n.."))).startswith("552 5.3.4 ")
        assert (await session.mail(b"y\r\n" * limit)).startswith("552 5.3.4 ")
        assert (await session.mail()).startswith("250 ")
    assert [raw for _, raw in inbox.mails] == [fits, MAIL]


async def test_a_mail_without_end_is_cut_off(inbox: Inbox) -> None:
    async with greeted(inbox, replace(OPEN, size=10_000)) as session:
        await session.begin()
        session.send(b"y" * 1_000_000)
        assert (await session.ended()).startswith(b"552 5.3.4 ")
    assert not inbox.mails


REPLIES = [
    ("VRFY support", "252 2.0.0"),
    ("EXPN support", "502 5.5.1"),
    ("HELP", "214 2.0.0"),
    ("NOOP x", "250 2.0.0"),
    ("RSET", "250 2.0.0"),
    ("AUTH PLAIN AGEAYg==", "500 5.5.2"),
    ("ETRN x", "500 5.5.2"),
    ("STARTTLS", "503 5.5.1"),
    ("EHLO", "501 5.5.4"),
    ("", "500 5.5.2"),
    (b"\xff\xfe\r\n", "500 5.5.2"),
    ("NOOP " + "x" * 5000, "500 5.5.2"),
    ("RCPT TO:<support@dukungan.example>", "503 5.5.1"),
    ("DATA", "503 5.5.1"),
    ("QUIT", "221 2.0.0"),
]


@pytest.mark.parametrize(("command", "code"), REPLIES)
async def test_every_other_command_gets_its_reply(inbox: Inbox, command: str | bytes, code: str) -> None:
    async with greeted(inbox) as session:
        assert (await session.ask(command)).startswith(f"{code} ")


async def test_mail_needs_ehlo_first_and_does_not_nest(inbox: Inbox) -> None:
    async with listening(inbox) as listener, connect(listener) as session:
        await session.reply()
        assert (await session.ask(SENDER)).startswith("503 5.5.1 ")
        await session.ask("HELO x")
        assert (await session.ask(SENDER)).startswith("250 ")
        assert (await session.ask(SENDER)).startswith("503 5.5.1 ")
        await session.ask("RSET")
        assert (await session.ask("DATA x")).startswith("501 5.5.4 ")
        assert (await session.ask(SENDER)).startswith("250 ")


async def test_a_line_without_end_is_not_waited_for(inbox: Inbox) -> None:
    async with greeted(inbox) as session:
        session.send(b"NOOP " + b"x" * 500_000)
        assert (await session.ended()).startswith(b"500 5.5.2 ")


# --- errors of the server (P4) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (StoreFull("/var/lib/secret: no space"), "452 4.3.1"),
        (StoreUnavailable("secret host"), "451 4.3.0"),
        (RuntimeError("secret bug"), "451 4.3.0"),
        (asyncio.CancelledError("secret"), "451 4.3.0"),
    ],
)
async def test_p4_an_internal_error_is_temporary_and_reveals_nothing(
    inbox: Inbox, trouble: BaseException, code: str
) -> None:
    async with greeted(inbox) as session:
        inbox.trouble = trouble
        reply = await session.mail()
        assert reply.startswith(f"{code} ")
        assert "secret" not in reply
        assert not inbox.kept.is_set()
        inbox.trouble = None
        assert (await session.mail()).startswith("250 ")
    assert inbox.codes == [int(code[:3])]


async def test_p4_a_store_that_hangs_is_waited_for_and_the_mail_may_still_be_kept(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    async with greeted(inbox, timeouts=replace(LONG_TIMEOUTS, keep=SHORT)) as session:
        assert (await session.mail()).startswith("451 4.3.0 ")
        inbox.hold.set()
        await asyncio.wait_for(inbox.kept.wait(), 5)
        assert (await session.mail()).startswith("250 ")
    assert len(inbox.mails) == 2


async def test_p4_the_idle_timeout_does_not_run_while_the_store_works(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    short_timeouts = replace(LONG_TIMEOUTS, command=SHORT, text=SHORT)
    async with greeted(inbox, timeouts=short_timeouts) as session:
        await session.begin()
        session.send(MAIL + b".\r\n")
        await asyncio.sleep(0.5)
        inbox.hold.set()
        assert (await session.reply()).startswith("250 ")


async def test_p4_a_bug_in_the_dialogue_is_451_and_starts_over(inbox: Inbox) -> None:
    broken = [True]

    def rules() -> object:
        if broken[0]:
            raise KeyError("secret")
        return policy()

    async with listening(inbox, rules=rules) as listener, connect(listener) as session:  # type: ignore[arg-type]
        await session.hello()
        await session.ask(SENDER)
        assert await session.ask(f"RCPT TO:<{SUPPORT}>") == "451 4.3.0 Trouble on our side, try again later"
        broken[0] = False
        assert (await session.mail()).startswith("250 ")


async def test_p4_without_free_space_no_mail_begins(inbox: Inbox) -> None:
    async with greeted(inbox, Limits(size=300 << 20)) as session:
        inbox.space = (1200 << 20) - 1
        assert (await session.ask(SENDER)).startswith("452 4.3.1 ")
        inbox.space = 1200 << 20
        assert (await session.ask(SENDER)).startswith("250 ")


async def test_p1_a_client_that_resets_during_keep_loses_nothing(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    async with listening(inbox) as listener:
        async with connect(listener) as session:
            await session.hello()
            await session.begin()
            session.send(MAIL + b".\r\n")
            await inbox.asked.wait()
            session.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            session.reset()
        await asyncio.sleep(0.05)
        inbox.hold.set()
        await asyncio.wait_for(inbox.kept.wait(), 5)
    assert inbox.raw == MAIL


async def test_half_a_mail_is_no_mail(inbox: Inbox) -> None:
    async with greeted(inbox) as session:
        await session.begin()
        session.send(MAIL + b".\r")
        session.writer.write_eof()
        assert await session.ended() == b""
    assert not inbox.asked.is_set()


# --- limits -----------------------------------------------------------------------------------------------


async def test_one_address_gets_so_many_sessions_and_all_together_so_many(inbox: Inbox) -> None:
    async with listening(inbox, replace(OPEN, sessions_per_address=1)) as listener:
        async with connect(listener) as first:
            await first.hello()
            async with connect(listener) as second:
                assert (await second.reply()).startswith("421 4.7.0 ")
                assert await second.ended() == b""
            await first.ask("QUIT")
            await first.ended()
        async with connect(listener) as third:
            assert (await third.reply()).startswith("220 ")
    assert inbox.codes == [421]


@pytest.mark.parametrize(("sessions", "greeting"), [(2, "421 4.7.0 "), (3, "220 ")])
async def test_our_own_mta_is_exempt_from_the_cap_per_address_only(
    inbox: Inbox, sessions: int, greeting: str
) -> None:
    limits = replace(OPEN, sessions_per_address=1, sessions=sessions)
    async with (
        listening(inbox, limits, fronts=LOOPBACK) as listener,
        connect(listener) as one,
        connect(listener) as two,
        connect(listener) as three,
    ):
        assert (await one.reply()).startswith("220 ")
        assert (await two.reply()).startswith("220 ")
        assert (await three.reply()).startswith(greeting)


async def test_too_many_mails_a_minute_from_one_address_wait(inbox: Inbox) -> None:
    limits = replace(OPEN, mails_per_minute_per_address=2)
    async with listening(inbox, limits) as listener:
        for _ in range(2):
            async with connect(listener) as session:
                await session.hello()
                assert (await session.mail()).startswith("250 ")
        async with connect(listener) as session:
            await session.hello()
            assert (await session.ask(SENDER)).startswith("450 4.7.1 ")
    async with listening(inbox, limits, fronts=LOOPBACK) as listener, connect(listener) as session:
        await session.hello()
        for _ in range(5):
            assert (await session.mail()).startswith("250 ")


async def test_with_limits_off_a_load_test_is_not_slowed(inbox: Inbox) -> None:
    async with listening(inbox, OPEN.without_rates()) as listener:
        talks = [connect(listener) for _ in range(25)]
        for each in talks:
            session = await each.__aenter__()
            await session.hello()
        for _ in range(150):
            assert (await session.mail()).startswith("250 ")
        for each in talks:
            await each.__aexit__(None, None, None)


async def test_a_session_ends_after_its_share_of_mails(inbox: Inbox) -> None:
    async with greeted(inbox, replace(OPEN, mails_per_session=3)) as session:
        for _ in range(3):
            assert (await session.mail()).startswith("250 ")
        assert (await session.ask(SENDER)).startswith("421 4.7.0 ")
        assert await session.ended() == b""


async def test_a_session_ends_after_twenty_errors(inbox: Inbox) -> None:
    async with greeted(inbox) as session:
        session.send(b"WHAT\r\n" * 50)
        said = (await session.ended()).decode().split("\r\n")
    assert [line[:3] for line in said[:-1]] == ["500"] * 20 + ["421"]


@pytest.mark.parametrize(
    "loop", [b"NOOP\r\n", b"RSET\r\n", b"VRFY x\r\n", b"EHLO x\r\n", f"{SENDER}\r\nRSET\r\n".encode()]
)
async def test_a_session_that_never_sends_a_mail_ends_after_a_hundred_commands(
    inbox: Inbox, loop: bytes
) -> None:
    async with greeted(inbox) as session:
        session.send(loop * 200)
        said = (await session.ended()).decode().split("\r\n")
    finals = [line for line in said if line[3:4] == " "]
    assert finals[-1].startswith("421 4.7.0 ")
    assert len(finals) == 100  # after the EHLO


async def test_a_silent_client_is_disconnected(inbox: Inbox) -> None:
    async with greeted(inbox, timeouts=replace(LONG_TIMEOUTS, command=SHORT)) as session:
        assert (await session.reply()).startswith("421 4.4.2 ")
        assert await session.ended() == b""


async def test_a_client_that_sends_single_bytes_is_disconnected_and_a_slow_one_is_not(inbox: Inbox) -> None:
    short_timeouts = replace(LONG_TIMEOUTS, text=SHORT, command=SHORT)
    limits = replace(OPEN, minimum_rate=100)
    async with listening(inbox, limits, timeouts=short_timeouts) as listener:
        async with connect(listener) as dripping:
            await dripping.hello()
            await dripping.begin()
            for _ in range(100):
                dripping.send(b"x")
                await asyncio.sleep(0.02)
                if dripping.reader.at_eof() or dripping.reader._buffer:  # type: ignore[attr-defined]
                    break
            assert (await dripping.ended()).startswith(b"421 4.4.2 ")
        async with connect(listener) as slow:
            await slow.hello()
            await slow.begin()
            for _ in range(25):
                slow.send(b"x" * 50)
                await asyncio.sleep(0.02)
            assert (await slow.ask(b"\r\n.\r\n")).startswith("250 ")
    assert inbox.raw == b"x" * 1250 + b"\r\n"


async def test_mail_in_flight_is_bounded_and_room_comes_back(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    limits = replace(OPEN, size=20_000, in_flight=160_000)  # two of these at once between spool and store
    big = (b"x" * 98 + b"\r\n") * 199
    async with (
        listening(
            inbox, limits, timeouts=replace(LONG_TIMEOUTS, turn=timedelta(milliseconds=400))
        ) as listener,
        connect(listener) as one,
        connect(listener) as two,
        connect(listener) as three,
    ):
        for session in (one, two, three):
            await session.hello()
            await session.begin()
        for session in (one, two):
            session.send(big + b".\r\n")
            await inbox.asked.wait()
            inbox.asked.clear()
        async with connect(listener) as small:
            await small.hello()
            await small.begin()
            small.send(b"x\r\n.\r\n")
            await inbox.asked.wait()  # small mails pass by
        assert (await three.ask(big + b".\r\n")).startswith("451 4.3.0 ")
        await three.begin()
        three.send(big + b".\r\n")
        await asyncio.sleep(0.02)
        inbox.hold.set()  # while its patience lasts
        for session in (one, two, three):
            assert (await session.reply()).startswith("250 ")


async def test_room_of_refused_and_broken_mails_comes_back(inbox: Inbox) -> None:
    limits = replace(OPEN, size=20_000, in_flight=160_000)
    line = b"x" * 98 + b"\r\n"
    async with listening(inbox, limits, timeouts=replace(LONG_TIMEOUTS, turn=SHORT)) as listener:
        async with connect(listener) as session:
            await session.hello()
            assert (await session.mail(line * 180 + b"\n\r\n")).startswith("550 ")
            assert (await session.mail(line * 390)).startswith("552 ")
            inbox.trouble = StoreUnavailable()
            assert (await session.mail(line * 180)).startswith("451 ")
            inbox.trouble = None
            await session.begin()
            session.send(line * 180)
        async with connect(listener) as session:
            await session.hello()
            assert (await session.mail(b".x" * 18_000 + b"\r\n")).startswith("5")
            assert (await session.mail(line * 200)).startswith("250 ")
        assert listener._server.memory.used == 0


# --- STARTTLS ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def with_tls(authority: trustme.CA, tmp_path: Path) -> Listen:
    issued = authority.issue_cert("mx.dukungan.example")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    return Listen("127.0.0.1", 0, tmp_path / "both.pem")


async def test_starttls_encrypts_the_mail_and_resets_the_session(
    inbox: Inbox, with_tls: Listen, trusted: ssl.SSLContext
) -> None:
    async with listening(inbox, listen=with_tls) as listener, connect(listener) as session:
        assert "250 STARTTLS" in (await session.hello()).split("\n")
        assert (await session.ask(SENDER)).startswith("250 ")
        assert (await session.ask("STARTTLS")).startswith("220 ")
        await session.start_tls(trusted)
        assert (await session.ask(SENDER)).startswith("503 5.5.1 ")  # EHLO again (RFC 3207 4.2)
        offered = await session.ask("EHLO x")
        assert "STARTTLS" not in offered
        assert "AUTH" not in offered
        assert (await session.ask("STARTTLS")).startswith("503 5.5.1 ")
        assert (await session.mail(b"z" * 200_000 + b"\r\n")).startswith("250 ")
        assert (await session.ask("QUIT")).startswith("221 ")
    assert inbox.raw == b"z" * 200_000 + b"\r\n"


async def test_commands_injected_after_starttls_are_discarded(
    inbox: Inbox, with_tls: Listen, trusted: ssl.SSLContext
) -> None:
    async with greeted(inbox, listen=with_tls) as session:
        session.send(b"STARTTLS\r\nEHLO injected\r\n" + f"{SENDER}\r\nNOOP\r\n".encode())
        assert (await session.reply()).startswith("220 ")
        await session.start_tls(trusted)
        assert (
            await session.ask("NOOP")
        ) == "250 2.0.0 Ok"  # the reply to this one, not to what was injected
        assert (await session.ask(SENDER)).startswith("503 5.5.1 ")


async def test_required_tls_lets_no_mail_in_without_it(
    inbox: Inbox, with_tls: Listen, trusted: ssl.SSLContext
) -> None:
    async with greeted(inbox, listen=replace(with_tls, require_tls=True)) as session:
        assert (await session.ask(SENDER)).startswith("530 5.7.0 ")
        await session.ask("STARTTLS")
        await session.start_tls(trusted)
        await session.ask("EHLO x")
        assert (await session.mail()).startswith("250 ")


async def test_a_failed_handshake_frees_its_place(inbox: Inbox, with_tls: Listen) -> None:
    async with listening(inbox, replace(OPEN, sessions=1), listen=with_tls) as listener:
        async with connect(listener) as session:
            await session.hello()
            assert (await session.ask("STARTTLS")).startswith("220 ")
            session.send(b"this is no TLS\r\n" * 10)
            await session.ended()
        async with connect(listener) as session:
            assert (await session.reply()).startswith("220 ")


def test_a_certificate_that_cannot_be_used_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for path in (tmp_path / "bad.pem", tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=path.name):
            load_certificate(Listen("127.0.0.1", 0, path))


# --- the drain (P9) and the sockets -----------------------------------------------------------------------


async def test_p9_the_drain_lets_mails_finish_and_disconnects_all_others(inbox: Inbox) -> None:
    async with (
        listening(inbox) as listener,
        connect(listener) as idle,
        connect(listener) as started,
        connect(listener) as sending,
    ):
        for each in (idle, started, sending):
            await each.hello()
        await started.ask(SENDER)
        await sending.begin()
        sending.send(MAIL)
        port = listener.port
        draining = asyncio.create_task(listener.stop(timedelta(seconds=5)))
        assert (await idle.reply()).startswith("421 4.3.2 ")
        assert (await started.reply()).startswith("421 4.3.2 ")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert not draining.done()
        assert (await sending.ask(b".\r\n")).startswith("250 ")
        assert (await sending.reply()).startswith("421 4.3.2 ")
        await asyncio.wait_for(draining, 5)
    assert inbox.raw == MAIL


async def test_p9_the_drain_waits_for_mail_of_a_disconnected_client(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    async with listening(inbox) as listener, connect(listener) as session:
        await session.hello()
        await session.begin()
        session.send(MAIL + b".\r\n")
        await inbox.asked.wait()
        session.reset()
        draining = asyncio.create_task(listener.stop(timedelta(seconds=5)))
        await asyncio.sleep(0.05)
        assert not draining.done()
        inbox.hold.set()
        await asyncio.wait_for(draining, 5)
    assert inbox.raw == MAIL


async def test_p9_the_drain_ends_in_time_even_if_a_client_does_not(inbox: Inbox) -> None:
    async with listening(inbox) as listener, connect(listener) as session:
        await session.hello()
        await session.begin()
        await asyncio.wait_for(listener.stop(SHORT), 2)
        assert await session.ended() == b""


async def test_p9_the_drain_does_not_wait_for_a_client_that_never_begins_its_tls(
    inbox: Inbox, with_tls: Listen
) -> None:
    async with listening(inbox, listen=with_tls) as listener, connect(listener) as session:
        await session.hello()
        assert (await session.ask("STARTTLS")).startswith("220 ")
        async with asyncio.timeout(5):
            await listener.stop(timedelta(seconds=60))
        assert not listener._server.sessions


@pytest.mark.parametrize("turns", range(5))
async def test_p9_a_client_that_comes_as_we_stop_is_greeted_by_us_or_by_our_successor(
    inbox: Inbox, turns: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        async with listening(inbox, sockets=[given.dup()]) as old:
            clients = [socket.create_connection(given.getsockname()) for _ in range(3)]
            for _ in range(turns):  # of the event loop: readable, accepted, a session
                await asyncio.sleep(0)
            old.retiring = True
            stopping = asyncio.create_task(old.stop(timedelta(seconds=20)))
            async with listening(inbox, sockets=[given.dup()]):
                for client in clients:
                    client.settimeout(5)
                    assert (await asyncio.to_thread(client.recv, 99)).startswith(b"220 ")
                    client.close()
                await stopping


@pytest.mark.parametrize("protocol", [0, socket.IPPROTO_TCP])
async def test_an_inherited_socket_is_served_and_answers_without_delay(inbox: Inbox, protocol: int) -> None:
    given = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    given.bind(("127.0.0.1", 0))
    port = given.getsockname()[1]
    async with listening(inbox, sockets=[given]) as listener, connect(listener) as session:
        assert listener.port == port
        await session.hello()
        assert (await session.mail()).startswith("250 ")
        (door,) = listener._server.sessions
        accepted = door.transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_local_socket_is_served_too(inbox: Inbox, tmp_path: Path) -> None:
    given = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    given.bind(str(tmp_path / "s"))
    async with listening(inbox, sockets=[given]) as listener:
        assert listener.port == 0
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        assert (await reader.readline()).startswith(b"220 ")
        writer.close()


async def test_every_address_of_a_name_is_served_on_one_port(inbox: Inbox) -> None:
    async with listening(inbox, listen=Listen("", 0)) as listener:
        assert listener.addresses
        assert {way.rpartition(":")[2] for way in listener.addresses} == {str(listener.port)}
        async with connect(listener) as session:
            assert (await session.hello()).startswith("250-")
            await session.mail()
    assert inbox.envelope.peer == "127.0.0.1"
