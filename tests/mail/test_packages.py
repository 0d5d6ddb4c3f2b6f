"""What programs pack around a mail is opened: winmail.dat and signed S/MIME. What can't be opened is named."""

import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.parsing.packages import cms, rtf, tnef
from mailbot.mail.parsing.parse import parse
from tests.fuzz.reading import reading
from tests.mail import packages
from tests.mail.packages import compressed_rtf, der, mail, mixed, properties, signed, unicode

TEXT = (0x2800C, b"Saya minta refund.\0")
RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset129 Gulim;}}{\colortbl;\red0;}"
    rb"{\*\generator Outlook;}\pard\f0 Saldo {\b hilang}\par Caf\'e9 \u8364? 5\line{\f1 \'c7\'d1}\tab \{x\}\~y}"
)
RTF_TEXT = "Saldo hilang\nCafé € 5\n한\t{x} y"
HTML_IN_RTF = (
    rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf \par \htmlrtf0 Lihat {\*\htmltag84 <a href=\"https://x.example\">}"
    rb"sini{\*\htmltag92 </a>}{\*\mhtmltag84 <b>no</b>}}"
)
INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\nMohon refund.\r\n"


def _file(name: bytes, content: bytes) -> tuple[tuple[int, bytes], ...]:
    return ((0x69002, bytes(14)), (0x18010, name + b"\0"), (0x6800F, content))


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ([TEXT], "Saya minta refund."),
        ([(0x69007, b"\xb5\x03\0\0\0\0\0\0"), (0x2800C, "환불".encode("cp949"))], "환불"),
        ([(0x69003, properties((0x1F, 0x1000, unicode("Uang – kembali"))))], "Uang – kembali"),
        (
            [
                (
                    0x69003,
                    properties(
                        (0x03, 0x3FDE, b"\xe9\xfd\0\0"), (0x102, 0x1013, "<p>Uang – kembali".encode())
                    ),
                )
            ],
            "Uang – kembali",
        ),
        ([(0x69003, properties((0x102, 0x1009, compressed_rtf(RTF))))], RTF_TEXT),
        (
            [(0x69003, properties((0x102, 0x1009, compressed_rtf(HTML_IN_RTF))))],
            "Lihat sini <https://x.example>",
        ),
        (
            [
                (
                    0x69003,
                    properties((0x0B, 0x23, b"\1\0\0\0"), (0x40, 0x39, bytes(8)), (0x1E, 0x1000, b"Halo\0")),
                )
            ],
            "Halo",
        ),
    ],
)
def test_the_text_of_winmail_dat_is_read(attributes: list[tuple[int, bytes]], text: str) -> None:
    mail = parse(packages.mail("application/ms-tnef; name=winmail.dat", packages.tnef(*attributes)))

    assert (mail.text, mail.attachments, mail.flags) == (text, (), ())


def test_the_files_of_winmail_dat_are_attachments() -> None:
    names = properties(
        (0x1F, 0x3707, unicode("bukti übersicht.png")),
        (0x1E, 0x370E, b"image/png\0"),
        (0x1E, 0x3712, b"i1@x\0"),
    )
    html = properties((0x102, 0x1013, b'<p>Ini <img src="cid:i1@x"></p>'))
    data = packages.tnef(
        (0x69003, html),
        *_file(b"BUKTI~1.PNG", b"\x89PNG\r\n\x1a\n"),
        (0x69005, names),
        *_file(b"a.txt", b"a"),
    )
    # A relay calls it something else.
    mail = parse(mixed(packages.part("application/octet-stream; name=winmail.dat", data)))

    assert mail.text == "Ini [image: bukti übersicht.png]"
    assert [(file.name, file.type, file.size, file.content_id) for file in mail.attachments] == [
        ("bukti übersicht.png", "image/png", 8, "i1@x"),
        ("a.txt", "text/plain", 1, ""),
    ]
    assert mail.flags == ()


