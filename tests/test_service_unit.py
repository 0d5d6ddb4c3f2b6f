"""The systemd units as systemd judges them: `verify` exits 0 on unknown keys, so its words are read."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent / "systemd"
EXPOSED_AT_MOST = 1.5

pytestmark = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


def analyze(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def complaints(directory: Path, extra: str = "") -> list[str]:
    """What `verify` has to say on our units, with a program that exists here in place of mailbot."""
    service = (UNITS / "mailbot.service").read_text()
    service = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", service, flags=re.M)
    (directory / "mailbot.service").write_text(service.replace("[Service]\n", f"[Service]\n{extra}", 1))
    shutil.copy(UNITS / "mailbot.socket", directory)
    said = analyze("verify", directory / "mailbot.service", directory / "mailbot.socket")
    return [line for line in said.splitlines() if "mailbot" in line]


def exposure(unit: Path) -> float:
    said = analyze("security", "--offline=yes", unit)
    figure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert figure, said
    return float(figure[1])


def test_systemd_understands_every_line_of_the_units(tmp_path: Path) -> None:
    assert complaints(tmp_path) == []


@pytest.mark.parametrize("wrong", ["ProtectHomes=yes\n", "Restart=on-failures\n"])
def test_a_wrong_line_would_be_noticed(tmp_path: Path, wrong: str) -> None:
    assert len(complaints(tmp_path, wrong)) == 1


def test_the_service_is_exposed_no_more_than_promised(tmp_path: Path) -> None:
    assert exposure(UNITS / "mailbot.service") <= EXPOSED_AT_MOST
    bare = tmp_path / "mailbot.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert exposure(bare) > EXPOSED_AT_MOST


def settings(unit: str) -> dict[str, str]:
    lines = (UNITS / unit).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_service_is_what_the_daemon_relies_on() -> None:
    service = settings("mailbot.service")
    assert service["Type"] == "notify"  # notify-reload needs systemd 253
    assert service["ExecReload"].endswith("-HUP $MAINPID")
    assert service["RestartPreventExitStatus"] == "78"  # a configuration that was refused
    assert int(service["TimeoutStopSec"]) > 90  # promise P9: the drain
    assert int(service["WatchdogSec"]) > 0


def test_the_socket_hands_over_port_25() -> None:
    socket = settings("mailbot.socket")
    assert socket["ListenStream"] == "25"
    assert socket["FileDescriptorName"] == "smtp"
