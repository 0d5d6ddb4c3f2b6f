"""Load the admins' templates: read, check, compile and try them on made-up notices before any mail needs
them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from jinja2 import nodes

from mailbot.domain.policy import Mailbox
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose import macros, template_sandbox, template_source
from mailbot.mail.compose.macros import Macros
from mailbot.mail.compose.template_sandbox import TEMPLATE_ERRORS
from mailbot.mail.compose.template_values import (
    LANGUAGES,
    NOTICES,
    SAMPLE_NOW,
    Values,
    build_values,
    sample_notices,
)

_MAILBOX = Mailbox("support@example.com", "Sample Brand", "TOKO")

KINDS = ("subject", "txt", "html")
CHAT = "chat"  # the short text for chats; what has none is sent as its text
IN_CHATS = ("acknowledgement", "answer", "closing", "progress", "status")  # notices that may have one
_VARIANTS_OF = "acknowledgement"  # the notice of key rules can choose a variant

# Without these values the mail has no purpose. An agent's answer is cut at the marker.
REQUIRED_VALUES: Mapping[str, tuple[str, ...]] = {
    "acknowledgement": ("number",),
    "progress": ("number",),
    "closing": ("number", "sentence", "text"),
    "status": ("number",),
    "answer": ("text",),
    "team": ("marker", "number", "text"),
    "refusal": ("reason",),
    "receipt": ("refused", "text"),
    "answer_held": ("reason", "text"),
    "agent_help": ("mailbox",),
    "question": ("number", "question", "options"),
    "worklist": ("title",),
    "compensation_wanted": ("number", "amount", "request"),
    "compensation_decided": ("number", "amount", "because"),
}


class TemplateFailed(Exception):
    """A template could not be rendered with these values; the text names the template and the error."""


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates, compiled. `clock` counts seconds for the time limit.

    `names`: what the templates of a notice read, by "language/name", for chats "language/name:chat".
    """

    compiled: Mapping[str, jinja2.Template] = field(repr=False)
    names: Mapping[str, frozenset[str]] = field(repr=False)
    clock: Callable[[], float] = time.monotonic
    macros: Macros = field(default_factory=Macros)

    def has(self, name: str, language: str, kind: str = KINDS[0]) -> bool:
        return file_name(name, language, kind) in self.compiled

    def names_in(self, name: str, language: str, *, in_chat: bool = False) -> frozenset[str]:
        """Return the names that the templates of a notice read, in all kinds. `in_chat`: with that for chats."""
        of_mail = self.names[f"{language}/{name}"]
        return of_mail | self.names[names_key(name, language, CHAT)] if in_chat else of_mail

    def render(self, name: str, language: str, kind: str, values: Values) -> str:
        """Render `<language>/<name>.<kind>.j2` with these values. Raises TemplateFailed."""
        file = file_name(name, language, kind)
        try:
            return template_sandbox.render(self.compiled[file], values, self.clock)
        except TEMPLATE_ERRORS as error:
            raise TemplateFailed(f"{file}: {error}") from error


def load(directory: Path, clock: Callable[[], float] = time.monotonic) -> Templates:
    """Load and try every template under `directory`. Raises ConfigError with all problems."""
    environment = template_sandbox.new_environment()
    problems = list(_unknown_files(directory))
    compiled: dict[str, jinja2.Template] = {}
    names: dict[str, frozenset[str]] = {}
    for key in (*expected(directory), *for_chats(directory)):
        path = directory / file_name(*key)
        try:
            source = template_source.read(path)
            template, tree = compile_notice(environment, path, source, key[0])
            compiled[file_name(*key)], of_notice = template, names_key(*key)
            names[of_notice] = names.get(of_notice, frozenset()) | template_source.names_in(tree)
            _try(template, path, source, key, clock)
        except ConfigError as error:
            problems += error.problems
    texts, found = macros.load(directory / macros.FOLDER, environment, clock)
    problems += found
    if problems:
        raise ConfigError(sorted(problems, key=lambda p: (p.file, p.line)))
    return Templates(compiled, names, clock, texts)


