"""How tickets are related, in both languages."""

from collections.abc import Iterator, Mapping, Sequence

from mailbot.store.queries import Link
from mailbot.views.event_words import Words

# kind of link -> (what the other is to the ticket that points at it, what the pointing one is to the other)
LINK_TEXTS: Mapping[str, tuple[Words, Words]] = {
    "follows": (("lanjutan dari", "goes on from"), ("dilanjutkan di", "goes on in")),
    "claims": (
        ("mengaku tentang", "claims to be about"),
        ("diakui, tanpa bukti, oleh", "is claimed, without proof, by"),
    ),
    "suggests": (("mungkin maksudnya", "may mean"), ("mungkin dimaksud oleh", "may be meant by")),
    "mentions": (
        ("menyebut, tanpa ikut serta,", "mentions, without taking part,"),
        ("disebut oleh", "is mentioned by"),
    ),
    "held_for": (("ditahan untuk", "held for"), ("belum dikonfirmasi, terpisah", "unconfirmed, held apart")),
    "merged_into": (("digabungkan ke", "merged into"), ("gabungan dari", "merged from")),
    "split_from": (("dipisahkan dari", "split from"), ("dipisahkan ke", "split into")),
}


def relations(links: Sequence[Link], number: str) -> Iterator[tuple[Words, str, bool]]:
    """Yield (relation, number of the other, whether it still holds) of a ticket's links."""
    held = {(link.ticket, link.other) for link in links if link.kind == "held_for"}
    for link in links:
        if link.kind == "claims" and (link.ticket, link.other) in held:
            continue  # "held for" means the same
        points = link.ticket == number
        yield LINK_TEXTS[link.kind][0 if points else 1], link.other if points else link.ticket, link.now
