"""An agent's picture stays at its place in the answer."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from mailbot.domain.model import Attachment
from mailbot.mail.compose.inline_pictures import place_pictures
from tests.mail.test_compose import ANSWER, bodies, sent

PNG = Attachment("resi <1>.png", "image/png", 3, "ab" * 32, b"\x89PN", "gambar1@program")
PDF = Attachment("faktur.pdf", "application/pdf", 3, "cd" * 32, b"%PD")


def test_a_picture_is_shown_where_the_agent_put_it_and_other_files_are_attached() -> None:
    _, mail = sent(replace(ANSWER, text="Lihat [image: resi <1>.png] ini.", attachments=(PNG, PDF)))
    text, html = bodies(mail)
    (picture,) = [part for part in mail.walk() if part["Content-ID"]]

    assert "Lihat [image: resi <1>.png] ini." in text
    assert 'Lihat <img src="cid:' in html
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    assert 'alt="resi &lt;1&gt;.png"' in html
    assert (picture.get_content(), picture.get_content_disposition()) == (PNG.content, "inline")
    assert [part.get_filename() for part in mail.iter_attachments()] == ["faktur.pdf"]
    assert "gambar1@program" not in mail.as_string()


def test_a_picture_without_a_place_is_attached() -> None:
    _, mail = sent(replace(ANSWER, attachments=(PNG, replace(PNG, name="b.png", content_id=""))))

    assert [part.get_filename() for part in mail.iter_attachments()] == ["resi <1>.png", "b.png"]


def test_two_pictures_of_one_name_both_find_their_place() -> None:
    other = replace(PNG, digest="ef" * 32, content=b"other")
    html = "<p>[image: resi &lt;1&gt;.png] [image: resi &lt;1&gt;.png]</p>"
    page, pictures, files = place_pictures(html, (PNG, other), "dukungan.example")

    assert (len(pictures), files, page.count("<img")) == (2, (), 2)
    assert page.index(pictures[0].content_id) < page.index(pictures[1].content_id)


def test_without_html_pictures_are_attachments() -> None:
    assert place_pictures("", (PNG,), "dukungan.example") == ("", (), (PNG,))


def test_a_file_that_only_claims_to_be_a_picture_is_attached() -> None:
    svg = replace(PNG, type="text/html", name="a.png")
    _, mail = sent(replace(ANSWER, text="[image: a.png]", attachments=(svg,)))
    read = cast(EmailMessage, message_from_bytes(mail.as_bytes(), policy=policy.default))

    assert [part.get_filename() for part in read.iter_attachments()] == ["a.png"]