def _notice(name: str) -> str:
    """Return the notice of a template: "acknowledgement" for its variant "acknowledgement.vip"."""
    return name.partition(".")[0]


def file_name(name: str, language: str, kind: str) -> str:
    return f"{language}/{name}.{kind}.j2"


def names_key(name: str, language: str, kind: str) -> str:
    """Return under which key `Templates.names` has what a template reads."""
    return f"{language}/{name}:{CHAT}" if kind == CHAT else f"{language}/{name}"


def for_chats(directory: Path) -> list[tuple[str, str, str]]:
    """List (notice, language, kind) of the templates for chats that are there."""
    names = (*IN_CHATS, *variants(directory))
    listed = ((name, language, CHAT) for name in names for language in LANGUAGES)
    return [key for key in listed if (directory / file_name(*key)).exists()]


def variants(directory: Path) -> tuple[str, ...]:
    """Return the variants that some language has ("acknowledgement.vip"): each must exist in all
    languages.
    """
    files = directory.glob(f"*/{_VARIANTS_OF}.*.*.j2")
    names = (path.name.split(".") for path in files if path.parent.name in LANGUAGES)
    return tuple(
        sorted({f"{name[0]}.{name[1]}" for name in names if len(name) == 4 and name[2] in KINDS and name[1]})
    )


def expected(directory: Path) -> Iterator[tuple[str, str, str]]:
    """List (notice, language, kind) of each template that there has to be."""
    for name in (*NOTICES, *variants(directory)):
        for language in LANGUAGES:
            for kind in KINDS:
                yield name, language, kind


def compile_notice(
    environment: jinja2.Environment, path: Path, source: str, name: str
) -> tuple[jinja2.Template, nodes.Template]:
    """Compile a template of this notice, and return its tree too. Raises ConfigError."""
    known = build_values(
        sample_notices(_notice(name), "en")[0], _MAILBOX, language="en", zone="UTC", now=SAMPLE_NOW
    ).keys()
    return template_source.compile_source(environment, path, source, known)


def _try(
    template: jinja2.Template,
    path: Path,
    source: str,
    key: tuple[str, str, str],
    clock: Callable[[], float],
) -> None:
    """Render with made-up values and check for the required values. Raises ConfigError."""
    name, language, kind = _notice(key[0]), *key[1:]
    for notice in sample_notices(name, language):
        values = build_values(
            notice,
            _MAILBOX,
            language=language,
            zone="Asia/Jakarta",
            now=SAMPLE_NOW,
            page_url="https://bantuan.example/t/TOKO-48217390-8?k=sample",
        )
        try:
            text = template_sandbox.render(template, values, clock)
        except TEMPLATE_ERRORS as error:
            raise template_source.fault(
                path, template_source.error_text(error), "", template_source.line_of(error, path), source
            ) from error
        missing = [value for value in REQUIRED_VALUES.get(name, ()) if str(values[value]) not in text]
        if kind != "subject" and missing:
            hint = f"put {{{{ {missing[0]} }}}} where the reader finds it"
            raise template_source.fault(path, f"never prints {missing[0]!r}", hint, line=1)
        if kind == "html" and ("<html" in text.lower() or "<body" in text.lower()):
            hint = "write only the content of <body>: two languages may share one page"
            raise template_source.fault(path, "is a whole page", hint, line=1)


def _unknown_files(directory: Path) -> Iterator[Problem]:
    """Yield a problem for each file and folder that belongs to no notice: usually a misspelled name."""
    if not directory.is_dir():
        yield template_source.problem(directory, "there is no such folder of templates")
        return
    files = [file_name(*key) for key in (*expected(directory), *for_chats(directory))]
    folders = [directory / language for language in LANGUAGES]
    own = (*folders, directory / macros.FOLDER)
    for path in (path for folder in (directory, *folders) if folder.is_dir() for path in folder.iterdir()):
        file = path.relative_to(directory).as_posix()
        if path.name.startswith(".") or path in own or file in files:
            continue
        choices = files if path.suffix or path.parent != directory else LANGUAGES
        yield template_source.problem(
            path, "is the template of no notice", template_sandbox.suggest(file, choices)
        )
