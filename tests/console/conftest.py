"""Fixtures of the console's tests: an office on SQLite, and a real Chromium where there is one.

Playwright leaves a running event loop in its thread, in which no other test could run one. So it lives in a thread of
its own, and tests that use `open_page` run there.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mailbot.console.guards import cookie_name
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import RINA
from tests.console.office import Office, Served
from tests.mail import chromium

PHONE, WIDE = {"width": 380, "height": 720}, {"width": 1280, "height": 800}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


BROWSER = ThreadPoolExecutor(1, thread_name_prefix="browser")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that opens pages in the browser's thread."""
    names = pyfuncitem.fixturenames
    if "open_page" not in names:
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    BROWSER.submit(pyfuncitem.obj, **arguments).result()
    return True


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Open an office with an empty store. SQLite: what the store does is tested on both engines elsewhere."""
    store = Store(empty_store.sqlite_url(tmp_path))
    yield Office(store)
    store.close()


@pytest.fixture
def served(office: Office) -> Iterator[Served]:
    """Serve the office's pages on a free port."""
    with office.served() as served:
        yield served


@pytest.fixture(scope="session")
def chrome() -> Iterator[Any]:
    """Start Chromium once for the test run. Tests that need it are skipped where there is none."""
    if chromium.PROGRAM is None:
        pytest.skip("needs Chromium (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    def start() -> tuple[Any, Any]:
        playwright = sync_playwright().start()
        options = {"executable_path": chromium.PROGRAM, "args": list(FLAGS)}
        return playwright, playwright.chromium.launch(**options)

    playwright, browser = BROWSER.submit(start).result()
    yield browser
    BROWSER.submit(browser.close).result()
    BROWSER.submit(playwright.stop).result()


Open = Callable[..., Any]


def wait_until(page: Any, expression: str) -> None:
    """Wait until an expression of a page is true. Playwright's own way runs `eval`, which our pages forbid."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


@pytest.fixture
def open_page(chrome: Any, office: Office, served: Served) -> Iterator[Open]:
    """Return a function that opens a page as an agent: `open_page("/tickets", address=..., size=PHONE, dark=True)`.

    Without an address it is Rina; "" is nobody. The page is Playwright's.
    """
    contexts = []

    def open_(
        path: str,
        address: str = RINA.address,
        size: dict[str, int] = WIDE,
        *,
        dark: bool = False,
        **options: Any,
    ) -> Any:
        scheme = "dark" if dark else "light"
        options.setdefault("locale", "id-ID")
        context = chrome.new_context(viewport=size, color_scheme=scheme, base_url=served.url, **options)
        contexts.append(context)
        if address:
            cookie = {
                "name": cookie_name(office.desk),
                "value": office.begin_session(address),
                "url": served.url.replace("http:", "https:") if office.desk.secure else served.url,
            }
            context.add_cookies([cookie])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(path)
        return page

    yield open_
    for context in contexts:  # a second close does nothing
        BROWSER.submit(context.close).result()
