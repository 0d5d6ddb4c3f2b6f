"""Outbound mails are read back by Python's own parser, with exactly the intended headers and texts."""

import dataclasses
import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any, cast

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailbot.domain.model import Attachment, NoticeKind
from mailbot.domain.notices import (
    Acknowledgement,
    AgentRefusal,
    Answer,
    Notice,
    Progress,
    Question,
    TeamNotice,
)
from mailbot.domain.policy import Mailbox, Policy, Team
from mailbot.domain.reasons import of, written
from mailbot.domain.worktime import Calendar
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.compose.compose import LOOP_HEADER, Composer, ComposeRefused, OutboundMail
from mailbot.mail.compose.mime_writer import (
    format_mailbox,
    format_subject,
    require_ascii_address,
    verify_header,
    write_mail,
)
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.template_values import LANGUAGES, NOTICES, TEAM_KINDS, sample_notices
from mailbot.mail.compose.templates import Templates, load
from mailbot.mail.compose.times import local_time, short_time, time_left
from mailbot.mail.replies.new_text import MARKERS

NUMBER, BOX, BUDI, SARI = (
    "TOKO-48217390-8",
    "support@dukungan.example",
    "budi@pelanggan.example",
    "sari@tim.example",
)
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TOKENS = TokenSigner(b"a secret of thirty-two bytes ....")
TEMPLATES = load(Path(__file__).parents[2] / "templates")

ACKNOWLEDGEMENT = Acknowledgement(NUMBER, BOX, BUDI, "id", "<a.1@pelanggan.example>")
ANSWER = Answer(NUMBER, BOX, BUDI, "id", "<a.1@pelanggan.example>", "Sari", "Halo Pak Budi,\nsudah beres.")
PROGRESS = Progress(NUMBER, BOX, BUDI, "en", "<a.1@pelanggan.example>")
TEAM = TeamNotice(
    number=NUMBER,
    mailbox=BOX,
    to=SARI,
    language="id",
    why="new",
    because=of("condition", condition="subject contains 'saldo terpotong'"),
    customer=BUDI,
    subject="Saldo terpotong",
    text="Saldo saya terpotong dua kali.\nMohon dicek.",
    category="payment",
    priority="high",
    team="payments",
    level="L1",
    due_at=NOW + timedelta(hours=4),
)
REFUSAL = AgentRefusal(NUMBER, BOX, SARI, "en", "the mail was not authenticated")


def policy_of(box: Mailbox) -> Policy:
    teams = {"payments": Team("payments", "office", ())}
    calendars = {"office": Calendar("office", "Asia/Makassar", ((),) * 7)}
    return Policy("1", {box.address: box}, ("L1",), teams, (), {}, {}, calendars)


def composer(brand: str = "TokoDompet", templates: Templates = TEMPLATES) -> Composer:
    return Composer(templates, TOKENS, policy_of(Mailbox(BOX, brand, "TOKO")))


def sent(notice: Notice, using: Composer | None = None) -> tuple[OutboundMail, EmailMessage]:
    """Compose a notice and read it with the standard library, which must find no defect."""
    out = (using or composer()).compose(notice, nonce="a1b2c3", now=NOW)
    read = cast(EmailMessage, message_from_bytes(out.content, policy=policy.default))
    assert b"\r" not in out.content.replace(b"\r\n", b"")
    assert b"\n" not in out.content.replace(b"\r\n", b"")
    assert max(map(len, out.content.split(b"\r\n"))) < 998
    assert out.content.isascii()
    assert [part.defects for part in read.walk()] == [[] for _ in read.walk()]
    assert [header.defects for header in read.values() if header.defects] == []
    return out, read


def bodies(read: EmailMessage) -> tuple[str, str]:
    """Return the plain and the HTML text."""
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert plain is not None
    texts = (plain.get_content(), html.get_content() if html is not None else "")
    return texts[0].replace("\r\n", "\n"), texts[1].replace("\r\n", "\n")


