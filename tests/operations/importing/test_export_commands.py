"""The commands of docs/channels/import_from.md give what the readers read: the loop against a server that answers as
Zammad's API does, the queries on tables with the columns of FreeScout and osTicket.

SQLite runs the queries, with MySQL's functions beside its own: it shows wrong names and wrong joins.
"""

import json
import re
import shutil
import sqlite3
import subprocess
import threading
from base64 import encodebytes
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mailbot.domain.model import Direction
from mailbot.operations.importing import freescout, osticket, zammad
from mailbot.operations.importing.model import ImportedStatus, ImportedTicket, Read
from tests.builders import BOX, RINA
from tests.operations.importing import exports
from tests.operations.importing.exports import BUDI

PAGE = Path(__file__).parents[3] / "docs" / "channels" / "import_from.md"
PDF = b"%PDF \0\xff" * 400


def script(desk: str) -> str:
    """Return the commands that the page has for a desk."""
    _, _, section = PAGE.read_text().partition(f"\n## {desk}\n")
    found = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


def tickets(reader: Read, folder: Path) -> list[ImportedTicket]:
    context = exports.context()
    found = list(reader(folder, context))
    assert context.problems.first == []
    return found


# --- Zammad -------------------------------------------------------------------------------------------------

PAGE_SIZE = 2  # an installation may give fewer than were asked for
TICKETS: list[dict[str, Any]] = [
    exports.zammad_ticket(id=1),
    exports.zammad_ticket(id=2, number="22", state="merged"),
    *(exports.zammad_ticket(id=key, number=str(key), state="open") for key in range(3, 6)),
]
ATTACHED = {"id": 5, "filename": "bukti.pdf", "preferences": {"Content-Type": "application/pdf"}}
RAW = b"From: budi@pelanggan.example\r\nSubject: Asli\r\n\r\nHalo\r\n"


