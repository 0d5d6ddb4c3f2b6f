"""The commands of SMTP and LMTP: what each checks, changes in its session and answers.

A permanent refusal is a `Refused`; the session answers it and counts it as the client's error.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from aiosmtpd.smtp import SMTP, TLSSetupException

from mailbot.channels.smtp import mail_and_rcpt
from mailbot.channels.smtp.data import NO_SPACE, NOT_KEPT, DataBuffer, too_big
from mailbot.channels.smtp.session import Command, EndSession, MailProtocol, Phase, Session
from mailbot.domain.model import Envelope
from mailbot.errors import Refused, StoreFull


async def ehlo(session: Session, hostname: str) -> None:
    """Answer EHLO, or LHLO, which differs in nothing but its name (RFC 2033 4.1)."""
    _greet(session, hostname)
    lines = [
        session.hostname,
        "PIPELINING",
        f"SIZE {session.server.limits.size}",
        "8BITMIME",
        "ENHANCEDSTATUSCODES",
        "SMTPUTF8",
    ]
    if session.tls_context and session._tls_protocol is None:
        lines.append("STARTTLS")
    *first, last = lines
    session.reply("".join(f"250-{line}\r\n" for line in first) + f"250 {last}")


async def helo(session: Session, hostname: str) -> None:
    _greet(session, hostname)
    session.reply(f"250 {session.hostname}")


def _greet(session: Session, hostname: str) -> None:
    if not hostname:
        raise Refused(501, "5.5.4 Your hostname is missing")
    session.reset()
    session.greeted = True


async def noop(session: Session, _argument: str) -> None:
    session.reply("250 2.0.0 Ok")


async def rset(session: Session, _argument: str) -> None:
    session.reset()
    session.reply("250 2.0.0 Ok")


async def vrfy(session: Session, _argument: str) -> None:
    session.reply("252 2.0.0 Can't say; send the mail and see")


async def expn(_session: Session, _argument: str) -> None:
    raise Refused(502, "5.5.1 EXPN is not offered")


async def help_(session: Session, _argument: str) -> None:
    session.reply(f"214 2.0.0 {' '.join(session.protocol.commands)}")


async def quit_(_session: Session, _argument: str) -> None:
    raise EndSession("221 2.0.0 Bye")


async def starttls(session: Session, argument: str) -> None:
    if session.tls_context is None or session._tls_protocol is not None:
        raise Refused(503, "5.5.1 STARTTLS is not offered now")
    session.phase = Phase.HANDSHAKE
    try:
        async with asyncio.timeout(session.server.patience(session.server.timeouts.handshake)):
            # It discards what was sent in the clear after the command.
            await SMTP.smtp_STARTTLS(session, argument)
    except (asyncio.CancelledError, TimeoutError):  # during a handshake the TLS layer reports no end
        raise TLSSetupException from None


async def mail(session: Session, argument: str) -> None:
    server = session.server
    if not session.greeted:
        raise Refused(503, f"5.5.1 Say {next(iter(session.protocol.commands))} first")
    if session.sender is not None:
        raise Refused(503, "5.5.1 Nested MAIL")
    sender, parameters = mail_and_rcpt.sender(argument)
    _check_parameters(parameters, server.limits.size)
    if session.mails >= server.limits.mails_per_session:
        raise EndSession("421 4.7.0 Enough mails in one session, connect again")
    if not session.front and not server.connection_limits.may_send(session.peer, server.now()):
        session.refuse("450 4.7.1 Too many mails from your address, try again later")
    elif not server.has_space():
        session.refuse(NO_SPACE)
    else:
        session.sender = sender
        session.reply("250 2.1.0 Ok")


def _check_parameters(parameters: mail_and_rcpt.Parameters, size_limit: int) -> None:
    for name, value in parameters.items():
        match name:
            case "SIZE" if value.isdecimal() and value.isascii() and len(value) <= 20:
                if int(value) > size_limit:
                    raise too_big(size_limit)
            case "BODY" if value.upper() in ("7BIT", "8BITMIME"):
                pass
            case "SMTPUTF8" if not value:
                pass
            case "SIZE" | "BODY" | "SMTPUTF8":
                raise Refused(501, f"5.5.4 Bad value for {name}")
            case _:
                raise Refused(555, "5.5.4 MAIL parameter not recognised")


async def rcpt(session: Session, argument: str) -> None:
    if session.sender is None:
        raise Refused(503, "5.5.1 Say MAIL first")
    local, domain, parameters = mail_and_rcpt.recipient(argument)
    if parameters:
        raise Refused(555, "5.5.4 RCPT parameter not recognised")
    address = mail_and_rcpt.resolve_recipient(local, domain, session.server.policy())
    if address not in session.recipients:
        if len(session.recipients) >= session.server.limits.recipients:
            return session.refuse("452 4.5.3 Too many recipients, send the rest in another mail")
        session.recipients.append(address)
        session.unproductive -= 1  # a mail for a hundred recipients is no misuse
    session.accepted += 1
    return session.reply("250 2.1.5 Ok")


async def data(session: Session, argument: str) -> None:
    if argument:
        raise Refused(501, "5.5.4 DATA takes no argument")
    if not session.recipients:
        raise Refused(503, "5.5.1 No valid recipient yet")
    server = session.server
    buffer = DataBuffer(server.limits.size, server.in_memory, server.spool, server.has_space)
    session.reply("354 End data with <CR><LF>.<CR><LF>")
    await session.flush()
    try:
        await session.read_text(buffer)
        reply = buffer.refusal or await _keep(session, buffer)
    except Refused as refusal:
        reply = str(refusal)
    finally:
        buffer.close()
    session.reply_to_mail(reply)


async def _keep(session: Session, buffer: DataBuffer) -> str:
    """Keep the mail. The reply is 250 only after that."""
    server = session.server
    booked = await server.memory.take(buffer.received) if buffer.is_large else 0
    if buffer.is_large and not booked:
        return NOT_KEPT
    try:
        raw = await buffer.content(repair=session.front)
    except BaseException:  # a mail that is refused, or a client that has left
        server.memory.give_back(booked)
        raise
    buffer.close()
    envelope = Envelope(session.sender or "", tuple(session.recipients), session.peer, server.now())
    task = server.keep_mail(envelope, raw, booked)
    del raw
    # wait() leaves the task alone when time is up, and when we are cancelled because the client went away
    await asyncio.wait((task,), timeout=server.timeouts.keep.total_seconds())
    error = None if not task.done() or task.cancelled() else task.exception()
    if isinstance(error, StoreFull):
        return NO_SPACE
    if error or not task.done() or task.cancelled():
        return NOT_KEPT
    session.mails += 1
    return f"250 2.0.0 Ok: kept as {task.result()}"


COMMON: Mapping[str, Command] = {
    "MAIL": mail,
    "RCPT": rcpt,
    "DATA": data,
    "RSET": rset,
    "NOOP": noop,
    "QUIT": quit_,
    "STARTTLS": starttls,
    "VRFY": vrfy,
    "EXPN": expn,
    "HELP": help_,
}

ESMTP = MailProtocol(
    "ESMTP", MappingProxyType({"EHLO": ehlo, "HELO": helo, **COMMON}), reply_per_recipient=False
)
# Neither HELO nor EHLO: RFC 2033 4.1.
LMTP = MailProtocol("LMTP", MappingProxyType({"LHLO": ehlo, **COMMON}), reply_per_recipient=True)