ALWAYS = ["Date", "From", "To", "Subject", "Message-ID"]
MIME = [LOOP_HEADER, "MIME-Version", "Content-Type"]
THREADED = ["In-Reply-To", "References"]
AUTOMATIC = ["Auto-Submitted", "X-Auto-Response-Suppress"]


@pytest.mark.parametrize(
    ("notice", "names", "auto_submitted"),
    [
        (ACKNOWLEDGEMENT, [*ALWAYS, *THREADED, *AUTOMATIC, *MIME], "auto-replied"),
        (ANSWER, [*ALWAYS, *THREADED, *MIME], None),
        (PROGRESS, [*ALWAYS, *THREADED, *AUTOMATIC, *MIME], "auto-generated"),
        (TEAM, [*ALWAYS, "Reply-To", *AUTOMATIC, *MIME], "auto-generated"),
        (REFUSAL, [*ALWAYS, *AUTOMATIC, *MIME], "auto-generated"),
    ],
)
def test_each_notice_has_exactly_its_headers(
    notice: Notice, names: list[str], auto_submitted: str | None
) -> None:
    out, read = sent(notice)
    assert read.keys() == names
    assert read["Auto-Submitted"] == auto_submitted
    assert read["From"] == f"TokoDompet <{BOX}>"
    assert read["To"] == notice.to == out.recipient
    assert read["Message-ID"] == out.message_id
    assert read["Date"].datetime == NOW
    assert read[LOOP_HEADER] == BOX
    assert read["Subject"].endswith(" [TOKO-48217390-8]")
    assert (out.kind, out.lane, out.number, out.fallback) == (notice.name, notice.lane, NUMBER, False)


@pytest.mark.parametrize("language", [*LANGUAGES, ""])
@pytest.mark.parametrize("name", NOTICES)
def test_every_notice_in_every_language_reads_back(name: str, language: str) -> None:
    for notice in sample_notices(name, language):
        out, read = sent(dataclasses.replace(notice, to=SARI, mailbox=BOX))
        assert [part.get_content_type() for part in read.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]
        assert read["Subject"].count(NUMBER) == bool(notice.number)
        assert all(NUMBER in body for body in bodies(read))
        assert not out.fallback


def test_an_unknown_language_gets_indonesian_and_then_english_in_one_mail() -> None:
    _, read = sent(dataclasses.replace(ACKNOWLEDGEMENT, language=""))
    assert read["Subject"] == "Pesan Anda sudah kami terima / We received your message [TOKO-48217390-8]"
    for body in bodies(read):
        assert 0 < body.index("Petugas kami") < body.index("A member of our staff")


def test_a_mail_in_two_languages_has_one_preheader_above_its_card() -> None:
    _, read = sent(dataclasses.replace(ACKNOWLEDGEMENT, language=""))
    html = bodies(read)[1]
    assert html.count('class="preheader"') == 1
    assert html.index('class="preheader"') < html.index('class="card') < html.index('<div lang="id"')


def test_an_answer_in_both_languages_holds_the_agents_text_once() -> None:
    _, read = sent(dataclasses.replace(ANSWER, language=""))
    for body in bodies(read):
        assert body.count("sudah beres") == 1
        assert "Nomor" in body
        assert "umber" in body


def test_an_acknowledgement_shows_nothing_that_the_sender_wrote() -> None:
    notice = dataclasses.replace(ACKNOWLEDGEMENT, to="buy-pills-at-evil@pelanggan.example", language="")
    out, read = sent(notice)
    headers = out.content.partition(b"\r\n\r\n")[0].replace(b"To: " + notice.to.encode(), b"")
    assert b"evil" not in headers
    assert all("evil" not in body for body in bodies(read))


def test_a_mail_answers_the_customers_mail_but_a_team_notice_never_names_it() -> None:
    _, read = sent(ANSWER)
    assert read["In-Reply-To"] == read["References"] == "<a.1@pelanggan.example>"
    out, _ = sent(TEAM)
    assert b"a.1@pelanggan" not in out.content


