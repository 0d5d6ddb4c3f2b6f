"""The policy in force and the templates, on the admins' pages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.console.app import build
from mailbot.store import policies
from mailbot.store.policies import ActivePolicy
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import RINA
from tests.console.office import SHIPPED, Office

ADMIN = RINA.address
ROUTING = "".join(f"# line {n}\n" for n in range(1, 1001))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Open an office with two versions on record: v0 was before v1."""
    store = Store(empty_store.sqlite_url(tmp_path))
    made = Office(store, admins=(ADMIN,))
    at = made.intake.clock
    before = ActivePolicy(
        "v0", at - timedelta(days=1), {"rule": {"a": "1"}}, {"routing.yaml": "old\n"}, {"id/x": "1"}
    )
    now = ActivePolicy("v1", at, {"rule": {"a": "2"}}, {"routing.yaml": ROUTING}, {"id/x": "2"})
    for each in (before, now):
        store.write_now(policies.record_active, each)
    yield made
    store.close()


async def test_the_policy_in_force_is_shown_with_its_files_and_versions(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        text = (await admin.get("/admin/policy")).text
    assert "/admin/policy/routing.yaml" in text
    assert "old=v0&amp;new=v1" in text


async def test_a_file_opens_at_the_line_that_is_asked_for(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        text = (await admin.get("/admin/policy/routing.yaml?line=500")).text
        assert 'class="hit" aria-current="true"># line 500\n' in text
        assert 'start="480"' in text
        whole = (await admin.get("/admin/policy/routing.yaml")).text
        assert "# line 800\n" in whole
        assert "# line 801\n" not in whole
        assert "version=v1&amp;from=801" in whole
        assert "old" in (await admin.get("/admin/policy/routing.yaml?version=v0")).text


@pytest.mark.parametrize("path", ["mailbot.db", "../mailbot.db", "routing.yaml?version=v9", "/etc/passwd"])
async def test_only_files_of_a_recorded_policy_are_shown(office: Office, path: str) -> None:
    async with office.visitor(ADMIN) as admin:
        assert (await admin.get(f"/admin/policy/{path}")).status_code == 404


async def test_what_changed_between_two_versions_is_named_and_shown(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        text = (await admin.get("/admin/policy/changes?old=v0&new=v1")).text
        assert (await admin.get("/admin/policy/changes?old=v0&new=v9")).status_code == 404
    assert "rule &#39;a&#39; changed" in text
    assert "template id/x" in text
    assert "-old" in text
    assert "+# line 1" in text


async def test_the_files_on_the_server_are_checked_by_the_shells_command(
    office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "mailbot.yaml").write_text("store: [\n")
    settings = replace(office.desk.settings, directory=folder)
    office.app = build(replace(office.desk, settings=settings))
    async with office.visitor(ADMIN) as admin:
        text = (await admin.get("/admin/policy/warnings")).text
    assert 'class="code">mailbot.yaml:' in text
    assert "kesalahan" in text


async def test_a_template_is_shown_beside_its_source_in_both_languages(office: Office) -> None:
    async with office.visitor(ADMIN) as admin:
        assert "/admin/templates/acknowledgement" in (await admin.get("/admin/templates")).text
        text = (await admin.get("/admin/templates/acknowledgement.payment?scheme=dark")).text
        assert "acknowledgement.payment.html.j2" in text
        assert text.count("<iframe") == 2
        assert "{{" in text
        assert (await admin.get("/admin/templates/..%2f..%2fx")).status_code == 404
        assert (await admin.get("/admin/templates/nothing")).status_code == 404


@pytest.mark.parametrize(("scheme", "media"), [("light", "@media not all"), ("dark", "@media all")])
async def test_a_rendered_template_has_its_own_policy_and_the_chosen_colours(
    office: Office, scheme: str, media: str
) -> None:
    async with office.visitor(ADMIN) as admin:
        shown = await admin.get(f"/admin/templates/acknowledgement/mail?language=en&scheme={scheme}")
    assert media in shown.text
    assert "prefers-color-scheme" not in shown.text
    assert 'lang="en"' in shown.text
    policy = shown.headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
    assert shown.headers["x-frame-options"] == "SAMEORIGIN"


async def test_every_template_of_the_shop_can_be_looked_at(office: Office) -> None:
    assert office.desk.settings.directory == SHIPPED
    async with office.visitor(ADMIN) as admin:
        for name in ("team", "acknowledgement", "closing", "worklist"):
            text = (await admin.get(f"/admin/templates/{name}")).text
            assert "Template ini gagal" not in text


async def test_the_first_page_names_files_that_were_edited_since(office: Office, tmp_path: Path) -> None:
    (tmp_path / "routing.yaml").write_text(ROUTING)
    office.app = build(replace(office.desk, settings=replace(office.desk.settings, directory=tmp_path)))
    async with office.visitor(ADMIN) as admin:
        assert "berkas di server berbeda" not in (await admin.get("/admin")).text
        (tmp_path / "routing.yaml").write_text(ROUTING + "# by hand")
        assert "berkas di server berbeda: routing.yaml" in (await admin.get("/admin")).text
