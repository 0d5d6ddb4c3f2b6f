"""Attacks on the sender of webhooks: whoever chooses an address, or answers for a name, reaches nothing private."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mailbot.delivery.webhooks import client as clients
from mailbot.delivery.webhooks.addresses import is_public, parse
from mailbot.delivery.webhooks.client import Answer, WebhookClient
from mailbot.domain.programs import standard_webhooks
from tests.domain.programs.test_standard_webhooks import SECRET, text
from tests.fakes.webhook_receiver import DRIP, HUGE, RESET, SILENT, WebhookReceiver

BODY = b'{"type": "webhook.test"}'
LOOPBACK = ("127.0.0.0/8",)
SHORT = timedelta(seconds=0.5)

# Every class of address that is no receiver's, in the forms in which a resolver gives it.
PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254", "169.254.170.2", "192.0.0.192"),
    *("168.63.129.16", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::"),
    *("2001:0:7f00:1::", "2001:10::1", "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "5f00::1", "4000::1"),
)
PUBLIC = ("8.8.8.8", "1.1.1.1", "103.10.10.10", "2606:4700::1111", "2a00:1450:4001::200e", "::ffff:8.8.8.8")
# Spellings of 127.0.0.1 and others that a resolver of the system understands, or must refuse.
SPELLINGS = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.1"),
    *(
        "0",
        "0.0.0.0",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
    ),
    *("127.0.0.1.", "%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1", "localhost."),
)


def signed() -> dict[str, str]:
    """Return the headers of now: a receiver refuses those of five minutes ago."""
    return standard_webhooks.headers("msg_a", datetime.now(UTC), BODY, [SECRET])


class Dns:
    """A resolver that gives these answers one after the other, the last one for good."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def sending(url: str, *networks: str, **options: object) -> AsyncIterator[WebhookClient]:
    client = WebhookClient(url, networks, **options)  # type: ignore[arg-type]
    try:
        yield client
    finally:
        await client.close()


