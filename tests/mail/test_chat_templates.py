"""Texts for chats: short, with the number, tried as all templates are; without one the text of the mail goes out."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailbot.errors import ConfigError
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.template_values import LANGUAGES, SAMPLE_NOW, build_values, sample_notices
from mailbot.mail.compose.templates import CHAT, IN_CHATS, Templates, load, variants
from mailbot.views.template_examples import as_read
from tests.builders import BOX, policy

SHIPPED = Path(__file__).parents[2] / "templates"
KEYS = TokenSigner(b"a secret of sixteen bytes or more")


@pytest.fixture(scope="module")
def shipped() -> Templates:
    return load(SHIPPED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "templates"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*IN_CHATS, *variants(SHIPPED)])
def test_the_text_for_a_chat_is_short_and_has_the_number(
    shipped: Templates, name: str, language: str
) -> None:
    kind = name.partition(".")[0]
    for notice in sample_notices(kind, language):
        values = build_values(notice, BOX, language=language, zone="Asia/Jakarta", now=SAMPLE_NOW)
        text = shipped.render(name, language, CHAT, values)
        own = str(values.get("text", ""))
        lines = [line for line in text.splitlines() if line]
        assert len(lines) <= 6, text
        assert str(values["number"]) in text
        assert "email" not in text.replace(own, "")
        assert not text.startswith("\n")
        assert "\n\n\n" not in text


@pytest.mark.parametrize("language", ["id", "en", ""])
def test_a_chat_gets_one_short_message_in_one_language_or_both(shipped: Templates, language: str) -> None:
    notice: Any = sample_notices("answer", "id")[0]
    sent = replace(notice, to="whatsapp:+62811", language=language, cc=(), mailbox=BOX.address)
    mail = Composer(shipped, KEYS, policy()).compose(sent, nonce="1", now=SAMPLE_NOW)
    text = as_read(mail.content).text
    assert text.count("sample text") == 1
    assert "----" not in text
    assert len(text.splitlines()) <= 6


def test_a_notice_without_a_text_for_chats_is_sent_as_its_text(folder: Path) -> None:
    (folder / "id" / "status.chat.j2").unlink()
    notice: Any = sample_notices("status", "id")[0]
    sent = replace(notice, to="whatsapp:+62811", mailbox=BOX.address)
    mail = Composer(load(folder), KEYS, policy()).compose(sent, nonce="1", now=SAMPLE_NOW)
    assert "Salam hangat" in as_read(mail.content).text


def test_a_text_for_a_chat_is_tried_as_all_templates_are(folder: Path) -> None:
    (folder / "id" / "closing.chat.j2").write_text("Selesai.")
    (folder / "en" / "team.chat.j2").write_text("No chat has agents.")
    with pytest.raises(ConfigError) as error:
        load(folder)
    found = [(Path(each.file).name, each.message) for each in error.value.problems]
    assert found == [
        ("team.chat.j2", "is the template of no notice"),
        ("closing.chat.j2", "never prints 'number'"),
    ]
