"""Opening mails of a desk, made up: what customers write about five matters, in their words, by a seed."""

from random import Random

from mailbot.analysis.learn import Example

MATTERS = {
    "fraud/stolen": (
        "isi dompet saya pindah semua ke orang lain",
        "ada transaksi yang bukan saya lakukan",
        "bukan saya yang kirim uang itu",
        "semalam saldo saya dikuras, padahal saya tidur",
        "akun saya dipakai orang, nomornya sudah diganti",
        "tiba-tiba HP keluar sendiri dari akun, saldo habis",
        "someone else sent money out of my wallet",
        "I did not make these purchases",
    ),
    "payment/failed": (
        "pembayaran gagal tapi saldo terpotong",
        "saldo kepotong, pesanan masih menunggu pembayaran",
        "bayar pakai QRIS gagal terus, uang sudah keluar",
        "the payment failed and the money is gone",
        "sudah transfer tapi statusnya belum lunas",
    ),
    "delivery/late": (
        "paket belum sampai juga sudah seminggu",
        "kurirnya tidak datang, resi tidak bergerak",
        "kapan barang saya dikirim?",
        "my parcel has not arrived yet",
        "pesanan nyangkut di gudang transit",
    ),
    "item/damaged": (
        "barangnya datang dalam keadaan rusak",
        "layarnya retak waktu dibuka",
        "kotaknya penyok, isinya pecah",
        "the item arrived broken",
        "saya minta ganti, barang cacat",
    ),
    "general": (
        "apakah promo akhir tahun masih berlaku?",
        "bagaimana cara ganti foto profil",
        "toko kalian buka jam berapa ya",
        "how do I change my shipping address",
        "terima kasih, pelayanannya ramah sekali",
        "apakah akun saya aman kalau ganti HP?",
    ),
}
SHARES = {"fraud/stolen": 1, "payment/failed": 3, "delivery/late": 4, "item/damaged": 2, "general": 4}
UNCLEAR = 0.15  # of the mails hide what they are about, and as many name another matter besides
AROUND = (
    "Halo kak,", "Selamat pagi.", "Tolong dibantu ya.", "Mohon segera dicek.", "Terima kasih.", "Saya pelanggan lama.",
    "Nama saya Siti.", "Nama saya Budi.", "Sudah tiga kali saya hubungi.", "Ini bukti terlampir.", "Gimana ini?",
    "Saya kecewa.", "Please help.", "Kejadiannya kemarin malam.", "Nominalnya {amount} ribu.", "Nomor pesanan {order}.",
)  # fmt: skip
SUBJECTS = ("Tolong", "Mohon bantuan", "Komplain", "Tanya", "Pertanyaan", "Help", "Lapor", "Kak tolong cek")


def tickets(count: int, seed: int = 1) -> list[Example]:
    """Make so many opening mails, each with its category."""
    draw = Random(seed)
    return [_ticket(draw) for _ in range(count)]


def _ticket(draw: Random) -> Example:
    category = draw.choices(tuple(SHARES), tuple(SHARES.values()))[0]
    written = "general" if draw.random() < UNCLEAR else category
    sentences = draw.sample(MATTERS[written], draw.choice((1, 1, 2)))
    if draw.random() < UNCLEAR:
        sentences.append(draw.choice(MATTERS[draw.choice(tuple(SHARES))]))
    around = draw.sample(AROUND, draw.randint(2, 6))
    lines = [_misspelt(draw, each) for each in (*around[:2], *sentences, *around[2:])]
    body = "\n".join(lines).format(amount=draw.randint(10, 900), order=draw.randint(10_000, 99_999))
    return Example(draw.choice(SUBJECTS), body, category)


def _misspelt(draw: Random, line: str) -> str:
    """Leave out a letter now and then."""
    if "{" in line or draw.random() < 0.6:
        return line
    at = draw.randrange(1, len(line))
    return line[: at - 1] + line[at:]
