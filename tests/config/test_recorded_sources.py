"""Test that a policy can be built again from its recorded sources."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from mailbot.config.api import FILES, Sources, load, load_policy, load_sources
from mailbot.errors import ConfigError
from tests.config.faults import TODAY, brief, lay

ROOT = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


def test_the_shipped_policy_loads_again_from_its_sources(directory: Path) -> None:
    loaded = load(directory, {}, today=TODAY)
    shutil.rmtree(directory)

    again = load_sources(loaded.sources, {}, TODAY)

    assert again.policy == loaded.policy
    assert again.sources == loaded.sources


def with_list(directory: Path) -> Path:
    (directory / "vip.txt").write_text("budi@pelanggan.example\n")
    routing = lay(directory) / "routing.yaml"
    routing.write_text(f"lists: {{vip: vip.txt}}\n{routing.read_text()}")
    return directory


def test_everything_that_decides_is_in_the_sources(tmp_path: Path) -> None:
    sources = load(with_list(tmp_path), {}, today=TODAY).sources

    assert set(sources.files) == {*FILES, "vip.txt"}
    assert sources.files["vip.txt"] == "budi@pelanggan.example\n"
    assert "id/acknowledgement.txt.j2" in sources.templates


def test_another_list_is_another_version(tmp_path: Path) -> None:
    before = load(with_list(tmp_path), {}, today=TODAY).policy.version
    (tmp_path / "vip.txt").write_text("siti@pelanggan.example\n")

    assert load(tmp_path, {}, today=TODAY).policy.version != before


def test_holidays_are_those_of_the_time_when_the_policy_was_in_force(directory: Path) -> None:
    sources = load(directory, {}, today=TODAY).sources

    now, then = (load_sources(sources, {}, date(year, 11, 21)).policy for year in (2026, 2016))

    assert now.version == then.version
    assert any(day.year == 2016 for each in then.calendars.values() for day in each.dates)
    assert not any(day.year == 2016 for each in now.calendars.values() for day in each.dates)


def test_recorded_sources_pass_the_same_checks(tmp_path: Path) -> None:
    sources = load(lay(tmp_path), {}, today=TODAY).sources
    spoilt = sources.files["routing.yaml"].replace("team: frontline", "team: frontlin")

    with pytest.raises(ConfigError) as refusal:
        load_sources(Sources({**sources.files, "routing.yaml": spoilt}, sources.templates), {}, TODAY, "v1")

    assert [brief(each).split(": ", 1)[1] for each in refusal.value.problems] == [
        "there is no team `frontlin` | did you mean `frontline`?"
    ]
    assert refusal.value.problems[0].file == "v1/routing.yaml"


def test_a_policy_that_is_only_tried_needs_no_certificate(tmp_path: Path) -> None:
    mailbot = lay(tmp_path) / "mailbot.yaml"
    mailbot.write_text(f"{mailbot.read_text()}\ntls: {{certificate: missing.pem, key: missing.key}}\n")

    assert load_policy(tmp_path, {}, today=TODAY).policy.rules
    with pytest.raises(ConfigError):
        load(tmp_path, {}, today=TODAY)
