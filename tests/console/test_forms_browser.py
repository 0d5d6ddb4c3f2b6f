"""Web forms in a real browser: by people without scripts, on a phone, and in a frame of the shop's page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.console.conftest import PHONE, WIDE
from tests.console.customers import PNG
from tests.console.form_desk import (
    FORM,
    FORMS,
    MESSAGE,
    SITI,
    confirmations,
    form_office,
    kept,
    link_of,
    waiting,
)
from tests.console.office import Office, Served

FAULTS = ("serious", "critical")


@contextmanager
def shop(host: str = "127.0.0.1") -> Iterator[tuple[str, dict[str, str]]]:
    """Serve the shop's pages on an origin of its own. Yields it, and the pages by path."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{host}:{server.server_port}", pages
        server.shutdown()
        thread.join()


@pytest.fixture
def shop_pages() -> Iterator[tuple[str, dict[str, str]]]:
    with shop() as serving:
        yield serving


@pytest.fixture
def office(tmp_path: Path, shop_pages: tuple[str, dict[str, str]]) -> Iterator[Office]:
    framed = replace(FORM, embed_on=(shop_pages[0],))
    with form_office(tmp_path, web_forms={**FORMS, "kontak": framed}) as office:
        yield office


def fill(page: Any, office: Office) -> None:
    page.get_by_label("Alamat email").fill(SITI)
    page.get_by_label("Nama").fill("Siti Aminah")
    page.get_by_label("Nomor pesanan").fill("INV-204815")
    page.get_by_label("Perihal").select_option("retur")
    page.get_by_label("Tanggal beli").fill("2026-11-20")
    page.get_by_role("textbox", name="Pesan", exact=True).fill(MESSAGE)
    page.get_by_label("Foto atau berkas").set_input_files(
        {"name": "rusak.png", "mimeType": "image/png", "buffer": PNG}
    )
    office.intake.clock += timedelta(seconds=10)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_customer_on_a_phone_writes_and_confirms(open_page: Any, office: Office, scripts: bool) -> None:
    page = open_page("/forms/kontak", address="", size=PHONE, java_script_enabled=scripts)
    fill(page, office)
    page.get_by_role("button", name="Kirim").click()
    page.get_by_text("Satu langkah lagi").wait_for()
    assert len(waiting(office)) == 1
    page.goto(link_of(office))
    page.get_by_role("button", name="Ya, kirim pesan saya").click()
    page.get_by_text("Kami sudah menerima pesan Anda").wait_for()
    assert len(kept(office)) == 1


def test_what_is_wrong_is_marked_and_nothing_typed_is_lost(open_page: Any, office: Office) -> None:
    page = open_page("/forms/kontak", address="", size=PHONE)
    fill(page, office)
    page.get_by_label("Nomor pesanan").fill("204815")
    page.get_by_role("button", name="Kirim").click()
    page.get_by_text("Periksa isian yang bertanda").wait_for()
    field = page.get_by_label("Nomor pesanan")
    assert field.get_attribute("aria-invalid") == "true"
    assert page.get_by_role("textbox", name="Pesan", exact=True).input_value() == MESSAGE
    assert page.get_by_label("Perihal").input_value() == "retur"
    field.fill("INV-204815")
    page.get_by_role("button", name="Kirim").click()
    page.get_by_text("Satu langkah lagi").wait_for()
    assert len(confirmations(office)) == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault_and_pages_fit_a_phone(open_page: Any, office: Office, dark: bool) -> None:
    found = []
    for path in (
        "/forms/kontak",
        "/forms/kontak?lang=en",
        "/forms/kontak?sent=1",
        "/forms/kontak/confirm?key=x",
    ):
        page = open_page(path, address="", size=PHONE if dark else WIDE, dark=dark)
        if "sent" not in path and "confirm" not in path:
            page.evaluate("document.querySelector('form').noValidate = true")
            page.get_by_role("button", name="Kirim" if "en" not in path else "Send").click()
            page.get_by_role("alert").wait_for()
        for fault in Axe().run(page).response["violations"]:
            if fault["impact"] in FAULTS:
                found += [f"{path}: {fault['id']} {node['target']}" for node in fault["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth") > (PHONE if dark else WIDE)["width"]:
            found.append(f"{path} is too wide")
        page.context.close()
    assert found == []


def test_the_form_works_in_a_frame_of_another_origin_without_cookies(
    open_page: Any, office: Office, served: Served, shop_pages: tuple[str, dict[str, str]]
) -> None:
    origin, pages = shop_pages
    address = f"{served.url.replace('127.0.0.1', 'localhost')}/forms/kontak?embed=1&amp;lang=id"
    pages["/hubungi"] = (
        f'<!doctype html><title>Toko</title><iframe src="{address}" width="380" height="900"></iframe>'
    )
    page = open_page("/login", address="", size=WIDE)
    page.context.clear_cookies()
    page.goto(f"{origin}/hubungi")
    frame = page.frame_locator("iframe")
    fill(frame, office)
    frame.get_by_role("button", name="Kirim").click()
    frame.get_by_text("Satu langkah lagi").wait_for()
    assert len(waiting(office)) == 1
    assert page.context.cookies() == []
    frame.get_by_role("link", name="Kirim pesan lain").click()
    frame.get_by_label("Nomor pesanan").wait_for()


def test_a_page_of_a_stranger_shows_no_form(open_page: Any, office: Office, served: Served) -> None:
    with shop("127.0.0.2") as (origin, pages):
        for path in (
            "/forms/kontak?embed=1",
            "/forms/kontak",
            "/status",
            "/forms/kontak/confirm?key=x&amp;embed=1",
        ):
            pages["/"] = f'<!doctype html><title>x</title><iframe src="{served.url}{path}"></iframe>'
            page = open_page("/login", address="", size=WIDE)
            blocked: list[str] = []
            page.on("console", lambda message, found=blocked: found.append(message.text))
            page.goto(f"{origin}/", wait_until="load")
            assert page.frame_locator("iframe").locator("form").count() == 0, path
            assert any("frame" in each.lower() for each in blocked), (path, blocked)
            page.context.close()
