"""A new policy on the admins' pages: tried by the shell's commands, then put in force with what `reload` does."""

import asyncio
import io
import os
import re
import socket
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailbot.config import starters
from mailbot.config.api import load
from mailbot.console.admin.trials import State, Trial
from mailbot.console.app import build
from mailbot.operations.reload import Reloader
from mailbot.store import policies
from mailbot.store.migrate import upgrade
from mailbot.store.service import nodes
from mailbot.store.store import Store
from tests.console.office import Office, Visitor

ADMIN = "ayu@kantor.example"
FAULTY = "rules:\n  - name: everything\n    then: {category: general, team: nobody}\n"


class Shop(Office):
    """An office whose configuration is in files of its own, with a daemon's reload."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config"
        starters.init(self.config, "empty")
        machine = self.config / "mailbot.yaml"
        machine.write_text(machine.read_text().replace("admin@kantor.example", ADMIN))
        url = f"sqlite:///{folder}/mailbot.db"
        upgrade(url)
        self.loaded = load(self.config, {"MAILBOT_STORE": url})
        policy = {
            name: getattr(self.loaded.policy, name)
            for name, each in self.loaded.policy.__dataclass_fields__.items()
            if each.init
        }
        super().__init__(Store(url), **policy)
        self.desk = replace(self.desk, settings=self.loaded.settings, reload=self._reload)
        self.app = build(self.desk)
        node = nodes.Node("n1", socket.gethostname(), os.getpid(), "", self.intake.clock, "")
        self.store.write_now(nodes.register, node)
        self._reloader = Reloader(self.desk.deps, self.loaded, {"MAILBOT_STORE": url}, "n1", None)
        self.reloads = 0
        sources = self.loaded.sources
        active = policies.ActivePolicy(
            self.loaded.policy.version, self.intake.clock, {}, sources.files, sources.templates
        )
        self.store.write_now(policies.record_active, active)

    def _reload(self) -> None:
        self.reloads += 1
        self._task = asyncio.ensure_future(self._reload_now())

    async def _reload_now(self) -> None:
        await self._reloader.record_result(await self._reloader.reload())

    @property
    def routing(self) -> str:
        return (self.config / "routing.yaml").read_text()

    def renamed(self) -> str:
        """Return a routing.yaml with another label."""
        return self.routing.replace("en: Everything", "en: Every matter")

    def trial(self, location: str) -> Trial:
        found = self.desk.admin.trials.find(location.rpartition("/")[2])
        assert found
        return found


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    made = Shop(tmp_path)
    yield made
    await made.desk.admin.trials.close()
    made.store.close()


async def _upload(admin: Visitor, **files: str | bytes) -> Any:
    """Send files; `__` in a keyword stands for a dot, `_0_` for a slash."""
    named = {name.replace("__", ".").replace("_0_", "/"): content for name, content in files.items()}
    parts = [("files", (name, content)) for name, content in named.items()]
    return await admin.post("/admin/try", files=parts)


async def _checked(shop: Shop, location: str, steps: int = 1) -> Trial:
    trial = shop.trial(location)
    await _until(lambda: all(step.state not in (State.WAITS, State.RUNS) for step in trial.steps[:steps]))
    return trial


async def _in_force(trial: Trial) -> None:
    await _until(lambda: trial.result is not None and not trial.result.waits)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - a process and a thread are waited for
            await asyncio.sleep(0.05)


async def _once(admin: Visitor, path: str) -> str:
    return re.findall(r'name="once" value="([^"]+)"', (await admin.get(path)).text)[0]


async def test_a_policy_is_tried_by_all_commands_and_nothing_of_it_is_in_force(shop: Shop) -> None:
    await shop.receive(sender="budi@mail.example", to="halo@kantor.example", Subject="Halo")
    before = shop.routing
    async with shop.visitor(ADMIN) as admin:
        ladders = (shop.config / "escalation.yaml").read_text()
        other = ladders.replace("resolution: 24 h", "resolution: 16 h")
        answer = await _upload(admin, escalation__yaml=other)
        trial = await _checked(shop, answer.headers["location"], 4)
        assert [(step.name, step.state, step.trouble) for step in trial.steps] == [
            (name, State.DONE, "") for name in ("check", "lint", "diff", "simulate")
        ]
        text = (await admin.get(answer.headers["location"])).text
    assert "Tidak ada kesalahan" in text or "No fault" in text
    assert len(trial.step("simulate").found.advice) == 2
    assert trial.step("diff").found.mails == 1
    assert (shop.routing, shop.reloads) == (before, 0)


async def test_faults_are_shown_with_their_place_and_can_not_be_put_in_force(shop: Shop) -> None:
    async with shop.visitor(ADMIN) as admin:
        location = (await _upload(admin, routing__yaml=FAULTY)).headers["location"]
        trial = await _checked(shop, location, 4)
        assert [step.state for step in trial.steps] == [State.DONE, *[State.LEFT_OUT] * 3]
        text = (await admin.get(location)).text
        assert "there is no team `nobody`" in text
        assert "routing.yaml:3:" in text
        assert str(shop.trial(location).place) not in text
        assert f"{location}/in-force" not in text
        assert (await admin.post(f"{location}/in-force", {"once": "k"})).status_code == 400
    assert shop.reloads == 0


async def test_a_policy_is_put_in_force_once_and_the_former_files_are_kept(shop: Shop) -> None:
    former, wanted = shop.routing, shop.renamed()
    async with shop.visitor(ADMIN) as admin:
        location = (await _upload(admin, routing__yaml=wanted)).headers["location"]
        trial = await _checked(shop, location)
        form = {"once": await _once(admin, f"{location}/in-force")}
        for _ in range(2):  # sent twice
            assert (await admin.post(f"{location}/in-force", form)).status_code == 303
        await _in_force(trial)
        assert trial.result
        assert trial.result.trouble == ""
        assert trial.result.version in (await admin.get(location)).text
    assert shop.reloads == 1
    assert shop.routing == wanted
    assert [each.read_text() for each in shop.config.glob(".former/*/routing.yaml")] == [former]
    assert shop.desk.policy.version == trial.result.version == trial.checked.policy


async def test_files_that_the_reload_refuses_are_put_back(shop: Shop) -> None:
    former = shop.routing
    async with shop.visitor(ADMIN) as admin:
        location = (await _upload(admin, routing__yaml=shop.renamed())).headers["location"]
        trial = await _checked(shop, location)
        once = await _once(admin, f"{location}/in-force")
        # What is refused by the daemon alone: here as if its check knew more than the trial's.
        trial.new = replace(trial.new, files={"routing.yaml": FAULTY.encode()})
        await admin.post(f"{location}/in-force", {"once": once})
        await _in_force(trial)
        assert trial.result
        assert "there is no team `nobody`" in (await admin.get(location)).text
    assert shop.routing == former


async def test_files_that_changed_since_the_check_are_not_overwritten(shop: Shop) -> None:
    async with shop.visitor(ADMIN) as admin:
        location = (await _upload(admin, routing__yaml=shop.renamed())).headers["location"]
        await _checked(shop, location)
        edited = (shop.config / "teams.yaml").read_text() + "# by a colleague\n"
        (shop.config / "teams.yaml").write_text(edited)
        answer = await admin.post(f"{location}/in-force", {"once": "k"})
        assert answer.status_code == 409
        assert "changed since" in answer.text or "berubah sejak" in answer.text
    assert (shop.reloads, list(shop.config.glob(".former"))) == (0, [])


async def test_the_operators_file_is_not_taken_from_an_upload(shop: Shop) -> None:
    machine = (shop.config / "mailbot.yaml").read_text()
    async with shop.visitor(ADMIN) as admin:
        answer = await _upload(admin, mailbot__yaml="store: other.db", routing__yaml=shop.renamed())
        trial = shop.trial(answer.headers["location"])
    assert list(trial.new.files) == ["routing.yaml"]
    assert trial.left_out == ["mailbot.yaml"]
    assert (trial.place / "mailbot.yaml").read_text() == machine


def _zip(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", ".").replace("_0_", "/"), text)
    return content.getvalue()


async def test_a_zip_with_a_folder_around_it_is_unpacked(shop: Shop) -> None:
    async with shop.visitor(ADMIN) as admin:
        packed = _zip(policy_0_routing__yaml=shop.renamed(), policy_0_teams__yaml="levels: []")
        answer = await _upload(admin, new__zip=packed)
        assert sorted(shop.trial(answer.headers["location"]).new.files) == ["routing.yaml", "teams.yaml"]


@pytest.mark.parametrize(
    "name", ["../routing.yaml", "/etc/x.yaml", "a/../../x.txt", ".former/x.yaml", "x.sh", "a\\b.txt"]
)
async def test_a_path_that_leads_out_is_refused(shop: Shop, name: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "x")
        archive.writestr("routing.yaml", "x")
    async with shop.visitor(ADMIN) as admin:
        for files in ([("files", ("new.zip", packed.getvalue()))], [("files", (name, b"x"))]):
            assert (await admin.post("/admin/try", files=files)).status_code == 400
    assert shop.desk.admin.trials.newest_first() == []


async def test_only_folders_beside_the_configuration_are_read(shop: Shop, tmp_path: Path) -> None:
    beside, elsewhere = tmp_path / "config-new", tmp_path / "deep" / "config"
    for folder in (beside, elsewhere):
        folder.mkdir(parents=True)
        (folder / "routing.yaml").write_text(shop.renamed())
    (tmp_path / "link").symlink_to(elsewhere)
    async with shop.visitor(ADMIN) as admin:
        assert "config-new" in (await admin.get("/admin/try")).text
        for folder in (str(elsewhere), "../x", "deep/config", "link", ""):
            assert (await admin.post("/admin/try", {"folder": folder})).status_code == 400
        answer = await admin.post("/admin/try", {"folder": "config-new"})
        assert list(shop.trial(answer.headers["location"]).new.files) == ["routing.yaml"]


async def test_a_file_that_is_a_link_is_left_to_the_shell(shop: Shop, tmp_path: Path) -> None:
    kept = tmp_path / "kept.yaml"
    (shop.config / "routing.yaml").rename(kept)
    (shop.config / "routing.yaml").symlink_to(kept)
    async with shop.visitor(ADMIN) as admin:
        assert (await _upload(admin, routing__yaml=shop.renamed() + "\n")).status_code == 400
    assert (shop.config / "routing.yaml").is_symlink()


async def test_where_nothing_may_be_written_the_shells_commands_are_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root everything may be written
    async with shop.visitor(ADMIN) as admin:
        location = (await _upload(admin, routing__yaml=shop.renamed())).headers["location"]
        await _checked(shop, location)
        text = (await admin.get(f"{location}/in-force")).text
    assert "sudo systemctl reload mailbot" in text
    assert 'name="once"' not in text
