"""What policies were made of is kept once, on both engines, and the newest is known."""

from datetime import timedelta

from mailbot.store import policies
from mailbot.store.policies import ActivePolicy, PolicySources
from mailbot.store.store import Store
from tests.builders import NOW

FILES = {"routing.yaml": 'rules: "é"\r\n', "vip.txt": "budi@pelanggan.example\n"}
TEMPLATES = {"id/acknowledgement.txt.j2": "ab"}


def in_force(version: str, hours: int = 0) -> ActivePolicy:
    return ActivePolicy(
        version, NOW + timedelta(hours=hours), {"rule": {"refund": version}}, FILES, TEMPLATES
    )


def test_a_version_is_kept_once_with_the_newest_text_of_its_files(store: Store) -> None:
    newest = {**FILES, "mailbot.yaml": "limits: {sessions: 77}"}
    store.write_now(policies.record_active, in_force("v1"))
    store.write_now(policies.record_active, ActivePolicy("v1", NOW + timedelta(hours=2), {}, newest, {}))

    kept = store.read_now(policies.load_sources, "v1")

    assert kept == PolicySources("v1", NOW, NOW + timedelta(hours=2), newest, TEMPLATES)
    assert store.read_now(policies.load_outline, "v1") == {"rule": {"refund": "v1"}}


def test_the_newest_is_the_one_that_was_taken_last_even_if_it_is_the_oldest(store: Store) -> None:
    for hours, version in enumerate(("v1", "v2", "v1")):
        store.write_now(policies.record_active, in_force(version, hours))

    newest = store.read_now(policies.load_newest)

    assert newest is not None
    assert newest.version == "v1"


def test_a_policy_that_was_never_active_is_not_known(store: Store) -> None:
    assert store.read_now(policies.load_sources, "v1") is None
    assert store.read_now(policies.load_outline, "v1") is None
    assert store.read_now(policies.load_newest) is None
