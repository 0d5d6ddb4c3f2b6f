"""Write hostile mails as (name, bytes). Each has a From and a Subject that must be read."""

import base64
from collections.abc import Iterator

from tests.mail import packages

HEAD = b"From: Budi <budi@pelanggan.example>\r\nTo: support@dukungan.example\r\nSubject: Saldo saya\r\n"
PLAIN = HEAD + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = HEAD + b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


def bombs() -> Iterator[tuple[str, bytes]]:
    yield from _headers()
    yield from _encoded_words()
    yield from _parts()
    yield from _html()
    yield from _charsets()
    yield from _encodings()
    yield from _packages()
    yield from _texts()


def _mail(*lines: bytes, body: bytes = b"Halo\r\n") -> bytes:
    return HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + body


def _headers() -> Iterator[tuple[str, bytes]]:
    yield "commas in To", _mail(b"Cc: " + b"," * 100_000)
    yield "commas in Reply-To", _mail(b"Reply-To: " + b"," * 60_000)
    yield "comments in Reply-To", _mail(b"Reply-To: " + b"(" * 60_000)
    yield "closed comments", _mail(b"Reply-To: " + b"(a" * 1_900 + b")" * 1_900 + b" budi@pelanggan.example")
    yield "quotes in Reply-To", _mail(b'Reply-To: "' + b'\\"' * 30_000)
    yield "angles in Reply-To", _mail(b"Reply-To: " + b"<" * 60_000)
    yield "groups in Reply-To", _mail(b"Reply-To: " + b"a:" * 30_000)
    yield "dots in Reply-To", _mail(b"Reply-To: " + b"a." * 2_000 + b"@" + b"b." * 2_000)
    yield "a header of 1 MB", _mail(b"X-Long: " + b"a" * 1_000_000)
    yield "10,000 fields", _mail(*[b"X-%d: y" % i for i in range(10_000)])
    yield "100,000 folded lines", _mail(b"X-Fold: a" + b"\r\n b" * 100_000)
    yield "folded lines of white space", _mail(b"X-Fold: a" + b"\r\n " * 20_000 + b"b")
    yield "lines that are no fields", _mail(b"\r\n".join([b"x"] * 30_000) + b"\r\nDate: today")
    yield "references", _mail(b"References: " + b"<a@b> " * 10_000)
    yield "references that never close", _mail(b"References: " + b"<a" * 30_000)
    yield "Message-ID that never closes", _mail(b"Message-ID: <" + b"a" * 60_000)
    yield "100 Received", _mail(*[b"Received: from a by b; today"] * 100)
    yield "parameters", _mail(b"Content-Type: text/plain" + b'; a="' * 12_000)
    yield (
        "parameter continuations",
        _mail(b"Content-Type: text/plain" + b"".join(b";name*%d*=a" % i for i in range(100_000))),
    )
    yield (
        "comments in Auto-Submitted",
        _mail(b"Auto-Submitted: " + b"(" * 30_000 + b")" * 30_000),
    )
    yield "semicolons", _mail(b"Content-Disposition: attachment" + b";" * 60_000)


def _encoded_words() -> Iterator[tuple[str, bytes]]:
    yield "encoded words", _mail(b"Reply-To: " + b"=?utf-8?q?a?= " * 4_000 + b"<budi@pelanggan.example>")
    yield "open encoded words", _mail(b"Reply-To: " + b"=?utf-8?q?a" * 6_000 + b"?=")
    yield "empty encoded words", _mail(b"Reply-To: " + b"=??=" * 15_000)
    yield (
        "encoded words in 490 file names",
        _multipart(
            b"mixed",
            [
                (
                    b'application/pdf\r\nContent-Disposition: attachment; filename="'
                    + b"=?a?q?" * 600
                    + b'?="',
                    b"x",
                )
            ]
            * 490,
        ),
    )


def _multipart(kind: bytes, parts: list[tuple[bytes, bytes]], *, close: bytes = b"\r\n--b--\r\n") -> bytes:
    head = HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/" + kind + b"; boundary=b\r\n\r\n"
    written = [b"--b\r\nContent-Type: " + part_kind + b"\r\n\r\n" + body for part_kind, body in parts]
    return head + b"\r\n".join(written) + close


def _nested(depth: int) -> bytes:
    out = [HEAD + b"MIME-Version: 1.0\r\n"]
    for level in range(depth):
        out.append(b'Content-Type: multipart/mixed; boundary="x%d"\r\n\r\n--x%d\r\n' % (level, level))
    out.append(b"Content-Type: text/plain\r\n\r\nHalo\r\n")
    out += [b"--x%d--\r\n" % level for level in reversed(range(depth))]
    return b"".join(out)


