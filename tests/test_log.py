"""Log lines as they come out: one fact a line, whatever stands in the values."""

import asyncio
import inspect
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mailbot import log

LINES: list[Callable[..., None]] = [
    function
    for _, function in inspect.getmembers(log, inspect.isfunction)
    if function.__module__ == log.__name__ and hasattr(function, "__wrapped__")
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("mailbot")
    before = (root.handlers[:], root.level, own.level)
    root.handlers = []
    yield
    root.handlers, root.level = before[0], before[1]
    own.setLevel(before[2])


def told(mode: str, say: Callable[[], None], *, level: int = logging.INFO) -> str:
    stream = io.StringIO()
    log.configure(mode, level=level, stream=stream)
    say()
    return stream.getvalue()


def facts(say: Callable[[], None], *, level: int = logging.INFO) -> dict[str, Any]:
    (line,) = told("json", say, level=level).splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_line_says_when_how_grave_and_what() -> None:
    line = facts(lambda: log.mail_accepted(inbox_id=7, size=5120, peer="192.0.2.1"))
    at = datetime.fromisoformat(line.pop("at"))
    assert at.utcoffset() == timedelta(0)
    assert line == {
        "severity": "info",
        "event": "mail_accepted",
        "inbox_id": 7,
        "size": 5120,
        "peer": "192.0.2.1",
    }


def test_the_level_of_a_ticket_is_not_the_severity_of_the_line() -> None:
    line = facts(
        lambda: log.ticket_opened(
            number="TOKO-48217390-8", rule="failed payment", team="payments", level="L1", priority="high"
        )
    )
    assert (line["severity"], line["level"], line["rule"]) == ("info", "L1", "failed payment")


def test_text_is_key_and_value() -> None:
    line = told("text", lambda: log.mail_threaded(number="TOKO-48217390-8", evidence="known Message-ID"))
    assert line.endswith(
        ' severity=info event=mail_threaded number=TOKO-48217390-8 evidence="known Message-ID"\n'
    )


@pytest.mark.parametrize(("stream", "is_json"), [(Terminal(), False), (io.StringIO(), True)])
def test_json_is_for_machines_and_text_for_terminals(stream: io.StringIO, is_json: bool) -> None:
    log.configure("", stream=stream)
    log.relay_up()
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("mode", ["json", "text"])
@given(evil=st.text(st.characters(), min_size=1))
def test_no_value_breaks_a_line_or_reaches_the_terminal_raw(mode: str, evil: str) -> None:
    lines = told(
        mode, lambda: log.mail_refused(peer=evil, code=550, reason="x\r\n\x1b[2J\u2028\u202e" + evil)
    )
    assert lines.endswith("\n")
    assert lines[:-1].isprintable()
    lines.encode("utf-8")  # a lone surrogate must not stop the log


def test_values_come_out_plain() -> None:
    line = facts(
        lambda: log.delivery_deferred(outbox_id=1, code=451, retry_in=timedelta(minutes=2)),
    )
    assert line["retry_in"] == 120
    line = facts(lambda: log.policy_refused(problems=("a.yaml:1:2: no", "b.yaml: no")))
    assert line["problems"] == ["a.yaml:1:2: no", "b.yaml: no"]


def test_a_long_value_is_cut() -> None:
    assert len(facts(lambda: log.agent_mail_held(number="N", reason="x" * 10**6))["reason"]) < 3000
    error = ValueError("y" * 10**6)
    assert len(facts(lambda: log.session_failed(peer="::1", error=error))["error"]) < 500


def raised() -> ValueError:
    try:
        raise ValueError("no such\nthing")
    except ValueError as error:
        return error


def test_an_error_is_told_by_type_and_message_and_the_traceback_only_at_debug() -> None:
    def say() -> None:
        log.session_failed(peer="::1", error=raised())

    assert facts(say)["error"] == "ValueError: no such\nthing"
    assert "exception" not in facts(say)
    assert "in raised" in facts(say, level=logging.DEBUG)["exception"]


def test_what_our_own_code_failed_on_carries_its_traceback() -> None:
    def say() -> None:
        log.mail_parked(inbox_id=3, error=raised())

    assert "in raised" in facts(say)["exception"]
    assert facts(lambda: log.mail_parked(inbox_id=3, error="3 strikes"))["error"] == "3 strikes"


def test_a_traceback_in_text_is_indented_so_that_it_cannot_pass_for_a_line() -> None:
    first, *rest = told("text", lambda: log.mail_parked(inbox_id=3, error=raised())).splitlines()
    assert 'error="ValueError: no such\\nthing"' in first
    assert rest
    assert all(line.startswith("    ") for line in rest)


PRIVATE = "kata [rahasia], input_type=str]"  # not in the line of code that a traceback shows


def test_a_refused_value_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(dict[str, int]).validate_python({"seq": PRIVATE, "n": 1})

    line = facts(lambda: log.mail_parked(inbox_id=3, error=refused.value))
    assert "rahasia" not in json.dumps(line)
    for part in ("seq", "valid integer", "input_type=str]"):
        assert part in line["error"]
        assert part in line["exception"]


def test_no_line_takes_an_address_a_subject_or_a_body() -> None:
    forbidden = {"sender", "recipient", "recipients", "customer", "address", "subject", "text", "body", "to"}
    assert len(LINES) > 30
    for line in LINES:
        assert not forbidden & inspect.signature(line).parameters.keys(), line.__name__


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_every_line_is_said_under_its_own_name(line: Callable[..., None]) -> None:
    values = dict.fromkeys(inspect.signature(line).parameters, "x")
    assert facts(lambda: line(**values), level=logging.DEBUG)["event"] == line.__name__


@pytest.mark.parametrize("values", [{"inbox": 1}, {}, {"inbox_id": 1, "more": 2}])
def test_a_fact_that_the_signature_does_not_name_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        log.mail_duplicate(**values)  # type: ignore[arg-type]


def test_other_libraries_warnings_come_out_the_same_way() -> None:
    def say() -> None:
        logging.getLogger("asyncio").info("chatter")
        try:
            raised_here = raised()
            raise raised_here
        except ValueError:
            logging.getLogger("asyncio").exception("Task %s\nfailed", "x")

    line = facts(say)
    assert (line["severity"], line["logger"], line["event"]) == ("error", "asyncio", "Task x\nfailed")
    assert "no such" in line["exception"]


def test_configuring_twice_does_not_double_the_lines() -> None:
    stream = io.StringIO()
    for _ in range(2):
        log.configure("json", stream=stream)
    log.relay_up()
    assert len(stream.getvalue().splitlines()) == 1


class Writes(io.StringIO):
    """Notes each write that reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[str]] = []

    def write(self, text: str) -> int:
        self.seen.append([json.loads(line)["event"] for line in text.splitlines()])
        return super().write(text)


async def test_the_lines_of_one_turn_of_the_event_loop_are_one_write() -> None:
    stream = Writes()
    log.configure("json", stream=stream)
    log.relay_up()
    log.mail_duplicate(inbox_id=1)
    assert stream.seen == []
    await asyncio.sleep(0)
    log.limits_disabled()
    await asyncio.sleep(0)
    assert stream.seen == [["relay_up", "mail_duplicate"], ["limits_disabled"]]


async def test_a_line_of_a_thread_is_written_at_once_after_those_that_wait() -> None:
    stream = Writes()
    log.configure("json", stream=stream)
    log.relay_up()
    thread = threading.Thread(target=lambda: log.mail_duplicate(inbox_id=1))
    thread.start()
    thread.join()
    assert stream.seen == [["relay_up", "mail_duplicate"]]


async def test_a_long_turn_does_not_gather_lines_without_bound() -> None:
    stream = Writes()
    log.configure("json", stream=stream)
    for _ in range(100):
        log.agent_mail_held(number="N", reason="x" * 2000)
    assert sum(map(len, stream.seen)) >= 60


def test_a_line_that_waits_when_its_loop_ends_comes_before_the_next() -> None:
    async def say() -> None:
        log.relay_up()

    stream = Writes()
    log.configure("json", stream=stream)
    asyncio.run(say())
    asyncio.run(say())
    logging.getLogger().handlers[0].flush()  # as `logging` does when the interpreter ends
    assert [event for write in stream.seen for event in write] == ["relay_up", "relay_up"]


def test_a_log_that_takes_no_more_stops_nothing() -> None:
    stream = io.StringIO()
    log.configure("json", stream=stream)
    stream.close()
    log.relay_up()
