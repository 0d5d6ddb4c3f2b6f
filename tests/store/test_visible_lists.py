"""Lists and searches of one person: only tickets of their teams and their own, on full pages, and counted alone."""

from functools import partial

import pytest

from mailbot.domain.model import Turn
from mailbot.domain.people.access import Viewer, find_viewer
from mailbot.domain.search.query import parse
from mailbot.store.lists import worklists
from mailbot.store.lists.ticket_list import TicketFilter, list_tickets
from mailbot.store.search.find import PageRequest, Sort, search
from mailbot.store.store import Store
from tests.builders import DEWI, NOW, RINA, SARI, policy
from tests.store.test_search import add


def viewer(address: str) -> Viewer:
    found = find_viewer(address, policy())
    assert found
    return found


@pytest.fixture
def desk(store: Store) -> Store:
    """Fill the store: every third ticket is of Rina's team, all others of Dewi's; one of these is Rina's."""
    for n in range(30):
        team = "frontline" if n % 3 == 0 else "payments"
        add(
            store,
            n,
            f"barang rusak {n}",
            subject="Barang",
            team=team,
            assignee=RINA.address if n == 1 else None,
        )
    return store


@pytest.mark.parametrize("words", ["barang", "rusak is:open", "is:open", "barang is:unassigned"])
@pytest.mark.parametrize("sort", list(Sort))
def test_a_search_finds_and_counts_only_what_its_person_may_see(desk: Store, words: str, sort: Sort) -> None:
    def found(who: Viewer | None, page: int) -> tuple[list[str], int]:
        asked = PageRequest(4, page, sort)
        result = desk.read_now(partial(search, viewer=who), parse(words, NOW), asked, NOW)
        return [each.listed.ticket.number for each in result.found], result.total

    rina = viewer(RINA.address)
    own = 10 if "unassigned" in words else 11
    pages = [found(rina, page) for page in (1, 2, 3, 4)]
    assert [len(numbers) for numbers, _ in pages] == [4, 4, own - 8, 0]
    assert {total for _, total in pages} == {own}
    everything = {ticket.number: ticket for ticket in desk.read_now(worklists.live_tickets)}
    assert all(rina.may_see(everything[number]) for numbers, _ in pages for number in numbers)
    assert found(viewer(SARI.address), 1)[1] == found(None, 1)[1] == 29 + ("unassigned" not in words)


def test_a_number_of_another_team_is_not_found_even_when_it_is_named(desk: Store) -> None:
    of_payments = desk.read_now(list_tickets, TicketFilter(team="payments"))[0].ticket.number
    for who, count in ((viewer(RINA.address), 0), (viewer(DEWI.address), 1)):
        asked = parse(of_payments, NOW)
        result = desk.read_now(partial(search, viewer=who), asked, PageRequest(), NOW)
        assert (len(result.found), result.total) == (count, count)


def test_a_list_has_only_what_its_person_may_see_and_full_pages(desk: Store) -> None:
    rina = viewer(RINA.address)

    def count(**wanted: object) -> int:
        found = desk.read_now(list_tickets, TicketFilter(**wanted))  # type: ignore[arg-type]
        versions = desk.read_now(worklists.live_versions, TicketFilter(**wanted), 1_000)  # type: ignore[arg-type]
        assert {number for number, _ in versions} >= {each.ticket.number for each in found}
        return len(found)

    assert count(seen_by=rina) == 11
    assert count(seen_by=rina, limit=5, page=2) == 5
    assert count(seen_by=rina, team="payments") == 1
    assert count(seen_by=rina, unassigned=True) == 10
    assert count(seen_by=viewer(SARI.address)) == 30
    assert desk.read_now(worklists.counts_by_team, rina) == {"frontline": 10, "payments": 1}


def test_a_list_is_narrowed_by_category_tag_and_turn(desk: Store) -> None:
    add(desk, 50, "x", category="payment/double", tags=["vip", "money"], turn=Turn.CUSTOMER)

    def count(**wanted: object) -> int:
        return len(desk.read_now(list_tickets, TicketFilter(**wanted)))  # type: ignore[arg-type]

    assert count(category="payment") == count(category="payment/double") == 1
    assert count(category="pay") == 0
    assert (count(tag="vip"), count(tag="vi")) == (1, 0)
    assert count(turn=Turn.CUSTOMER) == 1
