"""Load the admins' macros, texts that agents put into answers, and render them in the customer's language.

Theory of operation. A macro is `templates/macros/NAME.id.txt.j2` with its `.en` twin, in the language of
templates. It begins with a comment that says what it is for. `{{ argument.x }}` is what the agent gives,
`{{ detail.x }}` what the ticket holds of routing.yaml's `details`. A value that is printed and missing refuses the
macro, so that no answer leaves with a hole. Inside `if` a missing value is just false.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes

from mailbot.domain import reasons
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose import template_sandbox, template_source
from mailbot.mail.compose.cleaning import body_text
from mailbot.mail.compose.template_sandbox import TEMPLATE_ERRORS
from mailbot.mail.compose.template_values import LANGUAGES

FOLDER = "macros"  # among the templates
# What a macro may print, beside `argument.x` and `detail.x`. Empty: the customer's name when it is not proven, the
# team's when it has none for customers, `text` when the agent wrote none.
VALUES = ("customer_name", "number", "brand", "mailbox", "team", "agent_name", "promised_at", "text")
_MAY_BE_EMPTY = frozenset({"customer_name", "team", "text"})
_NAMES = ("argument", "detail")
_FILE = re.compile(r"([a-z0-9][a-z0-9-]{0,39})\.(id|en)\.txt\.j2")
_COMMENT = re.compile(r"\s*\{#-?(.*?)-?#\}\n?", re.DOTALL)
_FOR = re.compile(r"\s*(?:for|untuk):(.*)")
_FILE_HINT = "name it NAME.id.txt.j2 and NAME.en.txt.j2, with small letters, digits and hyphens"
_DETAIL_HINT = "write argument. instead of detail., or name it under `details`"
_LANGUAGES_HINT = "a macro has a text in each language of customers"
_COMMENT_HINT = "begin with a comment like {# The refund is on its way. #}"


@dataclass(frozen=True, slots=True)
class Use:
    """A name that a macro uses, at a line of a file: `kind` is "argument", "detail" or "category"."""

    kind: str
    name: str
    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro in all languages.

    - `titles`: what it is for. `names`: of VALUES, those that it uses.
    - `uses`: of arguments and details. `needed`: those without which it is refused.
    - `categories`: those that it fits, () for any.
    """

    name: str
    titles: Mapping[str, str]
    categories: tuple[Use, ...]
    uses: tuple[Use, ...]
    needed: frozenset[str]
    names: frozenset[str]
    compiled: Mapping[str, jinja2.Template] = field(repr=False)

    def names_of(self, kind: str) -> tuple[str, ...]:
        """Return the names of its arguments or details, in their order."""
        return tuple(dict.fromkeys(use.name for use in self.uses if use.kind == kind))

    def fits(self, category: str) -> bool:
        """Check whether it is for this category, or for one above it."""
        names = [each.name for each in self.categories]
        return not names or any(f"{category}/".startswith(f"{name}/") for name in names)


@dataclass(frozen=True, slots=True)
class Macros:
    """All macros by name. `clock` counts seconds for the time limit."""

    by_name: Mapping[str, Macro] = field(default_factory=dict)
    clock: Callable[[], float] = field(default=lambda: 0.0, repr=False)

    def render(
        self,
        name: str,
        languages: Iterable[str],
        values: Mapping[str, Mapping[str, str]],
        arguments: Mapping[str, str],
        details: Mapping[str, str],
        category: str = "",
    ) -> str | Refusal:
        """Return the text, in each of the languages. `values` are VALUES by language, `category` the ticket's.

        Refused: an unknown macro, an argument that it does not use, a value that it prints and that is missing.
        """
        macro = self.by_name.get(name)
        if macro is None:
            return self._refuse_unknown(name[:60], category)
        known = (*macro.names_of("argument"), *macro.names_of("detail"))
        if unknown := [each for each in arguments if each not in known]:
            code = "no_macro_argument" if known else "no_macro_arguments"
            return reasons.refuse(code, macro=name, argument=unknown[0][:60], known=", ".join(known))
        given = {key: value for key, value in arguments.items() if value.strip()}
        missing: list[str] = []
        try:
            texts = [
                _render(macro.compiled[language], values[language], given, details, missing, self.clock)
                for language in languages
            ]
        except TEMPLATE_ERRORS as error:
            text = template_source.error_text(error)
            return reasons.refuse("macro_failed", macro=name, error=text[:200])
        if missing:
            return _refuse_missing(name, tuple(dict.fromkeys(missing)))
        return "\n\n".join(texts)

    def _refuse_unknown(self, name: str, category: str) -> Refusal:
        fitting = sorted(macro.name for macro in self.by_name.values() if macro.fits(category))
        if not self.by_name:
            return reasons.refuse("no_macros", macro=name)
        if not name:
            return reasons.refuse("macro_needs_name", names=", ".join(fitting))
        near = get_close_matches(name, list(self.by_name), 3, 0.4) or fitting
        return reasons.refuse("no_macro_near", macro=name, near=", ".join(near))


