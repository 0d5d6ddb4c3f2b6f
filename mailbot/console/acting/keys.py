"""Keys by which a form acts once, however often it is sent."""

import hashlib
import secrets
from collections.abc import Iterable


def fresh_key() -> str:
    """Return the key of the forms of a page that is being rendered."""
    return secrets.token_urlsafe(16)


def key_of(once: str, content: Iterable[str]) -> str:
    """Return the key of a form with its content.

    A form that is sent twice has the same key. One that was changed after the browser's "back" is another act.
    """
    parts = (once, *content)
    return hashlib.sha256("".join(f"{len(each)}:{each}" for each in parts).encode()).hexdigest()
