"""Charsets, transfer encodings, HTML and attachments are read by content, whatever a part declares."""

import base64
import hashlib
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import attachments, charsets, transfer_encoding
from mailbot.mail.parsing.html_text import html_to_text
from mailbot.mail.parsing.parse import parse


@pytest.mark.parametrize(
    ("data", "label", "expected"),
    [
        (b"Halo", "us-ascii", "Halo"),
        ("é".encode(), "utf-8", "é"),
        ("é".encode(), "", "é"),
        ("é".encode(), "us-ascii", "é"),
        (b"\x93Halo\x94 \x96 \xe9", "windows-1252", "“Halo” – é"),
        (b"\x93Halo\x94", "iso-8859-1", "“Halo”"),
        (b"\x93Halo\x94 \xe9", "utf-8", "“Halo” é"),
        ("Saldo – belum – kembali".encode() + b"\xe2\x80", "utf-8", "Saldo – belum – kembali\ufffd"),
        ("镕".encode("gb18030"), "gb2312", "镕"),
        ("똠".encode("cp949"), "ks_c_5601-1987", "똠"),
        ("똠".encode("cp949"), "EUC-KR", "똠"),
        ("日本".encode("iso2022_jp"), "iso-2022-jp", "日本"),
        ("①".encode("cp932"), "Shift_JIS", "①"),
        ("привет".encode("koi8-r"), '"KOI8-R"', "привет"),
        ("ไทย".encode("cp874"), "tis-620", "ไทย"),
        ("똠".encode("cp949"), "windows-949", "똠"),
        ("똠".encode("cp949"), "x-windows-949", "똠"),
        ("①".encode("cp932"), "x-sjis", "①"),
        ("①".encode("cp932"), "MS932", "①"),
        ("镕".encode("gb18030"), "cp936", "镕"),
        ("Верните".encode("mac_cyrillic"), "x-mac-cyrillic", "Верните"),
        ("Größe".encode("mac_roman"), "x-mac-roman", "Größe"),
        ("č".encode("mac_latin2"), "x-mac-ce", "č"),
        ("à".encode("cp850"), "cp-850", "à"),
        ("à".encode("cp850"), "ibm850", "à"),
        ("שלום".encode("iso8859_8"), "iso-8859-8-i", "שלום"),
        ("é".encode("cp1252"), "windows1252", "é"),
        ("é".encode(), "cp65001", "é"),
        # A wrong label.
        ("Größe – ok".encode(), "iso-8859-1", "Größe – ok"),
        ("Größe".encode() + b"\xfc", "windows-1252", "Größe\ufffd"),
        (
            "Pesan ini dalam UTF-8: “ – ” “ – ” ‘ – ’ €".encode(),
            "koi8-r",
            "Pesan ini dalam UTF-8: “ – ” “ – ” ‘ – ’ €",
        ),
        ("รก".encode("cp874"), "tis-620", "รก"),  # valid UTF-8 as well, but too short to be sure
        ("Pénalité à régler".encode("cp850"), "", "Pénalité à régler"),
        ("für Müller".encode("cp850"), "iso-8859-1", "für Müller"),
        ("L’été – ‚oui‘ … “là”".encode("cp1252"), "iso-8859-1", "L’été – ‚oui‘ … “là”"),
        ("Halo".encode("utf-16"), "utf-16", "Halo"),
        (b"Halo", "cp500", "Halo"),
        (b"Halo", "utf-16", "Halo"),
        (b"Halo+AGE-", "utf-7", "Halo+AGE-"),
        (b"\\x41", "unicode_escape", "\\x41"),
        (b"xn--abc", "idna", "xn--abc"),
        (b"48616c6f", "hex", "48616c6f"),
        (b"Unyb", "rot13", "Unyb"),
        (b"eNo=", "zlib", "eNo="),
        (b"Halo", "x-no-such-charset", "Halo"),
        (b"Halo", "\x00" * 100, "Halo"),
    ],
)
def test_bytes_are_decoded_as_the_sender_meant(data: bytes, label: str, expected: str) -> None:
    assert charsets.decode(data, label) == expected


