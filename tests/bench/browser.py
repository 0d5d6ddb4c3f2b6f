"""An agent in a real browser who works by keys: `python -m tests.bench.browser URL SECRET ROUNDS`.

Prints, as JSON, the milliseconds from a key to the loaded page, by step.
"""

import json
import sys
import time
from typing import Any

from playwright.sync_api import sync_playwright

from tests.mail import chromium

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def main() -> None:
    url, secret, rounds = sys.argv[1:]
    spans: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.PROGRAM, args=list(FLAGS))
        context = browser.new_context(base_url=url, locale="id-ID")
        context.add_cookies([{"name": "mailbot", "value": secret, "url": url}])
        page = context.new_page()
        page.goto("/tickets")
        for number in range(int(rounds)):
            _work(page, spans, number)
        browser.close()
    print(json.dumps(spans))


def _work(page: Any, spans: dict[str, list[float]], number: int) -> None:
    """Go once through the pages and acts of a day."""

    def go(step: str, *keys: str) -> None:
        for key in keys[:-1]:
            page.keyboard.press(key)
        began = time.perf_counter()
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press(keys[-1])
        spans.setdefault(step, []).append(1000 * (time.perf_counter() - began))

    go("my list", "1")
    go("team list", "2")
    go("open", *["j"] * (1 + number % 40), "o")
    page.keyboard.press("n")
    page.keyboard.type("Sudah dicek.")
    go("note", "Control+Enter")
    if page.locator("textarea[data-key=r]").count():
        page.keyboard.press("r")
        page.keyboard.type(f"Sedang kami periksa, mohon tunggu ({number}).")
        go("answer", "Control+Enter")
        if page.locator("[data-key=u]:visible").count():
            go("undo", "u")
    page.keyboard.press("/")
    page.keyboard.type(("pesanan", "saldo", "refund", "kurir")[number % 4])
    go("search", "Enter")


if __name__ == "__main__":
    main()
