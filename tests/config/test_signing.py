"""Test verifying senders and signing: what the configuration needs, and its problems."""

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mailbot.config.checks.signing import HEADERS
from mailbot.config.model import Trust
from tests.config.faults import brief, lay, loaded, problems
from tests.mail.senders import ed25519, pem, rsa

DKIM = "\ndkim: {domain: dukungan.example, selector: mb1}\n"
KEY = pem(rsa()).decode()
BARE = """
import sys
sys.modules["cryptography"] = sys.modules["dns"] = None
import mailbot.daemon, mailbot.cli.service.check, mailbot.workers.resolver, mailbot.workers.inbound.sender_checks
from datetime import date
from pathlib import Path
from mailbot.errors import ConfigError
from mailbot.config.api import load
try:
    print(load(Path(sys.argv[1]), {}, today=date(2026, 11, 21)).settings.trust.verify)
except ConfigError as refusal:
    print(refusal)
"""
LOCKED = rsa().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))


def with_yaml(directory: Path, more: str, was: str = "", becomes: str = "") -> Path:
    path = lay(directory) / "mailbot.yaml"
    path.write_text(path.read_text().replace(was, becomes) + more)
    return directory


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", ["False"]),
        ("\ntrust: {verify: true}\n", ["`cryptography` is not installed", "pip install '.[auth]'"]),
        (DKIM, ["`cryptography` is not installed", "pip install '.[auth]'"]),
    ],
)
def test_without_the_extra_only_its_features_are_refused(tmp_path: Path, more: str, said: list[str]) -> None:
    command = [sys.executable, "-c", BARE, str(with_yaml(tmp_path, more))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert [part for part in said if part in done.stdout] == said


def warnings(directory: Path, env: dict[str, str] | None = None) -> list[str]:
    return [brief(each) for each in loaded(directory, env).warnings]


@pytest.mark.parametrize("text", [KEY, pem(ed25519()).decode(), KEY.replace("\n", "\\n")])
def test_the_key_comes_from_the_environment(tmp_path: Path, text: str) -> None:
    found = loaded(with_yaml(tmp_path, DKIM), {"MAILBOT_DKIM_KEY": text}).settings.dkim

    assert found
    assert (found.domain, found.selector, found.headers) == ("dukungan.example", "mb1", HEADERS)
    assert found.key
    assert "PRIVATE" not in repr(found)


def test_the_key_comes_from_a_credential_or_a_named_file(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mailbot-dkim-key").write_text(KEY)
    config = tmp_path / "config"
    config.mkdir()
    with_yaml(config, DKIM)
    by_credential = loaded(config, {"CREDENTIALS_DIRECTORY": str(credentials)}).settings.dkim
    by_file = loaded(config, {"MAILBOT_DKIM_KEY_FILE": str(credentials / "mailbot-dkim-key")}).settings.dkim

    assert by_credential
    assert by_credential.key
    assert by_file
    assert by_file.key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no key at all", "is not a private key in PEM form | `openssl genrsa 2048` makes one"),
        (pem(rsa(1024)).decode(), "has 1024 bits, 2048 to 4096 are needed | `openssl genrsa 2048` makes one"),
        (LOCKED.decode(), "is encrypted with a password | `openssl pkey -in KEY` takes it off"),
        (
            generate_private_key(SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "is neither an RSA nor an Ed25519 key | `openssl genrsa 2048` makes one",
        ),
        ("x" * 5000, "is longer than 4096 bytes"),
    ],
    ids=["none", "short", "locked", "elliptic", "long"],
)
def test_an_unusable_key_is_refused(tmp_path: Path, text: str, said: str) -> None:
    found = [brief(each) for each in problems(with_yaml(tmp_path, DKIM), {"MAILBOT_DKIM_KEY": text})]

    assert found == [f"MAILBOT_DKIM_KEY: {said}"]


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_an_unreadable_key_file_is_refused(tmp_path: Path, path: str) -> None:
    (found,) = problems(with_yaml(tmp_path, DKIM), {"MAILBOT_DKIM_KEY_FILE": str(tmp_path / path)})

    assert "can't be read" in found.message


def test_a_missing_key_is_a_warning_because_a_shell_has_no_credentials(tmp_path: Path) -> None:
    with_yaml(tmp_path, DKIM)
    (said,) = warnings(tmp_path)

    assert said.startswith("mailbot.yaml:12:1: the key is missing: `mailbot run` will not start without it")
    assert loaded(tmp_path).settings.dkim


def test_a_key_without_dkim_is_a_warning(tmp_path: Path) -> None:
    assert warnings(lay(tmp_path), {"MAILBOT_DKIM_KEY": KEY}) == [
        "MAILBOT_DKIM_KEY: has no effect: dkim is not set"
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "domain: toko.example, selector: mb1",
            "12:16: no mailbox is in `toko.example`: nothing would be signed",
        ),
        ("domain: dukungan.example", "`selector` is missing here"),
        ("domain: dukungan.example, selector: m b", "`m b` is not a domain"),
        ("domain: dükungan.example, selector: m", "is not written as the DNS has it | write its xn-- form"),
        (
            "domain: dukungan.example, selector: m, headers: [Received]",
            "`Received` is not a header field to sign",
        ),
        ('domain: dukungan.example, selector: m, headers: ["X:Y"]', "`X:Y` is not a header field to sign"),
    ],
)
def test_a_wrong_dkim_section_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    found = problems(with_yaml(tmp_path, f"\ndkim: {{{entry}}}\n"), {"MAILBOT_DKIM_KEY": KEY})

    assert len(found) == 1
    assert said in brief(found[0])