def _parts() -> Iterator[tuple[str, bytes]]:
    yield "1,000 levels", _nested(1_000)
    yield "10,000 levels", _nested(10_000)
    yield "100,000 parts", _multipart(b"mixed", [(b"text/plain", b"a")] * 100_000)
    yield (
        "500 parts without a blank line",
        (
            HEAD
            + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + (b"--b\r\n" + b"x: y\r\n" * 5_000) * 100
        ),
    )
    yield (
        "a million lines that look like boundaries",
        _multipart(b"mixed", [(b"text/plain", b"\r\n--a" * 10**6)]),
    )
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    yield "a flood of boundaries", head + b"--b\r\n" * 300_000
    yield "a flood of boundaries with a field", head + b"--b\r\nx: y\r\n" * 100_000
    yield (
        "a flood of multiparts",
        head + b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n--c\r\n" * 100_000,
    )
    yield "dashes", _multipart(b"mixed", [(b"text/plain", b"-" * 3_000_000)])
    yield "dashes under 29 levels", (_nested(29).replace(b"Halo\r\n", b"\n".join([b"--y" * 20] * 100_000)))
    yield (
        "a boundary of 60 KB",
        (
            HEAD
            + b"Content-Type: multipart/mixed; boundary="
            + b"b" * 60_000
            + b"\r\n\r\n"
            + b"--b\r\n" * 1_000
        ),
    )
    yield "no boundary", HEAD + b"Content-Type: multipart/mixed\r\n\r\n" + b"--b\r\n" * 10_000
    yield (
        "the same boundary on every level",
        (
            HEAD
            + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20_000
        ),
    )
    rfc822 = PLAIN + b"Halo\r\n"
    for _ in range(200):
        rfc822 = HEAD + b"Content-Type: message/rfc822\r\n\r\n" + rfc822
    yield "200 mails in each other", rfc822
    yield "490 HTML parts of 50 KB", _multipart(b"mixed", [(b"text/html", b"<div>a" * 8_000)] * 490)
    yield "490 empty attachments", _multipart(b"mixed", [(b"image/png", b"")] * 490)
    yield "490 alternatives", _multipart(b"alternative", [(b"text/html", b"<p>" * 1_000)] * 490)