def test_tokens_of_a_mail_name_its_ticket_its_agent_and_its_outbox_row() -> None:
    out, read = sent(TEAM)
    token = TOKENS.reply_token_in(read["Reply-To"].addresses[0].addr_spec)
    assert token is not None
    assert token.number == NUMBER
    assert TOKENS.verify(token, SARI)
    assert not TOKENS.verify(token, BUDI)
    assert TOKENS.number_in(out.message_id) == NUMBER
    assert TOKENS.bounce_nonce(out.sender) == "a1b2c3"


def test_the_same_row_gives_the_same_bytes_and_another_row_another_message_id() -> None:
    first, again = (composer().compose(ANSWER, nonce="a1", now=NOW) for _ in range(2))
    other = composer().compose(ANSWER, nonce="a2", now=NOW)
    assert first == again
    assert first.message_id != other.message_id


def test_a_team_notice_holds_all_facts_of_the_ticket() -> None:
    _, read = sent(TEAM)
    plain, html = bodies(read)
    assert plain.startswith(MARKERS["id"])
    assert read["Subject"] == "Saldo terpotong [TOKO-48217390-8]"
    for word in (NUMBER, BUDI, "Payment", "Tinggi", "Payments", "L1", "Saldo saya terpotong dua kali."):
        assert word in plain
        assert word in html
    assert "Balasan Anda di atas garis dikirim ke pelanggan" in plain


def test_a_long_customer_text_is_cut_in_a_team_notice_and_an_agents_answer_never() -> None:
    _, team = sent(dataclasses.replace(TEAM, text="x" * 50_000))
    assert "46000 karakter berikutnya" in bodies(team)[0]
    long = "\n".join("Baris \u2014 & <ke> " + str(count) for count in range(40_000))
    out, answer = sent(dataclasses.replace(ANSWER, text=long))
    assert long in bodies(answer)[0]
    assert out.fallback  # over the size limit of templates: the fallback text holds it whole


@pytest.mark.parametrize(
    ("at", "language", "zone", "text"),
    [
        (NOW, "id", "Asia/Jakarta", "Senin, 23 November 2026, pukul 09.00 WIB"),
        (NOW, "en", "Asia/Jayapura", "Monday 23 November 2026, 11:00 WIT"),
        (NOW, "en", "No/Where", "Monday 23 November 2026, 02:00 UTC"),
        (NOW, "en", "../../etc", "Monday 23 November 2026, 02:00 UTC"),
    ],
)
def test_a_moment_is_shown_in_the_readers_zone(at: datetime, language: str, zone: str, text: str) -> None:
    assert local_time(at, language, zone) == text


def test_a_near_moment_has_no_year_and_today_is_named() -> None:
    zone, later = "Asia/Jakarta", NOW + timedelta(hours=3)
    assert local_time(later, "id", zone, NOW) == "Senin, 23 November, pukul 12.00 WIB"
    assert local_time(later, "en", zone, NOW) == "Monday 23 November, 12:00 WIB"
    assert short_time(later, "id", zone, NOW) == "hari ini pukul 12.00 WIB"
    assert short_time(NOW + timedelta(days=1), "en", zone, NOW) == "Tuesday 24 November, 09:00 WIB"
    assert local_time(NOW + timedelta(days=200), "en", zone, NOW).startswith("Friday 11 June 2027")


@pytest.mark.parametrize(
    ("span", "language", "text"),
    [
        (timedelta(hours=2, minutes=58), "id", "2 jam 58 mnt lagi"),
        (timedelta(minutes=-14), "id", "14 mnt lalu"),
        (timedelta(days=3, hours=1, minutes=5), "en", "3 d 1 h left"),
        (timedelta(seconds=-10), "en", "now"),
    ],
)
def test_the_time_that_is_left_is_said_in_two_units(span: timedelta, language: str, text: str) -> None:
    assert time_left(NOW + span, NOW, language) == text


