"""JSON values to the text of a column and back, by msgspec: Python's own encoder took a sixth of recording a ticket."""

import json
from typing import Any

import msgspec


def _plain(value: object) -> str:
    """Return the text of a subclass of `str`, such as a header of `email`."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


_encoder, _decoder = msgspec.json.Encoder(enc_hook=_plain), msgspec.json.Decoder()


def dump(value: Any) -> str:
    """Return the JSON text. Half a surrogate pair is written as an escape, which only `json` does."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


def load(text: str | bytes) -> Any:
    """Read JSON text, also what only `json` reads: half a surrogate pair, a number out of range."""
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)