def test_unknown_charsets_are_not_looked_up_in_the_codec_registry() -> None:
    assert [charsets.codec_for(f"attack-{number}") for number in range(3)] == ["", "", ""]


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = charsets.clean(text)

    assert charsets.clean(once).lstrip("\ufeff") == once.lstrip("\ufeff")


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        (b"SGFsbw==", "base64", b"Halo"),
        (b"SGFs\r\nbw", "BASE64", b"Halo"),
        (b"SGF*s bw==\n", "base64 (x)", b"Halo"),
        (b"SGFsb", "base64", b"Hal"),
        (b"Mohon refund pesanan saya\r\n", "base64", b"Mohon refund pesanan saya\r\n"),
        (b"U0dGc2IgU0dGc2IgU0dGc2I=\r\n-- \r\nlist footer\r\n", "base64", b"SGFsb SGFsb SGFsb"),
        (b"=", "base64", b""),
        (b"a=3Db=\r\nc", "quoted-printable", b"a=bc"),
        (b"a=ZZb=", "Quoted-Printable;", b"a=ZZb"),
        (b"begin 644 a.txt\r\n$2&%L;P  \r\n`\r\nend\r\n", "x-uuencode", b"Halo"),
        (b"no begin line", "uuencode", b"no begin line"),
        (b"Halo\xff", "8bit", b"Halo\xff"),
        (b"Halo", "x-strange", b"Halo"),
        (b"Halo", "", b"Halo"),
    ],
)
def test_transfer_encodings_are_decoded_leniently(data: bytes, encoding: str, expected: bytes) -> None:
    assert transfer_encoding.decode(data, encoding) == expected


