"""Test the shipped configuration: it loads, can be written out, and fails only with ConfigError."""

import json
import shutil
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailbot.analysis.lint import checks
from mailbot.config import shipped
from mailbot.config.api import FILES, init, load, schema
from mailbot.domain.policy import Policy
from mailbot.domain.routing.conditions import FIELDS, RoutingFacts, match_rules, operators_of
from mailbot.domain.routing.operators import OPERATORS
from mailbot.errors import ConfigError
from tests.config.faults import TODAY, lay
from tests.profile import sample


def test_the_shipped_configuration_has_no_problem() -> None:
    found = load(shipped.config(), {}, today=TODAY)
    assert list(found.policy.mailboxes) == ["support@dukungan.example"]
    assert len(found.policy.rules) >= 30
    assert len(found.tests) >= 60
    assert set(found.policy.ladder_of) == {"low", "normal", "high", "urgent"}
    assert all("estimates" in warning.message for warning in found.warnings)
    assert found.unlabelled == ()
    assert found.settings.templates == shipped.templates()


def test_the_findings_on_the_shipped_policy_are_the_known_ones() -> None:
    """Check for the known findings: estimated holidays, mail for the last rule, a grave rule below praise."""
    found = checks.check(load(shipped.config(), {}, today=TODAY).policy)
    assert {each.kind for each in found} - {"graver-below"} == {"estimated-holidays", "gap"}


MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Jakarta"))
COMPLAINTS = [
    ("Saldo terpotong tapi pesanan gagal", "Sudah bayar 250.000 semalam.", "failed payment"),
    ("Top up belum masuk", "Saya top up Rp100.000 jam 10 pagi", "top-up not received"),
    ("My card was charged twice", "Order 1234", "paid twice"),
    ("Kode OTP tidak terkirim", "Tolong bantu", "locked account or no OTP"),
    ("Paket belum sampai", "Sudah seminggu", "late or lost delivery"),
    ("Barang rusak", "Layar pecah", "damaged goods"),
    ("Salah kirim", "Pesan merah, datang biru", "wrong or missing item"),
    ("Minta refund", "", "refund"),
    ("Akun saya dibajak", "", "fraud or stolen account"),
    ("Akan saya laporkan ke OJK", "saldo terpotong", "failed payment"),  # beside the threat, which goes on
    ("Somasi", "saldo terpotong", "lawyer or authority"),
    ("Wartawan Kompas", "Mohon tanggapan untuk berita besok.", "press"),
    ("Halo", "mau tanya jam buka", "everything else"),
    ("Rapat direksi", "Proyek kita berjalan", "everything else"),  # "OJK" only as a word: not inside "proyek"
]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load(shipped.config(), {}, today=TODAY).policy


@pytest.mark.parametrize(("subject", "text", "rule"), COMPLAINTS)
def test_a_complaint_finds_its_shipped_rule(policy: Policy, subject: str, text: str, rule: str) -> None:
    facts = RoutingFacts(
        subject, text, "siti@pelanggan.example", "support@dukungan.example", "id", (), (), 2000,
        MONDAY,
    )  # fmt: skip
    assert policy.rules[match_rules(policy.rules, facts)[-1].rule_index].name == rule


def test_init_writes_a_directory_that_loads_and_never_overwrites(tmp_path: Path) -> None:
    target = tmp_path / "etc" / "mailbot"
    first = init(target)
    assert {path.name for path in first.written} >= {*FILES, "vip.txt"}
    assert first.left == ()
    found = load(target, {}, today=TODAY)
    assert found.settings.templates == target / "templates"
    (target / "teams.yaml").write_text("mine")
    (target / "routing.yaml").unlink()
    again = init(target)
    assert again.written == (target / "routing.yaml",)
    assert (target / "teams.yaml").read_text() == "mine"


def refused(directory: Path) -> bool:
    try:
        load(directory, {}, today=TODAY)
    except ConfigError as refusal:
        return len(refusal.problems) > 0
    return False


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_file_cut_anywhere_loads_or_is_a_config_error(name: str, tmp_path: Path) -> None:
    for each in (*FILES, "vip.txt"):
        shutil.copyfile(shipped.config() / each, tmp_path / each)
    whole = (tmp_path / name).read_bytes()
    outcomes = [cut(tmp_path / name, whole[:length]) for length in sample(range(0, len(whole), 50), 6)]
    assert outcomes[0]
    assert sum(outcomes) > len(outcomes) / 4


@pytest.mark.parametrize("name", FILES)
def test_a_small_file_cut_at_each_third_byte_loads_or_is_a_config_error(name: str, tmp_path: Path) -> None:
    whole = (lay(tmp_path) / name).read_bytes()
    outcomes = [cut(tmp_path / name, whole[:length]) for length in sample(range(0, len(whole), 3), 40)]
    assert sum(outcomes) > len(outcomes) / 2


def cut(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    return refused(path.parent)


def test_the_version_changes_only_with_what_decides(tmp_path: Path) -> None:
    init(tmp_path)
    before = load(tmp_path, {}, today=TODAY).policy.version
    text = (tmp_path / "mailbot.yaml").read_text()
    (tmp_path / "mailbot.yaml").write_text(text.replace("sessions: 200", "sessions: 201"))
    assert load(tmp_path, {}, today=date(2027, 1, 1)).policy.version == before
    versions = {before}
    (tmp_path / "mailbot.yaml").write_text(text.replace("5 per day", "6 per day"))
    versions.add(load(tmp_path, {}, today=TODAY).policy.version)
    for path in (tmp_path / "routing.yaml", next((tmp_path / "templates").glob("*/*.j2"))):
        path.write_text(path.read_text() + "\n")
        versions.add(load(tmp_path, {}, today=TODAY).policy.version)
    assert len(versions) == 4
    assert all(len(version) == 12 for version in versions)


def test_each_schema_is_json_and_names_every_field() -> None:
    for name, words in {
        "mailbot": ("listen", "store", "relay", "mailboxes", "prefix", "answers", "limits"),
        "teams": ("levels", "teams", "agents", "languages"),
        "routing": (*FIELDS, "any", "all", "none", "urgency"),
        "escalation": ("calendars", "ladders", "acknowledge_within", "tell_customer", "collective_leave"),
    }.items():
        found = json.loads(json.dumps(schema(f"{name}.yaml")))
        defined = {key for shape in [found, *found["$defs"].values()] for key in shape.get("properties", {})}
        assert set(words) <= defined
        assert schema(name) == found


def test_the_schema_of_a_condition_knows_the_operators_of_each_field() -> None:
    when = schema("routing")["$defs"]["When"]["properties"]
    assert {name: tuple(when[name]["properties"]) for name in FIELDS} == {
        name: operators_of(name) for name in FIELDS
    }
    assert {operator for name in FIELDS for operator in when[name]["properties"]} == set(OPERATORS)


def test_every_field_of_every_file_is_documented() -> None:
    for name in FILES:
        found = schema(name)
        for shape in [found, *found["$defs"].values()]:
            for key, field in shape.get("properties", {}).items():
                assert field.get("description"), (name, key)