TRAPS = (
    "=?UTF-8?Q?=0A?=Bcc: korban@evil.example",
    "=?UTF-8?Q?x=0D=0ABcc:_korban@evil.example?=",
    "==?utf-8?b?Cg==?==?utf-8?b?QmNjOiBh?=",
    "Halo\r\nBcc: korban@evil.example\r\n\r\nisi",
    "Halo\nBcc: korban@evil.example",
    "Halo\rBcc: korban@evil.example",
    "Halo\x0bBcc: a\x0cTo: b\x1cCc: c\x85From: d\u2028To: e\u2029To: f",
    "\x00\x1b[2J\u202etxt.exe\udc80\ud83d",
    '"a" <korban@evil.example>, korban2@evil.example',
    "\u2014 " + "=?UTF-8?Q?=0A?=Bcc: korban@evil.example " * 9,
    "a" * 5000,
    "\U0001f4b8" * 500,
    "[TOKO-48217390-8] [TOKO-48217390-8]",
    "",
    " \t ",
)


def hostile(text: str) -> list[Notice]:
    """Return notices with the text in every field that outsiders can influence."""
    return [
        dataclasses.replace(ACKNOWLEDGEMENT, in_reply_to=text),
        dataclasses.replace(ANSWER, in_reply_to=text, agent_name=text, text=text),
        dataclasses.replace(PROGRESS, in_reply_to=f"<{text}>"),
        dataclasses.replace(
            TEAM,
            subject=text,
            because=written(text),
            customer=text,
            text=text,
            category=text,
            priority=text,
            level=text,
        ),
        dataclasses.replace(REFUSAL, reason=written(text)),
    ]


def assert_harmless(notice: Notice, using: Composer) -> None:
    out, read = sent(notice, using)
    assert set(read.keys()) <= {*ALWAYS, *THREADED, *AUTOMATIC, *MIME, "Reply-To"}
    assert len(read.keys()) == len(set(read.keys()))
    assert getaddresses([str(read["To"])]) == [("", notice.to)]
    assert [sender.addr_spec for sender in read["From"].addresses] == [BOX]
    assert len(read["Subject"]) <= 150 + len("[TOKO-48217390-8] ")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", read["Subject"])
    # Python 3.11.7 made a Bcc of a subject when it wrote the parsed mail again.
    rewritten = message_from_bytes(read.as_bytes(), policy=policy.default)
    assert rewritten.keys() == read.keys()
    head = out.content.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"^(bcc|cc):", head, re.IGNORECASE | re.MULTILINE)


@pytest.mark.parametrize("trap", TRAPS)
def test_no_hostile_text_makes_a_header_or_a_recipient(trap: str) -> None:
    for notice in hostile(trap):
        assert_harmless(notice, composer())
    assert_harmless(ACKNOWLEDGEMENT, composer(brand=trap))


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.sampled_from(range(5)))
@example("=?=?UTF-8?Q?=0A?==?Bcc", 3)
def test_no_random_text_makes_a_header_or_a_recipient(text: str, which: int) -> None:
    assert_harmless(hostile(text)[which], composer(brand=text))


@given(st.text(st.characters(exclude_categories=())))
def test_header_text_is_one_clean_line_and_idempotent(text: str) -> None:
    clean = header_text(text)
    assert len(clean) <= 150
    assert clean.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e]", clean)
    assert "=?" not in clean
    assert header_text(clean) == clean


@pytest.mark.parametrize(
    "to",
    [
        "",
        "budi",
        "budi@",
        "@x.example",
        "a@x.example,b@y.example",
        "a@x.example\r\nBcc: b@y.example",
        "Budi <budi@x.example>",
        '"budi, korban@evil.example"@x.example',
        "budi@x.example b@y.example",
        "a@b@x.example",
        "budi@[127.0.0.1]",
        "b\u00fcdi@x.example",
        "budi@b\u00fccher.example",
        "=?utf-8?q?=0A?=@x.example",
        "a..b@x.example",
        "-@-x.example",
        "a" * 65 + "@x.example",
        "a@" + "x" * 250 + ".example",
    ],
)
def test_a_recipient_that_is_not_one_plain_address_is_refused(to: str) -> None:
    with pytest.raises(ComposeRefused):
        composer().compose(dataclasses.replace(ACKNOWLEDGEMENT, to=to), nonce="a", now=NOW)