class Zammad(BaseHTTPRequestHandler):
    """The endpoints that the loop asks, paged as Zammad pages them."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] != "Token token=rahasia":
            self.send_error(401)
            return
        asked = urlsplit(self.path)
        query = {name: value[0] for name, value in parse_qs(asked.query).items()}
        found = self._find(asked.path.removeprefix("/api/v1/"), query)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _find(self, path: str, query: dict[str, str]) -> Any:
        listed = {"users": exports.ZAMMAD_USERS, "ticket_states": exports.ZAMMAD_STATES, "tickets": TICKETS}
        if path in listed:
            assert query["expand"] == "true"
            page, size = int(query["page"]), min(int(query["per_page"]), PAGE_SIZE)
            return listed[path][(page - 1) * size : page * size]
        endpoint, _, ids = path.partition("/")
        match endpoint:
            case "settings":
                return [{"name": "ticket_hook", "state_current": {"value": "Tiket#"}}, {"name": "fqdn"}]
            case "tags":
                return {"tags": ["vip"]}
            case "links":
                merged = {"link_type": "parent", "link_object": "Ticket", "link_object_value": 1}
                return {"links": [merged] if query["link_object_value"] == "2" else [], "assets": {}}
            case "ticket_article_plain":
                return RAW if ids == "10" else b""
            case "ticket_attachment":
                return PDF
        key = int(ids.removeprefix("by_ticket/"))
        mine = exports.zammad_article(id=key * 10, attachments=[ATTACHED] if key == 3 else [])
        return [mine, exports.zammad_answer(id=key * 10 + 1)]

    def log_message(self, *_: Any) -> None:
        """Say nothing on standard error."""


@pytest.fixture
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Zammad)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run_loop(folder: Path, api: str, token: str = "rahasia") -> subprocess.CompletedProcess[str]:
    (folder / "zammad.sh").write_text(script("Zammad").replace("--retry 5", "--retry 0"))
    words = ["bash", str(folder / "zammad.sh"), str(folder / "export")]
    environment = {"PATH": "/usr/bin:/bin", "ZAMMAD_URL": api, "ZAMMAD_TOKEN": token}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


needs_tools = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="the loop needs curl and jq"
)


@needs_tools
def test_the_loop_for_zammad_writes_what_is_read(api: str, tmp_path: Path) -> None:
    done = run_loop(tmp_path, api)
    assert done.returncode == 0, done.stderr
    found = {each.external_id: each for each in tickets(zammad.read, tmp_path / "export")}
    assert len(found) == len(TICKETS) - 1
    assert found["1"].numbers == ("Tiket#2024050110001", "Tiket#22")
    assert found["1"].tags == ("vip",)
    assert [each.raw for each in found["1"].messages] == [RAW, b""]
    assert [each.content for each in found["3"].messages[0].files] == [PDF]
    assert found["5"].status is ImportedStatus.OPEN
    assert not list((tmp_path / "export").glob("token*"))


@needs_tools
def test_a_loop_that_is_refused_ends_with_an_error(api: str, tmp_path: Path) -> None:
    done = run_loop(tmp_path, api, token="lama")
    assert done.returncode != 0
    assert "401" in done.stderr
    assert not (tmp_path / "export" / "tickets.jsonl").exists()


# --- FreeScout and osTicket ---------------------------------------------------------------------------------


def unix_time(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def concat_ws(separator: str, *values: str | None) -> str:
    return separator.join(value for value in values if value is not None)


def to_base64(content: bytes | None) -> str | None:
    return None if content is None else encodebytes(content).decode()


def run_queries(desk: str, database: sqlite3.Connection, folder: Path, change: Callable[[str], str]) -> Path:
    database.create_function("UNIX_TIMESTAMP", 1, unix_time)
    database.create_function("CONCAT_WS", -1, concat_ws)
    database.create_function("TO_BASE64", 1, to_base64)
    database.create_function("IF", 3, lambda condition, yes, no: yes if condition else no)
    queries = re.findall(r"ask (\w+) <<'?SQL'?\n(.*?)\nSQL\n", script(desk), re.DOTALL)
    for name, query in queries:
        rows = database.execute(change(query)).fetchall()
        (folder / f"{name}.jsonl").write_text("".join(f"{row}\n" for (row,) in rows))
    return folder


FREESCOUT = """
CREATE TABLE mailboxes (id, name, email);
CREATE TABLE users (id, first_name, last_name, email);
CREATE TABLE customers (id, first_name, last_name);
CREATE TABLE emails (id, customer_id, email, type);
CREATE TABLE conversations (id, number, type, folder_id, status, state, subject, customer_email, cc, bcc, mailbox_id,
  user_id, customer_id, created_at, closed_at, meta);
CREATE TABLE threads (id, conversation_id, user_id, type, status, state, action_type, body, "from", "to", cc, bcc,
  message_id, customer_id, created_by_user_id, created_by_customer_id, meta, created_at);
CREATE TABLE attachments (id, thread_id, file_dir, file_name, mime_type, type, size, embedded);
INSERT INTO mailboxes VALUES (1, 'payments', 'support@dukungan.example');
INSERT INTO users VALUES (3, 'Rina', '', 'rina@tim.example');
INSERT INTO customers VALUES (5, 'Budi', 'Santoso');
INSERT INTO emails VALUES (1, 5, 'budi@pelanggan.example', 1);
INSERT INTO conversations VALUES (7, 101, 1, 1, 3, 2, 'Barang', 'budi@pelanggan.example', NULL, NULL, 1, 3, 5,
  '2024-05-01 03:00:00', '2024-05-02 03:00:00', NULL);
INSERT INTO conversations VALUES (8, 102, 1, 1, 3, 3, 'Barang', 'budi@pelanggan.example', NULL, NULL, 1, NULL, 5,
  '2024-05-01 03:00:00', NULL, NULL);
INSERT INTO threads VALUES (12, 7, NULL, 2, 1, 2, NULL, 'Sudah<br>dikirim.', NULL, '["budi@pelanggan.example"]', NULL,
  NULL, NULL, 5, 3, NULL, NULL, '2024-05-01 04:00:00');