@given(st.binary(max_size=200))
def test_encoded_bytes_are_decoded_to_the_same(data: bytes) -> None:
    assert transfer_encoding.decode(base64.encodebytes(data), "base64") == data


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>Halo</p><p>dunia</p>", "Halo\n\ndunia"),
        ("a<br>b<BR/>c<br />d", "a\nb\nc\nd"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<div>a</div><div><br></div><div>b<br></div><div>c</div><br>d", "a\n\nb\nc\n\nd"),
        ("<ul><li>satu<li>dua</ul>", "- satu\n- dua"),
        ("<ol><li>satu<ul><li>a</ul></li><li>dua</li></ol><li>x", "1. satu\n\n- a\n\n2. dua\n\n- x"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a  \n\t b&nbsp;&nbsp;c", "a b  c"),
        ("<pre>a\n  b</pre>c", "a\nb\n\nc"),
        ("Rp&nbsp;1.000 &lt; Rp 2.000 &amp;amp; &#8211; &#x2013;", "Rp 1.000 < Rp 2.000 &amp; – –"),
        ("<script>alert('</p>')</script>a<style>p{}</style>b<title>t</title>c", "abc"),
        ("<SCRIPT>if (a<b) x</SCRIPT >a", "a"),
        ("a<!-- b <p> -- > c -->d", "ad"),
        ("a<!--[if mso]><p>b</p><![endif]-->c", "ac"),
        ("<!DOCTYPE html><?xml version='1.0'?>a", "a"),
        ("a < b dan 3<4", "a < b dan 3<4"),
        ("a <budi@b.example> c", "a <budi@b.example> c"),
        ('<img alt="a > b">c', "c"),
        ("a<blockquote>b<br>c<blockquote>d</blockquote></blockquote>e", "a\n\n> b\n> c\n\n> > d\n\ne"),
        # Text that a browser would hide to the end of the mail is shown: the mail may have been cut.
        ("a<!-- b <p>c", "a b\n\nc"),
        ("a<style>b", "ab"),
        ("a<b", "a<b"),
        ("a<p", "a<p"),
        ("&#99999999999999999999;&#x110000;&#0;", "\ufffd\ufffd\ufffd"),
        ("", ""),
    ],
)
def test_html_becomes_its_visible_text(source: str, expected: str) -> None:
    assert html_to_text(source) == (expected, False)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '<p>Coba <a href="https://x.example/l?a=1&amp;b=2">klik ini</a>, ya</p>',
            "Coba klik ini <https://x.example/l?a=1&b=2>, ya",
        ),
        ("<a href='http://www.x.example/'>x.example</a>", "x.example"),
        ("<a href=https://x.example/a>Lihat (https://x.example/a)</a>", "Lihat (https://x.example/a)"),
        ('<a href="https://t.co">https://not.co</a>', "https://not.co <https://t.co>"),
        (
            '<a href="https://palsu.example/bank.example">bank.example</a>',
            "bank.example <https://palsu.example/bank.example>",
        ),
        ('<a href="https://x.example/&amp;lt;">a</a>', "a <https://x.example/&lt;>"),
        ('<a title="a > b" href="https://x.example">a</a>b', "a <https://x.example>b"),
        ('a<a href="https://x.example"><div>Buka</div></a>b', "a\nBuka <https://x.example>\nb"),
        (
            '<a href="https://a.example">a<a href="https://b.example">b',
            "a <https://a.example>b <https://b.example>",
        ),
        (
            '<a href="//x.example/a">a</a> <a href="www.y.example">b</a>',
            "a <https://x.example/a> b <www.y.example>",
        ),
        ('<a href="mailto:a@b.example?subject=c">Tulis</a>', "Tulis <a@b.example>"),
        ('&lt;<a href="mailto:A@b.example">a@b.example</a>&gt;', "<a@b.example>"),
        ('<a href="tel:+62-812-3456-789">0812 3456 789</a>', "0812 3456 789"),
        ('<a href="tel:+628123456789">Telepon</a>', "Telepon <+628123456789>"),
        ('<a href="#a">a</a><a href="javascript:b()">b</a><a href="/c">c</a><a name="d">d</a>', "abcd"),
        ('<a href="https://x.example"></a><a href="https://x.example"> </a>a', "a"),
        (
            '<a href="https://a.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx.example%2Fr%3Fid%3D7">a</a>',
            "a <https://x.example/r?id=7>",
        ),
    ],
)
def test_a_link_keeps_its_address_unless_the_text_shows_it(source: str, expected: str) -> None:
    assert html_to_text(source) == (expected, False)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<img src="cid:ii_1@x" alt="Foto">', "[image: bukti.png]"),
        ('<img src="CID:ii_1%40x">', "[image: bukti.png]"),
        ('<img src="cid:ii_2" alt="Foto &lt;b&gt; saya">', "[image: Foto <b> saya]"),
        ('<img src="cid:image001.png@01DA.2F">', "[image: image001.png]"),
        ('<img src="cid:ii_2">', "[image]"),
        ('<img src="data:image/png;base64,AAAA" alt="">', "[image]"),
        ('<img src="https://x.example/l.png" alt="Logo">', "[image: Logo]"),
        ('<img src="https://x.example/l.png">', ""),
        ('<img src="https://x.example/t" alt="t" width="1" height="1">', ""),
        ('<img src="https://x.example/1f64f.png" alt="🙏">', "🙏"),
        ('<a href="https://x.example"><img src="https://x.example/t"></a>', ""),
        ('<img alt="a">', ""),
    ],
)
def test_a_picture_is_named_at_its_place(source: str, expected: str) -> None:
    assert html_to_text(source, {"ii_1@x": "bukti.png"}) == (expected, False)


def _related(body: bytes, kind: bytes) -> bytes:
    return (
        b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/" + kind + b"\n\n" + body
        + b"\n--b\nContent-Type: image/png; name=foto.png\nContent-ID: <i1@x>\n\n\x89PNG\r\n\x1a\n\n--b--\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b'<p>Ini<img src="cid:i1@x" alt="x">rusak</p>', b"html"), (b"Ini[cid:i1@x]rusak", b"plain")],
)
def test_an_inline_picture_keeps_its_place_and_its_content_id(body: bytes, kind: bytes) -> None:
    mail = parse(_related(body, kind))

    assert mail.text == "Ini[image: foto.png]rusak"
    assert [(file.name, file.content_id) for file in mail.attachments] == [("foto.png", "i1@x")]


@pytest.mark.parametrize("size", [1_000, 1_000_000, 6_000_000])
def test_pictures_inside_of_html_do_not_count_for_its_limit(size: int) -> None:
    picture = base64.b64encode(bytes(size))
    raw = (
        b'Content-Type: text/html\n\n<p><img src="data:image/png;base64,'
        + picture
        + b'"></p><p>saldo hilang</p>'
    )
    mail = parse(raw)

    assert mail.text == "[image]\n\nsaldo hilang"
    assert "html-cut" not in mail.flags


