"""A rotation of the secret takes effect on every node without a reload, and breaks no open conversation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from mailbot.config.api import load
from mailbot.config.model import Settings
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.store.schema import EPOCH, installation
from mailbot.store.service import signing_secrets
from mailbot.store.service.signing_secrets import LEAD, Rotation, Secret, StoredSecrets, fingerprint
from mailbot.store.store import Store
from mailbot.workers.signing_keys import SigningKeys, build_signer
from tests.builders import NOW
from tests.cli.test_merge import Shell
from tests.scenarios.harness import DESK
from tests.workers.test_intake import KEYS, Desk

A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))
DAY = timedelta(days=1)
SETTINGS = load(DESK, {}).settings


def settings(**changes: Any) -> Settings:
    return replace(SETTINGS, **changes)


def stored(*secrets: Secret) -> StoredSecrets:
    return StoredSecrets(secrets, NOW)


@pytest.mark.parametrize(
    ("env", "secrets", "signs", "verifies"),
    [
        ({}, [Secret(A)], A, []),
        (
            {},
            [Secret(A, until=NOW + DAY), Secret(B, NOW + LEAD)],
            A,
            [B],
        ),  # the next one is known, and signs nothing
        ({}, [Secret(A, until=NOW + DAY), Secret(B, NOW)], B, [A]),
        ({"previous_secrets": (C,)}, [Secret(A)], A, [C]),
        ({"secret": C}, [Secret(A)], C, []),  # who reads the store can't forge
        (
            {"secret": C},
            [Secret(A, until=NOW + DAY), Secret(B, NOW)],
            C,
            [A],
        ),  # rotated away to the environment
        ({"secret": C, "previous_secrets": (B,)}, [Secret(A)], C, [B]),
    ],
)
def test_which_secret_signs_and_which_verify(
    env: dict[str, Any], secrets: list[Secret], signs: bytes, verifies: list[bytes]
) -> None:
    assert build_signer(settings(**env), stored(*secrets)) == TokenSigner(signs, tuple(verifies))


def shift(store: Store, span: timedelta) -> None:
    """Let so much time pass for the secrets in the store."""

    def change(connection: Connection, items: Sequence[None]) -> list[None]:
        text = connection.scalar(select(installation.c.value).where(installation.c.key == "secret")) or ""
        old = [signing_secrets._parse(line) for line in text.splitlines()]
        new = [
            replace(each, signs_from=each.signs_from - span, until=each.until and each.until - span)
            if each.signs_from > EPOCH
            else replace(each, until=each.until and each.until - span)
            for each in old
        ]
        value = "\n".join(map(signing_secrets._line, new))
        connection.execute(update(installation).where(installation.c.key == "secret").values(value=value))
        return [None for _ in items]

    store.write_now(change, None)


def signer(store: Store) -> TokenSigner:
    found = store.read_now(signing_secrets.load)
    assert found
    return build_signer(SETTINGS, found)


def test_a_new_secret_verifies_at_once_signs_after_the_lead_and_the_old_one_ends(store: Store) -> None:
    store.write_now(signing_secrets.create, None)
    first = signer(store).secret
    assert store.write_now(signing_secrets.create, None).signing.value == first
    store.write_now(signing_secrets.rotate, Rotation(keep=DAY))

    ahead = signer(store)
    assert (ahead.secret, len(ahead.previous)) == (first, 1)
    shift(store, LEAD)
    assert signer(store) == TokenSigner(ahead.previous[0], (first,))
    shift(store, DAY)
    assert signer(store) == TokenSigner(ahead.previous[0])


def test_a_leaked_secret_ends_when_the_next_one_signs(store: Store) -> None:
    store.write_now(signing_secrets.create, None)
    store.write_now(signing_secrets.rotate, Rotation(keep=DAY))
    shift(store, LEAD)
    store.write_now(signing_secrets.rotate, Rotation(keep=timedelta()))
    shift(store, LEAD)

    assert signer(store).previous == ()


def test_two_rotations_in_a_row_leave_one_that_signs_at_every_moment(store: Store) -> None:
    store.write_now(signing_secrets.create, None)
    for _ in range(3):
        store.write_now(signing_secrets.rotate, Rotation(keep=timedelta()))
        shift(store, LEAD / 2)
        assert signer(store).secret
    shift(store, LEAD)
    assert signer(store).previous == ()


async def test_a_rotation_reaches_a_node_without_a_reload_and_replies_still_thread(store: Store) -> None:
    desk = Desk(store)
    worker = SigningKeys(desk.deps, SETTINGS)
    store.write_now(signing_secrets.create, None)
    await worker.run_once()
    ticket = await desk.receive()
    [old] = [row.message_id for row in desk.outbox_rows("acknowledgement")]
    before = desk.runtime.snapshot.keys
    assert before != KEYS
    assert before.number_in(old) == ticket.number

    store.write_now(signing_secrets.rotate, Rotation(keep=DAY))
    shift(store, LEAD)
    await worker.run_once()
    after = desk.runtime.snapshot
    assert after.keys.secret != before.secret
    assert after.composer.tokens is after.keys
    assert after.keys.number_in(old) == ticket.number
    assert (await desk.receive(in_reply_to=old, Subject="tanpa nomor")).number == ticket.number
    assert await worker.run_once() < LEAD / 3


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_the_commands_show_fingerprints_and_never_a_secret(shell: Shell) -> None:
    assert "no daemon has run" in shell.run("secret", "list", code=1)
    assert "no daemon has run" in shell.run("secret", "rotate", code=1)
    first = shell.store.write_now(signing_secrets.create, None).signing.value
    said = [shell.run("secret", "rotate", "--keep", "3 days"), shell.run("secret", "list")]
    rows = shell.shown("secret", "list")

    assert [(row["fingerprint"] == fingerprint(first), row["signs"]) for row in rows] == [
        (True, True),
        (False, False),
    ]
    assert rows[0]["until"]
    assert "signs in 2 min" in said[0]
    assert "still verify for 3 d" in said[0]
    shell.env |= {"MAILBOT_SECRET": "s" * 32, "MAILBOT_SECRET_PREVIOUS": f"{'p' * 20}\n{'q' * 20}"}
    said += [shell.run("secret", "list"), shell.run("secret", "rotate", "--keep", "0")]
    places = [(row["place"], row["signs"]) for row in shell.shown("secret", "list")]
    assert places == [
        ("environment", True),
        ("environment", False),
        ("environment", False),
        *[("store", False)] * 2,
    ]
    values = [each.value.hex() for each in signer_secrets(shell)]
    for text in said:
        assert not any(value[:12] in text for value in (*values, "s" * 32, "p" * 20))
    shell.run("secret", "rotate", "--keep", "soon", code=2)


async def test_a_shell_without_the_daemons_secret_is_told_so(shell: Shell) -> None:
    ticket = (await shell.desk.receive()).number
    own = b"s" * 32
    shell.store.write_now(signing_secrets.create, fingerprint(own))
    warning = "the daemon signs by a MAILBOT_SECRET that this shell does not have"

    assert warning in shell.run("ticket", "note", ticket, "halo")
    [row] = shell.shown("secret", "list")
    assert (row["fingerprint"], row["place"], row["signs"]) == (
        fingerprint(own),
        "environment of the daemon",
        True,
    )
    shell.env["MAILBOT_SECRET"] = own.decode()
    assert warning not in shell.run("ticket", "note", ticket, "halo")
    assert [row["place"] for row in shell.shown("secret", "list")] == ["environment"]
    del shell.env["MAILBOT_SECRET"]
    shell.store.write_now(signing_secrets.create, None)  # a daemon without one started
    assert warning not in shell.run("ticket", "note", ticket, "halo")


def signer_secrets(shell: Shell) -> Sequence[Secret]:
    found = shell.store.read_now(signing_secrets.load)
    assert found
    return found.secrets
