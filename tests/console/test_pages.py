"""What holds for every page in a real browser: no fault by axe, no sideways scrolling on a phone, nothing large."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from mailbot.store.store import Store
from tests import empty_store
from tests.console.conftest import PHONE, WIDE
from tests.console.gallery import Gallery, build
from tests.console.office import Office
from tests.console.pages import pages
from tests.profile import NIGHTLY

LARGEST = 150 * 1024  # bytes of a page, without its files
FAULTS = ("serious", "critical")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    store = Store(empty_store.sqlite_url(tmp_path_factory.mktemp("gallery")))
    yield asyncio.run(build(store))
    store.close()


@pytest.fixture
def office(gallery: Gallery) -> Office:
    return gallery.office


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault_on_any_page(open_page: Any, gallery: Gallery, dark: bool) -> None:
    found = []
    all_pages = list(pages(gallery))
    for shown in all_pages if NIGHTLY else all_pages[dark::2]:  # each page in one of both ways
        page = open_page(shown.path, address=shown.address, size=PHONE if dark else WIDE, dark=dark)
        faults = Axe().run(page).response["violations"]
        found += [
            f"{shown.name}: {fault['id']} {node['target']} {node['failureSummary']}"
            for fault in faults
            if fault["impact"] in FAULTS
            for node in fault["nodes"]
        ]
        page.context.close()
    assert found == []


def test_a_page_fits_a_phone_and_is_small(open_page: Any, gallery: Gallery) -> None:
    faults = []
    for shown in pages(gallery):
        page = open_page(shown.path, address=shown.address, size=PHONE)
        wide = page.evaluate("document.documentElement.scrollWidth")
        size = len(page.content().encode())
        faults += [f"{shown.name} is {wide} px wide"] if wide > PHONE["width"] else []
        faults += [f"{shown.name} has {size} bytes"] if size > LARGEST else []
        headings = page.locator("h1").count()
        faults += [f"{shown.name} has {headings} headings of the first order"] if headings != 1 else []
        page.context.close()
    assert faults == []