@pytest.mark.parametrize("to", ["o'neil+toko=x@mail.x.example", "_@localhost", "Budi.S@X.Example"])
def test_an_unusual_plain_address_is_accepted(to: str) -> None:
    assert require_ascii_address(to) == to
    assert sent(dataclasses.replace(ACKNOWLEDGEMENT, to=to))[0].recipient == to


def test_a_removed_mailbox_is_refused() -> None:
    with pytest.raises(ComposeRefused, match="no mailbox"):
        composer().compose(dataclasses.replace(ACKNOWLEDGEMENT, mailbox="old@x.example"), nonce="a", now=NOW)


def test_a_mailbox_without_room_for_a_token_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="leave room"):
        Composer(TEMPLATES, TOKENS, policy_of(Mailbox(f"{'a' * 40}@x.example", "X", "TOKO")))


HEADERS = [("From", format_mailbox("Toko", BOX)), ("To", BUDI), ("Subject", "x")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("To", f"{BUDI}, korban@evil.example"),
        ("To", f"{BUDI}\r\nBcc: korban@evil.example"),
        ("To", f"{BUDI}\r\nTo: korban@evil.example"),
        ("From", f"{BOX}, korban@evil.example"),
        ("From", "korban@evil.example"),
        ("Subject", "x\r\nBcc: korban@evil.example"),
        ("Subject", "x\r\n\r\nbody"),
        ("Subject", "x\nBcc: korban@evil.example"),
        ("Subject", "x\rBcc: korban@evil.example"),
        ("Subject", "x\x00"),
        ("Subject", "x" * 1000),
    ],
)
def test_the_verification_refuses_a_changed_header(name: str, value: str) -> None:
    verify_header(write_mail(HEADERS, "text", "html", "=_edge"), HEADERS, BUDI, BOX)
    tampered = [(field, value if field == name else old) for field, old in HEADERS]
    with pytest.raises(ComposeRefused):
        verify_header(write_mail(tampered, "text", "html", "=_edge"), tampered, BUDI, BOX)


BOSS, SITI = "bos@kantor.example", "siti@kantor.example"


@pytest.mark.parametrize(
    "value",
    [
        SITI,
        f"{BOSS}, {SITI}, korban@evil.example",
        f"{SITI}, {BOSS}",
        f"{BOSS}, {SITI}\r\nBcc: korban@evil.example",
        f"{BOSS},, {SITI}",
        f'"{BOSS}" <{SITI}>, {SITI}',
    ],
)
def test_the_verification_refuses_another_copy_than_was_meant(value: str) -> None:
    good = [*HEADERS, ("Cc", f"{BOSS},\r\n {SITI}")]
    verify_header(write_mail(good, "text", "html", "=_edge"), good, BUDI, BOX, (BOSS, SITI))
    for cc, named in ((value, (BOSS, SITI)), (f"{BOSS}, {SITI}", ())):
        tampered = [*HEADERS, ("Cc", cc)]
        with pytest.raises(ComposeRefused):
            verify_header(write_mail(tampered, "text", "html", "=_edge"), tampered, BUDI, BOX, named)
    with pytest.raises(ComposeRefused):
        verify_header(write_mail(HEADERS, "text", "html", "=_edge"), HEADERS, BUDI, BOX, (BOSS, SITI))


def test_a_copy_goes_to_one_person_and_names_everybody() -> None:
    crowd = tuple(f"{'n' * 50}{n}@{'kantor' * 8}.example" for n in range(20))
    whole = dataclasses.replace(ANSWER, cc=(*crowd, "b\u00fcdi@kantor.example"))
    for copy_to in ("", crowd[7]):
        mail, read = sent(dataclasses.replace(whole, copy_to=copy_to))
        assert mail.recipient == (copy_to or BUDI)
        assert getaddresses([read["To"]]) == [("", BUDI)]
        assert getaddresses([read["Cc"]]) == [("", address) for address in crowd]
    for stranger in ("korban@evil.example", "b\u00fcdi@kantor.example"):
        with pytest.raises(ComposeRefused):
            sent(dataclasses.replace(whole, copy_to=stranger))


