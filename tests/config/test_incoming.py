"""Settings of programs that send what people wrote: the page's example, faults with their places, secrets."""

import re
import shutil
from pathlib import Path

import pytest

from mailbot.config import shipped
from mailbot.config.api import load, load_to_decide
from mailbot.config.model import Channels, Settings
from mailbot.errors import ConfigError

PAGE = Path(__file__).parents[2] / "docs" / "channels" / "incoming.md"
IN, OUT = "MAILBOT_CHANNEL_SECRET_MARKETPLACE", "MAILBOT_CHANNEL_SEND_SECRET_MARKETPLACE"
SECRETS = {IN: "rahasia-yang-panjang", OUT: "whsec_" + "a2tra2tra2tra2tra2tra2tr"}
EXAMPLE = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
assert EXAMPLE
TEXT = EXAMPLE[1]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped.config(), tmp_path / "config"))


def settings(directory: Path, text: str, env: dict[str, str] = SECRETS) -> Settings:
    with (directory / "mailbot.yaml").open("a") as file:
        file.write(f"\n{text}\n")
    return load(directory, env).settings


def faults(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        settings(directory, text)
    return [f"{each.message} | {each.hint}" for each in refusal.value.problems]


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_the_example_of_the_page_loads_with_its_secrets(directory: Path) -> None:
    (program,) = settings(directory, TEXT).channels.incoming
    assert (program.name, program.signature) == ("marketplace", "standard")
    assert (program.secrets, program.send_secrets) == ((SECRETS[IN],), (SECRETS[OUT],))
    assert program.map.when == {"/event": ("message.created",)}
    assert SECRETS[IN] not in repr(program)
    assert "toko.example" not in repr(program)


def test_the_commented_lines_of_the_shipped_file_load(directory: Path) -> None:
    path = directory / "mailbot.yaml"
    text = path.read_text()
    begin = text.index("# channels:\n#   incoming:")
    block = text[begin : text.index("\n\n", begin)]
    lines = "\n".join(line.removeprefix("#").removeprefix(" ") for line in block.splitlines())
    web = "console: 127.0.0.1:8025\npublic_url: https://bantuan.dukungan.example\n"
    (program,) = settings(directory, web + lines).channels.incoming
    assert program.name == "marketplace"


def test_the_cache_gives_the_same_programs_and_keeps_no_secret(directory: Path, tmp_path: Path) -> None:
    settings(directory, TEXT)
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), **SECRETS}
    first = load_to_decide(directory, env).settings.channels
    assert load_to_decide(directory, env).settings.channels == first
    kept = b"".join(each.read_bytes() for each in (tmp_path / "cache").rglob("*") if each.is_file())
    assert SECRETS[IN].encode() not in kept


def test_without_a_word_about_it_there_is_no_channel(directory: Path) -> None:
    assert load(directory, {}).settings.channels == Channels()


@pytest.mark.parametrize(
    "name", ["mail", "page", "form", "api", "web", "telegram", "whatsapp", "smtp", "imap", "pipe", "incoming"]
)
def test_the_name_of_another_way_in_is_refused(directory: Path, name: str) -> None:
    assert any(
        f"`{name}` is the name of another channel" in each
        for each in faults(directory, changed("marketplace", name))
    )


@pytest.mark.parametrize("name", ["Toko", "toko_1", "a.b", "1toko", "a" * 16, "to ko", "../x"])
def test_letters_that_can_name_no_channel_are_refused(directory: Path, name: str) -> None:
    assert any(
        "can't name a channel" in each
        for each in faults(directory, changed("name: marketplace", f"name: {name}"))
    )


def test_two_programs_of_one_name_are_refused(directory: Path) -> None:
    entry = TEXT[TEXT.index("    - name") :]
    assert any("is the name of another channel" in each for each in faults(directory, TEXT + entry))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("text: /message/text", "text: /message/body", "`text` leads to nothing"),
        ("external_id: /message/id", "external_id: /id", "`external_id` leads to nothing"),
        ('author: "{/buyer/id|lower}"', "author: /nobody", "`author` leads to nothing"),
        ('author: "{/buyer/id|lower}"', "author: buyer", "answers to `buyer` have no way"),
        ("text: /message/text", "text: /message", "/message is no text"),
        ("text: /message/text", "text: /message~2", "no JSON Pointer"),
        ("subject: Order {/order/id}", 'subject: "Order {/order/id"', "`{` stands alone"),
        ("message.created}", "message.deleted}", "`when` does not take it"),
        ("each: /message/files", "each: /message/text", "`files` leads to no list"),
        ('{"event"', "event", "it is no JSON"),
        ("signature: standard", "signature: none", "signature"),
        ("signature: standard", "signature: standard\n      header: X-Mark", "name their own headers"),
        ("signature: standard", "signature: standard\n      mailbox: x@y.example", "is none of `mailboxes`"),
        ("public_url: https://bantuan.dukungan.example", "", "there is no address for that"),
        ("https://toko.example", "http://toko.example", "must not be read on the way"),
    ],
)
def test_a_map_is_tried_with_its_sample(directory: Path, old: str, new: str, fault: str) -> None:
    text = changed(old, new)
    if "no way" in fault:
        text = text.replace("      send: {url: https://toko.example/api/answers}\n", "")
    found = faults(directory, text)
    assert any(fault in each for each in found), found


@pytest.mark.parametrize(
    ("env", "fault"),
    [
        ({OUT: SECRETS[OUT]}, f"{IN} is missing"),
        ({IN: SECRETS[IN]}, f"{OUT} is missing"),
        ({**SECRETS, IN: "pendek"}, f"{IN} has less than 16 letters"),
        ({**SECRETS, IN: f"{SECRETS[IN]} pendek"}, f"{IN} has less than 16 letters"),
        ({**SECRETS, IN: "whsec_bukan base64 sama sekali"}, f"{IN} has less than"),
        ({**SECRETS, IN: "whsec_bukan-base64-sama-sekali"}, f"{IN} is no base64"),
        ({**SECRETS, "MAILBOT_CHANNEL_SECRET_LAIN": "x" * 20}, "has no effect"),
    ],
)
def test_secrets_that_can_not_work_are_named(directory: Path, env: dict[str, str], fault: str) -> None:
    with (directory / "mailbot.yaml").open("a") as file:
        file.write(f"\n{TEXT}\n")
    warnings = [f"{each.file} {each.message}" for each in load(directory, env).warnings]
    assert any(fault in each for each in warnings), warnings


def test_a_secret_may_be_a_credential_of_systemd(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "mailbot-channel-secret-marketplace").write_text("dari-berkas-systemd\n")
    (program,) = settings(directory, TEXT, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).channels.incoming
    assert program.secrets == ("dari-berkas-systemd",)
