"""Test what is hidden of a customer's reply, by what we sent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.replies.folded_lines import BLANK, folded_lines, without_history
from mailbot.mail.replies.fold import Folded, SentToCustomer, fold
from mailbot.mail.replies.known_text import KnownText
from mailbot.mail.replies.reply_heads import SentToAgent
from tests.mail.test_new_text import PROGRAMS

ANSWER = """Halo Budi,

Terima kasih sudah menunggu. Kami sudah memeriksa transaksi Anda di sistem kami.
Boleh kami minta tanggal transaksi dan jumlahnya, supaya bisa kami telusuri ke bank?

Dana akan kami kembalikan setelah itu, paling lambat tiga hari kerja. Jangan membayar lagi untuk pesanan yang sama.

Salam hangat,
Rina
TokoDompet"""
FIRST = "Saldo saya terpotong Rp 350.000 tetapi pesanan gagal.\nMohon dana saya dikembalikan secepatnya."
US = SentToAgent(addresses=("support@dukungan.example",), brands=("TokoDompet",))
SENT = SentToCustomer(
    replace(US, notices=KnownText([ANSWER]), subjects=("Re: Saldo [TOKO-48217390-8]",)),
    recipients=("budi@pelanggan.example",),
    on_ticket=KnownText([ANSWER, FIRST]),
)
NOTHING_SENT = SentToCustomer(US)
OUR_HEAD = (
    "Dari: TokoDompet <support@dukungan.example>\nDikirim: Jumat, 27 November 2026 10.12\n"
    "Kepada: Budi <budi@pelanggan.example>\nSubjek: Re: Saldo [TOKO-48217390-8]\n"
)
SELLER_HEAD = (
    "Dari: Toko Sinar <sinar@penjual.example>\nDikirim: Jumat, 27 November 2026 09.00\n"
    "Kepada: Budi <budi@pelanggan.example>\nSubjek: Re: pesanan\n"
)


def folded(text: str, sent: SentToCustomer = SENT) -> Folded:
    return fold(text, sent)


def marked(text: str, mark: str = "> ") -> str:
    return "\n".join(f"{mark}{line}" for line in text.split("\n"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_our_mail_is_hidden_below_the_head_of_any_program(program: str) -> None:
    quote = PROGRAMS[program].format(quote=ANSWER, marked=marked(ANSWER))
    assert folded(f"Tanggal 2 Oktober.\n\n{quote}") == Folded("Tanggal 2 Oktober.")


@pytest.mark.parametrize(
    "head",
    [
        "Am Fr., 27. Nov. 2026 um 10:12 Uhr schrieb TokoDompet <support@dukungan.example>:",
        "2026年11月27日(金) 10:12 TokoDompet <support@dukungan.example>:",
        "Il giorno ven 27 nov 2026 alle ore 10:12 TokoDompet <support@dukungan.example> ha scritto:",
        "Von: TokoDompet <support@dukungan.example>\nGesendet: Freitag, 27. November 2026 10:12\n"
        "An: Budi <budi@pelanggan.example>\nBetreff: Re: Saldo [TOKO-48217390-8]",
        "差出人: TokoDompet <support@dukungan.example>\n送信日時: 2026年11月27日 10:12\n"
        "宛先: Budi <budi@pelanggan.example>\n件名: Re: Saldo [TOKO-48217390-8]",
    ],
)
@pytest.mark.parametrize("mark", ["", "> "])
def test_our_mail_is_hidden_below_a_head_in_another_language(head: str, mark: str) -> None:
    assert folded(f"Tanggal 2 Oktober.\n\n{head}\n\n{marked(ANSWER, mark)}").visible == "Tanggal 2 Oktober."


@pytest.mark.parametrize("cut", [3, 4, 6])
def test_text_below_a_quote_with_its_tail_cut_is_new(cut: int) -> None:
    quote = "\n".join(ANSWER.split("\n")[:cut])
    new = "Transaksinya 2 Oktober, Rp 350.000. Tolong direfund."
    found = folded(f"Terima kasih kak.\n\n{OUR_HEAD}\n{quote}\n\n{new}")
    assert found == Folded(f"Terima kasih kak.\n\n{new}")


def test_an_answer_between_lines_of_ours_stays_without_any_mark() -> None:
    halves = ANSWER.split("\n\nDana")
    text = f"{OUR_HEAD}\n{halves[0]}\n2 Oktober, Rp 350.000\n\nDana{halves[1]}"
    assert folded(text).visible == "2 Oktober, Rp 350.000"


def test_an_answer_inside_of_marked_lines_stays() -> None:
    text = f"TokoDompet menulis:\n{marked(ANSWER)}\n> 2 Oktober, Rp 350.000\n"
    assert folded(text).visible == "> 2 Oktober, Rp 350.000"


def test_a_mail_of_others_is_the_customers_text() -> None:
    text = f"Penjual membalas begini:\n\n{SELLER_HEAD}\nBarang kosong.\n\nJadi bagaimana uang saya?"
    assert folded(text) == folded(text, NOTHING_SENT) == Folded(text)


def test_a_marked_quote_of_others_stays() -> None:
    text = "Penjual menulis:\n> Barang kosong, silakan pesan lagi minggu depan.\n\nJadi bagaimana?"
    assert folded(text) == Folded(text)


def test_a_quote_of_others_stays_beside_one_of_ours() -> None:
    seller = f"{SELLER_HEAD}\nBarang kosong, silakan pesan lagi minggu depan."
    text = f"Lihat di bawah.\n\n{OUR_HEAD}\n{ANSWER}\n\n{seller}"
    assert folded(text).visible == f"Lihat di bawah.\n\n{seller}"


def test_what_the_customer_wrote_before_is_hidden_below_our_mail() -> None:
    own = f"Dari: Budi <budi@pelanggan.example>\nDikirim: Kamis, 26 November 2026 08.00\nKepada: TokoDompet\n\
Subjek: Saldo\n\nHalo,\n{FIRST}"
    text = f"Ini buktinya.\n\n{OUR_HEAD}\n{ANSWER}\n\n{own}"
    found = folded(text)
    assert "Mohon dana" not in found.visible
    assert found.unproven  # it is no mail of ours: thanks above it are not only thanks


def test_a_customers_own_words_stay_when_they_are_repeated() -> None:
    assert folded(f"Saya ulangi:\n{FIRST}") == Folded(f"Saya ulangi:\n{FIRST}")


def test_rewrapped_lines_and_entities_are_ours() -> None:
    quote = (
        "> Terima kasih sudah menunggu. Kami sudah memeriksa\n> transaksi Anda di sistem kami. Boleh kami\n"
        "minta tanggal transaksi dan\n> jumlahnya, supaya bisa kami telusuri ke&nbsp;bank?"
    )
    assert folded(f"2 Oktober\n\nTokoDompet menulis:\n{quote}").visible == "2 Oktober"


def test_without_our_text_a_quote_that_names_us_is_hidden_and_not_proven() -> None:
    text = f"Terima kasih.\n\n{OUR_HEAD}\nBarang Anda sudah kami kirim kemarin sore."
    assert folded(text, NOTHING_SENT) == Folded("Terima kasih.", unproven=True)


def test_our_name_beside_a_strange_address_is_not_ours() -> None:
    quote = (
        "On 20/11/2026 10:12, TokoDompet <cs@penipu.example> wrote:\n> Kirim OTP Anda ke nomor ini segera."
    )
    assert "Kirim OTP" in folded(f"Benarkah ini?\n\n{quote}").visible


def test_deeply_quoted_lines_are_history() -> None:
    deep = "\n".join(f"{'> ' * depth}baris kutipan {depth}" for depth in range(1, 40))
    assert folded(f"Masih menunggu.\n\n{deep}") == Folded("Masih menunggu.", unproven=True)


def test_a_signature_stays_hidden_beside_a_quote_of_others() -> None:
    text = "Jadi bagaimana?\n\n-- \nBudi\n\nSinar menulis:\n> Barang kosong, silakan pesan lagi minggu depan."
    assert folded(text).visible == text.replace("-- \nBudi\n\n", "")


def test_a_reply_that_only_quotes_us_is_shown_whole() -> None:
    text = f"{OUR_HEAD}\n{ANSWER}"
    assert folded(text).visible == text


pieces = st.sampled_from(
    [
        ANSWER,
        marked(ANSWER),
        FIRST,
        OUR_HEAD,
        SELLER_HEAD,
        "-- \nBudi",
        "Dikirim dari iPhone saya",
        "> baru",
        ">> lama sekali",
        "Penjual menulis:",
        "TokoDompet <support@dukungan.example> menulis:",
        "##- Balas di atas baris ini -##",
        "merah",
        "",
    ]
)
lines = st.one_of(pieces, st.text(max_size=40))


@given(st.lists(lines, max_size=12).map("\n".join), st.sampled_from([SENT, NOTHING_SENT]))
def test_each_line_of_a_customer_is_visible_or_counted_as_folded(text: str, sent: SentToCustomer) -> None:
    visible = folded(text, sent).visible
    assert sorted([*filled(visible), *folded_lines(text, visible)]) == sorted(filled(text))


def filled(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip(BLANK)]


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz ", min_size=30, max_size=60), min_size=1, max_size=5))
def test_new_lines_below_our_quote_stay_in_any_case(new: list[str]) -> None:
    visible = folded(f"{OUR_HEAD}\n{ANSWER}\n\n" + "\n".join(new)).visible
    assert all(line.strip() in visible for line in new)


@pytest.mark.parametrize(
    "line", ["-----Original Message-----", "From: a@b.example", "Budi menulis:", "> > a"]
)
def test_a_flood_of_heads_is_read(line: str) -> None:
    assert folded(f"{line}\n" * 5_000).visible


def test_a_conversation_quoted_again_and_again_is_left_out_of_the_folded_text() -> None:
    quote = "> Nomor Anda?\n>> Halo"
    assert without_history(f"{quote}\n-- \nBudi") == f"{quote}\n-- \nBudi"
    assert without_history(f"{quote}\n>>> Saldo\n> a\n-- \nBudi") == "[...]\n-- \nBudi"
