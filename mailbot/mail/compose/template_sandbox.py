"""Define the small template language and render it under limits.

A template may print values, decide (`if`), loop over a value (`for`, not nested) and use the filters below.
It can't call, calculate, include or switch off escaping, so that its work is linear in its input. Limits on
loop iterations, size and time apply anyway.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from types import CodeType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from mailbot.mail.compose.template_values import Values

SIZE_LIMIT = 256 * 1024  # characters, of a file and of a rendered text
TIME_LIMIT = 1.0  # seconds for one rendering; usually it takes 0.00001
PIECES = 64  # between two looks at the limits
LOOP_LIMIT = 10_000  # iterations of one loop

_NEW_LINE = Markup("<br>\n")

_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const),
    *(nodes.If, nodes.For, nodes.Scope),
    *(nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Getattr, nodes.Getitem),
    *(nodes.Slice, nodes.Neg, nodes.Filter, nodes.Test, nodes.Assign, nodes.Tuple, nodes.List, nodes.Keyword),
)
FILTERS = (
    *("default", "d", "upper", "lower", "capitalize", "trim"),
    *("length", "count", "first", "last", "truncate", "lines"),
)
_TAG_NAMES = {"ScopedEvalContextModifier": "autoescape", "FromImport": "import", "AssignBlock": "set block"}

# What a faulty template raises, at load with sample values or later with real ones. Deep nesting ends in
# SyntaxError (of the generated code), RecursionError or MemoryError.
TEMPLATE_ERRORS = (
    *(jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(SyntaxError, RecursionError, MemoryError),
)
_LANGUAGE = f"values, if, a plain for, and the filters {', '.join(FILTERS)}"


class _Sandbox(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read a value of our own dicts at once: Jinja tries an attribute first, and catches its error."""
        return obj[attribute] if type(obj) is dict and attribute in obj else super().getattr(obj, attribute)


def new_environment() -> ImmutableSandboxedEnvironment:
    """Return a Jinja2 environment with the filters of this language and no globals."""
    environment = _Sandbox(
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: bool(name) and str(name).endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    builtin, own = environment.filters, {"lines": _lines, "limited": _limited}
    environment.filters = {name: builtin[name] for name in FILTERS if name in builtin} | own
    environment.globals = {}
    return environment


def _printable(value: object) -> object:
    """Accept text and numbers; an undefined value raises its own error when it becomes text."""
    if type(value) is str or isinstance(value, (str, int, jinja2.Undefined)):
        return value
    raise jinja2.TemplateRuntimeError(f"a template can print text and numbers, not a {type(value).__name__}")


def load_code(environment: jinja2.Environment, code: CodeType) -> jinja2.Template:
    """Make a template of its compiled code."""
    template = jinja2.Template.from_code(environment, code, {})
    # Half of the time for a page went into Markup around each value, which joining the pieces takes off again.
    template.root_render_func.__globals__["escape"] = _escaped
    return template


def _escaped(value: object) -> str:
    """Escape as `markupsafe.escape` does."""
    if type(value) is not str:
        return escape(value)
    safe = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace('"', "&#34;").replace("'", "&#39;")


def _lines(text: str) -> str:
    """Keep the lines of a text in HTML; the text itself is escaped."""
    return escape(str(text)).replace("\n", _NEW_LINE)


def _limited(items: Iterable[object]) -> Iterator[object]:
    for count, item in enumerate(items):
        if count == LOOP_LIMIT:
            raise jinja2.TemplateRuntimeError(f"a loop has more than {LOOP_LIMIT:,} iterations")
        yield item


def render(template: jinja2.Template, values: Values, clock: Callable[[], float]) -> str:
    """Render some pieces at a time, so that a template over a limit is stopped in the middle.

    This is `template.generate` without its second generator around the first. Raises TEMPLATE_ERRORS.
    """
    end = clock() + TIME_LIMIT
    pieces: list[str] = []
    size = 0
    try:
        rendered = template.root_render_func(template.new_context(dict(values), shared=True))
        while chunk := list(islice(rendered, PIECES)):
            pieces += chunk
            size += sum(map(len, chunk))
            if size > SIZE_LIMIT or clock() > end:
                raise _limit_error(size)
    except TEMPLATE_ERRORS:
        template.environment.handle_exception()  # raises again, with the template's lines in the traceback
    return "".join(pieces)


def _limit_error(size: int) -> jinja2.TemplateRuntimeError:
    if size > SIZE_LIMIT:
        return jinja2.TemplateRuntimeError(f"the text is longer than {SIZE_LIMIT:,} characters")
    return jinja2.TemplateRuntimeError(f"rendering took longer than {TIME_LIMIT:g} s")


def find_faults(
    tree: nodes.Template, environment: jinja2.Environment, known: Collection[str]
) -> Iterator[tuple[int, str, str]]:
    """Yield line, message and hint for what the language does not allow, and for names without a value."""
    defined = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"} | {"loop"} | set(known)
    for node, line in _walk(tree, 1):
        kind = type(node).__name__
        if not isinstance(node, _NODES):
            yield line, f"{_TAG_NAMES.get(kind, kind.lower())}: not available in mail templates", _LANGUAGE
        elif isinstance(node, nodes.For) and (node.recursive or any(node.find_all(nodes.For))):
            yield line, "a loop inside a loop: not available in mail templates", _LANGUAGE
        elif isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in defined:
            yield line, f"there is no {node.name[:60]!r} here", suggest(node.name, known)
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield line, f"there is no filter {node.name!r}", suggest(node.name, FILTERS)
        elif isinstance(node, nodes.Test) and node.name not in environment.tests:
            yield line, f"there is no test {node.name!r}", suggest(node.name, environment.tests)


def _walk(node: nodes.Node, line: int) -> Iterator[tuple[nodes.Node, int]]:
    """Yield every node with its line (some have none), without the children of a forbidden node."""
    line = node.lineno or line
    yield node, line
    for child in node.iter_child_nodes() if isinstance(node, _NODES) else ():
        yield from _walk(child, line)


def suggest(word: str, words: Iterable[str]) -> str:
    """Return a hint: the most similar word, or all words."""
    choices = sorted(words)
    near = get_close_matches(word[:60], choices, 1)  # difflib is quadratic
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(choices)}"
