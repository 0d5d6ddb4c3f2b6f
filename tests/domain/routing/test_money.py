"""Test amounts as people write them: read one, find all in a mail, and nothing else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.routing.money import CURRENCIES, Money, find, read


def rupiah(amount: str) -> Money:
    return Money(Decimal(amount))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Rp1.500.000,00", "Rp1.500.000"),
        ("Rp 1.500.000", "Rp1.500.000"),
        ("rp. 1.500.000,-", "Rp1.500.000"),
        ("Rp 1,5 juta", "Rp1.500.000"),
        ("1.5jt", "Rp1.500.000"),
        ("1,5 juta", "Rp1.500.000"),
        ("250rb", "Rp250.000"),
        ("250 Ribu", "Rp250.000"),
        ("Rp 20k", "Rp20.000"),
        ("IDR 200000", "Rp200.000"),
        ("IDR1,500,000.50", "Rp1.500.000,50"),
        ("200.000 rupiah", "Rp200.000"),
        ("2 miliar", "Rp2.000.000.000"),
        ("1,250 juta", "Rp1.250.000"),
        ("Rp 0,5 juta", "Rp500.000"),
        ("USD 20", "USD 20.00"),
        ("usd 1.234,50", "USD 1,234.50"),
        ("$1,234.50", "USD 1,234.50"),
        ("$1,234", "USD 1,234.00"),
        ("US$ 5", "USD 5.00"),
        ("20 dollars", "USD 20.00"),
        ("$20k", "USD 20,000.00"),
        ("S$ 12.30", "SGD 12.30"),
        ("SGD 20", "SGD 20.00"),
        ("RM50", "MYR 50.00"),
        ("50 ringgit", "MYR 50.00"),
        ("€ 9,99", "EUR 9.99"),
        ("1.234,56 EUR", "EUR 1,234.56"),
        ("JPY 1,500", "JPY 1,500"),
    ],
)
def test_one_amount_is_read_by_indonesian_and_english_custom(written: str, expected: str) -> None:
    assert str(read(written)) == expected


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("1000000", "has no currency; write it like Rp1.000.000"),
        ("1.000.000", "has no currency"),
        ("Rp", "is not an amount; write it like"),
        ("Rp 1.50.000", "is not an amount"),
        ("Rp 1.500.000.00", "is not an amount"),
        ("Rp 1,2345", "is not an amount"),
        ("Rp 5 per kg", "is not an amount"),
        ("rm 50", "is not an amount"),  # a command, a room; ringgit is RM
        ("Rp" + "9" * 16, "is not an amount"),
        ("", "is not an amount"),
    ],
)
def test_a_wrong_amount_is_refused_with_an_example(written: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(written)


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ("Saldo saya terpotong Rp 1.250.000 tapi top up belum masuk.", ["Rp1.250.000"]),
        ("udah bayar 250rb + ongkir 15.000 rupiah, kok masih pending??", ["Rp250.000", "Rp15.000"]),
        ("Harga Rp50.000,-/pcs, total Rp.150.000,- sudah ditransfer", ["Rp50.000", "Rp150.000"]),
        ("tagihan Rp100.000-Rp200.000", ["Rp100.000", "Rp200.000"]),
        ("minta refund 1,5jt ya min, uang saya 1.500.000!", ["Rp1.500.000"]),
        ("Kerugian sekitar 2 juta. Mohon dikembalikan", ["Rp2.000.000"]),
        ("I was charged $49.99 twice (USD 99.98 in total)", ["USD 49.99", "USD 99.98"]),
        ("Paid RM 1,250.00 and 20€", ["MYR 1,250.00", "EUR 20.00"]),
        ("Nominal: Rp\n  75.000", ["Rp75.000"]),
        ("Nominal Rp: 75.000, fee Rp=2.500", ["Rp75.000", "Rp2.500"]),
        ("sekitar 12 jutaan, ongkir 20 ribuan", ["Rp12.000.000", "Rp20.000"]),
        ("saldo 1 juta 500 ribu, tadinya Rp 3 jt 250 rb", ["Rp1.500.000", "Rp3.250.000"]),
        ("500 ribu 2 juta", ["Rp500.000", "Rp2.000.000"]),  # no sum: the smaller comes first
        (
            "rugi Rp1,5 M, omzet Rp 2 T, valued at $5M",
            ["Rp1.500.000.000", "Rp2.000.000.000.000", "USD 5,000,000.00"],
        ),
        ("Rp50.000 T-shirt, Rp 5.000 M Yusuf", ["Rp50.000", "Rp5.000"]),
        ("Rp 1 500 000,00 dan Rp 25 000; USD 50 100 pcs", ["Rp1.500.000", "Rp25.000", "USD 50.00"]),
        ("₹500, ₩5000, 100 ฿", ["INR 500.00", "KRW 5,000", "THB 100.00"]),
    ],
)
def test_amounts_are_found_in_mails_of_customers(mail: str, expected: list[str]) -> None:
    assert [str(each) for each in find(mail)] == expected


@pytest.mark.parametrize(
    "mail",
    [
        "WA saya 0812-3456-7890 atau +62 812 3456 7890",
        "No. pesanan INV/20261123/XX/9981234567, resi JP1234567890",
        "Rekening BCA 1234567890 a.n. Budi Santoso",
        "dikirim tanggal 20.11.2026 jam 10.30, sampai 21/11/2026",
        "250 ribu orang menunggu, 2 juta pengguna, 10 ribu follower",
        "berat 1,5kg ukuran 20x30, versi 1.2.3, 100%",
        "lari 5k, video 4K, RM/2026/12, INV/2026/RM12",
        "Rp 1.5.2 dan Rp 12.34.567",
        "harp 500, IDRIS 200, erp 300",
        "ribuan kali, jutaan orang, Rp -",
    ],
)
def test_other_numbers_are_not_money(mail: str) -> None:
    assert find(mail) == ()


def test_a_mail_full_of_amounts_is_read_up_to_a_limit() -> None:
    assert find("Rp 1.000 " * 10_000, 7) == (rupiah("1000"),) * 7
    assert find("Rp 1.5.2 " * 100_000 + "Rp 1.000") == ()  # it gave up before


amounts = st.builds(
    lambda cents, currency: Money(
        Decimal(cents).scaleb(-2) if currency not in ("JPY", "KRW", "VND") else Decimal(cents // 100),
        currency,
    ),
    st.integers(0, 10**15),
    st.sampled_from(CURRENCIES),
)


@given(amounts)
def test_a_written_amount_is_read_back(money: Money) -> None:
    assert read(str(money)) == money
    assert find(f"Halo, {money}.") == (money,)


@given(st.text(max_size=60), amounts)
def test_any_text_can_be_searched(text: str, money: Money) -> None:
    found = find(f"{text} . {money} . {text}")
    assert all(each.amount >= 0 and each.currency in CURRENCIES for each in found)
