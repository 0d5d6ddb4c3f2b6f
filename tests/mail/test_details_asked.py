"""An acknowledgement requests missing details in the reader's language, and rules choose its variant."""

import shutil
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot.domain.decisions import on_mail
from mailbot.domain.notices import Acknowledgement
from mailbot.domain.policy import Actions, Detail, Rule
from mailbot.errors import ConfigError
from mailbot.mail.compose.templates import Templates, load
from tests.builders import NOW, envelope, facts, mail, policy
from tests.mail.test_compose import ACKNOWLEDGEMENT, NUMBER, composer, sent

SHIPPED = Path(__file__).parents[2] / "templates"
ORDER = {"id": "nomor pesanan", "en": "order number"}
TRACKING = {"id": "nomor resi <JNE & J&T>", "en": "tracking number <JNE & J&T>"}
REQUEST = replace(ACKNOWLEDGEMENT, needed=(ORDER, TRACKING))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "templates")
    return tmp_path / "templates"


def parts(notice: Acknowledgement, templates: Templates | None = None) -> tuple[EmailMessage, str, str]:
    _, read = sent(notice, composer(templates=templates) if templates else composer())
    leaves = [part for part in read.walk() if not part.is_multipart()]
    texts = {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in leaves}
    return read, texts["text/plain"], texts["text/html"]


@pytest.mark.parametrize(("language", "first"), [("id", "nomor pesanan"), ("en", "order number")])
def test_details_are_requested_in_the_readers_language(language: str, first: str) -> None:
    _, text, html = parts(replace(REQUEST, language=language))

    assert f"\n  - {first}\n" in text
    assert f">{first}</li>" in html
    assert "&lt;JNE &amp; J&amp;T&gt;" in html
    assert text.count("  - ") == html.count("<li") == 2


def test_a_reader_of_unknown_language_is_asked_in_both() -> None:
    _, text, _ = parts(replace(REQUEST, language=""))

    assert text.index("  - nomor pesanan") < text.index("  - order number")


def test_without_missing_details_nothing_is_requested() -> None:
    assert "  - " not in parts(ACKNOWLEDGEMENT)[1]


@pytest.mark.parametrize("source", ["Nomor: {{ number }}", "{{ number }}\n{% if needed %}x{% endif %}"])
def test_the_request_is_appended_to_a_template_without_it(folder: Path, source: str) -> None:
    for language in ("id", "en"):
        for kind in ("txt", "html"):
            (folder / language / f"acknowledgement.{kind}.j2").write_text(source)
    _, text, html = parts(REQUEST, load(folder))

    assert text.endswith("mohon balas email ini dengan:\n  - nomor pesanan\n  - nomor resi <JNE & J&T>\n")
    assert "<p>Supaya cepat kami bantu" in html
    assert "- nomor resi &lt;JNE &amp; J&amp;T&gt;</p>" in html


def test_the_fallback_text_requests_details_too() -> None:
    broken = replace(load(SHIPPED), compiled={})
    strange = replace(REQUEST, needed=({"id": "{kurung}", "en": "{brace}"},))
    out, read = sent(strange, composer(templates=broken))

    assert out.fallback
    assert "  - {kurung}" in read.get_content()
    assert NUMBER in read.get_content()


def write(folder: Path, variant: str, languages: tuple[str, ...] = ("id", "en")) -> None:
    for language in languages:
        for kind in ("subject", "txt", "html"):
            (folder / language / f"acknowledgement.{variant}.{kind}.j2").write_text(
                f"{language} {{{{ number }}}} {variant}"
            )


def test_a_variant_is_used_only_where_a_rule_chose_it(folder: Path) -> None:
    write(folder, "vip")
    templates = load(folder)

    assert parts(replace(ACKNOWLEDGEMENT, template="vip"), templates)[1] == f"id {NUMBER} vip\n"
    assert "vip" not in parts(ACKNOWLEDGEMENT, templates)[1]


def test_a_variant_that_a_reload_removed_is_replaced_by_the_plain_one() -> None:
    assert parts(replace(ACKNOWLEDGEMENT, template="gone"))[1] == parts(ACKNOWLEDGEMENT)[1]


def test_a_variant_must_exist_in_every_language(folder: Path) -> None:
    write(folder, "vip", ("id",))
    with pytest.raises(ConfigError) as refused:
        load(folder)

    found = [
        (problem.file.rpartition("templates/")[2], problem.message) for problem in refused.value.problems
    ]
    missing = [f"en/acknowledgement.vip.{kind}.j2" for kind in ("html", "subject", "txt")]
    assert sorted(found) == [(file, "this template is missing") for file in missing]


def test_a_variant_is_checked_like_any_template(folder: Path) -> None:
    write(folder, "vip")
    (folder / "id" / "acknowledgement.vip.txt.j2").write_text("{{ sender }}")
    with pytest.raises(ConfigError, match="there is no 'sender' here"):
        load(folder)


def test_only_details_missing_in_the_mail_are_requested_and_none_is_repeated() -> None:
    labels = {"order": ORDER, "tracking": TRACKING}
    details = {
        name: Detail(name, label, r"\b(INV-[0-9]+)\b" if name == "order" else "")
        for name, label in labels.items()
    }
    rule = Rule("all", None, Actions(team="frontline", ask_for=("order", "tracking"), template="vip"))
    standing = policy(rules=(rule,), details=details)

    def asked(text: str) -> Acknowledgement:
        decided = on_mail(None, mail(text=text, visible=text), envelope(), facts(), standing, NOW)
        notice = decided.decision.notices[0]
        assert isinstance(notice, Acknowledgement)
        return notice

    assert asked("Pesanan saya belum sampai.").needed == (ORDER, TRACKING)
    assert asked("Pesanan INV-2291 belum sampai.").needed == (TRACKING,)
    assert asked("Pesanan INV-2291 belum sampai.").template == "vip"
    assert "INV-2291" not in parts(asked("Pesanan INV-2291 belum sampai."))[1]
