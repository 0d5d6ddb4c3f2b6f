"""Words and pairs of words of a subject, to be compared between weeks: without what everybody writes."""

from itertools import pairwise

from mailbot.domain.language import ENGLISH, INDONESIAN

LONGEST = 200  # characters of a subject that are looked at
# Words of courtesy and of mail beside those that carry a language; names of matters ("saldo", "refund") stay.
_MORE = frozenset(
    """
    re fw fwd bls tks thx hai halo hallo hello hi dear yth bpk mas mbak sis bro team tim admin min cs customer
    service assalamualaikum wr wb selamat pagi siang sore malam mohon tolong urgent penting segera sangat
    tentang perihal hal about regarding question pertanyaan tanya info informasi need please kami saya
    is are was were be to of in on at by for or no not it i me we us an a do so if as up out
    di ke ya se pun lah kah per via atas bawah oleh kepada
    """.split()  # noqa: SIM905 - words in rows can be read
)
# Common words that show a language but also name a matter.
_MATTERS = frozenset(
    """
    saldo uang rekening bayar pembayaran pesanan barang paket pengiriman kirim dikirim terkirim kurir
    terpotong terdebet gagal kendala pengembalian kembali rusak salah hilang kosong cacat akun terkunci
    diblokir penjual pembeli toko belanja transaksi bukti lambat lama belum tidak masuk money back broken
    missing late delivered package parcel items charged twice purchase failed locked refund unable never
    """.split()  # noqa: SIM905
)
STOP = (INDONESIAN | ENGLISH | _MORE) - _MATTERS


def phrases(subject: str) -> frozenset[str]:
    """Split "Re: Saldo saya belum masuk #123" into {"saldo", "belum", "masuk", "saldo belum", "belum masuk"}.

    Words have three letters or more, no digits, and are no stop words; pairs follow each other. A set, so
    that a ticket counts once.
    """
    lowered = "".join(char if char.isalnum() or char == "-" else " " for char in subject[:LONGEST].lower())
    words = [word for word in map(_bare, lowered.split()) if word]
    return frozenset((*words, *(f"{one} {other}" for one, other in pairwise(words))))


def _bare(word: str) -> str:
    word = word.strip("-")
    return word if 3 <= len(word) <= 30 and word not in STOP and not any(map(str.isdigit, word)) else ""
