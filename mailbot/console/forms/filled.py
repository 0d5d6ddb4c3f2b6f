"""Read a form that was sent: its key, its fields, its files; what is wrong is named for the page that comes back."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.datastructures import FormData, UploadFile

from mailbot.channels.web import uploads
from mailbot.channels.web.uploads import MOST_FILES, Unfit
from mailbot.domain.model import Attachment
from mailbot.domain.web_forms.answers import Answers, read_answers
from mailbot.domain.web_forms.model import WebForm
from mailbot.mail.compose.cleaning import body_text, header_text
from mailbot.mail.compose.mime_writer import is_ascii_address
from mailbot.mail.compose.reply_tokens import TokenSigner

LONGEST_MESSAGE = 20_000  # characters
LONGEST_FIELD = 5_100  # of an own field, before its kind is known
LONGEST_NAME = 80
TRAP = "website"  # hidden from people: whoever fills it in is a program
FIRST, LAST = timedelta(seconds=3), timedelta(hours=24)  # after the page was made


@dataclass(slots=True)
class Filled:
    """What came. `typed`: as it was typed, by the names of the page's fields, to be shown again.

    - `problem`: what is wrong with the whole, "" for nothing. `faults`: what is wrong with a field, by its name.
    - `nonce`: of the page's key. `key`: the same key, to be sent again; both "" where it does not count (any more).
    """

    typed: Mapping[str, str]
    problem: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    nonce: str = ""
    key: str = ""
    answers: Answers | None = None
    files: tuple[Attachment, ...] = ()
    file_name: str = ""  # of the file that is at fault

    @property
    def address(self) -> str:
        return self.typed["address"].lower()

    @property
    def is_well(self) -> bool:
        return not self.problem and not self.faults

    def digest(self, language: str) -> str:
        """Return a digest of all that was filled in."""
        parts = [language, *(f"{name}\0{text}" for name, text in sorted(self.typed.items()))]
        parts += [f"{each.digest}\0{each.name}" for each in self.files]
        return hashlib.sha256("\0\0".join(parts).encode("utf-8", "replace")).hexdigest()


def empty(form: WebForm) -> Filled:
    """Return what a fresh page shows."""
    return Filled(dict.fromkeys(("address", "name", "message", *_own_names(form)), ""))


async def read(
    form: WebForm, sent: FormData, keys: TokenSigner, now: datetime, language: str, room: int
) -> Filled:
    """Read a form. `room`: bytes that all files may have together."""
    typed = {
        "address": header_text(_text(sent, "address"), 321),
        "name": header_text(_text(sent, "name"), LONGEST_NAME),
        "message": body_text(_text(sent, "message")).strip(),
        **{name: body_text(_text(sent, name)[:LONGEST_FIELD]).strip() for name in _own_names(form)},
    }
    filled = Filled(typed)
    _check_key(filled, form, sent, keys, now)
    filled.answers = read_answers(form, _by_field(form, typed), language)
    filled.faults |= {f"f.{name}": fault.value for name, fault in filled.answers.faults.items()}
    if not is_ascii_address(typed["address"]) or "." not in typed["address"].rpartition("@")[2]:
        filled.faults["address"] = "address"
    if not typed["message"]:
        filled.faults["message"] = "missing"
    elif len(typed["message"]) > LONGEST_MESSAGE:
        filled.faults["message"] = "long"
    await _read_files(filled, form, sent, room)
    return filled


def _check_key(filled: Filled, form: WebForm, sent: FormData, keys: TokenSigner, now: datetime) -> None:
    key = _text(sent, "key")
    nonce, issued_at = keys.form_key_issued(key, form.name) or ("", 0)
    age = now.timestamp() - issued_at
    if not nonce or age > LAST.total_seconds():
        filled.problem = "stale"
        return
    filled.nonce, filled.key = nonce, key
    if age < FIRST.total_seconds():
        filled.problem = "fast"
    elif _text(sent, TRAP):
        filled.problem = "trap"


async def _read_files(filled: Filled, form: WebForm, sent: FormData, room: int) -> None:
    given = [each for each in sent.getlist("files") if isinstance(each, UploadFile) and each.filename]
    if not given or not form.files:
        return
    if len(given) > MOST_FILES or sum(each.size or 0 for each in given) > room:
        filled.faults["files"] = Unfit.MANY if len(given) > MOST_FILES else Unfit.LARGE
        return
    files = []
    for each in given:
        file = await asyncio.to_thread(uploads.read, each.filename or "", await each.read())
        if isinstance(file, Unfit):
            filled.faults["files"], filled.file_name = file, header_text(each.filename or "", 80)
            return
        files.append(file)
    filled.files = tuple(files)


def _own_names(form: WebForm) -> list[str]:
    """Return the names of the form's own fields on the page: none clashes with those that each form has."""
    return [f"f.{each.name}" for each in form.fields]


def _by_field(form: WebForm, typed: Mapping[str, str]) -> dict[str, str]:
    return {each.name: typed[f"f.{each.name}"] for each in form.fields}


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value if isinstance(value, str) else ""