def test_the_mails_own_text_comes_before_that_of_winmail_dat() -> None:
    plain = b"Content-Type: text/plain\r\n\r\nHalo.\r\n"
    mail = parse(
        mixed(plain, packages.part("application/ms-tnef", packages.tnef(TEXT, *_file(b"a.txt", b"a"))))
    )

    assert (mail.text, [file.name for file in mail.attachments]) == ("Halo.", ["a.txt"])


def test_a_mail_inside_of_winmail_dat_is_a_file_of_its_text() -> None:
    inner = packages.tnef(TEXT, *_file(b"b.txt", b"b"))
    attached = properties((0x1E, 0x3001, b"Keluhan lama\0"), (0x0D, 0x3701, packages.MESSAGE_OBJECT + inner))
    mail = parse(
        packages.mail(
            "application/ms-tnef",
            packages.tnef((0x2800C, b"Lihat.\0"), (0x69002, bytes(14)), (0x69005, attached)),
        )
    )

    assert mail.text == "Lihat."
    assert [(file.name, file.content) for file in mail.attachments] == [
        ("b.txt", b"b"),
        ("Keluhan lama.txt", b"Saya minta refund."),
    ]


@pytest.mark.parametrize(
    "data",
    [
        packages.tnef((0x78008, b"IPM.Microsoft Schedule.MtgReq\0"), TEXT),
        packages.tnef(TEXT) + b"\1" * 20,
        packages.tnef(TEXT, (0x69003, properties((0x77, 1, b"")))),
        packages.tnef(TEXT, (0x6800F, b"a")),
        packages.tnef(TEXT, (0x69002, b""), (0x69005, properties((0x0D, 0x3701, b"ole" * 9)))),
    ],
)
def test_a_winmail_dat_that_holds_more_stays_an_attachment_and_is_flagged(data: bytes) -> None:
    mail = parse(packages.mail("application/ms-tnef; name=winmail.dat", data))

    assert mail.text == "Saya minta refund."
    assert mail.attachments[0].name == "winmail.dat"
    assert mail.flags == ("tnef",)


def test_messages_inside_of_each_other_are_read_down_to_a_level() -> None:
    data = packages.tnef(TEXT)
    for _ in range(50):
        nested = properties((0x0D, 0x3701, packages.MESSAGE_OBJECT + data))
        data = packages.tnef((0x69002, b""), (0x69005, nested))

    assert not tnef.read(data).complete


@given(st.binary(max_size=40), st.integers(0, 300), st.integers(0, 300))
def test_a_damaged_winmail_dat_is_read_as_far_as_possible(damage: bytes, at: int, end: int) -> None:
    whole = packages.tnef(
        TEXT,
        (0x69003, properties((0x102, 0x1009, compressed_rtf(RTF)))),
        *_file(b"a", b"b"),
        (0x69005, properties()),
    )
    reading(mail("application/ms-tnef", whole[:at] + damage + whole[end:]))


# Rich text


def test_rich_text_is_decompressed_as_the_specification_shows() -> None:
    """MS-OXRTFCP section 3.1: an example of runs, and one whose run overlaps its own end."""
    simple = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0".replace(
            " ", ""
        )
    )
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")

    assert rtf.decompress(simple) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.decompress(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_a_text_part_of_rich_text_is_read() -> None:
    assert parse(packages.HEAD + b"Content-Type: text/rtf\r\n\r\n" + RTF).text == RTF_TEXT


def test_rich_text_that_repeats_itself_is_cut() -> None:
    data = b"\0" * 8 + b"LZFu" + b"\0" * 4 + b"\xff" + b"\x00\x0f" * 2_000_000
    started = time.process_time()

    assert len(rtf.decompress(b"\xff" * 4 + data[4:])) < 1.1 * rtf.SIZE_LIMIT
    assert time.process_time() - started < 5


@given(st.binary(max_size=200) | st.text("{}\\'*u0af \n-htmlrtfbin;", max_size=200).map(str.encode))
def test_any_bytes_become_the_text_of_rich_text(source: bytes) -> None:
    rtf.to_text(source)
    rtf.to_text(b"{\\rtf1\\fromhtml1" + source)


# S/MIME


def _really_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Budi")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(9))
    certificate = builder.sign(key, hashes.SHA256())
    signer = pkcs7.PKCS7SignatureBuilder().set_data(INNER).add_signer(certificate, key, hashes.SHA256())
    return signer.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_really_signed(), id="cryptography"),
        pytest.param(signed([der(0x04, INNER)]), id="DER"),
        pytest.param(signed([packages.octets_in_parts(INNER)], packages.ber), id="BER in parts"),
        pytest.param(signed([der(0x04, INNER)]) + b"\r\n", id="a line end behind"),
        pytest.param(
            signed([der(0x04, mail("application/pkcs7-mime", signed([der(0x04, INNER)])))]), id="signed twice"
        ),
    ],
)
@pytest.mark.parametrize(
    "kind", ["application/pkcs7-mime; smime-type=signed-data", "application/octet-stream; name=smime.p7m"]
)
def test_a_signed_mail_is_read_like_any_other(content: bytes, kind: str) -> None:
    read = parse(mail(kind, content))

    assert (read.text, read.attachments, read.flags) == ("Mohon refund.", (), ("signed",))


