"""Forms in mailbot.yaml: what is built of them, and what is refused with its place."""

import re
import shutil
from pathlib import Path

import pytest

from mailbot.config import shipped
from mailbot.config.api import load, load_to_decide
from mailbot.domain.web_forms.model import FieldKind
from mailbot.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "channels" / "form.md"
PAGES = "console: 127.0.0.1:8025\npublic_url: https://bantuan.example\n"
FORM = """forms:
  - name: kontak
    mailbox: support@dukungan.example
    title: {id: Hubungi kami, en: Contact us}
    embed_on: [https://Toko.example, "http://localhost:8000"]
    fields:
      - name: pesanan
        label: {id: Nomor pesanan, en: Order number}
        pattern: INV-[0-9]{6}
        example: INV-204815
        required: yes
        detail: order_number
      - name: perihal
        label: {id: Perihal, en: About}
        kind: choice
        subject: yes
        options:
          retur: {id: Retur, en: Return, tag: return}
          lain: {id: Lainnya, en: Something else}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped.config(), tmp_path / "config"))


def add(directory: Path, text: str) -> Path:
    with (directory / "mailbot.yaml").open("a") as file:
        file.write(f"\n{text}\n")
    return directory


def faults(directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        load(directory, {})
    return [f"{each.message} | {each.hint}" for each in refusal.value.problems]


def test_without_a_word_about_them_there_are_no_forms(directory: Path) -> None:
    assert load(directory, {}).policy.web_forms == {}


def test_a_form_has_the_fields_of_the_yaml(directory: Path, tmp_path: Path) -> None:
    loaded = load(add(directory, PAGES + FORM), {})
    form = loaded.policy.web_forms["kontak"]
    assert form.titles == {"id": "Hubungi kami", "en": "Contact us"}
    assert form.embed_on == ("https://toko.example", "http://localhost:8000")
    assert (form.files, form.confirm, form.languages) == (True, True, ("id", "en"))
    order, about = form.fields
    assert (order.kind, order.required, order.detail) == (FieldKind.TEXT, True, "order_number")
    assert [(each.value, each.tag) for each in about.options] == [("retur", "return"), ("lain", "")]
    assert about.is_subject
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    load_to_decide(directory, env)
    assert load_to_decide(directory, env).policy.web_forms == loaded.policy.web_forms


def test_a_form_that_changes_is_another_policy(directory: Path) -> None:
    before = load(add(directory, PAGES + FORM), {}).policy.version
    path = directory / "mailbot.yaml"
    path.write_text(path.read_text().replace("Hubungi kami", "Tulis kepada kami"))
    assert load(directory, {}).policy.version != before


def test_the_brand_is_the_title_where_none_is_written(directory: Path) -> None:
    add(directory, PAGES + "forms: [{name: kontak, mailbox: support@dukungan.example}]")
    assert load(directory, {}).policy.web_forms["kontak"].titles["id"] == "TokoDompet"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (PAGES, "", "a form needs the pages | console: 127.0.0.1:8025"),
        (
            "public_url: https://bantuan.example\n",
            "",
            "the mail that confirms an address needs a link | public_url: https://bantuan.example",
        ),
        ("support@dukungan", "suport@dukungan", "there is no mailbox `suport@dukungan.example`"),
        ("detail: order_number", "detail: order_numbr", "there is no detail `order_numbr`"),
        ("kind: choice", "kind: text", "a field of kind `text` has no options | kind: choice"),
        ("kind: choice", "kind: chioce", "`chioce`"),
        ("INV-204815", "ORD-204815", "`ORD-204815` does not match the pattern of its field"),
        ("INV-[0-9]{6}", "INV-[0-9", "is not an RE2 pattern"),
        ("name: perihal", "name: pesanan", "two fields have the same name"),
        ("example: INV-204815", "subject: yes", "two fields have the same subject"),
        ("name: kontak", "name: Kontak/../admin", "is not a name for an address"),
        ("https://Toko.example", "https://toko.example/hubungi", "has more than a host | an origin means"),
        ("https://Toko.example", "http://toko.example", "what customers write must not be read on the way"),
        ("https://Toko.example", "https://toko.example; script-src *", "is not a domain"),
        ("http://localhost:8000", "http://localhost:8000; script-src *", "has no port behind its host"),
        ("https://Toko.example", "'*'", "is not an address of the web"),
    ],
)
def test_a_faulty_form_is_refused(directory: Path, old: str, new: str, fault: str) -> None:
    text = PAGES + FORM
    assert old in text
    found = faults(add(directory, text.replace(old, new, 1)))
    assert any(fault in each for each in found), found


def test_no_two_forms_share_a_name(directory: Path) -> None:
    second = FORM.removeprefix("forms:\n")
    assert "is the name of two forms" in faults(add(directory, PAGES + FORM + second))[0]


def test_without_a_confirmed_address_no_link_is_needed(directory: Path) -> None:
    text = "console: 127.0.0.1:8025\n" + FORM.replace("    fields:", "    confirm: no\n    fields:")
    assert not load(add(directory, text), {}).policy.web_forms["kontak"].confirm


def test_the_forms_of_the_page_and_of_the_shipped_comment_load(directory: Path) -> None:
    (on_the_page,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    shipped_lines = (directory / "mailbot.yaml").read_text().splitlines()
    start = shipped_lines.index("# forms:")
    comment = "\n".join(line.removeprefix("# ") for line in shipped_lines[start : start + 9])
    text = (directory / "mailbot.yaml").read_text()
    for forms in (on_the_page, comment):
        (directory / "mailbot.yaml").write_text(f"{text}\n{PAGES}{forms}")
        assert len(load(directory, {}).policy.web_forms["kontak"].fields) in (1, 2)
