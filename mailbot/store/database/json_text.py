"""JSON values to the text of a column and back, by msgspec: Python's own encoder took a sixth of recording a ticket."""

import json
from typing import Any

import msgspec

_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder()


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
