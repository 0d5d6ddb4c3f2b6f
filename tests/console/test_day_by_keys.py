"""A day of twenty steps in a real browser, by the keyboard alone."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from mailbot.domain.model import Status, Turn
from mailbot.store.store import Store
from tests import empty_store
from tests.console.gallery import MANAGER, Gallery, build
from tests.console.office import Office


@pytest.fixture
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    store = Store(empty_store.sqlite_url(tmp_path_factory.mktemp("day")))
    yield asyncio.run(build(store))
    store.close()


@pytest.fixture
def office(gallery: Gallery) -> Office:
    return gallery.office


class Hands:
    """A person at the keyboard. Nothing is clicked."""

    def __init__(self, page: Any) -> None:
        self.page, self.keys, self.steps = page, page.keyboard, 0

    def go(self, *keys: str) -> str:
        """Press keys, the last of which loads another page. Return what that page says."""
        self.steps += 1
        for key in keys[:-1]:
            self.keys.press(key)
        with self.page.expect_navigation():
            self.keys.press(keys[-1])
        return self.text

    def press(self, *keys: str) -> None:
        self.steps += 1
        for key in keys:
            self.keys.press(key)

    def write(self, text: str) -> None:
        self.keys.type(text)

    @property
    def text(self) -> str:
        return str(self.page.locator("main").inner_text())


def test_a_day_by_keys_alone(open_page: Any, gallery: Gallery) -> None:
    office, numbers = gallery.office, gallery.numbers
    fraud, late = numbers["Dian Permata"], numbers["Bambang Wijaya"]
    hands = Hands(open_page("/tickets/team", address=MANAGER))

    def ticket(number: str = fraud) -> Any:
        return office.ticket(number)

    assert "TOLONG! Akun saya dibajak" in hands.text
    hands.press("j")  # 1: to it; a mail of the same moment may stand before it, by its random number
    while fraud not in hands.page.evaluate("document.activeElement.href"):
        hands.keys.press("j")
    assert "TOLONG! Akun saya dibajak" in hands.go("o")  # 2: open it
    assert "Ini tangkapan layarnya" in hands.text  # and read it

    hands.press("n")  # 3: a note
    hands.write("Nasabah sudah diverifikasi, @nanda tolong blokir.")
    hands.go("Control+Enter")  # 4
    assert "Nasabah sudah diverifikasi" in hands.text

    hands.go("a")  # 5: take it
    assert ticket().assignee == MANAGER

    hands.press("r")  # 6: an answer
    hands.write("Akun Anda sudah kami blokir. Nomor mana yang terdaftar?")
    hands.go("Control+Enter")  # 7
    assert ticket().turn is Turn.CUSTOMER
    hands.go("u")  # 8: taken back before it left
    assert ticket().turn is Turn.OURS

    hands.press("r")  # 9: another one
    hands.write("Akun Anda sudah kami amankan.")
    hands.go("Control+Enter")  # 10
    assert "Akun Anda sudah kami amankan." in hands.text
    hands.go("w")  # 11: it waits for the customer
    assert ticket().turn is Turn.CUSTOMER

    hands.press("/")  # 12: search
    hands.write("paket")
    hands.go("Enter")  # 13
    hands.page.locator(f"a[href='/tickets/{late}']").first.wait_for()
    hands.press("j")  # 14
    found = hands.go("o")  # 15: the first result
    assert "Paket" in found
    number = hands.page.url.rpartition("/")[2]

    hands.press("e")  # 16: escalate, with a reason
    hands.write("nominal besar")
    level = ticket(number).level
    hands.go("Control+Enter")  # 17
    assert ticket(number).level != level

    hands.go("2")  # 18: the team's list again
    hands.press("j", "x", "j", "x")  # 19: two of them
    hands.page.get_by_text("tiket dipilih").wait_for()
    hands.go("a")  # 20: taken together
    mine = [each for each in numbers.values() if ticket(each).assignee == MANAGER]
    assert len(mine) >= 2

    hands.page.goto(f"/tickets/{fraud}")
    hands.press("c")  # 21: close, with its cause
    hands.page.locator(":focus").select_option(index=1)  # what arrow keys would do, whatever the system
    hands.go("Control+Enter")  # 22
    assert ticket().status is Status.CLOSED
    assert hands.steps >= 20
