"""The small language of templates, in which nothing can run away, and the caps under which it runs.

A template may say values, decide (`if`), walk a value (`for`, not nested) and use the filters listed here. It
can't call, calculate, include or switch escaping off, so that its work is linear in what it is given; a cap
on rounds, on size and on time holds all the same.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from mailbot.mail.compose.template_values import Values

SIZE = 256 * 1024  # characters, of a file and of what it renders to
SECONDS = 1.0  # for one rendering; usual is 0.00001
ROUNDS = 10_000  # of one loop

_NEW_LINE = Markup("<br>\n")

_NODES = (
    *(
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.Name,
        nodes.Const,
        nodes.If,
        nodes.For,
        nodes.Scope,
    ),
    *(nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Getattr, nodes.Getitem),
    *(nodes.Slice, nodes.Neg, nodes.Filter, nodes.Test, nodes.Assign, nodes.Tuple, nodes.List, nodes.Keyword),
)
FILTERS = (
    *("default", "d", "upper", "lower", "capitalize", "trim"),
    *("length", "count", "first", "last", "truncate", "lines"),
)
_SPOKEN = {"ScopedEvalContextModifier": "autoescape", "FromImport": "import", "AssignBlock": "set block"}

# What a template's own mistakes raise, at load with sample values or later with a customer's. Deep nesting
# ends in SyntaxError (of the generated code), RecursionError or MemoryError.
TROUBLE = (
    *(jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(SyntaxError, RecursionError, MemoryError),
)
_LANGUAGE = f"values, if, a plain for, and the filters {', '.join(FILTERS)}"


def new_environment() -> ImmutableSandboxedEnvironment:
    """Jinja2 with this language's filters and nothing else to reach for."""
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: bool(name) and str(name).endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    known, ours = environment.filters, {"lines": _lines, "rounds": _rounds}
    environment.filters = {name: known[name] for name in FILTERS if name in known} | ours
    environment.globals = {}
    return environment


def _plain(value: object) -> object:
    """Only text and numbers are said; an undefined value complains by itself when asked for its text."""
    if isinstance(value, (str, int, jinja2.Undefined)):
        return value
    raise jinja2.TemplateRuntimeError(f"a template can say text and numbers, not a {type(value).__name__}")


def _lines(text: str) -> str:
    """Keeps the lines of a text in HTML; the text itself is escaped."""
    return escape(str(text)).replace("\n", _NEW_LINE)


def _rounds(items: Iterable[object]) -> Iterator[object]:
    for count, item in enumerate(items):
        if count == ROUNDS:
            raise jinja2.TemplateRuntimeError(f"a loop went on for more than {ROUNDS:,} rounds")
        yield item


def render(template: jinja2.Template, values: Values, clock: Callable[[], float]) -> str:
    """Takes the text piece by piece, so that a template that goes on and on is left in the middle.

    Does what `template.generate` does, without its second generator around the first.
    """
    until = clock() + SECONDS
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.root_render_func(template.new_context(dict(values), shared=True)):
            pieces.append(piece)
            size += len(piece)
            if size > SIZE or clock() > until:
                raise _too_much(size)
    except TROUBLE:
        template.environment.handle_exception()  # raises it again with the template's lines in its traceback
    return "".join(pieces)


def _too_much(size: int) -> jinja2.TemplateRuntimeError:
    if size > SIZE:
        return jinja2.TemplateRuntimeError(f"the text grew over {SIZE:,} characters")
    return jinja2.TemplateRuntimeError(f"rendering took over {SECONDS:g} s")


def unfit(
    tree: nodes.Template, environment: jinja2.Environment, known: Collection[str]
) -> Iterator[tuple[int, str, str]]:
    """Line, message and hint for what the small language has not got, and for names without a value."""
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"} | {"loop"} | set(known)
    for node, line in _walk(tree, 1):
        kind = type(node).__name__
        if not isinstance(node, _NODES):
            yield line, f"{_SPOKEN.get(kind, kind.lower())}: not available in mail templates", _LANGUAGE
        elif isinstance(node, nodes.For) and (node.recursive or any(node.find_all(nodes.For))):
            yield line, "a loop inside a loop: not available in mail templates", _LANGUAGE
        elif isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in own:
            yield line, f"there is no {node.name[:60]!r} in this notice", close_to(node.name, known)
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield line, f"there is no filter {node.name!r}", close_to(node.name, FILTERS)
        elif isinstance(node, nodes.Test) and node.name not in environment.tests:
            yield line, f"there is no test {node.name!r}", close_to(node.name, environment.tests)


def _walk(node: nodes.Node, line: int) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its line (some have none of their own); not what stands inside of a node we haven't."""
    line = node.lineno or line
    yield node, line
    for child in node.iter_child_nodes() if isinstance(node, _NODES) else ():
        yield from _walk(child, line)


def close_to(word: str, words: Iterable[str]) -> str:
    """A hint for people: the word that was meant, or all that there are."""
    choices = sorted(words)
    near = get_close_matches(word[:60], choices, 1)  # difflib is quadratic
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(choices)}"
