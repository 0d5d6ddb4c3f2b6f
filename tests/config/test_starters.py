"""Test the starters of `mailbot init --from`: each is whole, speaks its trade's words, takes an admin's names."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mailbot.analysis.lint import checks
from mailbot.config import shipped, starters
from mailbot.config.api import FILES, init, load
from mailbot.config.checks.first_steps import find_remarks
from mailbot.config.starters import SHOP, STARTERS
from mailbot.mail.compose import macros
from mailbot.mail.compose.template_differences import find_differences
from mailbot.operations.validate_policy import validate
from tests.config.faults import TODAY
from tests.profile import sample

SMALL = [name for name in STARTERS if name != SHOP]
FOLDER = shipped.config() / "starters"
# What only a shop or a wallet says to its customers.
SHOP_WORDS = re.compile(
    r"(?i)\b(pesanan|barang|paket|resi|kurir|saldo|refund|promo|parcel|item|order|voucher|seller|wallet)\b"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write each starter to a folder of its name."""
    root = tmp_path_factory.mktemp("starters")
    for name in STARTERS:
        init(root / name, name)
    return root


def test_the_folders_are_the_starters_that_can_be_named() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(SMALL)


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_is_a_whole_configuration_whose_tests_pass(written: Path, name: str) -> None:
    found = validate(written / name, {}, TODAY)

    policy = found.loaded.policy
    assert len(found.loaded.tests) >= len(policy.rules)
    assert (found.loaded.unlabelled, macros.find_unknown(found.templates.macros, policy)) == ((), [])
    assert list(find_differences(written / name / "templates")) == []
    assert {"solved", "checking", "need-details"} <= set(found.templates.macros.by_name)


@pytest.mark.parametrize("name", SMALL)
def test_the_findings_on_a_small_starter_are_the_known_ones(written: Path, name: str) -> None:
    """Check for estimated holidays, and mail for the last rule; `test_shipped` has those of the shop."""
    found = checks.check(load(written / name, {}, today=TODAY).policy)

    assert {each.kind for each in found} == {"estimated-holidays", "gap"}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_starter_has_a_test_for_each_of_its_rules(written: Path, name: str) -> None:
    found = load(written / name, {}, today=TODAY)

    assert {rule.name for rule in found.policy.rules} == {
        expected.values[0] for test in found.tests for expected in test.expected if expected.key == "rule"
    }
    assert 1 <= len(found.policy.rules) <= 8
    assert 1 <= len(found.policy.teams) <= 2


def test_the_shop_is_what_is_shipped(written: Path) -> None:
    for folder in (shipped.config(), shipped.templates()):
        for path in (path for path in folder.rglob("*.*") if FOLDER not in path.parents):
            place = Path("templates") / path.relative_to(folder) if path.suffix == ".j2" else Path(path.name)
            assert (written / SHOP / place).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["clinic", "school"])
def test_no_text_for_customers_speaks_of_a_shop(written: Path, name: str) -> None:
    texts = customer_texts(written / name / "templates")
    assert texts
    assert {path: found[0] for path, text in texts.items() if (found := SHOP_WORDS.search(text))} == {}


@pytest.mark.parametrize("name", ["clinic", "school", "bank"])
def test_each_word_of_a_trade_stands_in_for_a_shipped_one(written: Path, name: str) -> None:
    words = YAML(typ="safe", pure=True).load(FOLDER / name / "starter.yaml")["words"]
    before = customer_texts(shipped.templates())
    after = customer_texts(written / name / "templates")
    for language, phrases in words.items():
        for old, new in phrases.items():
            assert {path.suffixes[-2] for path in holding(before, language, old)} >= {".txt", ".html"}, old
            assert holding(after, language, old) == [], old
            assert {path.suffixes[-2] for path in holding(after, language, new)} >= {".txt", ".html"}, new


def customer_texts(folder: Path) -> dict[Path, str]:
    """Return the texts that customers read, on one line each."""
    names = re.compile(rf"({'|'.join(starters.FOR_CUSTOMERS)})\.")
    return {
        path.relative_to(folder): " ".join(path.read_text().split())
        for path in folder.glob("*/*.j2")
        if path.parent.name == starters.MACROS or names.match(path.name)
    }


def holding(texts: dict[Path, str], language: str, phrase: str) -> list[Path]:
    pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")
    return [
        path
        for path, text in texts.items()
        if language in (path.parent.name, path.name.split(".")[1]) and pattern.search(text)
    ]


def test_no_line_of_a_plain_text_grew_too_long(written: Path) -> None:
    longest = max(map(len, (shipped.templates() / "id/acknowledgement.txt.j2").read_text().splitlines()))
    lines = [
        line
        for path in written.glob("*/templates/[ie]*/*.txt.j2")
        if path.name.startswith(starters.FOR_CUSTOMERS)
        for line in path.read_text().splitlines()
    ]
    assert [line for line in lines if len(line) > max(longest, 84)] == []


@pytest.mark.parametrize("name", STARTERS)
def test_what_a_new_configuration_lacks_is_named(written: Path, name: str) -> None:
    remarks = [str(each) for each in find_remarks(load(written / name, {}, today=TODAY))]

    assert ["teams.yaml" in remarks[0], "mailbot.yaml" in remarks[1], "trust" in remarks[2]] == [True] * 3


def test_nothing_is_remarked_once_the_addresses_are_real_and_a_host_is_trusted(written: Path) -> None:
    for path in (written / "empty" / name for name in ("teams.yaml", "mailbot.yaml")):
        text = path.read_text().replace(".example", ".co.id")
        path.write_text(text.replace("authserv_ids: []", "authserv_ids: [mail.kantor.co.id]"))

    assert list(find_remarks(load(written / "empty", {}, today=TODAY))) == []


@given(
    name=st.sampled_from(STARTERS),
    address=st.from_regex(r"[a-z#*&!'{][a-z0-9.#'{}]{0,8}[a-z]@[a-z]{2,9}\.(co\.)?id", fullmatch=True).filter(
        lambda text: ".." not in text
    ),
    brand=st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=20).filter(
        str.isprintable
    )
    | st.sampled_from(["TOKO TIKET", "Layanan BANK", "TokoDompet halo@klinik.example", 'Kopi "Kita": #1']),
    prefix=st.from_regex(r"[A-Z]{2,10}", fullmatch=True),
)
def test_the_admins_names_are_read_back_as_they_were_given(
    name: str, address: str, brand: str, prefix: str
) -> None:
    file, text = next(starters.files(name, {"address": address, "brand": brand, "prefix": prefix}))
    [box] = YAML(typ="safe", pure=True).load(text)["mailboxes"]

    assert file == "mailbot.yaml"
    assert (box["address"], box["brand"], box["prefix"]) == (address, brand, prefix)


def test_the_starter_of_a_configuration_is_remembered(written: Path, tmp_path: Path) -> None:
    assert {name: starters.recorded(written / name) for name in STARTERS} == {name: name for name in STARTERS}
    assert starters.recorded(tmp_path) == ""


@pytest.mark.parametrize("name", sample(STARTERS, 2))
def test_init_adds_what_is_missing_and_never_overwrites(tmp_path: Path, name: str) -> None:
    first = init(tmp_path, name)
    assert {path.name for path in first.written} >= set(FILES)
    (tmp_path / "teams.yaml").write_text("mine")
    (tmp_path / "routing.yaml").unlink()
    again = init(tmp_path, name)

    assert again.written == (tmp_path / "routing.yaml",)
    assert (tmp_path / "teams.yaml").read_text() == "mine"
    assert set(first.written) == {*again.written, *again.left}
