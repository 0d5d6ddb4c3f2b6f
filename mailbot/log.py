"""Every business log line, one named function each.

A line says one fact; its name is the function's name, its facts are the arguments. No line carries customer
text: no addresses, subjects or bodies.
Adding one is one function: signature, docstring, `@_line(level)`.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TextIO

import structlog

from mailbot.errors import StoreUnavailable

_log = logging.getLogger("mailbot")
_LONGEST_VALUE = 2_000  # characters: no mail can flood the log
_LONGEST_ERROR = 300
_LONGEST_TRACEBACK = 8_000

P = ParamSpec("P")
Facts = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(mode: str = "", *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Sends all log lines, other libraries' warnings too, to `stream` (standard error). Once, in the daemon.

    mode: "json", "text", or "" for text on a terminal and JSON elsewhere.
    """
    stream = stream or sys.stderr
    chosen = mode or ("text" if stream.isatty() else "json")
    handler = logging.StreamHandler(stream)
    as_text = structlog.stdlib.ProcessorFormatter(processors=[_describe, _as_text])
    handler.setFormatter(as_text if chosen == "text" else _JsonLines(processors=[_describe, _as_json]))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's: names senders and recipients
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # its crashes, which we expect
    _log.setLevel(level)


def _line(level: int, *, with_traceback: bool = False) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Turns a signature into a log line. An exception among the facts is told as its type and message."""

    def decorate(declaration: Callable[P, None]) -> Callable[P, None]:
        name = declaration.__name__

        @wraps(declaration)
        def say(*args: P.args, **facts: P.kwargs) -> None:
            declaration(*args, **facts)  # refuses what the signature does not name
            if _log.isEnabledFor(level):
                told = {key: _plain(value) for key, value in facts.items()}
                if with_traceback or _log.isEnabledFor(logging.DEBUG):
                    told |= _traceback(facts.get("error"))
                # Not _log.log, which walks the stack to find our line's place in this file.
                record = _log.makeRecord(_log.name, level, "", 0, name, (), None, extra={"facts": told})
                _log.handle(record)

        return say

    return decorate


_info = _line(logging.INFO)
_warning = _line(logging.WARNING)
_error = _line(logging.ERROR)
_failure = _line(logging.ERROR, with_traceback=True)


# --- the daemon -------------------------------------------------------------------------------------------


@_info
def starting(*, version: str, policy: str, store: str, roles: Collection[str] = ()) -> None:
    """`store` is the URL without its password."""


@_info
def ready(*, listen: str, seconds: float) -> None:
    """Mail can come in. `seconds` since the start of the process."""


@_info
def stopping(*, why: str) -> None:
    """The drain begins."""


@_error
def stop_failed(*, name: str, error: BaseException) -> None:
    """A worker did not stop well. The others are stopped all the same."""


@_info
def stopped(*, seconds: float) -> None:
    """`seconds` is how long the drain took."""


@_info
def weekly_report_queued(*, week: str, mails: int) -> None:
    """The report of the week is in line, one mail for each who wants it."""


@_info
def policy_reloaded(*, old: str, new: str) -> None:
    """Versions of the policy."""


@_info
def shadow_policy_loaded(*, policy: str) -> None:
    """A policy looks on from now: each new ticket is routed by it too, and nothing follows."""


@_warning
def shadow_policy_refused(*, problems: Collection[object]) -> None:
    """The policy that should look on can't be used: nobody looks on."""


@_info
def shadow_differs(*, number: str, kind: str, rule: str, shadow_rule: str) -> None:
    """The policy that looks on would have routed this ticket otherwise."""


@_error
def policy_refused(*, problems: Collection[object]) -> None:
    """The policy before stays in force."""


@_info
def admins_notified(*, admins: int) -> None:
    """Of a reload that was refused; other nodes that refuse the same files say nothing more."""


@_warning
def limits_disabled() -> None:
    """MAILBOT_LIMITS=off: for load tests only."""


@_warning
def config_warning(*, problem: object) -> None:
    """Usable, but surely not what was meant."""