PASTED = b"\x89PNG\r\n\x1a\n" + bytes(2000)


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        (b"", "Ini [image: image1.png] dan [image: image2.jpg], [image: image1.png]"),
        (b"a " * 400, ("a " * 400).strip()),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_pictures_pasted_into_html_are_attachments(plain: bytes, expected: str, encoding: str) -> None:
    photo = b"\xff\xd8\xff\xe0" + bytes(20_000)
    pictures = [
        b'<img src="data:image/png;base64,' + base64.encodebytes(data) + b'">'
        for data in (PASTED, photo, PASTED)
    ]
    html = b"<p>Ini %b dan %b, %b<img src='data:image/gif;base64,R0lGOD'></p>" % tuple(pictures)
    encoded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(
        html
    )
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n%b\n--b\nContent-Type: text/html\n"
        % plain
    )
    mail = parse(raw + f"Content-Transfer-Encoding: {encoding}\n\n".encode() + encoded + b"\n--b--\n")

    assert mail.text.strip().removesuffix("[image]") == expected
    assert [(file.name, file.content_id) for file in mail.attachments] == [
        ("image1.png", "pasted-1"),
        ("image2.jpg", "pasted-2"),
    ]
    assert mail.attachments[0].content == PASTED


@given(st.text(st.sampled_from("<>/!-pbr \"'=&#;x0styleSCRIPT\0\n"), max_size=80))
def test_any_html_becomes_text(source: str) -> None:
    text, cut = html_to_text(source)

    assert not cut
    assert "\0" not in text


@given(
    st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8), min_size=1, max_size=8)
)
def test_no_word_of_a_document_is_lost(words: list[str]) -> None:
    source = "".join(f'<p title="x"><b>{word}</b></p><!-- no -->' for word in words)

    assert html_to_text(source)[0].split() == words


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("bukti.pdf", "bukti.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\budi\\bukti.pdf", "bukti.pdf"),
        ("..", ""),
        ("/", ""),
        (".htaccess", "htaccess"),
        ("a\x00b\x1b[31m\nc.pdf", "ab[31m c.pdf"),
        ("foto\u202egnp.exe", "fotognp.exe"),
        ("a\u200bb\ufeff.pdf", "ab.pdf"),
        ("=?utf-8?q?bukti_=E2=80=93.pdf?=", "bukti –.pdf"),
        ("a" * 300 + ".pdf", "a" * 146 + ".pdf"),
        ("a" * 300, "a" * 150),
        ("a." + "b" * 300, "a." + "b" * 148),
    ],
)
def test_a_file_name_is_safe_to_show(raw: str, expected: str) -> None:
    assert attachments.safe_name(raw) == expected


@pytest.mark.parametrize(
    ("content", "declared", "expected"),
    [
        (b"%PDF-1.4", "text/plain", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "application/octet-stream", "image/png"),
        (b"MZ" + bytes(60), "image/png", "application/x-msdownload"),
        (b"Halo", "image/png", "application/octet-stream"),
        (b"Halo", "application/pdf", "application/octet-stream"),
        (b"BMKG: gempa", "text/plain", "text/plain"),
        (b"a,b", "text/csv", "text/csv"),
        (b"<svg/>", "image/svg+xml", "image/svg+xml"),
        (b"", "application/zip", "application/zip"),
        (b"a", "nonsense", "application/octet-stream"),
        (b"a", "text/a\r\nb", "application/octet-stream"),
    ],
)
def test_the_type_is_detected_by_the_content(content: bytes, declared: str, expected: str) -> None:
    assert attachments.detect_type(content, declared) == expected


@pytest.mark.parametrize(
    ("name", "dangerous"), [("a.pdf", False), ("a.EXE", True), ("a.pdf.js", True), ("exe", True)]
)
def test_a_file_that_runs_when_opened_is_dangerous(name: str, dangerous: bool) -> None:
    assert attachments.is_dangerous(Attachment(name, "text/plain", 0, "")) is dangerous


def test_an_attachment_has_the_digest_of_its_content() -> None:
    raw = (
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: application/x-thing\nContent-Transfer-Encoding: base64\n\nAAEC\n--b--\n"
    )
    (attachment,) = parse(raw).attachments

    assert attachment == Attachment(
        "attachment.bin", "application/x-thing", 3, hashlib.sha256(b"\0\1\2").hexdigest(), b"\0\1\2"
    )


