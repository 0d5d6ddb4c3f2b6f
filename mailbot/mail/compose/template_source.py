"""Read the source of a template from its file, compile it, and say where a fault in it is."""

from collections.abc import Collection
from pathlib import Path

import jinja2
from jinja2 import nodes

from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose import template_sandbox
from mailbot.mail.compose.frame import inline_styles
from mailbot.mail.compose.template_sandbox import SIZE_LIMIT, TEMPLATE_ERRORS


def read(path: Path) -> str:
    """Return the text of the file. Raises ConfigError."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would block for ever
            raise fault(path, "is not a file")
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
        source = raw.decode("utf-8")
    except FileNotFoundError:
        raise fault(path, "this template is missing", "`mailbot init` writes one to start from") from None
    except OSError as error:
        raise fault(path, f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise fault(path, "is not UTF-8", "save the file as UTF-8", line) from error
    if len(raw) > SIZE_LIMIT:
        raise fault(path, f"is larger than {SIZE_LIMIT:,} bytes", line=1)
    return source


def compile_source(
    environment: jinja2.Environment, path: Path, source: str, known: Collection[str]
) -> tuple[jinja2.Template, nodes.Template]:
    """Compile the source, and return its tree too. `known`: names that have a value. Raises ConfigError."""
    try:
        styled = inline_styles(source) if path.name.endswith(".html.j2") else source
        tree = environment.parse(styled, path.name, str(path))
        if found := list(template_sandbox.find_faults(tree, environment, known)):
            raise ConfigError([problem(path, text, hint, line, source) for line, text, hint in found])
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "limited", [], [], None, None, lineno=loop.lineno)
        code = environment.compile(tree, path.name, str(path))
    except TEMPLATE_ERRORS as error:
        line = error.lineno if isinstance(error, jinja2.TemplateSyntaxError) else 1
        raise fault(path, error_text(error), "", line, source) from error
    return template_sandbox.load_code(environment, code), tree


def names_in(tree: nodes.Template) -> frozenset[str]:
    """Return the names that a template reads."""
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")


def problem(path: Path, message: str, hint: str = "", line: int = 0, source: str = "") -> Problem:
    rows = source.splitlines()
    excerpt = rows[line - 1][:200] if 0 < line <= len(rows) else ""
    return Problem(str(path), line, int(line > 0), message, hint, excerpt)


def fault(path: Path, message: str, hint: str = "", line: int = 0, source: str = "") -> ConfigError:
    return ConfigError([problem(path, message, hint, line, source)])


def line_of(error: BaseException, path: Path) -> int:
    line, trace = 1, error.__traceback__
    while trace:  # Jinja2 gives its frames the template's name and line
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def error_text(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error or type(error).__name__)