@_failure
def loop_failed(*, name: str, error: BaseException, retry_in: float) -> None:
    """One turn of a duty failed; nothing of it was committed."""


@_error
def loops_stuck(*, names: Collection[str]) -> None:
    """These loops don't turn: the watchdog keeps silent until they do."""


@_warning
def supervisor_unreachable(*, error: BaseException) -> None:
    """systemd's notification socket doesn't take our words."""


@_info
def monitor_listening(*, host: str, port: int) -> None:
    """/metrics and /healthz can be asked."""


@_warning
def monitor_unavailable(*, error: BaseException) -> None:
    """No /metrics and /healthz; mail goes on."""


# --- mail in ----------------------------------------------------------------------------------------------


@_info
def mail_accepted(*, inbox_id: int, size: int, peer: str) -> None:
    """Committed; 250 follows."""


@_info
def mail_duplicate(*, inbox_id: int) -> None:
    """The same mail was sent again: 250, and nothing else."""


@_info
def imap_connected(*, account: str) -> None:
    """The folder is open. `account` is a user of ours on a server, and the folder."""


@_warning
def imap_down(*, account: str, error: BaseException | str, retry_in: timedelta | float) -> None:
    """No mail can be fetched; it waits on the server."""


@_error
def imap_login_refused(*, account: str, error: BaseException | str, retry_in: timedelta | float) -> None:
    """The server does not take the user with this password: a person must mend that."""


@_warning
def imap_folder_reset(*, account: str) -> None:
    """The server has numbered its mails anew: all are looked at again, known ones are found out."""


@_error
def imap_mail_skipped(*, account: str, uid: int, why: str) -> None:
    """A mail that can't be stored stays where it is, unmarked; the others go on."""


@_failure
def imap_mail_failed(*, account: str, uid: int, error: BaseException) -> None:
    """Our code failed on this mail alone."""


@_warning
def imap_not_marked(*, account: str, mails: int, error: BaseException | str) -> None:
    """Stored, but the server refused to mark, move or delete them."""


@_info
def mail_refused(*, peer: str, code: int, why: str) -> None:
    """`why` is a phrase of ours, without the addresses."""


@_warning
def session_failed(*, peer: str, error: BaseException) -> None:
    """Trouble of ours in an SMTP session: the client was told 451 or 452."""


@_warning
def sender_check_failed(*, error: BaseException) -> None:
    """The check of a mail's sender broke; the mail goes on as if nobody had been asked."""


@_info
def ticket_opened(*, number: str, rule: str, team: str, level: str, priority: str) -> None:
    """A mail became a ticket."""


@_info
def mail_threaded(*, number: str, evidence: str) -> None:
    """A mail joined its ticket; `evidence` says why it belongs there."""


@_info
def automatic_mail_recorded(*, number: str, reason: str) -> None:
    """A mail that no person wrote: on the ticket, never answered."""


@_info
def thanks_recorded(*, number: str) -> None:
    """A customer wrote nothing but thanks: on the ticket, nobody is told."""


@_info
def acknowledgement_suppressed(*, number: str, reason: str) -> None:
    """No acknowledgement is sent, on purpose."""


@_info
def agent_answered(*, number: str) -> None:
    """An agent's answer goes to the customer."""


@_warning
def agent_mail_held(*, number: str, reason: str) -> None:
    """Mail in an agent's name without proof: kept as a note, not acted upon."""


@_failure
def mail_parked(*, inbox_id: int, error: BaseException | str) -> None:
    """Set aside for a person (`mailbot inbox`): our code failed on it alone."""


@_warning
def claims_released(*, node: str, rows: int) -> None:
    """Rows that a node had claimed when it died are ours to do now."""


# --- deadlines --------------------------------------------------------------------------------------------


@_info
def deadline_fired(*, number: str, step: str, lateness: timedelta | float) -> None:
    """A step of the ladder was taken, so long after it was due."""


