"""Small exports of other desks, with the fields that their API and tables have, for tests to change."""

import json
from base64 import encodebytes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mailbot.operations.importing.model import ReadContext
from tests.builders import BAYU, BOX, RINA

BUDI = "budi@pelanggan.example"
Row = dict[str, Any]


def context() -> ReadContext:
    return ReadContext(BOX.address, frozenset({BOX.address}), frozenset({RINA.address, BAYU.address}))


def lines(path: Path, rows: Iterable[Row | bytes]) -> None:
    """Write rows as JSON Lines; bytes stand as they are."""
    written = (
        row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows
    )
    path.write_bytes(b"".join(line + b"\n" for line in written))


def write(folder: Path, files: Mapping[str, Iterable[Row | bytes]]) -> Path:
    for name, rows in files.items():
        lines(folder / f"{name}.jsonl", rows)
    return folder


# --- Zammad: GET /api/v1/tickets?expand=true, ticket_articles/by_ticket, users, ticket_states ---------------------


def zammad_article(**changes: Any) -> Row:
    return {
        "id": 11,
        "ticket_id": 1,
        "type_id": 1,
        "sender_id": 2,
        "from": f"Budi Santoso <{BUDI}>",
        "to": BOX.address,
        "cc": None,
        "subject": "Barang belum sampai",
        "reply_to": None,
        "message_id": "<lama-1@pelanggan.example>",
        "in_reply_to": None,
        "content_type": "text/html",
        "body": "<p>Pesanan saya <b>belum</b> sampai.</p>",
        "internal": False,
        "preferences": {},
        "updated_by_id": 1,
        "created_by_id": 5,
        "origin_by_id": None,
        "created_at": "2024-05-01T03:00:00.123Z",
        "updated_at": "2024-05-01T03:00:00.123Z",
        "attachments": [],
        "type": "email",
        "sender": "Customer",
        "created_by": BUDI,
        "updated_by": "-",
        **changes,
    }


def zammad_answer(**changes: Any) -> Row:
    answer = {
        "id": 12,
        "sender": "Agent",
        "from": f"TokoDompet <{BOX.address}>",
        "to": BUDI,
        "created_by_id": 3,
        "message_id": "<20240501.12@zammad.dukungan.example>",
        "in_reply_to": "<lama-1@pelanggan.example>",
        "body": "Sudah kami kirim.",
        "content_type": "text/plain",
        "created_at": "2024-05-01T04:00:00.000Z",
    }
    return zammad_article(**(answer | changes))


def zammad_ticket(**changes: Any) -> Row:
    return {
        "id": 1,
        "group_id": 1,
        "priority_id": 3,
        "state_id": 4,
        "organization_id": None,
        "number": "2024050110001",
        "title": "Barang belum sampai",
        "owner_id": 3,
        "customer_id": 5,
        "note": None,
        "first_response_at": "2024-05-01T04:00:00.000Z",
        "close_at": "2024-05-02T03:00:00.000Z",
        "last_close_at": "2024-05-03T03:00:00.000Z",
        "pending_time": None,
        "article_count": 2,
        "preferences": {},
        "created_at": "2024-05-01T03:00:00.123Z",
        "updated_at": "2024-05-03T03:00:00.000Z",
        "article_ids": [11, 12],
        "group": "payments",
        "priority": "3 high",
        "state": "closed",
        "owner": RINA.address,
        "customer": BUDI,
        "articles": [zammad_article(), zammad_answer()],
        "tags": ["vip", "banding"],
        **changes,
    }


ZAMMAD_USERS: list[Row] = [
    {"id": 1, "login": "-", "firstname": "-", "lastname": "", "email": ""},
    {"id": 3, "login": "rina", "firstname": "Rina", "lastname": "", "email": RINA.address.upper()},
    {"id": 5, "login": BUDI, "firstname": "Budi", "lastname": "Santoso", "email": BUDI},
]
ZAMMAD_STATES: list[Row] = [
    {"id": 1, "name": "new", "state_type": "new"},
    {"id": 2, "name": "open", "state_type": "open"},
    {"id": 3, "name": "pending reminder", "state_type": "pending reminder"},
    {"id": 4, "name": "closed", "state_type": "closed"},
    {"id": 5, "name": "merged", "state_type": "merged"},
    {"id": 6, "name": "removed", "state_type": "removed"},
    {"id": 9, "name": "menunggu gudang", "state_type": "pending action"},
]