INSERT INTO threads VALUES (11, 7, NULL, 1, 1, 2, NULL, '<p>Belum
  sampai \t"é"</p>', NULL, '["support@dukungan.example"]', NULL, NULL, 'a@x.example', 5, NULL, 5, NULL,
  '2024-05-01 03:00:00');
INSERT INTO threads VALUES (13, 8, NULL, 4, 1, 2, 4, '', NULL, NULL, NULL, NULL, NULL, 5, 3, NULL, '{"mic":7}',
  '2024-05-01 04:00:00');
INSERT INTO attachments VALUES (1, 11, '1/2/1/', 'bukti.pdf', 'application/pdf', 3, 10, 0);
"""


def test_the_queries_for_freescout_write_what_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(FREESCOUT)

        def in_shell(query: str) -> str:
            return query.replace("\\`", "`").replace("$number", "c.id").replace("$zone", "UTC")

        run_queries("FreeScout", database, tmp_path, in_shell)
    (tmp_path / "attachment" / "1" / "2" / "1").mkdir(parents=True)
    (tmp_path / "attachment" / "1" / "2" / "1" / "bukti.pdf").write_bytes(PDF)
    (found,) = tickets(freescout.read, tmp_path)
    assert (found.numbers, found.customer, found.agent) == (("[#7]", "[#8]"), BUDI, RINA.address)
    assert (found.customer_name, found.mailbox, found.team) == ("Budi Santoso", BOX.address, "payments")
    asked, answered = found.messages
    assert (asked.author, asked.text, asked.message_id) == (BUDI, 'Belum sampai "é"', "<a@x.example>")
    assert [each.content for each in asked.files] == [PDF]
    assert (answered.direction, answered.author) == (Direction.OUT, RINA.address)
    assert answered.author_name.strip() == "Rina"


OSTICKET = """
CREATE TABLE ost_ticket (ticket_id, ticket_pid, number, user_id, user_email_id, status_id, dept_id, sla_id, topic_id,
  staff_id, team_id, email_id, lock_id, flags, sort, source, closed, created, updated);
CREATE TABLE ost_ticket__cdata (ticket_id, subject, priority);
CREATE TABLE ost_ticket_status (id, name, state, mode, flags);
CREATE TABLE ost_ticket_priority (priority_id, priority, priority_desc);
CREATE TABLE ost_user (id, org_id, default_email_id, status, name);
CREATE TABLE ost_user_email (id, user_id, flags, address);
CREATE TABLE ost_department (id, pid, name);
CREATE TABLE ost_team (team_id, lead_id, flags, name);
CREATE TABLE ost_staff (staff_id, dept_id, username, firstname, lastname, email);
CREATE TABLE ost_help_topic (topic_id, topic_pid, topic);
CREATE TABLE ost_email (email_id, email, name);
CREATE TABLE ost_thread (id, object_id, object_type, extra, lastresponse, lastmessage, created);
CREATE TABLE ost_thread_collaborator (id, flags, thread_id, user_id, role, created, updated);
CREATE TABLE ost_thread_entry (id, pid, thread_id, staff_id, user_id, type, flags, poster, editor, source, title, body,
  format, ip_address, extra, recipients, created, updated);
CREATE TABLE ost_thread_entry_email (id, thread_entry_id, email_id, mid, headers);
CREATE TABLE ost_attachment (id, object_id, type, file_id, name, inline, lang);
CREATE TABLE ost_file (id, ft, bk, type, size, key, signature, name, attrs, created);
CREATE TABLE ost_file_chunk (file_id, chunk_id, filedata);
INSERT INTO ost_ticket VALUES (1, NULL, '483920', 5, 0, 3, 1, 1, 2, 3, 0, 1, 0, 16, 0, 'Email', '2024-05-02 03:00:00',
  '2024-05-01 03:00:00', '2024-05-02 03:00:00');