@_failure
def deadline_parked(*, number: str, error: BaseException | str) -> None:
    """Our code failed on this deadline alone."""


# --- mail out ---------------------------------------------------------------------------------------------


@_info
def delivery_sent(*, outbox_id: int, number: str, kind: str, seconds: float) -> None:
    """The relay took it, so long after it was owed."""


@_warning
def delivery_deferred(*, outbox_id: int, code: int, retry_in: timedelta | float) -> None:
    """The relay said 4xx (0: it said nothing): tried again later."""


@_error
def delivery_failed(*, outbox_id: int, code: int) -> None:
    """The relay said 5xx: not tried again."""


@_warning
def delivery_bounced(*, number: str, kind: str, status: str, proven: bool, suppressed: bool) -> None:
    """A report came about mail of ours; `suppressed`: no automatic mail goes to that address any more."""


@_info
def failed_mail_recorded(*, outbox_id: int, number: str, suppressed: bool) -> None:
    """The ticket and its people have learned of a mail that was given up."""


@_failure
def failed_mail_parked(*, outbox_id: int, number: str, error: BaseException | str) -> None:
    """Our code failed on telling so: a person should look at that ticket."""


@_warning
def pending_request_failed(*, request: int, error: BaseException | str) -> None:
    """Our code failed on putting a request before people again: `mailbot compensation list --open`."""


@_warning
def relay_down(*, error: BaseException | str) -> None:
    """Everything is held, nothing fails, until the relay is back."""


@_info
def relay_up() -> None:
    """The held mail leaves."""


@_error
def template_failed(*, kind: str, error: BaseException | str = "") -> None:
    """A template failed; the built-in plain text went out in its place."""


# --- rendering --------------------------------------------------------------------------------------------


def _plain(value: object) -> object:
    match value:
        case str():
            return _bounded(value, _LONGEST_VALUE)
        case int() | None:
            return value
        case float():
            return round(value, 3)
        case timedelta():
            return round(value.total_seconds(), 3)
        case BaseException():
            return _bounded(f"{type(value).__name__}: {value}", _LONGEST_ERROR)
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
    return _bounded(str(value), _LONGEST_VALUE)


def _bounded(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _traceback(error: object) -> Facts:
    """Nothing for known trouble, where it would only tell our own call stack again and again."""
    if not isinstance(error, BaseException) or isinstance(error, StoreUnavailable):
        return {}
    return {"exception": "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]}


def _describe(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A record, ours or another library's, as the dictionary that is rendered."""
    record: logging.LogRecord = event["_record"]
    if hasattr(record, "facts"):
        return _own(record)
    told = _about(record)
    if record.name != _log.name:
        told["logger"] = record.name
    info: ExcInfo | None = event.get("exc_info")
    told["event"] = _bounded(event["event"], _LONGEST_VALUE)
    told.update(_traceback(info[1]) if info else {})
    return told


def _own(record: logging.LogRecord) -> Facts:
    """One of our lines."""
    facts: Facts = record.__dict__["facts"]
    return _about(record) | facts


def _about(record: logging.LogRecord) -> Facts:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return {"at": at, "severity": record.levelname.lower(), "event": record.msg}


class _JsonLines(structlog.stdlib.ProcessorFormatter):
    """Four of our lines are written a mail: they skip structlog's pipeline, as dear as the rest of a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_own(record)) if hasattr(record, "facts") else super().format(record)


_as_json = structlog.processors.JSONRenderer()  # ASCII only: every control character is escaped
_logfmt = structlog.processors.LogfmtRenderer(bool_as_flag=False)


def _as_text(logger: Any, method: str, event: structlog.typing.EventDict) -> str:
    """key=value on one line; a traceback follows indented, so that no line of it can pass for a fact."""
    exception = str(event.pop("exception", ""))
    lines = [_logfmt(logger, method, event), *(f"    {each}" for each in exception.splitlines())]
    return "\n".join(map(_printable, lines))


def _printable(text: str) -> str:
    """Control characters, line separators and bidirectional overrides as escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
