"""Templates for a command that composes few mails: each is compiled, and its faults are found, when it is used."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import jinja2

from mailbot.errors import ConfigError
from mailbot.mail.compose import macros, template_sandbox, template_source, templates
from mailbot.mail.compose.macros import Macro, Macros
from mailbot.mail.compose.templates import CHAT, KINDS, Templates, file_name


def load(directory: Path, clock: Callable[[], float] = time.monotonic) -> Templates:
    """Return the templates under `directory`. What uses a faulty one raises ConfigError."""
    compiled = _Compiled(directory)
    return Templates(compiled, _Names(compiled), clock, load_macros(directory, clock))


def load_macros(directory: Path, clock: Callable[[], float] = time.monotonic) -> Macros:
    """Return the macros under `directory`. Using one raises ConfigError where any is faulty."""
    return Macros(_Macros(directory, clock), clock)


class _Compiled(Mapping[str, jinja2.Template]):
    """File -> template."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._environment = directory, template_sandbox.new_environment()
        found = (*templates.expected(directory), *templates.for_chats(directory))
        self._keys = {file_name(*key): key for key in found}
        self.notices = {templates.names_key(*key) for key in found}
        self._done: dict[str, tuple[jinja2.Template, frozenset[str]]] = {}

    def compile(self, file: str) -> tuple[jinja2.Template, frozenset[str]]:
        """Return the template with the names that it reads. Raises KeyError for a file of no notice."""
        if file not in self._done:
            name, path = self._keys[file][0], self._directory / file
            source = template_source.read(path)
            template, tree = templates.compile_notice(self._environment, path, source, name)
            self._done[file] = template, template_source.names_in(tree)
        return self._done[file]

    def __getitem__(self, file: str) -> jinja2.Template:
        return self.compile(file)[0]

    def __contains__(self, file: object) -> bool:
        return file in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Names(Mapping[str, frozenset[str]]):
    """ "language/name" of a notice -> the names that its templates read."""

    def __init__(self, compiled: _Compiled) -> None:
        self._compiled = compiled

    def __getitem__(self, notice: str) -> frozenset[str]:
        language, _, name = notice.partition("/")
        kinds = (CHAT,) if name.endswith(f":{CHAT}") else KINDS
        name = name.removesuffix(f":{CHAT}")
        return frozenset().union(
            *(self._compiled.compile(file_name(name, language, kind))[1] for kind in kinds)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._compiled.notices)

    def __len__(self) -> int:
        return len(self._compiled.notices)


class _Macros(Mapping[str, Macro]):
    """Name -> macro."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        self._directory, self._clock = directory / macros.FOLDER, clock

    @cached_property
    def _loaded(self) -> Mapping[str, Macro]:
        found, problems = macros.load(self._directory, template_sandbox.new_environment(), self._clock)
        if problems:
            raise ConfigError(problems)
        return found.by_name

    def __getitem__(self, name: str) -> Macro:
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)
