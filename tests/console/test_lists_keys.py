"""Lists in a browser: keys, the list of keys, a selection, and what stays when a part is loaded again."""

from datetime import timedelta
from typing import Any

from tests.builders import RINA
from tests.console.conftest import PHONE
from tests.console.office import Office, Served

WORDS = ("merah", "biru", "hijau", "kuning")


def fill(office: Office, served: Served, *words: str) -> list[str]:
    """Take in mails, a minute apart: the list by promise has them in this order."""
    found = []
    for word in words:
        office.intake.clock += timedelta(minutes=1)
        found.append(served.receive(sender=f"{word}@pelanggan.example", Subject=f"Barang {word}").number)
    return found


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.name"))


def test_a_list_is_walked_selected_and_opened_by_keys(open_page: Any, office: Office, served: Served) -> None:
    numbers = fill(office, served, *WORDS[:3])
    page = open_page("/tickets/team")
    keys = page.keyboard
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        keys.press(key)
        assert focused(page) == f"/tickets/{numbers[place]}"
    keys.press("x")
    assert page.locator("[name=number]:checked").evaluate_all("all => all.map(each => each.value)") == [
        numbers[1]
    ]
    assert page.get_by_text("tiket dipilih").is_visible()
    keys.press("x")
    assert not page.get_by_text("tiket dipilih").is_visible()
    keys.press("/")
    keys.type("jox?")
    assert page.locator("[name=q]").input_value() == "jox?"
    keys.press("Escape")
    keys.press("?")
    dialog = page.locator("#keys")
    assert "tiket berikutnya, sebelumnya" in dialog.inner_text()
    assert "Cari" in dialog.inner_text()
    keys.press("j")
    keys.press("Escape")
    assert not dialog.is_visible()
    keys.press("j")
    with page.expect_navigation():
        keys.press("o")
    assert page.url.endswith(f"/tickets/{numbers[0]}")


def test_what_is_selected_focused_and_unfolded_stays_when_a_list_is_loaded_again(
    open_page: Any, office: Office, served: Served
) -> None:
    numbers = fill(office, served, *WORDS[:3])
    page = open_page("/tickets/team")
    page.wait_for_timeout(800)
    for key in ("j", "x", "j"):
        page.keyboard.press(key)
    (new,) = fill(office, served, WORDS[3])
    page.locator(f"a[href='/tickets/{new}']").wait_for()
    page.wait_for_timeout(100)
    assert page.locator("[name=number]:checked").evaluate_all("all => all.map(each => each.value)") == [
        numbers[0]
    ]
    assert focused(page) == f"/tickets/{numbers[1]}"


def test_a_search_shows_results_while_one_types_and_again_after_a_step_back(
    open_page: Any, office: Office, served: Served
) -> None:
    numbers = fill(office, served, *WORDS[:3])
    page = open_page("/search", size=PHONE)
    page.keyboard.type("barang hij")
    page.locator(f"a[href='/tickets/{numbers[2]}']").wait_for()
    assert page.locator("[data-row]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.goto("/tickets/team")
    page.go_back()
    assert page.locator("[name=q]").input_value() == "barang hij"
    page.locator(f"a[href='/tickets/{numbers[2]}']").wait_for()


def test_a_selection_is_taken_without_scripts(open_page: Any, office: Office, served: Served) -> None:
    numbers = fill(office, served, *WORDS[:2])
    page = open_page("/tickets/team", java_script_enabled=False)
    page.get_by_label(f"Pilih {numbers[1]}").check()
    page.get_by_role("button", name="Ambil").click()
    assert numbers[1] in page.content()
    assert office.ticket(numbers[1]).assignee == RINA.address
