"""Reads until when the listener's certificate is valid."""

import _ssl
import ssl
from datetime import UTC, datetime
from pathlib import Path


def certificate_end(path: Path | None) -> datetime | None:
    """Return until when the certificate in a PEM file is valid; None without one, or where it can't be read.

    The standard library decodes it: `cryptography` belongs to an extra that an installation may lack.
    """
    if path is None:
        return None
    try:
        found = _ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC)
    except (OSError, ValueError, KeyError):  # ssl.SSLError is an OSError
        return None
