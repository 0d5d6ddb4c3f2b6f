"""Where a log-in leads: to one of our own pages alone."""

from urllib.parse import urlsplit

from mailbot.operations.log_in import FIRST


def own_path(wanted: str) -> str:
    r"""Return the path with its query where it is one of ours, else that of the first page.

    Browsers take `//host`, `/\host` and either with tabs in between for another host.
    """
    odd = any(letter <= " " or letter in '\\\x7f"<>' for letter in wanted)
    if odd or not wanted.startswith("/") or wanted.startswith("//"):
        return FIRST
    path = urlsplit(wanted).path
    return FIRST if path in ("/login", "/logout") or path.startswith("/login/") else wanted