def _refuse_missing(name: str, missing: tuple[str, ...]) -> Refusal:
    if "promised_at" in missing:
        return reasons.refuse("macro_needs_promise", macro=name)
    example = " ".join(f'{each}="..."' for each in missing)
    return reasons.refuse("macro_needs", macro=name, missing=", ".join(missing), example=example)


def _render(
    template: jinja2.Template,
    values: Mapping[str, str],
    arguments: Mapping[str, str],
    details: Mapping[str, str],
    missing: list[str],
    clock: Callable[[], float],
) -> str:
    shown: dict[str, Any] = {
        name: value if (value := values.get(name, "")) or name in _MAY_BE_EMPTY else _Missing(name, missing)
        for name in VALUES
    }
    shown |= {"argument": _Names(arguments, missing), "detail": _Names({**details, **arguments}, missing)}
    return body_text(template_sandbox.render(template, shown, clock)).strip()


class _Missing(jinja2.Undefined):
    """A value that is not there: false in `if`, and noted in `missing` when it is printed."""

    def __init__(self, name: str, missing: list[str]) -> None:
        super().__init__(name=name)
        self.__dict__["missing"] = missing

    def __str__(self) -> str:
        self.__dict__["missing"].append(self._undefined_name)
        return ""

    def __html__(self) -> str:
        return str(self)


class _Names:
    """Values by name, for `argument.x`. A mapping would offer its own methods as names."""

    __slots__ = ("_missing", "_values")

    def __init__(self, values: Mapping[str, str], missing: list[str]) -> None:
        self._values, self._missing = values, missing

    def __getitem__(self, name: str) -> object:
        return self._values.get(name) or _Missing(name, self._missing)


# --- checks against the policy ------------------------------------------------------------------------------


def find_unknown(macros: Macros, policy: Policy) -> list[Problem]:
    """List each detail and each category that a macro names and the policy does not have.

    They are remarks: an agent may still give the detail, and the macro fits no ticket of that category.
    """
    problems = []
    for macro in macros.by_name.values():
        for use in macro.uses:
            if use.kind == "detail" and use.name not in policy.details:
                message = f"routing.yaml has no detail `{use.name}`"
                hint = template_sandbox.suggest(use.name, policy.details) if policy.details else _DETAIL_HINT
                problems.append(template_source.problem(use.path, message, hint, use.line))
        for place in macro.categories:
            if policy.categories and place.name not in policy.categories:
                message = f"routing.yaml has no category `{place.name}`"
                hint = template_sandbox.suggest(place.name, policy.categories)
                problems.append(template_source.problem(place.path, message, hint, place.line))
    return problems


# --- loading ----------------------------------------------------------------------------------------------


def load(
    directory: Path, environment: jinja2.Environment, clock: Callable[[], float]
) -> tuple[Macros, list[Problem]]:
    """Load and try every macro in `directory`, and return them with all problems. No folder, no macros."""
    if not directory.is_dir():
        return Macros({}, clock), []
    problems: list[Problem] = []
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(path for path in directory.iterdir() if not path.name.startswith(".")):
        if match := _FILE.fullmatch(path.name):
            found.setdefault(match[1], {})[match[2]] = path
        else:
            problems.append(template_source.problem(path, "is no text of a macro", _FILE_HINT))
    loaded = {}
    for name, paths in found.items():
        try:
            loaded[name] = _load(name, paths, directory, environment, clock)
        except ConfigError as error:
            problems += error.problems
    return Macros(loaded, clock), problems


