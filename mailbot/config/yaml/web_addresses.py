"""Read addresses of the web: of our pages, of pages that show our forms, of services that we ask."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from mailbot.config.yaml.scalars import domain, fail, is_loopback, shown, text_of


def public_url(value: object) -> str:
    """Read where people reach the pages: "https://bantuan.example", without a path or a final slash."""
    hint = "the pages need a host of their own: https://bantuan.example"
    return _host(value, "https://bantuan.example", "links to customers' tickets", hint)


def origin(value: object) -> str:
    """Read the origin of a page (RFC 6454): "https://toko.example"."""
    hint = "an origin means all pages of its host: https://toko.example"
    return _host(value, "https://toko.example", "what customers write", hint).lower()


def _host(value: object, example: str, what: str, alone: str) -> str:
    """Read a scheme, a host and perhaps a port. `alone`: the hint where there is more."""
    text = text_of(value, "https:// and a host", example).rstrip("/")
    rest, host = _split_web_address(text, what, example)
    if any(each in rest for each in "/?#@"):
        fail(f"`{shown(text)}` has more than a host", alone)
    if not is_loopback(host):
        domain(host)
    if not re.fullmatch(r"(:[0-9]{1,5})?", rest.removeprefix(f"[{host}]").removeprefix(host)):
        fail(f"`{shown(text)}` has no port behind its host", f"write it like {example}")
    return text


def web_address(value: object) -> str:
    """Read where a service is: "https://login.example/realms/desk", http on loopback alone."""
    text = text_of(value, "an https address", "https://login.example/realms/desk").rstrip("/")
    rest, _ = _split_web_address(text, "what is sent there", "https://login.example")
    if any(each in rest for each in "?#@ "):
        fail(f"`{shown(text)}` is not an address of the web", "write it like https://login.example")
    return text


def hook_url(value: object) -> str:
    """Read where a webhook listens, "https://toko.example/hooks". Its addresses are checked when we send."""
    hint = "write it like https://toko.example/hooks/mailbot"
    text = text_of(value, "an https address", "https://toko.example/hooks/mailbot")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    known = re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:.]+", host)
    ends_in_number = re.search(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$", host)  # then it is an IPv4 address, or none
    if ends_in_number and not _is_address(host):
        fail("an IP address is written as 203.0.113.7", hint)
    if not known or parts.scheme not in ("https", "http") or not re.fullmatch(r"[!-~]+", text):
        fail("this is not an address of the web", hint)
    if "@" in parts.netloc or "#" in text:
        fail("an address of a webhook has no user, no password and no #", hint)
    return text


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _split_web_address(text: str, what: str, example: str) -> tuple[str, str]:
    """Return what follows the scheme, and the host. Fails for http to another machine: it can be read on the way."""
    scheme, separator, rest = text.partition("://")
    authority = rest.partition("/")[0]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    if not separator or scheme not in ("https", "http") or not host:
        fail(f"`{shown(text)}` is not an address of the web", f"write it like {example}")
    if scheme == "http" and not is_loopback(host):
        fail(f"{what} must not be read on the way", f"https://{rest}")
    return rest, host