def _html() -> Iterator[tuple[str, bytes]]:
    for name, piece, size in (
        ("open comments", b"<!--", 400_000),
        ("comments", b"<!---->", 400_000),
        ("nested div", b"<div>", 500_000),
        ("open tags", b"<a ", 500_000),
        ("open tags with quotes", b'<a b="', 500_000),
        ("quotes", b"<a b=\"'>", 500_000),
        ("less-than signs", b"<", 500_000),
        ("entities", b"&", 500_000),
        ("character references", b"&#1", 500_000),
        ("long entities", b"&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 500_000),
        ("a reference of digits", b"9", 500_000),
        ("blockquotes", b"<blockquote>a", 500_000),
        ("open styles", b"<style>", 500_000),
        ("scripts", b"<script></script", 500_000),
        ("tables", b"<table><tr><td>", 500_000),
        ("breaks", b"<br>", 500_000),
        ("spaces", b" ", 500_000),
        ("declarations", b"<!x", 500_000),
        ("cdata", b"<![CDATA[", 500_000),
    ):
        start = b"&#" if name == "a reference of digits" else b""
        yield f"html: {name}", HTML + start + piece * (size // len(piece))
    yield "html: 9.6 MB", HTML + b"<p>Halo dunia</p>\r\n" * 500_000


def _charsets() -> Iterator[tuple[str, bytes]]:
    body = "Halo, saldo saya hilang \u2013 tolong".encode()
    for label in (
        *(b"utf-7", b"idna", b"punycode", b"unicode_escape", b"raw_unicode_escape", b"hex", b"zip", b"zlib"),
        *(b"bz2", b"rot13", b"rot_13", b"base64", b"quopri", b"uu", b"utf-16", b"utf-32", b"utf_16_le"),
        *(b"undefined", b"mbcs", b"gb2312", b"ks_c_5601-1987", b"x-unknown", b"..", b"../../etc/passwd"),
        *(b"a" * 3_000, b"\0", b"\xff", b"'", b"string_escape", b"charmap"),
    ):
        shown = label[:20].decode("latin-1")
        yield (
            f"charset {shown!r}",
            HEAD + b'Content-Type: text/plain; charset="' + label + b'"\r\n\r\n' + body,
        )
        yield (
            f"header charset {shown!r}",
            _mail(b"Reply-To: =?" + label + b"?q?a=E2?= <budi@pelanggan.example>"),
        )
    yield "idna of dots", HEAD + b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a." * 200_000
    yield (
        "punycode of letters",
        HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" * 200_000,
    )
    for label in (b"iso-2022-jp", b"hz", b"iso-2022-kr", b"big5", b"shift_jis", b"euc-jp"):
        yield (
            f"escapes in {label.decode()}",
            HEAD
            + b"Content-Type: text/plain; charset="
            + label
            + b"\r\n\r\n"
            + b"\x1b$B~{\x0e\xa1" * 100_000,
        )


def _encodings() -> Iterator[tuple[str, bytes]]:
    for encoding, body in (
        (b"base64", b"=" * 500_000),
        (b"base64", b"A" * 400_001),
        (b"base64", b"\xff\0!" * 100_000),
        (b"base64", base64.b64encode(b"<!--" * 100_000)),
        (b"quoted-printable", b"=" * 500_000),
        (b"quoted-printable", b"=\n" * 200_000),
        (b"quoted-printable", b" " * 500_000 + b"x"),
        (b"x-uuencode", b"begin 644 a\n" + b"M\n" * 200_000),
        (b"x-uuencode", b"begin 644 a\n" * 40_000),
        (b"x-uuencode", b"begin 644 a\n" + b"\xff" * 500_000),
        (b"8bit" * 10_000, b"Halo"),
        (b"gzip", b"\x1f\x8b" + b"\0" * 10_000),
    ):
        name = f"{encoding[:20].decode()} {body[:10]!r}"
        yield name, _mail(b"Content-Transfer-Encoding: " + encoding, body=body)


def _packages() -> Iterator[tuple[str, bytes]]:
    flowed = HEAD + b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n"
    yield "one flowed paragraph", flowed + b"a \r\n" * 400_000
    yield "flowed quotes", flowed + b"".join(b">" * (n % 90) + b"a \r\n" for n in range(100_000))
    yield "html: links", HTML + b'<a href="https://x.example">a' * 100_000
    yield "html: one long link", HTML + b"<a href=https://" + b"a" * 500_000 + b">b</a>"
    yield "html: pictures", HTML + b'<img src="cid:a" alt="' * 30_000
    yield "html: attributes", HTML + b"<a " + b"href " * 100_000 + b">a</a>"
    yield "html: open data", HTML + b"data:image/png;base64,;base64," * 30_000
    yield "html: 20 MB of data", HTML + b'<img src="data:image/png;base64,' + b"A" * 20_000_000 + b'">'
    yield (
        "a calendar of one line",
        _mail(b"Content-Type: text/calendar", body=b"BEGIN:VEVENT\nSUMMARY" + b";a=b" * 200_000),
    )
    yield "a calendar of folds", _mail(b"Content-Type: text/calendar", body=b"SUMMARY:a" + b"\n " * 400_000)
    yield "rich text of braces", _mail(b"Content-Type: text/rtf", body=b"{\\rtf1" + b"{" * 900_000)
    yield "rich text of words", _mail(b"Content-Type: text/rtf", body=b"{\\rtf1" + b"\\u1 ?" * 200_000)
    properties = packages.tnef((0x69003, (2**32 - 1).to_bytes(4, "little") + b"\3\0\1\0" * 2_000_000))
    yield "a winmail.dat of properties", _mail(b"Content-Type: application/ms-tnef", body=properties)
    attributes = packages.tnef(*[(0x69002, b"")] * 300_000)
    yield "a winmail.dat of attributes", _mail(b"Content-Type: application/ms-tnef", body=attributes)
    elements = b"0\x80" + packages.oid(7, 2) + b"\xa0\x80" + b"0\x80" + b"\4\0" * 1_000_000
    yield "S/MIME of elements", _mail(b"Content-Type: application/pkcs7-mime", body=elements)


def _texts() -> Iterator[tuple[str, bytes]]:
    answer = HEAD + b"In-Reply-To: <a@b>\r\n\r\n"
    yield "text of NUL", PLAIN + b"\0" * 1_000_000
    yield "20 MB of text", PLAIN + b"Halo dunia, apa kabar?\r\n" * 850_000
    yield "empty lines", answer + b"\r\n" * 500_000
    yield "quote signs", answer + b">" * 500_000
    yield "quoted lines", answer + b"> a\r\n" * 120_000
    yield "attributions", answer + b"On 1.1.2025 10:00 a@b wrote:\r\n> a\r\n" * 15_000
    yield "header blocks", answer + b"From:\r\n" * 70_000
    yield "half attributions", answer + (b"On 12:30 " + b"1" * 380 + b":\r\n") * 1_300
    yield "colons", answer + b"<@:\r\n" * 100_000
    yield "addresses", answer + (b"<" + b"@" * 390 + b":\r\n") * 1_300
    yield "one line of dashes and spaces", answer + b"- " * 250_000
    yield "one line of spaces", answer + b"--" + b" " * 500_000 + b"x"
    yield "signatures", answer + b"a\r\n-- \r\n" * 60_000
    yield "combining marks", answer + "a\u0301".encode() * 80_000