def test_html_inside_of_an_empty_mail_is_read_wherever_it_stands() -> None:
    html = b"--b\nContent-Type: text/html; name=mail.htm\nContent-Disposition: %b\n\n<p>Mohon refund\n"
    head = b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n\n"

    assert parse(head + html % b"inline" + b"--b--").text == "Mohon refund"
    assert parse(head + html % b"attachment" + b"--b--").text == ""  # a file that a person attached


STUB = "Pesan ini berformat HTML. Buka dengan program email yang mendukungnya."
LONG = "Saya sudah menunggu dua minggu dan belum ada kabar tentang pesanan saya, mohon segera dibalas. "


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        ("Halo kak", "<p>Halo <b>kak</b></p>", "Halo kak"),
        ("", "<p>Hai</p>", "Hai"),
        (" \n\t\n", "<p>Hai</p>", "Hai"),
        ("", "", ""),
        ("Halo", "", "Halo"),
        # A stub.
        (STUB, "<p>Mohon refund</p>", "Mohon refund"),
        ("This mail needs an HTML reader", f"<p>{LONG}</p>", LONG.strip()),
        ("Halo", f"<p>Halo, {LONG}</p>", f"Halo, {LONG}".strip()),
        ("Dari ponsel", "<p>Dari ponsel</p><p>Uang saya mana</p>", "Dari ponsel\n\nUang saya mana"),
        # Its plain text lost an address.
        (
            LONG * 10,
            f"<p>{LONG * 10}<a href='https://x.example'>Klik</a>",
            f"{LONG * 10}Klik <https://x.example>",
        ),
        ("Klik ini", '<p><a href="https://x.example">Klik</a> ini', "Klik <https://x.example> ini"),
        (
            "Buka www.x.example",
            '<p>Buka <a href="https://x.example/a">www.x.example</a>',
            "Buka www.x.example",
        ),
        # Two texts of their own: nothing of either is lost.
        (
            "Halo, saya Budi",
            "<p>Mohon refund pesanan INV/77</p>",
            "Halo, saya Budi\n\nMohon refund pesanan INV/77",
        ),
        (LONG * 10, "<p>Mohon refund</p>", (LONG * 10).strip()),
        # The same with pictures and addresses.
        (
            "Ini [cid:i@x] sini<https://x.example>",
            '<p>Ini <img src="cid:i@x"> <a href="https://x.example">sini</a>',
            "Ini [image] sini<https://x.example>",
        ),
    ],
)
def test_html_is_read_where_the_plain_alternative_is_a_stub(plain: str, html: str, expected: str) -> None:
    for parts in ((("plain", plain), ("html", html)), (("html", html), ("plain", plain))):
        written = "".join(f"--b\nContent-Type: text/{kind}\n\n{text}\n" for kind, text in parts)
        raw = f"Content-Type: multipart/alternative; boundary=b\n\n{written}--b--\n".encode()

        assert sorted(parse(raw).text.strip().split("\n\n")) == sorted(expected.split("\n\n"))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Content-Type: text/html; name=mail.htm\nContent-Disposition: inline", "Mohon refund"),
        ("Content-Type: text/html; name=mail.htm\nContent-Disposition: attachment", "Mohon refund"),
        (
            "Content-Type: text/plain; name=mail.txt\nContent-Disposition: attachment",
            "<p>Mohon <b>refund</b></p>",
        ),
        ("Content-Type: text/csv; name=a.csv\nContent-Disposition: attachment", ""),
        ("Content-Type: text/plain", "<p>Mohon <b>refund</b></p>"),
    ],
)
@pytest.mark.parametrize("rest", ["", "--b\nContent-Type: image/png; name=a.png\n\nx\n"])
def test_a_text_with_a_name_at_the_top_is_the_text_of_a_mail_without_another(
    head: str, expected: str, rest: str
) -> None:
    part = f"{head}\n\n<p>Mohon <b>refund</b></p>\n"
    raw = f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{part}{rest}--b--\n" if rest else part

    assert parse(raw.encode()).text.strip() == expected
    other = "--b\nContent-Type: text/plain\n\nHalo\n"
    beside = f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{head}; name=a\n\nx\n{other}--b--\n"
    assert "Halo" in parse(beside.encode()).text