async def post(url: str, *networks: str, **options: object) -> Answer:
    async with sending(url, *networks, **options) as client:
        return await client.post(signed(), BODY)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_or_special_address_is_public(address: str) -> None:
    assert not is_public(parse(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(parse(address))


@given(st.ip_addresses(v=4))
def test_what_python_knows_as_not_global_is_not_public(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not is_public(parse(str(address)))


@given(st.ip_addresses(v=6))
def test_the_same_of_ipv6(address: IPv6Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not is_public(parse(str(address)))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_it_holds(address: IPv4Address) -> None:
    assert is_public(parse(f"::ffff:{address}")) == is_public(address)


# --- what a client connects to -----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("others", [(), ("8.8.8.8",)], ids=["alone", "beside a public one"])
async def test_no_connection_is_made_to_a_private_address(address: str, others: tuple[str, ...]) -> None:
    for order in ((address, *others), (*others, address)):
        answer = await post("https://receiver.example/", resolve=Dns(order), patience=SHORT)

        assert "is no public address" in answer.error
        assert answer.code is None


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_this_machine_reaches_it(host: str, scheme: str) -> None:
    async with WebhookReceiver(text(SECRET)) as receiver:
        for user in ("", "receiver.example@", "8.8.8.8:443@", "u:p@"):
            url = f"{scheme}://{user}{host}:{receiver.port}/hooks"
            with suppress(httpx.InvalidURL):  # an address that is none: the configuration refuses it too
                answer = await post(url, patience=timedelta(seconds=5))
                assert answer.error
                assert answer.code is None
        assert receiver.connections == 0


async def test_another_answer_of_the_dns_a_moment_later_changes_nothing(
    trusted: ssl.SSLContext, authority: trustme.CA
) -> None:
    """DNS rebinding: the address that was checked is the one that is connected to, the second time too."""
    dns = Dns(["127.0.0.9"], ["127.0.0.1"])
    async with WebhookReceiver(text(SECRET), tls=server_tls(authority, "receiver.example")) as receiver:
        url = f"https://receiver.example:{receiver.port}/"
        async with sending(url, "127.0.0.9/32", resolve=dns, trusted=trusted) as client:
            first = await client.post(signed(), BODY)  # nobody listens at 127.0.0.9
            second = await client.post(signed(), BODY)

    assert first.code is None
    assert "127.0.0.1 is no public address" in second.error
    assert (dns.asked, receiver.connections) == (2, 0)


async def test_the_name_is_asked_once_for_each_message_and_the_answer_used() -> None:
    dns = Dns(["127.0.0.1"], ["127.0.0.9"])
    async with WebhookReceiver(text(SECRET)) as receiver:
        answer = await post(f"http://receiver.example:{receiver.port}/", *LOOPBACK, resolve=dns)

    assert answer == Answer(204)
    assert dns.asked == 1


async def test_a_redirect_is_not_followed() -> None:
    async with WebhookReceiver(text(SECRET)) as private, WebhookReceiver(text(SECRET)) as receiver:
        receiver.location = private.url
        for code in ("301", "302", "303", "307", "308"):
            receiver.usual = code
            answer = await post(receiver.url, *LOOPBACK)
            assert answer.code == int(code)
            assert "redirects are not followed" in answer.error
        assert private.connections == 0


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with WebhookReceiver(text(SECRET)) as proxy, WebhookReceiver(text(SECRET)) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await post(receiver.url, *LOOPBACK)).code is not None
        assert proxy.connections == 0
        assert receiver.connections == 1


async def test_without_tls_nothing_is_sent_outside_the_networks_that_are_allowed() -> None:
    answer = await post("http://receiver.example/", "10.0.0.0/8", resolve=Dns(["8.8.8.8"]))

    assert "in the clear" in answer.error


@pytest.mark.parametrize("step", [SILENT, RESET, "500", "503", "400", "404", "429", "100000"])
async def test_no_fault_of_the_receiver_counts_as_taken(step: str) -> None:
    async with WebhookReceiver(text(SECRET), usual=step) as receiver:
        answer = await post(receiver.url, *LOOPBACK, patience=SHORT)

    assert answer.error


@pytest.mark.parametrize("step", [DRIP, HUGE])
async def test_an_answer_that_never_ends_is_cut_off(step: str) -> None:
    async with WebhookReceiver(text(SECRET), usual=step) as receiver, asyncio.timeout(15):
        answer = await post(receiver.url, *LOOPBACK)

    assert answer.code == 200


async def test_headers_that_never_end_are_cut_off() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                writer.write(b"X-A: " + b"a" * 60_000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(15):
        answer = await post(f"http://127.0.0.1:{port}/", *LOOPBACK)

    assert answer.code is None
    assert answer.error


# --- TLS ---------------------------------------------------------------------------------------------------------


async def test_the_certificate_must_be_that_of_the_name(
    trusted: ssl.SSLContext, authority: trustme.CA
) -> None:
    dns = Dns(["127.0.0.1"])
    async with WebhookReceiver(text(SECRET), tls=server_tls(authority, "other.example")) as receiver:
        url = f"https://receiver.example:{receiver.port}/hooks"
        answer = await post(url, *LOOPBACK, resolve=dns, trusted=trusted)
        assert "certificate" in answer.error.lower()
        assert receiver.messages == []


async def test_a_certificate_of_nobody_known_is_refused(authority: trustme.CA) -> None:
    async with WebhookReceiver(text(SECRET), tls=server_tls(authority, "receiver.example")) as receiver:
        url = f"https://receiver.example:{receiver.port}/hooks"
        answer = await post(url, *LOOPBACK, resolve=Dns(["127.0.0.1"]))

    assert "certificate" in answer.error.lower()


async def test_by_its_name_it_is_reached_at_the_address_that_was_checked(
    trusted: ssl.SSLContext, authority: trustme.CA
) -> None:
    async with WebhookReceiver(text(SECRET), tls=server_tls(authority, "receiver.example")) as receiver:
        url = f"https://receiver.example:{receiver.port}/hooks?key=1"
        async with sending(url, *LOOPBACK, resolve=Dns(["127.0.0.1"]), trusted=trusted) as client:
            assert [await client.post(signed(), BODY) for _ in range(3)] == [Answer(204)] * 3
        assert receiver.connections == 1  # it is kept
        assert receiver.messages[0].host == f"receiver.example:{receiver.port}"
        assert receiver.messages[0].path == "/hooks?key=1"


# --- the resolver of the system ----------------------------------------------------------------------------------


async def test_the_resolver_of_the_system_gives_each_address_once() -> None:
    assert await clients.resolve("127.0.0.1", 80) == ["127.0.0.1"]
    with pytest.raises(OSError, match="label"):
        await clients.resolve("a" * 64 + ".example", 80)


async def test_a_name_that_nobody_answers_for_takes_no_longer_than_all_the_rest() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    answer = await post("https://receiver.example/", resolve=never, patience=SHORT)
    assert answer.code is None
    assert "no answer" in answer.error


def test_secrets_and_addresses_are_in_no_error_text() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = asyncio.run(post(f"http://127.0.0.1:{port}/T0KEN-IN-THE-PATH", *LOOPBACK))
    assert answer.error
    assert "T0KEN" not in answer.error
