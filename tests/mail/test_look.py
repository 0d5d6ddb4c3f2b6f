"""Every mail is readable on a phone, in light and in dark mode, and shows nothing internal."""

import re
from itertools import chain

import pytest

from mailbot.mail.compose import frame
from mailbot.mail.compose.frame import Colour, inline_styles
from mailbot.views import template_examples
from tests.mail import chromium, gallery

MAILS = list(gallery.mails())
INTERNAL = re.compile(
    r"\b(?:payment/double|first_response|next_response|follow_up|customer_wrote|handed_over)\b|\w_\w"
)


def luminance(colour: str) -> float:
    def part(value: float) -> float:
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (part(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2, section 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((frame.TEXT, ground) for ground in (frame.CARD, frame.PAGE)),
        *((frame.QUIET, ground) for ground in (frame.CARD, frame.PAGE)),
        *((frame.LINK, ground) for ground in (frame.CARD, frame.PAGE)),
        *frame.STATES.values(),
    ],
)
def test_each_colour_of_text_can_be_read_on_its_ground(text: Colour, ground: Colour) -> None:
    assert contrast(text.light, ground.light) >= 4.5
    assert contrast(text.dark, ground.dark) >= 4.5


def test_a_class_gets_its_look_and_what_a_template_says_itself_stays() -> None:
    assert (
        inline_styles('<p class="small">x</p>') == f'<p class="small" style="{frame.STYLES["small"]}">x</p>'
    )
    assert inline_styles("<p>x</p>") == f'<p style="{frame.STYLES["p"]}">x</p>'
    own = '<p style="color: #555555">x</p>'
    assert inline_styles(own) == own
    assert inline_styles("<preface>") == "<preface>"


@pytest.mark.parametrize(("name", "subject", "text", "html"), MAILS, ids=[mail[0] for mail in MAILS])
def test_a_mail_is_small_and_shows_nothing_internal(name: str, subject: str, text: str, html: str) -> None:
    assert len(html.encode()) < 20_000
    if not name.startswith("answer"):  # it begins with the agent's words
        assert html.index('class="preheader"') < html.index('class="card"')
    shown = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    own = re.sub(r"https?://\S+|\S+@\S+|mailbot ticket .*", " ", f"{subject}\n{text}\n{shown}")
    assert not (found := INTERNAL.search(own)), found
    assert "agent:" not in f"{text}{shown}"  # the stored form of a note's author


@pytest.mark.skipif(chromium.PROGRAM is None, reason="needs Chromium (Debian: apt install chromium)")
def test_every_mail_can_be_read_on_a_phone_in_light_and_dark() -> None:
    pages = [chromium.Page(name, html) for name, _, _, html in MAILS]
    faults = []
    for page in chromium.measure(list(chain(pages, map(chromium.dark, pages)))):
        name, texts = page["name"], [text for text in page["texts"] if text["shown"]]
        if page["wide"] > chromium.WIDTH:
            faults.append(f"{name} is {page['wide']} px wide")
        if name.startswith("team.") and not any(f".{why}." in name for why in template_examples.MAY_CONFIRM):
            begins = min((t["top"] for t in texts if t["text"].startswith("Halo, saldo")), default=9999)
            faults += [f"{name}: the customer's words begin at {begins} px"] if begins > 300 else []
        faults += [f"{name}: {t['text']!r} has {t['contrast']:.1f}" for t in texts if t["contrast"] < 4.5]
        faults += [f"{name}: {t['text']!r} has {t['size']} px" for t in texts if t["size"] < 14]
    assert not faults
