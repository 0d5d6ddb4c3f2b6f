"""Test the IMAP accounts: their settings, and where their passwords come from."""

from pathlib import Path

import pytest

from mailbot.config.model import ImapAccount
from tests.config.faults import brief, lay, loaded, problems

BOX = "support@dukungan.example"
OWN = "MAILBOT_IMAP_PASSWORD_SUPPORT_DUKUNGAN_EXAMPLE"
NONE_HERE = (
    "this account needs a password, there is none | give it as MAILBOT_IMAP_PASSWORD or "
    f"{OWN}, or as the systemd credential of such a name"
)


def lines(**changes: str) -> str:
    chosen = {"host": "imap.example", "user": BOX, "mailbox": BOX} | changes
    return "".join(f"{'  - ' if not i else '    '}{key}: {chosen[key]}\n" for i, key in enumerate(chosen))


def written(directory: Path, *accounts: str) -> Path:
    lay(directory)
    path = directory / "mailbot.yaml"
    path.write_text("imap:\n" + "".join(accounts) + path.read_text())
    return directory


def accounts(directory: Path, env: dict[str, str]) -> tuple[ImapAccount, ...]:
    found = loaded(directory, env)
    assert found.warnings == ()
    return found.settings.imap


def test_an_account_is_a_few_lines(tmp_path: Path) -> None:
    written(
        tmp_path,
        lines(),
        lines(
            host="127.0.0.1", tls="none", user="cs", folder="Masuk", after="move to Arsip/2026", every="20 s"
        ),
        lines(host="x.example", tls="starttls", port="1143", after="delete"),
    )
    first, second, third = accounts(tmp_path, {"MAILBOT_IMAP_PASSWORD": "rahasia", OWN: "lain"})

    assert (first.host, first.port, first.tls, first.folder, first.after) == (
        *("imap.example", 993, "implicit", "INBOX", "seen"),
    )
    assert (second.port, second.after, second.move_to) == (143, "move", "Arsip/2026")
    assert (second.folder, second.every.total_seconds()) == ("Masuk", 20)
    assert (third.port, third.after, third.move_to) == (1143, "delete", "")
    assert (first.password, second.password) == ("lain", "rahasia")
    assert "rahasia" not in repr(second)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"tls": "none"},
            "5:10: `none` sends the password in the clear | "
            "with `tls: implicit` or `tls: starttls` it can't be read on the way",
        ),
        (
            {"mailbox": "suport@dukungan.example"},
            f"4:14: `suport@dukungan.example` is not one of our mailboxes | did you mean `{BOX}`?",
        ),
        ({"after": "move"}, "5:12: `move` is not allowed here | write seen, delete, or move to FOLDER"),
        ({"after": "expunge"}, "5:12: `expunge` is not allowed here | write seen, delete, or move to FOLDER"),
        (
            {"after": "move to Inbox"},
            "5:12: its mail would be moved into the folder it is in: `INBOX` | name another folder",
        ),
        (
            {"password": "rahasia"},
            "5:5: `password`: secrets are not allowed in YAML | "
            "give it as MAILBOT_IMAP_PASSWORD or as the systemd credential mailbot-imap-password",
        ),
        ({"tls": "required"}, "5:10: `tls` can't be `required` | known here: implicit, starttls, none"),
    ],
)
def test_a_fault_is_reported_with_its_place(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    assert [brief(each) for each in problems(written(tmp_path, lines(**changes)))] == [f"mailbot.yaml:{said}"]


def test_one_folder_is_fetched_once(tmp_path: Path) -> None:
    written(tmp_path, lines(), lines(folder="Arsip"), lines(folder="inbox"))
    (problem,) = problems(tmp_path)
    assert brief(problem) == "mailbot.yaml:9:5: this folder is already fetched | the first is on line 2"


def test_a_missing_or_unused_password_is_a_warning(tmp_path: Path) -> None:
    written(tmp_path, lines())
    env = {"MAILBOT_IMAP_PASSWORD_CS": "x"}
    assert [brief(each) for each in loaded(tmp_path, env).warnings] == [
        "MAILBOT_IMAP_PASSWORD_CS: has no effect: there is no such account in `imap`",
        f"mailbot.yaml:3:11: {NONE_HERE}",
    ]


def test_passwords_are_read_from_systemd_credentials(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mailbot-imap-password").write_text("satu\n")
    (credentials / "mailbot-imap-password-support-dukungan-example").write_text("dua\n")
    written(tmp_path, lines(), lines(user="cs"))
    found = accounts(tmp_path, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert [each.password for each in found] == ["dua", "satu"]
