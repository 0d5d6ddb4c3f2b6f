"""The daemon that checks senders and signs its mail, from outside; its DNS and its relay are on loopback."""

from pathlib import Path

import dkim

from tests.dns_server import SILENT, DnsServer
from tests.mail.senders import MAIL, pem, record, rsa, signed
from tests.scenarios.harness import DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

BUDI = "budi@bank.example"
ZONE: dict[str, str | list[str]] = {
    "s1._domainkey.bank.example": record(rsa()),
    "_dmarc.bank.example": "v=DMARC1; p=reject",
    **{f"slow{n}.example": SILENT for n in range(12)},
    **{f"_dmarc.slow{n}.example": SILENT for n in range(12)},
}
SIGNING = "\ndkim: {domain: dukungan.example, selector: mb1}\n"


def daemon_of(tmp_path: Path, relay: int, dns: int = 0, key: str = "") -> DaemonProcess:
    daemon = DaemonProcess(tmp_path, relay, {"MAILBOT_DKIM_KEY": key} if key else {})
    path = daemon.config / "mailbot.yaml"
    path.write_text(path.read_text() + (SIGNING if key else ""))
    if dns:
        daemon.edit("mailbot.yaml", r"verify: false", f"verify: true\n  resolver: 127.0.0.1:{dns}")
    return daemon


async def test_what_is_sent_verifies_with_the_record_that_check_prints(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        daemon = daemon_of(tmp_path, sink.port, key=pem(rsa()).decode())
        code, out, err = await daemon.command("check", "--dkim-record")
        assert code == 0, err
        assert out in (await daemon.command("check"))[1]
        text = "".join(out.split('"')[1::2])

        def published(name: bytes, timeout: int = 5) -> bytes | None:
            return text.encode() if out.startswith(f"{name.decode()} IN TXT") else None

        async with daemon:
            await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")
            await eventually(lambda: len(sink.taken) >= 2)
    assert {mail.content.count(b"DKIM-Signature:") for mail in sink.taken} == {1}
    for mail in sink.taken:
        assert dkim.verify(mail.content, dnsfunc=published)


async def test_a_daemon_without_its_key_does_not_start_and_gives_the_reason(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, 1, key="x")
    daemon.env = {}
    code, _, err = await daemon.command("run")

    assert code == 78
    assert "there is no key to sign with" in err
    assert (await daemon.command("check"))[0] == 0
    assert (await daemon.command("check", "--dkim-record"))[0] == 1


async def test_only_an_authenticated_sender_gets_the_own_subject_back(tmp_path: Path) -> None:
    forged = MAIL.replace(b"<1@", b"<2@")
    with DnsServer(ZONE) as dns:
        async with SinkSmtp() as sink:
            daemon = daemon_of(tmp_path, sink.port, dns.port)
            daemon.edit("mailbot.yaml", "rich_acknowledgements: false", "rich_acknowledgements: true")
            async with daemon:
                await send(daemon.port, signed(), BUDI)
                await send(daemon.port, forged, BUDI)
                await eventually(lambda: len([m for m in sink.taken if m.recipients == (BUDI,)]) == 2)
    first, second = [mail.content for mail in sink.taken if mail.recipients == (BUDI,)]
    rich, plain = (first, second) if b"<1@bank.example>" in first else (second, first)
    assert b"Judul pesan Anda: Saldo" in rich
    assert b"Saldo" not in plain


async def test_twelve_senders_with_a_stuck_dns_delay_no_other_mail(tmp_path: Path) -> None:
    with DnsServer(ZONE) as dns:
        async with SinkSmtp() as sink:
            daemon = daemon_of(tmp_path, sink.port, dns.port)
            async with daemon:
                for n in range(12):
                    await send(daemon.port, complaint(n, f"budi@slow{n}.example"), f"budi@slow{n}.example")
                await send(daemon.port, signed(), BUDI)
                await eventually(lambda: any(m.recipients == (BUDI,) for m in sink.taken))
                # It has overtaken mail that came before it. A loaded machine may have given up on some.
                assert daemon.rows("SELECT 1 FROM inbox WHERE state = 'new'")
                await eventually(lambda: sum("slow" in m.recipients[0] for m in sink.taken) == 12)
                code, out, err = await daemon.command("status")
    assert code == 0, out + err
