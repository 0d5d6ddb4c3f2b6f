"""`mailbot console`: links that operators hand over, and who is logged in."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mailbot.cli.shared.open_store import now
from mailbot.store.console import sessions
from tests.cli.test_merge import Shell
from tests.console.office import Office
from tests.console.test_log_in_link import CSRF

AYU = "ayu.lestari@staf.dukungan.example"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    settings = tmp_path / "config" / "mailbot.yaml"
    settings.write_text(
        f"{settings.read_text()}\npublic_url: https://desk.example\nconsole: 127.0.0.1:8025\n"
    )
    yield made
    made.store.close()


async def test_a_link_from_the_shell_logs_a_person_in_once_in_any_browser(shell: Shell) -> None:
    made = shell.shown("console", "link", AYU.upper())
    assert made["address"] == AYU
    link = urlsplit(made["url"])
    assert (link.scheme, link.netloc, link.path) == ("https", "desk.example", "/login/link")
    shell.desk.clock = now()
    office = Office(shell.store, intake=shell.desk)
    async with office.visitor() as ayu, office.visitor() as other:
        page = await ayu.get(f"{link.path}?{link.query}")
        ayu.csrf, key = CSRF.search(page.text)[1], link.query.removeprefix("key=")
        assert (await ayu.client.post(link.path, data={"key": key})).status_code == 403
        assert (await ayu.post(link.path, {"key": key})).status_code == 303
        other.csrf = CSRF.search((await other.get("/login")).text)[1]
        assert (await other.post(link.path, {"key": key})).status_code == 403


def test_a_link_is_for_agents_and_admins_of_a_console_that_is_on(shell: Shell, tmp_path: Path) -> None:
    assert "neither an agent nor an admin" in shell.run("console", "link", "budi@x.example", code=1)
    settings = tmp_path / "config" / "mailbot.yaml"
    settings.write_text(settings.read_text().replace("console: 127.0.0.1:8025", ""))
    assert "the console is off" in shell.run("console", "link", AYU, code=1)


def test_sessions_are_listed_and_ended(shell: Shell) -> None:
    assert shell.shown("console", "sessions") == []
    for secret in ("one", "two"):
        shell.store.write_now(sessions.add, sessions.begin(secret, AYU, "link", now()))
    assert [each["way"] for each in shell.shown("console", "sessions")] == ["link", "link"]
    assert "digest" not in shell.run("console", "sessions", "--json")
    assert "2 sessions ended" in shell.run("console", "sessions", "--end", AYU)
    assert shell.shown("console", "sessions") == []
    assert "is not logged in" in shell.run("console", "sessions", "--end", AYU, code=1)