def test_from_is_always_signed(tmp_path: Path) -> None:
    with_yaml(tmp_path, "\ndkim: {domain: dukungan.example, selector: m, headers: [Subject, To]}\n")
    found = loaded(tmp_path, {"MAILBOT_DKIM_KEY": KEY}).settings.dkim

    assert found
    assert found.headers == ("from", "subject", "to")


def test_an_unsigned_mailbox_is_a_warning(tmp_path: Path) -> None:
    box = "  - {address: halo@toko.example, brand: Toko, prefix: SHOP}\nanswers:"
    with_yaml(tmp_path, DKIM, "answers:", box)

    assert warnings(tmp_path, {"MAILBOT_DKIM_KEY": KEY}) == [
        "mailbot.yaml:9:15: its mail is not signed: dkim.domain is `dukungan.example`"
    ]


def test_the_dns_server_to_ask_is_an_address(tmp_path: Path) -> None:
    (found,) = problems(with_yaml(tmp_path, "\ntrust: {verify: true, resolver: dns.example:53}\n"))

    assert "`dns.example` is a name, and there is no other resolver to look it up" in brief(found)


def test_trusted_hosts_and_the_resolver_are_read(tmp_path: Path) -> None:
    with_yaml(tmp_path, "\ntrust: {verify: true, resolver: 127.0.0.1:5353}\n")

    assert loaded(tmp_path).settings.trust == Trust(verify=True, resolver=("127.0.0.1", 5353))
    assert loaded(lay(tmp_path)).settings.trust == Trust()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "unauthenticated: held",
            "nobody gets automatic answers: without authentication no sender can pass",
        ),
        (
            "unauthenticated: none",
            "nobody gets automatic answers: without authentication no sender can pass",
        ),
        ("rich_acknowledgements: true", "has no effect: nobody authenticates senders"),
        ("unauthenticated: neutral", ""),
    ],
)
def test_settings_that_need_authentication_are_a_warning_without_it(
    tmp_path: Path, option: str, said: str
) -> None:
    with_yaml(tmp_path, "", "    prefix: TOKO\n", f"    prefix: TOKO\n    {option}\n")
    found = warnings(tmp_path)
    box = loaded(tmp_path).policy.mailboxes["support@dukungan.example"]
    with_yaml(
        tmp_path, "\ntrust: {verify: true}\n", "    prefix: TOKO\n", f"    prefix: TOKO\n    {option}\n"
    )

    assert [each for each in found if said in each] == found
    assert bool(found) is bool(said)
    assert (box.unauthenticated, box.rich_acknowledgements) != ("neutral", False) or not said
    assert warnings(tmp_path) == []