@dataclass(frozen=True, slots=True)
class _Text:
    """One language of a macro."""

    title: str
    categories: tuple[Use, ...]
    uses: tuple[Use, ...]
    needed: frozenset[str]
    names: frozenset[str]
    template: jinja2.Template


def _load(
    name: str,
    paths: Mapping[str, Path],
    directory: Path,
    environment: jinja2.Environment,
    clock: Callable[[], float],
) -> Macro:
    problems: list[Problem] = []
    texts: dict[str, _Text] = {}
    for language in LANGUAGES:
        path = paths.get(language, directory / f"{name}.{language}.txt.j2")
        try:
            if language not in paths:
                raise template_source.fault(path, "this text of the macro is missing", _LANGUAGES_HINT)
            texts[language] = _read(path, environment, clock)
        except ConfigError as error:
            problems += error.problems
    if not problems:
        problems += _differences(name, texts)
    if problems:
        raise ConfigError(problems)
    both = tuple(texts.values())
    return Macro(
        name,
        {language: text.title for language, text in texts.items()},
        tuple(dict.fromkeys(each for text in both for each in text.categories)),
        tuple(use for text in both for use in text.uses),
        frozenset(name for text in both for name in text.needed),
        frozenset(name for text in both for name in text.names),
        {language: text.template for language, text in texts.items()},
    )


def _read(path: Path, environment: jinja2.Environment, clock: Callable[[], float]) -> _Text:
    source = template_source.read(path)
    comment = _COMMENT.match(source)
    lines = comment[1].strip().split("\n") if comment else []
    title = " ".join(word for line in lines if not _FOR.fullmatch(line) for word in line.split())
    if not title:
        raise template_source.fault(path, "does not say what it is for", _COMMENT_HINT, 1, source)
    categories = tuple(_categories(source, path))
    template, tree = template_source.compile_source(environment, path, source, (*VALUES, *_NAMES))
    uses = tuple(_uses(tree, path))
    needed = _try(template, path, source, uses, clock)
    names = frozenset(node.name for node in tree.find_all(nodes.Name) if node.name in VALUES)
    return _Text(title, categories, uses, needed, names, template)


def _categories(source: str, path: Path) -> Iterator[Use]:
    comment = _COMMENT.match(source)
    for number, line in enumerate(comment[0].split("\n") if comment else (), 1):
        found = _FOR.fullmatch(line.replace("#}", "").replace("{#", ""))
        for name in found[1].split(",") if found else ():
            if name.strip():
                yield Use("category", name.strip(), path, number)


def _uses(tree: nodes.Template, path: Path) -> Iterator[Use]:
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name in _NAMES:
            yield Use(node.node.name, node.attr, path, node.lineno)


def _try(
    template: jinja2.Template, path: Path, source: str, uses: Iterable[Use], clock: Callable[[], float]
) -> frozenset[str]:
    """Render with made-up values, and with those alone that are always there. Raises ConfigError.

    Return what was missing then.
    """
    missing: list[str] = []
    full = {name: f"sample {name}" for name in VALUES}
    named = {use.name: f"sample {use.name}" for use in uses}
    bare = {name: "" if name in _MAY_BE_EMPTY else value for name, value in full.items()}
    for values, given in ((full, named), (bare, {})):
        try:
            text = _render(template, values, given, given, missing, clock)
        except TEMPLATE_ERRORS as error:
            line = template_source.line_of(error, path)
            raise template_source.fault(path, template_source.error_text(error), "", line, source) from error
        if values is full and not text:
            raise template_source.fault(path, "has no text", "write what the customer shall read", 1, source)
    return frozenset(missing)


def _differences(name: str, texts: Mapping[str, _Text]) -> Iterator[Problem]:
    """Yield a problem for each argument, and for the place of the text, that one language alone has."""
    for text in texts.values():
        for other_language, other in texts.items():
            names = {(use.kind, use.name) for use in other.uses}
            for use in text.uses:
                if use.kind == "argument" and (use.kind, use.name) not in names:
                    message = f"`argument.{use.name}` is used here, but not in {name}.{other_language}.txt.j2"
                    hint = "an agent gives it for either language: use it in both, or in neither"
                    yield template_source.problem(use.path, message, hint, use.line)
