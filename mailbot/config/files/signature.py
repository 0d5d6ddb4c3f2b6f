"""Define the signature of answers, which mailboxes and agents may have."""

from pydantic import Field

from mailbot.config.files.entry import Entry
from mailbot.config.yaml.types import Lines


class SignatureEntry(Entry):
    """What stands below an answer instead of the agent's name and the brand."""

    id: Lines | None = Field(None, description="below answers in Indonesian")
    en: Lines | None = Field(None, description="below answers in English")

    @property
    def texts(self) -> dict[str, str]:
        return {language: text for language, text in self if text}
