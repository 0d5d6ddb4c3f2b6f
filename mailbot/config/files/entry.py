"""What every mapping in a file has in common: no key that nobody knows, no value of another kind."""

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
