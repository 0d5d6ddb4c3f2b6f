"""What is wrong with a node: each trouble is named, shown as a metric, and fires the alert that is for it."""

import json
import re
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from prometheus_client import generate_latest
from ruamel.yaml import YAML

from mailbot.channels.smtp.certificate import certificate_end
from mailbot.config.model import Limits
from mailbot.errors import StoreUnavailable
from mailbot.metrics import Figures, Metrics
from mailbot.store.store import Store
from mailbot.workers.health import troubles
from mailbot.workers.health.health import Health
from mailbot.workers.health.store_probe import StoreProbe
from mailbot.workers.health.troubles import FEW_INODES, LONG_WRITE, Code, Space
from tests.alerts import ALERTS, BOARD, fires, metric_names
from tests.channels.smtp_client import settings

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PAGE = ALERTS.parent / "monitoring.md"
RULES: list[dict[str, Any]] = YAML(typ="safe").load(ALERTS)["groups"][0]["rules"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do_and_links_to_its_section(rule: Mapping[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert page == "docs/operations/monitoring.md"
    heads = re.findall(r"^### (.*)$", PAGE.read_text(), re.MULTILINE)
    assert anchor in {head.lower().replace(" ", "-") for head in heads}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["what_to_do"].endswith(".")
    assert rule["labels"]["severity"] in {"page", "ticket", "info"}


def test_each_kind_of_trouble_has_its_alert_and_its_section() -> None:
    anchors = {rule["annotations"]["runbook"].partition("#")[2] for rule in RULES}
    assert {code.replace("_", "-") for code in Code} <= anchors


def test_every_metric_of_the_alerts_and_of_the_board_exists() -> None:
    shown = {sample.name for family in Metrics().registry.collect() for sample in family.samples} | {
        family.name for family in Metrics().registry.collect()
    }
    total = {f"{name}_total" for name in shown} | {f"{name}_bucket" for name in shown}
    board = json.loads(BOARD.read_text())
    used = [rule["expr"] for rule in RULES]
    used += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    names = {name for expression in used for name in metric_names(expression)}
    assert len(names) > 25
    assert names - shown - total == {"up"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Debian's package prometheus")
def test_promtool_accepts_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", ALERTS], check=True, capture_output=True)


@dataclass
class Node:
    """A node whose parts are set by hand. `clock` is monotonic."""

    folder: Path
    stuck: list[str] = field(default_factory=list)
    clock: float = 100.0
    certificate: Path | None = None
    needed: int = 0
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.probe = StoreProbe(monotonic=lambda: self.clock)
        self.write = ExitStack()  # one that has not ended

    def health(self) -> Health:
        health = Health(
            Store(f"sqlite:///{self.folder}/mailbot.db"),
            settings(Limits(free_space=self.needed)),
            self.probe,
            stuck=lambda: self.stuck,
            disk=self.folder,
            now=lambda: NOW,
        )
        health.certificate_end = lambda: certificate_end(self.certificate)
        health.door = lambda: 3
        return health

    def alerts(self, health: Health) -> set[str]:
        """Return which rules fire on what this node shows. Those of the store's figures are tried on a daemon."""
        self.metrics.show(Figures())
        health.show(self.metrics)
        scraped = generate_latest(self.metrics.registry).decode()
        rules = [rule for rule in RULES if "up{" not in rule["expr"] and rule["alert"] != "MailbotOldSqlite"]
        return {rule["alert"] for rule in rules if fires(rule["expr"], scraped)}


def test_a_healthy_node_has_no_trouble_and_no_alert(tmp_path: Path) -> None:
    node = Node(tmp_path)
    health = node.health()
    assert [each for each in health.troubles() if each.code is not Code.OLD_SQLITE] == []
    assert node.alerts(health) == set()


def stuck_loop(node: Node) -> None:
    node.stuck.append("delivery")


def failed_write(node: Node) -> None:
    with suppress(StoreUnavailable), node.probe.measure():
        raise StoreUnavailable("database is locked")


def hanging_write(node: Node) -> None:
    node.write.enter_context(node.probe.measure())
    node.clock += LONG_WRITE + 1


def full_disk(node: Node) -> None:
    node.needed = 1 << 60


def ending_certificate(node: Node) -> None:
    node.certificate = node.folder / "cert.pem"
    issued = trustme.CA().issue_cert("mx.dukungan.example", not_after=NOW + timedelta(days=13))
    issued.cert_chain_pems[0].write_to_path(node.certificate)


@pytest.mark.parametrize(
    ("fault", "alerts", "text"),
    [
        (stuck_loop, {"MailbotLoopStuck"}, "delivery is stuck"),
        (failed_write, {"MailbotStoreSilent"}, "the store takes no writes (database is locked)"),
        (hanging_write, {"MailbotStoreSilent"}, "a write to the store has waited for 11 s"),
        (full_disk, {"MailbotDiskFull", "MailbotDiskFilling"}, "MB are free where the store is"),
        (ending_certificate, {"MailbotCertificateEnds"}, "ends on 2026-12-11 12:00 UTC"),
    ],
)
def test_a_fault_of_a_node_is_named_and_fires_its_alert(
    tmp_path: Path, fault: Callable[[Node], None], alerts: set[str], text: str
) -> None:
    node = Node(tmp_path)
    fault(node)
    health = node.health()
    assert text in health.troubles()[0].text
    assert node.alerts(health) == alerts


def test_a_full_door_is_named_from_nine_tenths_of_the_sessions_on(tmp_path: Path) -> None:
    node = Node(tmp_path)
    health = node.health()
    for sessions, alerts in ((179, set()), (180, {"MailbotDoorFull"})):
        health.door = lambda sessions=sessions: sessions
        assert node.alerts(health) == alerts


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used, _ = troubles.count_descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 2, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_descriptors")
def test_few_descriptors_are_named_before_there_are_none(tmp_path: Path) -> None:
    node = Node(tmp_path)
    health = node.health()
    assert health.published() == [each.text for each in health.troubles() if each.code is Code.DESCRIPTORS]
    assert node.alerts(health) == {"MailbotDescriptorsShort"}


def test_what_others_know_is_asked_each_time(tmp_path: Path) -> None:
    node, said = Node(tmp_path), [""]
    health = node.health()
    health.name_trouble(Code.RELAY, lambda: said[0])
    assert node.alerts(health) == set()
    said[0] = "the relay refuses all mail"
    assert (node.alerts(health), health.published()) == ({"MailbotRelayTrouble"}, said)


def test_while_the_store_hangs_no_loop_counts_as_stuck(tmp_path: Path) -> None:
    """They wait for it, and a restart would wait as well; the watchdog and /livez ask just this."""
    node = Node(tmp_path, stuck=["intake"])
    health = node.health()
    assert health.stuck_loops() == ["intake"]
    with node.probe.measure():
        node.clock += LONG_WRITE + 1
        assert (health.stuck_loops(), node.alerts(health)) == ([], {"MailbotStoreSilent"})
    assert health.stuck_loops() == ["intake"]


@pytest.mark.parametrize(
    ("space", "full"),
    [
        (Space(1000), False),
        (Space(999), True),
        (Space(1000, FEW_INODES - 1), True),
        (Space(1000, FEW_INODES), False),
        (Space(), False),  # a server looks after its own disk
    ],
)
def test_a_disk_is_full_by_bytes_or_by_inodes(space: Space, full: bool) -> None:
    assert bool(troubles.full_disk(space, 1000)) is full


@pytest.mark.parametrize(
    ("version", "old"), [((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((4, 0), False)]
)
def test_sqlite_is_old_before_the_mend_of_its_log(version: tuple[int, ...], old: bool) -> None:
    assert bool(troubles.old_sqlite(version)) is old
