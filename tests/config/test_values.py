"""Durations, sizes, rates, moments, addresses: what is read, what is refused and with which words."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.config.yaml import scalars
from mailbot.domain.model import Target
from mailbot.domain.policy import Moment, Rate


def refusal(read: Callable[[object], object], value: object) -> tuple[str, str] | None:
    """Return the message and the hint, None when the value is read."""
    try:
        read(value)
    except ValueError as error:
        return scalars.message_and_hint(error)
    return None


UNITS = {"s": 1, "min": 60, "h": 3600, "days": 86400, "weeks": 604800}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30 min", 1800),
        ("8 h", 28800),
        ("1 h 30 min", 5400),
        ("1h30min", 5400),
        ("2 days", 172800),
        ("1 day", 86400),
        ("5 s", 5),
        ("0.5 h", 1800),
        ("1 Week", 604800),
        (" 2 Hours ", 7200),
        ("30 menit", 1800),
        ("1 jam 30 menit", 5400),
        ("1,5 jam", 5400),
        ("2 hari", 172800),
        ("1 minggu", 604800),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert scalars.duration(text) == timedelta(seconds=seconds)


@given(st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    seconds = sum(count * UNITS[unit] for count, unit in parts)
    text = " ".join(f"{count} {unit}" for count, unit in parts)
    if 0 < seconds <= scalars.MAX_SPAN.total_seconds():
        assert scalars.duration(text) == timedelta(seconds=seconds)
    else:
        assert refusal(scalars.duration, text) is not None


ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
)


@given(ANYTHING | st.from_regex(r"[0-9.]{1,20} ?(min|h|x|%)( of| per)? ?[a-z+_]{0,10}", fullmatch=True))
def test_any_value_is_read_or_refused_with_a_message(anything: object) -> None:
    for read in (
        scalars.duration, scalars.size, scalars.rate, scalars.moment, scalars.address, scalars.domain,
        scalars.endpoint, scalars.network, scalars.store_without_password, scalars.loopback,
        scalars.after_stored, scalars.delay,
    ):  # fmt: skip
        message, _ = refusal(read, anything) or ("", "")
        assert message.isprintable()
        assert len(message) < 200


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (30, "`30` has no unit", "a time span is written like `30 min`"),
        ("30", "`30` has no unit", "a time span is written like `30 min`"),
        ("30 mni", "`30 mni` is not a time span", "did you mean `menit`?"),
        (
            "half an hour",
            "`half an hour` is not a time span",
            "write it like 30 min, 8 h, 1 h 30 min, 2 days",
        ),
        (None, "a time span is needed here, not nothing", "write it like 30 min"),
        (True, "a time span is needed here, not true", "write it like 30 min"),
        ("0 min", "`0 min` is no time", ""),
        ("999999999999 weeks", "`999999999999 weeks` is longer than ten years", ""),
        ("-5 min", "`-5 min` is not a time span", "write it like 30 min, 8 h, 1 h 30 min, 2 days"),
    ],
)
def test_a_wrong_duration_is_refused_with_an_example(value: object, message: str, hint: str) -> None:
    assert refusal(scalars.duration, value) == (message, hint)


@pytest.mark.parametrize("value", ["no", "No", "0 min", "0 menit", False])
def test_a_delay_may_be_none(value: object) -> None:
    assert scalars.delay(value) == timedelta()
    assert scalars.delay("90 s") == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("2 days", "`2 days` is longer than a day", "write it like 2 min, or no"),
        (2, "`2` has no unit", "a time span is written like `2 min`"),
        ("never", "`never` is not a time span", "write it like 30 min, 8 h, 1 h 30 min, 2 days"),
    ],
)
def test_a_wrong_delay_is_refused(value: object, message: str, hint: str) -> None:
    assert refusal(scalars.delay, value) == (message, hint)


def test_sizes_are_decimal_unless_written_as_binary() -> None:
    assert scalars.size("25 MB") == 25_000_000
    assert scalars.size("25 MiB") == 26_214_400
    assert scalars.size("1.5 KB") == 1500


def test_rates_are_read() -> None:
    assert scalars.rate("1 per 10 min") == Rate(1, timedelta(minutes=10))
    assert scalars.rate("5 per day") == Rate(5, timedelta(days=1))
    assert scalars.rate("200 an hour") == Rate(200, timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("first_response", Moment(Target.FIRST_RESPONSE)),
        ("75% of next_response", Moment(Target.NEXT_RESPONSE, 0.75)),
        ("150 % of resolution", Moment(Target.RESOLUTION, 1.5)),
        ("first_response + 30 min", Moment(Target.FIRST_RESPONSE, 1.0, timedelta(minutes=30))),
        ("resolution - 1 h", Moment(Target.RESOLUTION, 1.0, timedelta(hours=-1))),
        ("50% of resolution + 1 h", Moment(Target.RESOLUTION, 0.5, timedelta(hours=1))),
        ("10 min before 75% of follow_up", Moment(Target.FOLLOW_UP, 0.75, timedelta(minutes=-10))),
        ("2 h after resolution", Moment(Target.RESOLUTION, 1.0, timedelta(hours=2))),
        ("30 min before resolution", Moment(Target.RESOLUTION, 1.0, timedelta(minutes=-30))),
    ],
)
def test_a_moment_is_read(text: str, moment: Moment) -> None:
    assert scalars.moment(text) == moment


@pytest.mark.parametrize(
    "text", ["confirmation", "50 of resolution", "resolution + 2", "soon", "75% resolution", 5]
)
def test_a_wrong_moment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"no target|no unit|moment"):
        scalars.moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "ayu", "ayu@", "@staf.example", "ayu@staf", "a b@staf.example", "ayu@staf..example",
        "<ayu@staf.example>",
        "ayu@staf.example\nBcc: x@y.example", "ayu@[127.0.0.1]", "a" * 65 + "@staf.example",
        "ayu@-staf.example",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        scalars.address(text)


def test_addresses_are_lower_case_and_endpoints_know_brackets() -> None:
    assert scalars.address(" Ayu.Lestari+desk@Staf.Example ") == "ayu.lestari+desk@staf.example"
    assert scalars.endpoint("[::1]:25") == ("::1", 25)
    assert scalars.endpoint("relay.example:587") == ("relay.example", 587)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://mailbot:hunter2@db/mailbot", "postgresql://db/mailbot?password=hunter2",
        "postgresql:/mailbot:hunter2@db", "postgresql://mailbot:hunter2@[db/mailbot",
        "mysql://x:hunter2@db/x",
    ],
)  # fmt: skip
def test_a_password_in_the_store_is_refused_and_never_repeated(text: str) -> None:
    said = refusal(scalars.store_without_password, text)
    assert said
    assert "hunter2" not in "".join(said)


@pytest.mark.parametrize(
    ("word", "scale", "meant"),
    [
        ("urgent", ("low", "normal", "high", "critical"), "critical"),
        ("critical", ("low", "normal", "high", "urgent"), "urgent"),
        ("normal", ("low", "medium", "high"), "medium"),
        ("Tinggi", ("low", "normal", "high", "urgent"), "high"),
        ("hihg", ("low", "normal", "high", "urgent"), "high"),
    ],
)
def test_a_word_of_another_scale_gets_the_word_of_this_one(
    word: str, scale: tuple[str, ...], meant: str
) -> None:
    assert scalars.suggest_of_scale(word, scale).startswith(f"did you mean `{meant}`?")