def test_a_text_that_holds_the_boundary_is_refused() -> None:
    with pytest.raises(ComposeRefused, match="boundary"):
        write_mail(HEADERS, "a\n--=_edge\nContent-Type: text/html\n\nb", "html", "=_edge")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Halo,\n.\nFrom us\n", "7bit"),
        ("x" * 989, "7bit"),
        ("x" * 5000, "quoted-printable"),
        ("Halo \u2014 apa kabar? \n.\ntanda = dan\ttab \n" + "\u00e9" * 300, "quoted-printable"),
        ("\U0001f44d", "quoted-printable"),
    ],
)
def test_a_body_arrives_as_it_was_written(text: str, encoding: str) -> None:
    out, read = sent(dataclasses.replace(ANSWER, text=text))
    part = read.get_body(("plain",))
    assert part is not None
    assert part["Content-Transfer-Encoding"] == encoding
    assert text.strip("\n") in part.get_content().replace("\r\n", "\n")
    assert b"\n.\r\n" not in out.content or encoding == "7bit"


def test_a_subject_of_many_scripts_reads_back_whole_and_is_folded() -> None:
    subject = "Saldo \u2014 \u4f59\u989d\u4e0d\u8db3 \U0001f4b8 " * 5
    out, read = sent(dataclasses.replace(TEAM, subject=subject, language="en"))
    assert read["Subject"] == f"{subject.strip()} [{NUMBER}]"
    assert max(map(len, out.content.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 100
    assert all(len(word) <= 75 for word in re.findall(rb"=\?.*\?=", out.content))


@pytest.mark.parametrize("trap", TRAPS)
def test_a_subject_is_always_cleaned_when_it_is_written(trap: str) -> None:
    written = format_subject(trap, f"[{NUMBER}]").encode("ascii")
    read = message_from_bytes(b"Subject: " + written + b"\r\nX-End: 1\r\n\r\n", policy=policy.default)
    assert read.keys() == ["Subject", "X-End"]
    assert read["Subject"] == f"{header_text(trap)} [{NUMBER}]".strip()


def test_a_brand_in_another_script_is_a_name_and_no_address() -> None:
    _, read = sent(ACKNOWLEDGEMENT, composer(brand='Toko "\u0110\u1ed3ng" <x@evil.example>, Inc.'))
    (sender,) = read["From"].addresses
    assert sender.addr_spec == BOX
    assert "\u0110\u1ed3ng" in sender.display_name


def broken_templates() -> Templates:
    broken = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string("{{ nowhere }}")
    return Templates(dict.fromkeys(TEMPLATES.compiled, broken), TEMPLATES.names)


@pytest.mark.parametrize("language", [*LANGUAGES, ""])
@pytest.mark.parametrize("notice", [ACKNOWLEDGEMENT, ANSWER, PROGRESS, TEAM, REFUSAL])
def test_a_failing_template_is_replaced_by_the_fallback_text(notice: Any, language: str) -> None:
    using = composer(templates=broken_templates())
    out, read = sent(dataclasses.replace(notice, language=language), using)
    plain, html = bodies(read)
    assert out.fallback
    assert "nowhere" in out.template_error
    assert (NUMBER in read["Subject"], NUMBER in plain, html) == (True, True, "")
    assert plain.count(getattr(notice, "text", LOOP_HEADER)) == hasattr(notice, "text")
    if isinstance(notice, Acknowledgement):
        assert ("kami terima" in plain, "received" in plain) == (language != "en", language != "id")
    if isinstance(notice, TeamNotice):
        assert plain.startswith(MARKERS[language or "id"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", TEAM_KINDS)
def test_the_fallback_text_of_a_notice_says_what_its_templates_say(why: NoticeKind, language: str) -> None:
    notice = dataclasses.replace(TEAM, why=why, language=language)
    _, read = sent(notice, composer(templates=broken_templates()))
    plain, _ = bodies(read)
    whole, _ = bodies(sent(notice)[1])
    words = re.sub(r"\s+", " ", whole)
    for line in filter(None, plain.splitlines()):
        assert re.sub(r"\s+", " ", line).strip() in words or line in notice.text


def test_the_fallback_text_never_reads_a_value_as_a_format() -> None:
    text = "{number.__class__} {0} {{ number }} %s {"
    _, read = sent(dataclasses.replace(ANSWER, text=text), composer(templates=broken_templates()))
    assert text in bodies(read)[0]


def test_the_date_is_always_utc() -> None:
    moment = NOW.astimezone(timezone(timedelta(hours=7)))
    assert composer().compose(ANSWER, nonce="a", now=moment) == composer().compose(ANSWER, nonce="a", now=NOW)


def test_an_invalid_foreign_message_id_is_left_out() -> None:
    for wrong in (
        "",
        "a@b",
        "<>",
        "<a b@c>",
        "<a@b> <c@d>",
        "<a@b>\r\nBcc: x",
        "<=?utf-8?q?=0A?=@x>",
        "<" + "a" * 999 + ">",
    ):
        _, read = sent(dataclasses.replace(ANSWER, in_reply_to=wrong))
        assert read["In-Reply-To"] is None
        assert read["References"] is None


def test_an_agents_attachments_are_sent_unchanged() -> None:
    files = (
        Attachment("bukti transfer ✓.pdf", "application/pdf", 3, "d", b"\x00\xffPDF"),
        Attachment(
            "../../x\r\nBcc: evil@x.example" + "é" * 300 + ".html", "text/html\r\nBcc: x", 1, "e", b"<b>"
        ),
        Attachment("mail.eml", "message/rfc822", 1, "f", b"Subject: inner\r\n\r\n"),
    )
    answer = dataclasses.replace(ANSWER, text="Terlampir.", attachments=files)
    content = composer().compose(answer, nonce="abc", now=NOW).content
    mail = message_from_bytes(content, policy=policy.default)

    parts = list(mail.iter_attachments())
    assert mail.get_content_type() == "multipart/mixed"
    assert mail.get_body(("plain",)).get_content().startswith("Terlampir.")
    assert [part.get_payload(decode=True) for part in parts] == [file.content for file in files]
    assert [part.get_content_type() for part in parts] == [
        "application/pdf",
        "application/octet-stream",
        "application/octet-stream",
    ]
    assert parts[0].get_filename() == "bukti transfer ✓.pdf"
    assert mail["Bcc"] is None
    assert not any(part["Bcc"] for part in parts)
    assert max(map(len, content.split(b"\r\n"))) < 998


def test_progress_names_team_level_and_deadline_in_the_readers_language() -> None:
    notice = dataclasses.replace(
        PROGRESS,
        language="",
        team={"id": "tim pembayaran kami", "en": "our payments team"},
        level={"id": "tenaga ahli", "en": "specialists"},
        until=NOW + timedelta(hours=4),
    )
    _, read = sent(notice)
    text = " ".join(bodies(read)[0].split())

    assert "ditangani tim pembayaran kami (tenaga ahli)" in text
    assert "It is now with our payments team (specialists)" in text
    assert "paling lambat" in text
    assert "You will hear from us again by" in text
    assert SARI not in text


def test_a_question_shows_how_to_answer_it_at_an_address_for_decisions_alone() -> None:
    question = Question(
        number=NUMBER,
        mailbox=BOX,
        to=SARI,
        language="en",
        question="May we refund in full?",
        options="yes, no",
        first="yes",
        because=of("target_due", target="resolution"),
        customer=BUDI,
        subject="Saldo terpotong",
        category="payment",
        priority="high",
        team="payments",
        level="L1",
        until=NOW + timedelta(hours=4),
    )
    _, read = sent(question)

    assert "#decide yes" in bodies(read)[0]
    token = TOKENS.reply_token_in(read["Reply-To"].addresses[0].addr_spec)
    assert token
    assert token.for_colleagues
    assert TOKENS.verify(token, SARI)
    assert not TOKENS.verify(dataclasses.replace(token, for_colleagues=False), SARI)
