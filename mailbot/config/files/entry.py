"""Define what every mapping has in common: no unknown keys, no values of another type."""

from pydantic import BaseModel, ConfigDict, Field

from mailbot.config.yaml.types import Name


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LabelEntry(Entry):
    """What agents read instead of a key."""

    id: Name = Field(description="in Indonesian: Pembayaran ganda")
    en: Name = Field(description="in English: Double payment")