def zammad(folder: Path, *tickets: Row | bytes, **others: Iterable[Row | bytes]) -> Path:
    files = {"tickets": tickets or [zammad_ticket()], "users": ZAMMAD_USERS, "states": ZAMMAD_STATES}
    return write(folder, files | others)


def zammad_merged(key: int, into: int, **changes: Any) -> Row:
    link = {"link_type": "parent", "link_object": "Ticket", "link_object_value": into}
    note = zammad_article(id=key * 100, type="note", sender="System", body="merged")
    merged = {"id": key, "number": f"77{key}", "state": "merged", "links": [link], "articles": [note]}
    return zammad_ticket(**(merged | changes))


# --- FreeScout: the tables conversations, threads, attachments ----------------------------------------------------


def freescout_conversation(**changes: Any) -> Row:
    return {
        "id": 1,
        "number": 101,
        "status": 3,
        "state": 2,
        "subject": "Barang belum sampai",
        "cc": '["istri@pelanggan.example"]',
        "mailbox": BOX.address,
        "mailbox_name": "payments",
        "agent": RINA.address,
        "customer": BUDI,
        "customer_name": "Budi Santoso",
        "tags": "vip,banding",
        "created_at": "2024-05-01 10:00:00.000000",
        "closed_at": "2024-05-02 10:00:00.000000",
        "zone": "Asia/Jakarta",
        **changes,
    }


def freescout_thread(**changes: Any) -> Row:
    return {
        "id": 11,
        "conversation_id": 1,
        "type": 1,
        "state": 2,
        "body": "<div>Pesanan saya<br>belum sampai.</div>",
        "author": BUDI,
        "author_name": "Budi Santoso",
        "to": f'["{BOX.address}"]',
        "cc": None,
        "message_id": "lama-1@pelanggan.example",
        "created_at": "2024-05-01 10:00:00.000000",
        **changes,
    }


def freescout_answer(**changes: Any) -> Row:
    answer = {"id": 12, "type": 2, "author": RINA.address, "author_name": "Rina", "to": f'["{BUDI}"]'}
    body = {"body": "Sudah kami kirim.", "message_id": None, "created_at": "2024-05-01 11:00:00.000000"}
    return freescout_thread(**(answer | body | changes))


def freescout(folder: Path, *conversations: Row | bytes, **others: Iterable[Row | bytes]) -> Path:
    files: dict[str, Iterable[Row | bytes]] = {
        "conversations": conversations or [freescout_conversation()],
        "threads": [freescout_thread(), freescout_answer()],
        "attachments": [],
    }
    return write(folder, files | others)


# --- osTicket: ost_ticket, ost_thread_entry, ost_file with the names that their numbers stand for -----------------


def osticket_ticket(**changes: Any) -> Row:
    return {
        "id": 1,
        "number": "483920",
        "merged_into": None,
        "state": "closed",
        "subject": "Barang belum sampai",
        "customer": BUDI,
        "customer_name": "Budi Santoso",
        "department": "payments",
        "team": None,
        "agent": RINA.address,
        "priority": "emergency",
        "topic": "Pengiriman",
        "mailbox": BOX.address,
        "collaborators": "istri@pelanggan.example,toko@lain.example",
        "created": 1714532400,
        "closed": 1714618800,
        **changes,
    }


def osticket_entry(**changes: Any) -> Row:
    return {
        "id": 11,
        "ticket": 1,
        "type": "M",
        "poster": "Budi Santoso",
        "author": BUDI,
        "title": "Barang belum sampai",
        "body": "<p>Pesanan saya <i>belum</i> sampai.</p>",
        "format": "html",
        "message_id": "<lama-1@pelanggan.example>",
        "created": 1714532400,
        **changes,
    }


def osticket_answer(**changes: Any) -> Row:
    answer = {"id": 12, "type": "R", "poster": "Rina", "author": RINA.address, "title": None}
    body = {"body": "Sudah kami kirim.", "format": "text", "message_id": None, "created": 1714536000}
    return osticket_entry(**(answer | body | changes))


def osticket_piece(content: bytes, **changes: Any) -> Row:
    file = {"ticket": 1, "entry": 11, "file": 5, "name": "bukti.pdf", "type": "application/pdf", "chunk": 0}
    return file | {"data": encodebytes(content).decode()} | changes


def osticket(folder: Path, *tickets: Row | bytes, **others: Iterable[Row | bytes]) -> Path:
    files: dict[str, Iterable[Row | bytes]] = {
        "tickets": tickets or [osticket_ticket()],
        "entries": [osticket_entry(), osticket_answer()],
    }
    return write(folder, files | others)
