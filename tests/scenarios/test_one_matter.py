"""One matter of one customer across mail, a web form and a chat: an agent links them, and one ticket has it all."""

import asyncio
import json
import re
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.scenarios.harness import RECIPIENT, DaemonProcess, eventually, free_port
from tests.scenarios.test_forms_killed import key_in, links, with_form
from tests.sink import SinkSmtp

SITI, CHAT, BUDI = "siti@pelanggan.example", "telegram:62811", "budi.santoso@staf.dukungan.example"


def send_mail(port: int, subject: str, text: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SITI, RECIPIENT, subject
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", port) as relay:
        relay.send_message(mail)


def answers(sink: SinkSmtp) -> list[str]:
    """Return the texts of what Siti got by mail, oldest first."""
    mails = [mail.content for mail in sink.mails if mail.recipients == (SITI,)]
    bodies = (message_from_bytes(each, policy=policy.default).get_body(("plain",)) for each in mails)
    return [body.get_content() for body in bodies if body]


@pytest.mark.timeout(240)
async def test_mail_form_and_chat_become_one_ticket_once_an_agent_links_them(tmp_path: Path) -> None:
    port = free_port()
    browser = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
    async with SinkSmtp() as sink, FakeTelegram() as fake, browser:
        daemon = with_form(tmp_path, sink.port, port)
        daemon.env["MAILBOT_TELEGRAM_TOKEN"] = TOKEN
        path = daemon.config / "mailbot.yaml"
        path.write_text(f"{path.read_text()}channels:\n  telegram: {{api: '{fake.api}'}}\n")
        daemon.edit("mailbot.yaml", "(?m)^(    reopen_within: .*)$", r"\1\n    undo: no")
        async with daemon:
            number = await by_mail(daemon, sink)
            await by_form(daemon, sink, browser, number)
            await by_chat(daemon, fake, number)
            await linked(daemon, fake, sink, number)


async def shell(daemon: DaemonProcess, *words: str) -> str:
    code, out, err = await daemon.command(*words)
    assert code == 0, out + err
    return out


async def by_mail(daemon: DaemonProcess, sink: SinkSmtp) -> str:
    await asyncio.to_thread(send_mail, daemon.port, "Saldo terpotong", "Saldo saya terpotong dua kali.")
    await eventually(lambda: answers(sink))
    (number,) = re.findall(r"[A-Z]{2,10}-\d{8}-\d", answers(sink)[0])[:1]
    return number


async def by_form(daemon: DaemonProcess, sink: SinkSmtp, browser: httpx.AsyncClient, number: str) -> None:
    """Write in the form with the number: the address is confirmed first, then it is on the same ticket."""
    key = key_in(await browser.get("/forms/kontak"))
    await asyncio.sleep(3.1)  # the page must have been open for 3 seconds, by the daemon's own clock
    fields = {"address": SITI, "message": f"Ini nomor tiket saya: {number}", "key": key}
    assert (await browser.post("/forms/kontak", data=fields)).status_code == 303
    (link,) = await eventually(lambda: links(sink, SITI))
    assert len(daemon.rows("SELECT 1 FROM messages WHERE channel = 'form'")) == 0
    page, _, query = link.partition("?")
    pressed = await browser.post(page, data={"key": query.rpartition("=")[2]})
    assert pressed.status_code == 200, pressed.text
    row = await eventually(lambda: daemon.rows("SELECT ticket FROM messages WHERE channel = 'form'"))
    assert row == [{"ticket": number}]


async def by_chat(daemon: DaemonProcess, fake: FakeTelegram, number: str) -> None:
    """Write in the chat: it is a stranger's matter, although it has her name and her number."""
    fake.write(f"Halo, saya Siti. Bagaimana tiket {number}?")
    await eventually(fake.texts)
    strangers = daemon.rows(f"SELECT number FROM tickets WHERE customer = '{CHAT}'")
    assert len(strangers) == 1
    assert strangers[0]["number"] != number


async def linked(daemon: DaemonProcess, fake: FakeTelegram, sink: SinkSmtp, number: str) -> None:
    (other,) = daemon.rows(f"SELECT number FROM tickets WHERE customer = '{CHAT}'")
    await shell(daemon, "ticket", "link", number, CHAT, "--as", BUDI)
    await shell(daemon, "ticket", "merge", other["number"], number, "--as", BUDI)
    said = len(fake.texts())
    await shell(daemon, "ticket", "answer", number, "--as", BUDI, "--text", "Sudah kami kembalikan.")
    await eventually(lambda: len(fake.texts()) > said)
    assert "Sudah kami kembalikan." in fake.texts()[-1]

    await asyncio.to_thread(send_mail, daemon.port, f"Re: [{number}]", "Tolong kirim buktinya lewat surel.")
    await eventually(lambda: daemon.rows("SELECT 1 FROM messages WHERE text LIKE 'Tolong kirim%'"))
    await shell(daemon, "ticket", "answer", number, "--as", BUDI, "--text", "Terlampir buktinya.")
    await eventually(lambda: any("Terlampir buktinya." in each for each in answers(sink)))

    words = ("--via", "telegram", "--text", "Kabar lewat obrolan.")
    await shell(daemon, "ticket", "answer", number, "--as", BUDI, *words)
    await eventually(lambda: "Kabar lewat obrolan." in fake.texts()[-1])

    shown = json.loads(await shell(daemon, "ticket", "show", number, "--json"))
    assert shown["customer"] == SITI
    channels = daemon.rows(
        f"SELECT DISTINCT channel FROM messages WHERE ticket = '{number}' AND direction = 'in'"
    )
    assert {each["channel"] for each in channels} == {"mail", "form", "telegram"}
