"""Canonical forms equal those of dkimpy on any bytes, and take linear time where dkimpy does not."""

import hashlib
import time
from random import Random

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from mailbot.mail.auth import canonical

PIECES = st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"=", b"\r\n\r\n", b"  ", b".", b"\xff", b"\r"])
BODIES = st.lists(PIECES, max_size=40).map(b"".join)


@given(BODIES)
def test_a_canonical_body_equals_that_of_dkimpy(body: bytes) -> None:
    assert canonical.canonical_body(body, relaxed=False) == Simple.canonicalize_body(body)
    if not body.endswith(
        (b" ", b"\t")
    ):  # after the last CRLF RFC 6376 section 3.4.4 drops a space, dkimpy keeps one
        assert canonical.canonical_body(body, relaxed=True) == Relaxed.canonicalize_body(body)


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        (b"", b"", b"\r\n"),
        (b"\r\n\r\n", b"", b"\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),  # RFC 6376 section 3.4.5
        (b"no end", b"no end\r\n", b"no end\r\n"),
        (b"end with white \t", b"end with white\r\n", b"end with white \t\r\n"),
    ],
)
def test_a_body_has_both_forms(body: bytes, relaxed: bytes, simple: bytes) -> None:
    assert canonical.canonical_body(body, relaxed=True) == relaxed
    assert canonical.canonical_body(body, relaxed=False) == simple


def test_an_empty_body_has_the_hash_of_the_rfc() -> None:
    digest = hashlib.sha1(canonical.canonical_body(b"", relaxed=False), usedforsecurity=False)

    assert digest.hexdigest() == "ba8ab5a0280b953aa97435ff8946cbcbb2755a27"


def test_a_body_of_several_pieces_has_the_same_form() -> None:
    pieces = [b" ", b"\t", b"\r\n", b"word", b" \r\n", b"  "]
    body = b"".join(Random(1).choices(pieces, k=1_500_000)) + b"end"

    assert canonical.canonical_body(body, relaxed=True) == Relaxed.canonicalize_body(body)


@pytest.mark.parametrize("piece", [b" ", b"\t", b"\r\n", b" \r\n", b"\t a", b"a ", b"\r", b"  \r\n\t"])
def test_a_body_of_many_megabytes_is_canonicalized_quickly(piece: bytes) -> None:
    body = piece * (8_000_000 // len(piece)) + b"x"
    started = time.perf_counter()
    canonical.canonical_body(body, relaxed=True)
    canonical.canonical_body(body[:-1], relaxed=True)

    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("value", [b" ", b"\r\n ", b";", b";b", b"; b = ", b" b=", b"\t\r\n\t"])
def test_a_signature_of_64_kib_is_split_quickly(value: bytes) -> None:
    field = b"DKIM-Signature: " + value * (60_000 // len(value))
    raw = field + b"\r\nFrom: a@b.example\r\n\r\n"
    started = time.perf_counter()
    mail = canonical.split(raw)
    assert mail
    canonical.signed_header(mail, [b"from"] * 200, field, relaxed=True)

    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\nbody",
        b" folded: into nothing\r\n\r\n",
        b"From: a@b.example\r\nno field\r\n\r\nx",
        b"From a@b.example Mon Nov 23\r\nFrom: a@b.example\r\n\r\nx",
        b"From: a@b.example\r\n\r\r\n\r\nx",
        b"X: " + b"x" * 66_000 + b"\r\n\r\n",
        b"X: x\r\n" * 1001 + b"\r\n",
    ],
)
def test_an_ambiguous_header_is_not_split(raw: bytes) -> None:
    assert canonical.split(raw) is None


def test_bare_line_ends_count_as_line_ends() -> None:
    crlf = canonical.split(b"From: a@b.example\r\nX: 1\r\n 2\r\n\r\none\r\ntwo\r\n")

    assert crlf == canonical.split(b"From: a@b.example\nX: 1\n 2\n\none\ntwo\n")
    assert crlf
    assert crlf.fields[1] == (b"x", b"X: 1\r\n 2")
