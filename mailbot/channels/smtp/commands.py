"""The commands of SMTP and LMTP: what each checks, changes in its session and answers.

A permanent refusal is a `Refused`; the session answers it and counts it as the client's error.
"""

from collections.abc import Mapping
from types import MappingProxyType

from mailbot.channels.smtp import mail_and_rcpt
from mailbot.channels.smtp.data import NO_SPACE, too_big
from mailbot.channels.smtp.session import Command, EndSession, MailProtocol, Session
from mailbot.channels.smtp.transfer import MailTransfer
from mailbot.errors import Refused


def ehlo(session: Session, hostname: str) -> None:
    """Answer EHLO, or LHLO, which differs in nothing but its name (RFC 2033 4.1)."""
    _greet(session, hostname)
    lines = [
        session.server.hostname,
        "PIPELINING",
        f"SIZE {session.server.limits.size}",
        "8BITMIME",
        "ENHANCEDSTATUSCODES",
        "SMTPUTF8",
    ]
    if session.offers_tls:
        lines.append("STARTTLS")
    *first, last = lines
    session.reply("".join(f"250-{line}\r\n" for line in first) + f"250 {last}")


def helo(session: Session, hostname: str) -> None:
    _greet(session, hostname)
    session.reply(f"250 {session.server.hostname}")


def _greet(session: Session, hostname: str) -> None:
    if not hostname:
        raise Refused(501, "5.5.4 Your hostname is missing")
    session.reset()
    session.greeted = True


def noop(session: Session, _argument: str) -> None:
    session.reply("250 2.0.0 Ok")


def rset(session: Session, _argument: str) -> None:
    session.reset()
    session.reply("250 2.0.0 Ok")


def vrfy(session: Session, _argument: str) -> None:
    session.reply("252 2.0.0 Can't say; send the mail and see")


def expn(_session: Session, _argument: str) -> None:
    raise Refused(502, "5.5.1 EXPN is not offered")


def help_(session: Session, _argument: str) -> None:
    session.reply(f"214 2.0.0 {' '.join(session.protocol.commands)}")


def quit_(_session: Session, _argument: str) -> None:
    raise EndSession("221 2.0.0 Bye")


def starttls(session: Session, argument: str) -> None:
    if not session.offers_tls:
        raise Refused(503, "5.5.1 STARTTLS is not offered now")
    if argument:
        raise Refused(501, "5.5.4 STARTTLS takes no argument")
    session.start_tls()


def mail(session: Session, argument: str) -> None:
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


def rcpt(session: Session, argument: str) -> None:
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


def data(session: Session, argument: str) -> None:
    if argument:
        raise Refused(501, "5.5.4 DATA takes no argument")
    if not session.recipients:
        raise Refused(503, "5.5.1 No valid recipient yet")
    session.reply("354 End data with <CR><LF>.<CR><LF>")
    session.transfer = MailTransfer(session)


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
