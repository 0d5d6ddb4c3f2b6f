"""Every log line, one function each.

Theory of operation. A line records one event: its name is the function's name, its fields are the arguments.
No line carries customer text: no addresses, subjects or bodies. To add one, write one function with
signature, docstring and level.
"""

import logging
import sys
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TextIO

from mailbot.log_output import LogOutput, as_json, as_text, plain, trace

_log = logging.getLogger("mailbot")

P = ParamSpec("P")


def configure(mode: str = "", *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all log lines, and other libraries' warnings, to `stream` (standard error). Once, in the daemon.

    mode: "json", "text", or "" for text on a terminal and JSON elsewhere.
    """
    stream = stream or sys.stderr
    chosen = mode or ("text" if stream.isatty() else "json")
    output = LogOutput(stream, as_text if chosen == "text" else as_json)
    logging.basicConfig(level=logging.WARNING, handlers=[output], force=True)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's lines name senders and recipients
    logging.getLogger("mail.debug").setLevel(logging.CRITICAL)  # its PROXY reader; we log refusals ourselves
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # its crashes are expected
    _log.setLevel(level)


def _line(level: int, *, with_traceback: bool = False) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Turn a signature into a log line. An exception among the fields is shown as its type and message."""

    def decorate(declaration: Callable[P, None]) -> Callable[P, None]:
        name, severity = declaration.__name__, logging.getLevelName(level).lower()

        @wraps(declaration)
        def write(*args: P.args, **fields: P.kwargs) -> None:
            declaration(*args, **fields)  # refuses what the signature does not name
            if not _log.isEnabledFor(level):
                return
            shown = {key: plain(value) for key, value in fields.items()}
            if with_traceback or _log.isEnabledFor(logging.DEBUG):
                shown |= trace(fields.get("error"))
            match logging.root.handlers:
                case [LogOutput() as output]:  # the daemon's: a record of `logging` costs twice the line
                    output.put(time.time(), severity, name, shown)
                case _:
                    # Not _log.log, which walks the stack for nothing but a line of this file.
                    record = _log.makeRecord(_log.name, level, "", 0, name, (), None, extra={"fields": shown})
                    _log.handle(record)

        return write

    return decorate


_info = _line(logging.INFO)
_warning = _line(logging.WARNING)
_error = _line(logging.ERROR)
_failure = _line(logging.ERROR, with_traceback=True)


# --- the daemon -------------------------------------------------------------------------------------------


@_info
def starting(*, version: str, policy: str, store: str, roles: Collection[str] = ()) -> None:
    """Log the start. `store` is the URL without its password."""


@_info
def ready(*, listen: str, seconds: float) -> None:
    """Log that mail can come in, `seconds` after the start of the process."""


# --- several processes: the supervisor ---------------------------------------------------------------------


@_info
def processes_ready(*, count: int, seconds: float) -> None:
    """Log that all processes of `--processes` are ready, `seconds` after the start."""


@_info
def process_ready(*, name: str, pid: int, seconds: float) -> None: ...


@_info
def process_ended(*, name: str, pid: int, code: int) -> None:
    """Log the end of a process that is not started again. `code`: its exit code, negative for a signal."""


@_error
def process_restarts(*, name: str, pid: int, code: int, restart_in: float) -> None:
    """Log that a process ended by itself. The others go on, and it is started again."""


@_error
def process_hangs(*, name: str, pid: int, seconds: float) -> None:
    """Log that a process is killed because its loops do not turn."""


@_info
def process_replaced(*, name: str, before: int, now: int) -> None:
    """Log one step of a rolling restart: the numbers of the old and the new process."""


@_error
def process_not_replaced(*, name: str, pid: int) -> None:
    """Log that a successor could not start. The old process goes on, and the rolling restart ends."""


@_info
def front_connected(*, name: str) -> None:
    """Log, in the main process, that a front process has come and got settings and policy."""


@_warning
def fronts_left(*, names: Collection[str]) -> None:
    """Log fronts that did not hang up in time, or mails of theirs that could not be kept in time."""


@_info
def front_policy(*, policy: str) -> None:
    """Log, in a front, which policy's mailboxes it takes mail for."""


@_error
def main_lost(*, mails: int) -> None:
    """Log, in a front, that the main process has ended. `mails`: handed over and not answered; they are sent again."""


@_warning
def main_outdated() -> None:
    """Log, in a front, that the program on disk is not the one that main runs: all are replaced in turn."""


@_error
def foreign_process_refused() -> None:
    """Log that a process of another user connected to the socket between our processes."""


# --- one process -------------------------------------------------------------------------------------------


@_info
def schema_migrated(*, before: str, now: str, seconds: float) -> None: ...


@_warning
def file_made_private(*, path: object) -> None:
    """Log that a file of the store could be read by others until now."""


@_warning
def sqlite_old(*, version: str) -> None:
    """Log that this Python's SQLite has a known bug that can damage a store."""


@_warning
def store_on_network(*, path: str, kind: str) -> None:
    """Log that the store is on a network file system, where SQLite's locks and flushes may not hold."""


@_warning
def backup_restored(*, made_at: str, mails: int) -> None:
    """Log a start on a restored backup. `mails` waited in it and may have left since; they leave as copies, counted."""


@_info
def stopping(*, reason: str) -> None: ...


@_error
def stop_failed(*, name: str, error: BaseException) -> None:
    """Log that a service did not stop well. The others are stopped all the same."""


@_info
def stopped(*, seconds: float) -> None:
    """Log the end. `seconds`: how long the drain took."""


@_info
def weekly_report_queued(*, week: str, mails: int) -> None: ...


@_warning
def snooze_failed(*, number: str, error: Exception) -> None: ...


@_info
def absent_agents_relieved(*, tickets: int) -> None: ...


@_warning
def hand_over_failed(*, number: str, error: Exception) -> None: ...


@_info
def day_plans_queued(*, mails: int) -> None: ...


@_info
def digests_queued(*, mails: int) -> None: ...


@_info
def policy_reloaded(*, old: str, new: str) -> None: ...


@_info
def policy_files_replaced(*, by: str, files: Collection[str], former: object) -> None:
    """Log that an admin put new files of the policy in place by the console; `former`: where the others are."""


@_warning
def policy_files_put_back(*, by: str, files: Collection[str], former: object) -> None:
    """Log that the reload refused these files, and that the former ones are in their place again."""


@_info
def signing_keys_replaced(*, signs: str, verifies: int) -> None:
    """Log a rotation of the secret: the fingerprint of the one that signs, and how many verify."""


@_info
def shadow_policy_loaded(*, policy: str) -> None:
    """Log a shadow policy: each new ticket is routed by it too, and nothing follows."""


@_warning
def shadow_policy_refused(*, problems: Collection[object]) -> None: ...


@_info
def shadow_differs(*, number: str, kind: str, rule: str, shadow_rule: str) -> None:
    """Log that the shadow policy would have routed this ticket to another place."""


@_error
def policy_refused(*, problems: Collection[object]) -> None:
    """Log a refused reload. The policy before stays in force."""


@_info
def admins_notified(*, admins: int) -> None:
    """Log mail to admins about a refused reload. Other nodes with the same refusal log nothing."""


@_info
def certificate_loaded(*, path: object) -> None:
    """Log that a reload read the listener's certificate again. New sessions get it."""


@_error
def clients_refused(*, clients: int) -> None:
    """Log the clients on systemd's sockets that got 421 because the configuration refuses the start."""


@_warning
def limits_disabled() -> None:
    """Log that MAILBOT_LIMITS=off is set, which is for load tests only. Answers of agents do not wait for an undo."""


@_warning
def config_warning(*, problem: object) -> None:
    """Log what is usable in the configuration, but surely not what was meant."""


@_failure
def loop_failed(*, name: str, error: BaseException, retry_in: float) -> None:
    """Log a failed turn of a worker. Nothing of it was committed."""


@_error
def loops_stuck(*, names: Collection[str]) -> None:
    """Log the loops that do not move. The watchdog is not fed until they do."""


@_warning
def supervisor_unreachable(*, error: BaseException) -> None:
    """Log that systemd's notification socket takes no messages."""


@_info
def monitor_listening(*, host: str, port: int) -> None: ...


@_warning
def monitor_unavailable(*, error: BaseException) -> None:
    """Log that there is no /metrics and /healthz. Mail goes on."""


@_info
def console_listening(*, host: str, port: int) -> None: ...


@_warning
def console_unavailable(*, error: BaseException) -> None:
    """Log that there are no pages. Mail goes on."""


@_info
def logged_in(*, staff: str, way: str) -> None:
    """Log a log-in to the pages. `staff`: the address of an agent or an admin. `way`: link, proxy, oidc."""


@_warning
def log_in_failed(*, way: str, reason: str) -> None:
    """Log that a log-in was refused, or that the provider of log-ins could not be used."""


@_error
def page_failed(*, path: str, error: BaseException) -> None:
    """Log a page that could not be made. The visitor reads what happened to the work."""


@_info
def program_acted(*, token: int, ticket: str, path: str, again: bool) -> None:
    """Log a command of a program. `again`: its key had been used, and nothing more was done."""


# --- mail in ----------------------------------------------------------------------------------------------


@_info
def mail_accepted(*, inbox_id: int, size: int, peer: str) -> None:
    """Log a mail that is committed. The reply 250 follows."""


@_info
def mail_duplicate(*, inbox_id: int) -> None:
    """Log a mail that was sent again: the reply is 250, and nothing else happens."""


@_info
def program_brought(*, token: int, again: bool) -> None:
    """Log that a program brought a customer's message. `again`: it had brought the same before."""


@_info
def form_not_confirmable(*, form: str, reason: str) -> None:
    """Log that a message of a web form was dropped: its address gets no mail by which it could be confirmed."""


@_info
def imap_connected(*, account: str) -> None:
    """Log that the folder is open. `account` names the user, the server and the folder."""


@_warning
def imap_down(*, account: str, error: BaseException | str, retry_in: timedelta | float) -> None:
    """Log that no mail can be fetched. It waits on the server."""


@_error
def imap_login_refused(*, account: str, error: BaseException | str, retry_in: timedelta | float) -> None:
    """Log that the server refuses user and password: a person must mend that."""


@_warning
def imap_folder_reset(*, account: str) -> None:
    """Log new UIDs (UIDVALIDITY): all mails are fetched again, known ones are recognised."""


@_error
def imap_mail_skipped(*, account: str, uid: int, reason: str) -> None:
    """Log a mail that cannot be stored. It stays unmarked in the folder, and the others go on."""


@_failure
def imap_mail_failed(*, account: str, uid: int, error: BaseException) -> None: ...


@_warning
def imap_not_marked(*, account: str, mails: int, error: BaseException | str) -> None:
    """Log that the server refused to mark, move or delete stored mails."""


@_info
def mail_refused(*, peer: str, code: int, reason: str) -> None:
    """Log a refusal. `reason` names no address."""


@_warning
def stress_changed(*, on: bool, sessions: int) -> None:
    """Log that so many clients are connected that patience is short, or that this is over."""


@_warning
def spool_failed(*, error: OSError) -> None:
    """Log that a large mail could not be written to the spool: the client got 452 or 451."""


@_warning
def descriptors_used_up(*, limit: int) -> None:
    """Log that no connection can be accepted for want of file descriptors. Said once a minute."""


@_warning
def session_failed(*, peer: str, error: BaseException) -> None:
    """Log an internal failure in an SMTP session: the client got 451 or 452."""


@_warning
def sender_check_failed(*, error: BaseException) -> None:
    """Log a broken check of a mail's sender. The mail goes on unchecked."""


@_info
def ticket_opened(*, number: str, rule: str, team: str, level: str, priority: str) -> None: ...


@_info
def mail_threaded(*, number: str, evidence: str) -> None:
    """Log a mail that joined its ticket. `evidence`: why it belongs there."""


@_info
def automatic_mail_recorded(*, number: str, reason: str) -> None:
    """Log a mail that no person wrote: on the ticket, never answered."""


@_info
def automatic_mail_filed(*, number: str, reason: str) -> None:
    """Log a mail that no person wrote and that is about no ticket: without clocks and notice."""


@_info
def thanks_recorded(*, number: str) -> None:
    """Log a mail of nothing but thanks: on the ticket, no notice goes out."""


@_info
def status_answered(*, number: str) -> None:
    """Log a customer's question how far we are: answered by machine, no notice goes out."""


@_info
def copy_recorded(*, number: str) -> None:
    """Log a further copy of a mail that is on the ticket: kept, no notice goes out."""


@_info
def acknowledgement_suppressed(*, number: str, reason: str) -> None:
    """Log that no acknowledgement is sent, on purpose."""


@_info
def agent_answered(*, number: str) -> None: ...


@_warning
def agent_mail_held(*, number: str, reason: str) -> None:
    """Log mail in an agent's name without proof: kept as a note, not acted upon."""


@_failure
def mail_parked(*, inbox_id: int, error: BaseException | str) -> None:
    """Log a mail on which our code failed: a person looks at it (`mailbot inbox`)."""


@_warning
def direct_intake_failed(*, error: BaseException) -> None:
    """Log mails that could not be decided about when they were kept: intake takes them one by one."""


@_warning
def claims_released(*, node: str, rows: int) -> None:
    """Log rows that were claimed by a node that does not hold them. They are free again."""


# --- deadlines --------------------------------------------------------------------------------------------


@_info
def deadline_fired(*, number: str, step: str, lateness: timedelta | float) -> None:
    """Log a step of the ladder, taken so long after it was due."""


@_failure
def deadline_parked(*, number: str, error: BaseException | str) -> None: ...


# --- incidents --------------------------------------------------------------------------------------------


@_info
def retention_deleted(*, mailbox: str, kind: str, count: int, bytes: int) -> None: ...


@_warning
def incident_opened(*, number: str, category: str, complaints: int) -> None: ...


@_error
def complaint_parked(*, number: str, incident: str, error: BaseException | str) -> None:
    """Log a complaint that could not be answered at the end of its incident: it goes to an agent."""


# --- mail out ---------------------------------------------------------------------------------------------


@_info
def delivery_sent(*, outbox_id: int, number: str, kind: str, seconds: float) -> None:
    """Log that the relay took a mail, `seconds` after it entered the outbox."""


@_warning
def delivery_deferred(*, outbox_id: int, code: int, retry_in: timedelta | float) -> None:
    """Log a reply 4xx of the relay (0: no reply). The mail is tried again later."""


@_error
def delivery_failed(*, outbox_id: int, code: int) -> None:
    """Log a reply 5xx of the relay. The mail is not tried again."""


@_warning
def delivery_bounced(*, number: str, kind: str, status: str, proven: bool, suppressed: bool) -> None:
    """Log a report about a mail that we sent. `suppressed`: its address gets no automatic mail now."""


@_info
def failed_mail_recorded(*, outbox_id: int, number: str, suppressed: bool) -> None: ...


@_failure
def failed_mail_parked(*, outbox_id: int, number: str, error: BaseException | str) -> None:
    """Log that our code failed on a mail that was given up: a person looks at that ticket."""


@_warning
def pending_request_failed(*, request: int, error: BaseException | str) -> None: ...


@_warning
def relay_down(*, error: BaseException | str) -> None:
    """Log that everything is held, and nothing fails, until the relay is back."""


@_info
def relay_up() -> None: ...


@_info
def channel_message_kept(*, channel: str, event_id: int, mails: int) -> None:
    """Log that what somebody wrote by a channel is in the inbox."""


@_info
def channel_message_sent(*, channel: str, outbox_id: int, number: str, outcome: str) -> None:
    """Log an attempt to send by a channel."""


@_warning
def channel_event_put_off(*, channel: str, event_id: int, error: str) -> None:
    """Log that what a provider sent can't be read now. It is tried again."""


@_error
def channel_event_parked(*, channel: str, event_id: int, error: str) -> None:
    """Log that what a provider sent can't be read. It is kept: see `mailbot channels`."""


@_warning
def channel_call_refused(*, channel: str, status: int, reason: str) -> None:
    """Log a call to the web address of a channel that was not its provider's, or could not be read."""


@_warning
def channel_down(*, channel: str, error: str) -> None:
    """Log that a channel takes no messages. They wait, and nothing fails, until it does."""


@_error
def template_failed(*, kind: str, error: BaseException | str = "") -> None:
    """Log a failed template. The built-in plain text went out in its place."""


# --- webhooks ---------------------------------------------------------------------------------------------


@_warning
def webhook_failed(*, webhook: str, code: int | None, error: str, failures: int, retry_in: timedelta) -> None:
    """Log an attempt that failed. `failures`: in a row. `code`: of the HTTP answer, None without one."""


@_info
def webhook_works_again(*, webhook: str, failures: int) -> None:
    """Log the first success after so many failures."""


@_error
def webhook_disabled(*, webhook: str, code: int | None, error: str, failures: int) -> None:
    """Log that nothing more is sent there until an operator enables it: it is gone, or failed for days."""
