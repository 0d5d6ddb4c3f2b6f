"""The listener's certificate: read again at a reload, and never lost to a bad file."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mailbot.channels.smtp.certificate import certificate_end
from mailbot.channels.smtp.listener import Listener, load_certificate
from mailbot.config.model import Listen
from mailbot.errors import ConfigError
from tests.channels.smtp_client import ClientSession, Inbox, connect, listening

LATER = datetime(2037, 5, 4, 3, 2, 1, tzinfo=UTC)


def write_certificate(
    folder: Path, key_type: trustme.KeyType = trustme.KeyType.ECDSA, end: datetime | None = None
) -> ssl.SSLContext:
    """Write cert.pem and key.pem of a new authority; return a client's context that trusts only it."""
    authority, context = trustme.CA(), ssl.create_default_context()
    issued = authority.issue_cert("mx.dukungan.example", key_type=key_type, not_after=end)
    (folder / "cert.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    authority.configure_trust(context)
    return context


@pytest.fixture
def listen(tmp_path: Path) -> Listen:
    return Listen("127.0.0.1", 0, tmp_path / "cert.pem", tmp_path / "key.pem")


async def speaks_tls(session: ClientSession, trusted: ssl.SSLContext) -> bool:
    """Whether the certificate is the trusted one."""
    await session.hello()
    assert (await session.ask("STARTTLS")).startswith("220 ")
    try:
        await session.start_tls(trusted)
    except ssl.SSLCertVerificationError:
        return False
    return (await session.ask("EHLO x")).startswith("250")


async def offers(listener: Listener, trusted: ssl.SSLContext) -> bool:
    async with connect(listener) as session:
        return await speaks_tls(session, trusted)


@pytest.mark.parametrize("key_type", trustme.KeyType)
async def test_new_sessions_get_the_new_certificate_and_old_ones_go_on(
    tmp_path: Path, listen: Listen, key_type: trustme.KeyType
) -> None:
    old = write_certificate(tmp_path)
    async with listening(Inbox(), listen=listen) as listener, connect(listener) as before:
        assert await speaks_tls(before, old)
        new = write_certificate(tmp_path, key_type, LATER)
        assert await offers(listener, old)  # nothing is read before a reload
        assert listener.certificate_end != certificate_end(listen.certificate)
        listener.renew_certificate(listen)
        assert listener.certificate_end == certificate_end(listen.certificate) == LATER
        assert await offers(listener, new)
        assert not await offers(listener, old)
        assert (await before.mail()).startswith("250 ")


@pytest.mark.parametrize("fault", ["no certificate", "no key", "another key", "half written", "a password"])
async def test_a_bad_file_keeps_the_old_certificate_and_says_which(
    tmp_path: Path, listen: Listen, fault: str
) -> None:
    old = write_certificate(tmp_path)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    async with listening(Inbox(), listen=listen) as listener:
        end = listener.certificate_end
        match fault:
            case "no certificate":
                certificate.unlink()
            case "no key":
                key.unlink()
            case "another key":
                kept = certificate.read_bytes()
                write_certificate(tmp_path)
                certificate.write_bytes(kept)
            case "half written":
                certificate.write_bytes(certificate.read_bytes()[:300])
            case "a password":
                lock(key)
        with pytest.raises(ConfigError) as refusal:
            listener.renew_certificate(listen)
        assert str(certificate) in str(refusal.value)
        assert str(key) in str(refusal.value)
        assert listener.certificate_end == end
        assert await offers(listener, old)


def lock(key: Path) -> None:
    """Encrypt a key: OpenSSL would ask the terminal for its password, and the daemon would hang."""
    private = load_pem_private_key(key.read_bytes(), None)
    locked = BestAvailableEncryption(b"rahasia")
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))


async def test_a_reload_neither_begins_nor_ends_tls(tmp_path: Path, listen: Listen) -> None:
    old = write_certificate(tmp_path)
    async with listening(Inbox(), listen=listen) as listener:
        listener.renew_certificate(Listen("127.0.0.1", 0))
        assert await offers(listener, old)
    async with listening(Inbox()) as listener, connect(listener) as session:
        listener.renew_certificate(listen)
        assert "STARTTLS" not in await session.hello()
    assert load_certificate(Listen("127.0.0.1", 0)) is None
