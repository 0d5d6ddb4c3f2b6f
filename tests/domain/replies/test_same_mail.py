"""Which mail is a further copy of one that is here, and which only has its Message-ID."""

from typing import Any

import pytest

from mailbot.domain.model import Attachment, Authentication, Direction
from mailbot.domain.replies.same_mail import earlier_of, is_copy, same_mails
from tests.builders import NUMBER, mail

TEXT = "Halo,\n\npesanan saya belum sampai.\nMohon dicek.\n\nBudi"
PHOTO = Attachment("foto.jpg", "image/jpeg", 3, "d1")
FOOTER = (
    f"{TEXT}\n\n_______________________________________\nmilis pelanggan\nhttps://milis.example/pelanggan"
)


def copied(changes: dict[str, Any], first: dict[str, Any] | None = None) -> bool:
    standing = {"subject": "Pesanan", "text": TEXT}
    earlier = earlier_of(mail(**standing | (first or {})), NUMBER, Direction.IN)
    wanted = mail(**standing | changes)
    return any(is_copy(wanted, each) for each in same_mails(wanted, [earlier]))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text": f"  {TEXT}\n"},
        {"text": TEXT.replace("belum sampai.\nMohon", "belum sampai. Mohon")},  # wrapped anew
        {"text": FOOTER},
        {"text": f"{TEXT}\n-- \nScanned by MailGate: no virus found"},
        {"text": f"CAUTION: this email came from an external sender.\n\n{TEXT}"},
        {"text": f"[EXTERNAL]\n{TEXT}\n\nThis email has been checked for viruses by Avast."},
        {"subject": "[Pelanggan] Pesanan"},
        {"subject": "[EXTERNAL] [Pelanggan] Pesanan"},
    ],
)
def test_what_hosts_on_the_way_add_makes_no_other_mail(changes: dict[str, Any]) -> None:
    assert copied(changes)
    assert copied({}, changes)  # whichever comes first


@pytest.mark.parametrize(
    "changes",
    [
        {"text": TEXT.replace("belum", "sudah")},
        {"text": f"{TEXT}\nTolong segera, saya tunggu sejak lama."},
        {"text": f"Ini penting.\n{TEXT}"},
        {"text": f"{TEXT}\n---\n" + "baris\n" * 30},
        {"subject": "Keluhan baru"},
        {"attachments": (PHOTO,)},
    ],
)
def test_what_somebody_wrote_is_no_copy(changes: dict[str, Any]) -> None:
    assert not copied(changes)


def test_a_copy_that_lost_its_files_is_one() -> None:
    assert copied({}, {"attachments": (PHOTO,)})


@pytest.mark.parametrize(
    ("first", "later", "is_one"),
    [
        (Authentication.PASS, Authentication.PASS, True),
        (Authentication.PASS, Authentication.NONE, True),
        (Authentication.NONE, Authentication.NONE, True),
        (Authentication.NONE, Authentication.PASS, False),
        (Authentication.FAIL, Authentication.NONE, False),
        (Authentication.PASS, Authentication.FAIL, False),
        (Authentication.FAIL, Authentication.FAIL, False),
    ],
)
def test_a_better_proven_mail_and_a_forged_one_are_no_copies(
    first: Authentication, later: Authentication, is_one: bool
) -> None:
    assert copied({"authentication": later}, {"authentication": first}) is is_one


def test_a_form_with_one_message_id_for_all_brings_different_mails() -> None:
    assert not copied({"reply_to_named": "siti@x.example"}, {"reply_to_named": "budi@x.example"})
    assert copied({"reply_to_named": "milis@x.example"})


def test_no_sender_and_a_held_mail_of_an_agent_have_no_copies() -> None:
    assert not copied({"sender": ""})
    held = earlier_of(mail(text=TEXT), NUMBER, Direction.NOTE)
    assert same_mails(mail(text=TEXT), [held]) == []