INSERT INTO ost_ticket VALUES (2, 1, '7', 5, 0, 3, 1, 1, 2, 0, 0, 1, 0, 2, 1, 'Email', NULL, '2024-05-01 03:00:00', '');
INSERT INTO ost_ticket__cdata VALUES (1, 'Barang', '3'), (2, 'Lagi', NULL);
INSERT INTO ost_ticket_status VALUES (1, 'Open', 'open', 3, 0), (3, 'Closed', 'closed', 3, 0);
INSERT INTO ost_ticket_priority VALUES ('3', 'high', 'High');
INSERT INTO ost_user VALUES (5, 0, 50, 0, 'Budi Santoso'), (6, 0, 60, 0, 'Istri');
INSERT INTO ost_user_email VALUES (50, 5, 0, 'budi@pelanggan.example'), (60, 6, 0, 'istri@pelanggan.example');
INSERT INTO ost_department VALUES (1, NULL, 'payments');
INSERT INTO ost_staff VALUES (3, 1, 'rina', 'Rina', '', 'rina@tim.example');
INSERT INTO ost_help_topic VALUES (2, 0, 'Pengiriman');
INSERT INTO ost_email VALUES (1, 'support@dukungan.example', 'TokoDompet');
INSERT INTO ost_thread VALUES (21, 1, 'T', NULL, NULL, NULL, ''), (22, 2, 'C', NULL, NULL, NULL, '');
INSERT INTO ost_thread_collaborator VALUES (1, 1, 21, 6, 'M', '', ''), (2, 0, 21, 5, 'M', '', '');
INSERT INTO ost_thread_entry VALUES
  (31, 0, 21, 0, 5, 'M', 65, 'Budi Santoso', NULL, 'Email', 'Barang', '<p>Belum
   sampai</p>', 'html', '', NULL, NULL, '2024-05-01 03:00:00', ''),
  (32, 0, 21, 3, 0, 'R', 0, 'Rina', NULL, 'Web', NULL, 'Sudah.', 'text', '', NULL, NULL, '2024-05-01 04:00:00', ''),
  (33, 32, 21, 3, 0, 'R', 4, 'Rina', NULL, 'Web', NULL, 'Salah', 'text', '', NULL, NULL, '2024-05-01 04:00:00', ''),
  (34, 0, 22, 0, 5, 'M', 1, 'Budi', NULL, 'Email', 'Lagi', 'Halo?', 'text', '', NULL, NULL, '2024-05-01 05:00:00', '');
INSERT INTO ost_thread_entry_email VALUES (1, 31, 1, '<a@x.example>', NULL);
INSERT INTO ost_attachment VALUES (1, 31, 'H', 9, NULL, 0, NULL), (2, 31, 'T', 9, NULL, 0, NULL);
INSERT INTO ost_file VALUES (9, 'T', 'D', 'application/pdf', 10, '', '', 'bukti.pdf', NULL, '');
"""


def test_the_queries_for_osticket_write_what_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(OSTICKET)
        pieces = [(9, 1, PDF[1000:]), (9, 0, PDF[:1000])]
        database.executemany("INSERT INTO ost_file_chunk VALUES (?, ?, ?)", pieces)
        run_queries("osTicket", database, tmp_path, lambda query: query)
    (found,) = tickets(osticket.read, tmp_path)
    assert (found.numbers, found.status) == (("[#483920]", "[#7]"), ImportedStatus.CLOSED)
    assert (found.customer, found.agent, found.team) == (BUDI, RINA.address, "payments")
    assert (found.priority, found.category, found.mailbox) == ("high", "Pengiriman", BOX.address)
    assert found.people.keys() == {"istri@pelanggan.example"}
    assert [each.external_id for each in found.messages] == ["31", "32", "34"]
    asked, answered, again = found.messages
    assert (asked.author, asked.text, asked.message_id) == (BUDI, "Belum sampai", "<a@x.example>")
    assert [each.content for each in asked.files] == [PDF]
    assert (answered.author, again.author) == (RINA.address, BUDI)
    assert asked.at == found.opened_at