def test_the_attachments_of_a_signed_mail_are_attachments() -> None:
    inner = mixed(INNER, b"Content-Type: image/png; name=a.png\r\n\r\n\x89PNG\r\n\x1a\n")
    read = parse(
        mixed(
            packages.part("application/pkcs7-mime", signed([der(0x04, inner)])),
            INNER.replace(b"refund", b"cek"),
        )
    )

    assert (read.text, [file.name for file in read.attachments]) == ("Mohon refund.\n\nMohon cek.", ["a.png"])


@pytest.mark.parametrize(
    ("content", "kind", "flags"),
    [
        (der(0x30, packages.oid(7, 3), der(0xA0)), "application/pkcs7-mime", ("encrypted",)),
        (der(0x30, packages.oid(7, 3), der(0xA0)), "application/octet-stream", ("encrypted",)),
        (der(0x30, packages.oid(9, 16, 1, 23), der(0xA0)), "application/pkcs7-mime", ("encrypted",)),
        (b"nonsense", "application/pkcs7-mime", ("encrypted",)),
        (b"nonsense", "application/pkcs7-signature", ()),
        (signed([]), "application/pkcs7-mime; smime-type=certs-only", ()),
        (signed([]), "application/pkcs7-signature", ()),
        (signed([der(0x04, b"%PDF-1.4 kontrak")]), "application/pkcs7-mime; name=kontrak.pdf.p7m", ()),
    ],
)
def test_what_is_no_signed_mail_stays_an_attachment(
    content: bytes, kind: str, flags: tuple[str, ...]
) -> None:
    read = parse(mail(kind, content))

    assert (read.text, len(read.attachments), read.flags) == ("", 1, flags)


def test_mails_inside_of_signatures_are_opened_down_to_a_level() -> None:
    inner = INNER
    for _ in range(10):
        inner = mail("application/pkcs7-mime", signed([der(0x04, inner)]))
    read = parse(inner)

    assert (read.text, len(read.attachments), read.flags) == ("", 1, ("signed", "too-complex"))


@pytest.mark.parametrize(
    "content",
    [
        b"\x30\x80" * 500_000,
        b"\x24\x80" + b"\x04\0" * 500_000,
        b"\x30\x88" + b"\xff" * 100,
        b"0\x80\x06\x09" + b"\0" * 500_000,
    ],
)
def test_lengths_that_lie_cost_nothing(content: bytes) -> None:
    started = time.process_time()

    assert cms.read(content) == (cms.Kind.OTHER, None)
    assert cms.read(signed([content]))[0] is cms.Kind.OTHER
    assert time.process_time() - started < 5


@given(st.binary(max_size=40), st.integers(0, 120), st.integers(0, 120))
def test_a_damaged_signature_is_read_or_not(damage: bytes, at: int, end: int) -> None:
    whole = signed([packages.octets_in_parts(INNER)], packages.ber)
    reading(mail("application/pkcs7-mime", whole[:at] + damage + whole[end:]))
