"""Check and build the web forms of mailbot.yaml: what they name exists, and their answers can be right."""

from collections.abc import Iterator, Mapping
from typing import Any

from mailbot.config.files.forms import FieldEntry, FormEntry
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.yaml.lookup import Files, duplicates, find, mailbox_addresses, texts, unknown
from mailbot.config.yaml.scalars import shown
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.routing.text_operators import compiled_pattern
from mailbot.domain.web_forms.model import FieldKind, FormField, Option, WebForm
from mailbot.errors import Problem

_TEXTS = (FieldKind.TEXT, FieldKind.LONG_TEXT)


def build(file: MailbotFile) -> Mapping[str, WebForm]:
    """Build the forms by their names."""
    brands = {box.address: box.brand for box in file.mailboxes}
    return {entry.name: _form(entry, brands.get(entry.mailbox, "")) for entry in file.forms}


def _form(entry: FormEntry, brand: str) -> WebForm:
    titles = {"id": entry.title.id, "en": entry.title.en} if entry.title else {"id": brand, "en": brand}
    return WebForm(
        entry.name,
        entry.mailbox,
        titles,
        tuple(map(_field, entry.fields)),
        tuple(entry.embed_on),
        tuple(dict.fromkeys(entry.languages)),
        entry.files,
        entry.confirm,
    )


def _field(entry: FieldEntry) -> FormField:
    options = entry.options.items()
    return FormField(
        entry.name,
        {"id": entry.label.id, "en": entry.label.en},
        FieldKind(entry.kind),
        entry.required,
        entry.pattern or "",
        entry.example or "",
        tuple(Option(name, {"id": each.id, "en": each.en}, each.tag or "") for name, each in options),
        entry.detail or "",
        entry.subject,
    )


def check(files: Files) -> Iterator[Problem]:
    """List what can't work: forms without pages, unknown names, fields that no answer fits."""
    source = files.mailbot
    yield from duplicates(source, "is the name of two forms", "forms", "*", "name")
    boxes, details = (
        mailbox_addresses(files),
        tuple(place[-1] for place, _ in find(files.routing.data, "details", "*")),
    )
    for place, address in texts(source.data, "forms", "*", "mailbox"):
        if boxes and address.strip().lower() not in boxes:
            yield source.at_value(place, *unknown("mailbox", address, boxes))
    for place, name in texts(source.data, "forms", "*", "fields", "*", "detail"):
        if isinstance(files.routing.data, dict) and name not in details:
            yield source.at_value(place, *unknown("detail", name, map(str, details)))
    for place, form in find(source.data, "forms", "*"):
        if isinstance(form, dict):
            yield from _check_form(source, place, form)


def _check_form(source: Source, place: Place, form: Mapping[str, Any]) -> Iterator[Problem]:
    data = source.data if isinstance(source.data, dict) else {}
    if not data.get("console"):
        yield source.at_value(place, "a form needs the pages", "console: 127.0.0.1:8025")
    elif not data.get("public_url") and form.get("confirm") not in (False, "no"):
        hint = "public_url: https://bantuan.example"
        yield source.at_value(place, "the mail that confirms an address needs a link", hint)
    first: dict[tuple[str, object], Place] = {}
    for where, field in find(form, "fields", "*"):
        if not isinstance(field, dict):
            continue
        there = (*place, *where)
        yield from _check_field(source, there, field)
        subject = "subject" if field.get("subject") in (True, "yes") else None
        for key, value in (
            ("name", field.get("name")),
            ("detail", field.get("detail")),
            ("subject", subject),
        ):
            before = first.setdefault((key, value), there)
            if value and before != there:
                hint = f"the first is on line {source.line_of(before)}"
                yield source.at_value((*there, key), f"two fields have the same {key}", hint)


def _check_field(source: Source, place: Place, field: Mapping[str, Any]) -> Iterator[Problem]:
    kind, options = field.get("kind", "text"), field.get("options")
    if kind == FieldKind.CHOICE and not options:
        yield source.at_value(place, "a choice needs options", "options: {retur: {id: Retur, en: Return}}")
    if options and kind != FieldKind.CHOICE:
        yield source.at_key(
            (*place, "options"), f"a field of kind `{shown(kind)}` has no options", "kind: choice"
        )
    if field.get("subject") in (True, "yes") and kind not in (FieldKind.TEXT, FieldKind.CHOICE):
        message = f"a field of kind `{shown(kind)}` can't be the subject"
        yield source.at_value((*place, "subject"), message, "kind: text, or choice")
    pattern, example = field.get("pattern"), field.get("example")
    if pattern and kind not in _TEXTS:
        yield source.at_key(
            (*place, "pattern"), f"a field of kind `{shown(kind)}` has no pattern", "kind: text"
        )
    elif isinstance(pattern, str) and isinstance(example, str) and not _fits(pattern, example):
        message = f"`{shown(example)}` does not match the pattern of its field"
        yield source.at_value((*place, "example"), message, "an answer that is right")


def _fits(pattern: str, example: str) -> bool:
    try:
        return compiled_pattern(pattern).fullmatch(example) is not None
    except ValueError:
        return True  # reported with the shape