def test_an_html_document_in_a_plain_part_is_read_as_html() -> None:
    assert (
        parse(b"Content-Type: text/plain\n\n<!DOCTYPE html>\n<html><p>Mohon refund</p></html>").text
        == "Mohon refund"
    )


@pytest.mark.parametrize(
    ("text", "delsp", "expected"),
    [
        ("Halo \nkak,\n\nsaya \ntunggu\n", "no", "Halo kak,\n\nsaya tunggu"),
        ("https://x.example/a- \nb dan  \nc", "yes", "https://x.example/a-b dan c"),
        ("saya tunggu \nkabar  \nbaik", "yes", "saya tunggu kabar baik"),
        ("我的余额 \n不见了", "yes", "我的余额不见了"),
        ("> Halo \n> kak \njawab", "no", "> Halo kak \njawab"),
        (">> a \n>> b\n> c", "no", "> > a b\n> c"),
        (" > bukan kutipan\n From x", "no", "> bukan kutipan\nFrom x"),
        ("Halo \n-- \nBudi", "no", "Halo \n-- \nBudi"),
    ],
)
def test_a_flowed_text_is_joined_to_paragraphs(text: str, delsp: str, expected: str) -> None:
    head = f"Content-Type: text/plain; format=flowed; delsp={delsp}\n\n"

    assert parse((head + text).encode()).text == expected


@pytest.mark.parametrize(
    ("parameter", "meta"),
    [
        ("", "<meta charset=windows-1251>"),
        ("", '<META http-equiv=x content="text/html; charset=windows-1251">'),
        ("; charset=windows-1251", ""),
    ],
)
def test_html_may_name_its_charset_itself(parameter: str, meta: str) -> None:
    raw = f"Content-Type: text/html{parameter}\n\n<head>{meta}</head><p>Верните деньги".encode("cp1251")

    assert parse(raw).text == "Верните деньги"


def test_an_attached_mail_is_named_after_its_subject() -> None:
    inner = "Content-Type: message/rfc822\n\nSubject: =?utf-8?q?Bukti_INV/77_=E2=80=93_transfer?=\n\nHalo"
    raw = f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{inner}\n--b\nContent-Type: message/rfc822\n\nx\n--b--\n"

    assert [file.name for file in parse(raw.encode()).attachments] == [
        "Bukti INV-77 – transfer.eml",
        "message.eml",
    ]


@pytest.mark.parametrize(
    "declared",
    [
        "multipart/mixed",
        "multipart/mixed; boundary=",
        'multipart/mixed; boundary="other"',
        "multipart; boundary=b",
        "multipart",
    ],
)
def test_a_multipart_is_read_by_the_boundary_that_its_body_has(declared: str) -> None:
    parts = "--b\nContent-Type: text/plain\n\nHalo\n--b\nContent-Type: image/png; name=a.png\n\nx\n--b--\n"
    mail = parse(f"Content-Type: {declared}\n\n--\nno boundary\n{parts}".encode())

    assert (mail.text, [file.name for file in mail.attachments]) == ("Halo", ["a.png"])


@pytest.mark.parametrize(
    "kind", ["message/partial; id=a; number=1; total=2", "message/external-body; access-type=ftp"]
)
def test_a_mail_whose_content_is_elsewhere_is_flagged(kind: str) -> None:
    mail = parse(f"From: a@b.example\nContent-Type: {kind}\n\nSubject: x\n\nHalo".encode())

    assert (mail.text, mail.flags, len(mail.attachments)) == ("", ("unreadable-part",), 1)


def test_a_type_without_a_subtype_is_completed() -> None:
    assert parse(b"Content-Type: html\n\n<p>Halo</p>").text == "Halo"
    assert parse(b"Content-Type: text\n\n<p>Halo</p>").text == "<p>Halo</p>"


def test_all_text_parts_of_a_mixed_mail_are_read_in_their_order() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsatu\n--b\nContent-Type: image/png\n\nx\n"
        b"--b\nContent-Type: text/html\n\n<p>dua\n--b\nContent-Type: text/plain\n\ntiga\n--b--\n"
    )

    assert parse(raw).text == "satu\n\ndua\n\ntiga"
