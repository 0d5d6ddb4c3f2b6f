"""Whatever is linked and cut, in whatever order: an identity is of one person, and a cut takes back one link."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.people import persons
from mailbot.domain.people.persons import Identity
from tests.builders import NOW

PEOPLE = ["siti@pelanggan.example", "whatsapp:+6281", "telegram:4711", "siti@toko.example", "whatsapp:+6299"]
Links = list[tuple[str, str]]
STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)), min_size=1, max_size=30
)


def groups(links: Links) -> set[frozenset[str]]:
    """Return who belongs together by these links, counted in another way than the code does."""
    found = [{each} for each in PEOPLE]
    for one, other in links:
        a, b = (next(group for group in found if each in group) for each in (one, other))
        if a is not b:
            a |= b
            found.remove(b)
    return {frozenset(each) for each in found if len(each) > 1}


def way(links: Links, start: str, end: str, been: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the identities on the way between two, () where there is none."""
    if start == end:
        return (*been, end)
    nearby = {each for link in links if start in link for each in link} - {start, *been}
    return next(filter(None, (way(links, each, end, (*been, start)) for each in sorted(nearby))), ())


def persons_of(known: Iterable[Identity]) -> set[frozenset[str]]:
    listed = list(known)
    keys = {each.person for each in listed}
    return {frozenset(each.address for each in listed if each.person == key) for key in keys}


@given(STEPS)
def test_links_and_cuts_in_any_order_give_the_persons_that_the_links_say(
    steps: list[tuple[bool, str, str]],
) -> None:
    known: dict[str, Identity] = {}
    links: Links = []
    for links_them, one, other in steps:
        if links_them:
            known = persons.link(known, one, other, NOW, "agent", "")
            if one != other and not way(links, one, other):
                links.append((one, other))
        elif cut := persons.link_between(known, one, other):
            last = list(pairwise(way(links, one, other)))[-1]
            assert set(cut) == set(last)
            known = persons.unlink(known, *cut)
            links = [link for link in links if set(link) != set(last)]
        else:
            assert one == other or not way(links, one, other)

        assert persons_of(known.values()) == groups(links)
        for each in known.values():
            assert (each.linked_to == "") == (each.address == each.person)
            assert not each.linked_to or {each.address, each.linked_to} in [set(link) for link in links]


def test_a_link_between_two_persons_is_taken_back_as_it_was() -> None:
    known: dict[str, Identity] = {}
    for one, other in ((0, 1), (2, 3)):
        known = persons.link(known, PEOPLE[one], PEOPLE[other], NOW, "agent", "")
    joined = persons.link(known, PEOPLE[1], PEOPLE[3], NOW, "agent", "")
    assert persons_of(joined.values()) == {frozenset(PEOPLE[:4])}

    again = persons.unlink(joined, PEOPLE[1], PEOPLE[3])
    assert persons_of(again.values()) == {frozenset(PEOPLE[:2]), frozenset(PEOPLE[2:4])}


def test_spellings_of_one_box_are_one_identity() -> None:
    known = persons.link({}, "S.iti+toko@gmail.com", "whatsapp:+6281", NOW, "agent", "")

    assert persons.is_linked(known, "siti@googlemail.com", "whatsapp:+6281")
    assert persons.of_person(known, "whatsapp:+6281")["siti@gmail.com"] == "S.iti+toko@gmail.com"
