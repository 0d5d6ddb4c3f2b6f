"""A real IMAP server for a test: Debian's dovecot as a private instance on loopback, with its own folder."""

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PASSWORD = "rahasia-sekali"
PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = "dovecot is not installed (Debian: apt-get install dovecot-imapd)"

_COMMON = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{home}/mail/%u
mail_fsync = never
maildir_stat_dirs = no
login_trusted_networks = 127.0.0.0/8
# Tests log in often.
mail_max_userip_connections = 100
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  # No pause after a wrong password.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
protocol imap {{
  imap_idle_notify_interval = 29 mins
}}
{more}
"""
_WITHOUT_ROOT = """
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service imap-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """A running server: `with Dovecot() as server`.

    `certificate` and `key` are PEM files for TLS. `hidden` are capabilities that it does not announce.
    Its mails survive a restart.
    """

    def __init__(
        self, *, certificate: Path | None = None, key: Path | None = None, hidden: Sequence[str] = ()
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="mailbot-dovecot-"))
        self.port, self.tls_port = _free_port(), _free_port() if certificate else 0
        self._certificate, self._key, self._hidden = certificate, key, hidden
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Dovecot":
        self.home.chmod(0o755)  # its processes give up their rights before they open their sockets
        (self.home / "mail").mkdir()
        self._write()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self) -> None:
        command = [PROGRAM or "dovecot", "-F", "-c", str(self.home / "dovecot.conf")]
        with (self.home / "start").open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        _wait_until(self._answers, "dovecot does not answer", self)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the server; all its connections break."""
        if self._process:
            os.killpg(self._process.pid, how)  # its children, too: they would serve on for a while
            self._process.wait(15)
            self._process = None

    def box(self, user: str) -> "Box":
        """Return the mail of a user; every name is a user."""
        return Box(self, user)

    @property
    def log(self) -> str:
        """Return its output at the start and its log."""
        paths = (self.home / "start", self.home / "log")
        return "".join(path.read_text() for path in paths if path.exists())

    def _write(self) -> None:
        root = os.geteuid() == 0
        owner = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
        if root:
            os.chown(self.home / "mail", owner.pw_uid, owner.pw_gid)
        more = [] if root else [_WITHOUT_ROOT.format(user=getpass.getuser(), group=_group(owner.pw_gid))]
        if self._certificate:
            more.append(f"ssl = yes\nssl_cert = <{self._certificate}\nssl_key = <{self._key}\n")
        else:
            more.append("ssl = no\n")
        if self._hidden:
            announced = " ".join(each for each in CAPABILITIES if each not in self._hidden)
            more.append(f"protocol imap {{\n  imap_capability = {announced}\n}}\n")
        text = _COMMON.format(
            home=self.home, password=PASSWORD, uid=owner.pw_uid, gid=owner.pw_gid, port=self.port,
            tls_port=self.tls_port, more="\n".join(more),
        )  # fmt: skip
        (self.home / "dovecot.conf").write_text(text)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(4) == b"* OK"
        except OSError:
            return False


class Box:
    """One user's mail, seen by another client of the same folders."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self._server, self.user = server, user

    def client(self, folder: str = "INBOX") -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self._server.port, timeout=10)
        client.login(self.user, PASSWORD)
        client.select(folder)
        return client

    def put(self, *mails: bytes, flags: str = "", date: str = "") -> None:
        """Append mails to INBOX, each with these flags and INTERNALDATE."""
        client = self.client()
        for mail in mails:
            client.append("INBOX", flags, date, mail)
        client.logout()

    def drop(self, mail: bytes, name: str) -> None:
        """Write a mail into INBOX byte for byte, without the server."""
        path = self._server.home / "mail" / self.user / "new" / name
        path.write_bytes(mail)
        path.chmod(0o644)

    def mark(self, uids: str, flag: str) -> None:
        client = self.client()
        client.uid("STORE", uids, "+FLAGS", flag)
        client.logout()

    def flags(self, folder: str = "INBOX") -> dict[int, set[str]]:
        """Return the flags of each mail by UID, without \\Recent. Nothing is changed."""
        client = self.client(folder)
        _, found = client.uid("FETCH", "1:*", "(FLAGS)")
        client.logout()
        flags = {}
        for line in found:
            # Another session's change is reported as a FETCH of flags alone.
            if isinstance(line, bytes) and b"UID" in line:
                words = line.decode().replace("(", " ").replace(")", " ").split()
                uid = int(words[words.index("UID") + 1])
                flags[uid] = {word for word in words if word.startswith("\\")} - {"\\Recent"}
        return flags

    def renumber(self) -> None:
        """Delete the UIDs, so that UIDVALIDITY changes. The server must be stopped."""
        for path in (self._server.home / "mail" / self.user).glob("dovecot*"):
            path.unlink()


CAPABILITIES = ("IMAP4rev1", "LITERAL+", "IDLE", "UIDPLUS", "MOVE", "UNSELECT", "NAMESPACE")


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _wait_until(condition: Callable[[], bool], message: str, server: Dovecot) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, f"{message}: {server.log[-2000:]}"
        time.sleep(0.02)
