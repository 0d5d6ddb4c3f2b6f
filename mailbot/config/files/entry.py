"""Define what every mapping has in common: no unknown keys, no values of another type."""

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
