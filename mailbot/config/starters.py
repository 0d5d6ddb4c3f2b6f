"""Write a configuration to start from: the shipped shop, or a smaller one for another trade.

Theory of operation. A starter is a folder of `config/starters` that holds only what differs. All else comes from the
shipped files: mailbot.yaml, the notices, and those macros and variants of the acknowledgement that its rules can use.
`words` in its starter.yaml replace phrases of the shipped texts for customers. The shop is what is shipped.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

from mailbot.config import shipped

SHOP = "shop"
STARTERS = (SHOP, "clinic", "school", "bank", "empty")
MAILBOX = ("address", "brand", "prefix")  # what an admin can choose
FOR_CUSTOMERS = ("acknowledgement", "answer", "closing", "progress", "status")
MACROS = "macros"
_WIDTH = 78
_PLAIN = re.compile(r"[\w.@+-]+")  # no quotes needed in YAML
_RECORDED = re.compile(r"^#.*\(mailbot init --from (\w+)\)")
_FITS = re.compile(r"(?m)^\s*(?:for|untuk):(.*?)(?:#\}|$)")
_VARIANT = re.compile(r"acknowledgement\.(\w+)\.\w+\.j2")

Words = Mapping[str, Mapping[str, str]]  # by language: phrase -> what stands there instead


@dataclass(frozen=True, slots=True)
class Written:
    """The paths that `init` wrote, and those that existed and were left as they are."""

    written: tuple[Path, ...]
    left: tuple[Path, ...]


def recorded(directory: Path) -> str:
    """Return the starter that the directory was written from, "" when it holds no rules yet."""
    try:
        with (directory / "routing.yaml").open(encoding="utf-8", errors="replace") as file:
            found = _RECORDED.match(file.readline())
    except OSError:
        return ""
    return found[1] if found and found[1] in STARTERS else SHOP


def typical_mail(starter: str) -> tuple[str, str]:
    """Return the subject and the text of the starter's first test, to try `explain` with."""
    mail = _yaml(_text(_folder(starter) / "routing.yaml"))["tests"][0]["mail"]
    return mail["subject"], mail["body"]


def read_choice(key: str, value: str) -> str:
    """Return an address, a brand or a prefix as the loader reads it. Raises ValueError(message, hint)."""
    from pydantic import TypeAdapter, ValidationError

    from mailbot.config.yaml.types import Address, Name, Prefix

    kind: Any = dict(zip(MAILBOX, (Address, Name, Prefix), strict=True))[key]
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        raise error.errors()[0]["ctx"]["error"] from None


def init(directory: Path, starter: str = SHOP, mailbox: Mapping[str, str] | None = None) -> Written:
    """Write a commented, working configuration and its templates; never overwrite. Raises OSError.

    `mailbox` holds the values of MAILBOX that differ from the starter's.
    """
    written: list[Path] = []
    left: list[Path] = []
    for name, text in files(starter, mailbox or {}):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # "x" fails for an existing file, also when two admins run it at once
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            written.append(path)
        except FileExistsError:
            left.append(path)
    return Written(tuple(written), tuple(left))


def files(starter: str, mailbox: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file, the YAML first."""
    folder = _folder(starter)
    own = _yaml(_text(folder / "starter.yaml")) if starter != SHOP else {}
    texts = {name: _text(_first(folder / name, _root() / name)) for name in shipped.FILES}
    texts["mailbot.yaml"] = _with_mailbox(texts["mailbot.yaml"], {**own.get("mailbox", {}), **mailbox})
    texts |= {path.name: _text(path) for path in sorted(folder.glob("*.txt"))}
    yield from texts.items()
    wanted = _wanted(_yaml(texts["routing.yaml"]), texts["mailbot.yaml"])
    for origin in sorted(shipped.templates().glob("*/*.j2")):
        text = _text(origin)
        if wanted(origin, text):
            yield _template_name(origin), _with_words(text, origin, own.get("words", {}))
    for origin in sorted((folder / "templates").glob("*/*.j2")):
        yield _template_name(origin), _text(origin)


def _wanted(routing: Mapping[str, Any], mailbot: str) -> Callable[[Path, str], bool]:
    """Return whether a shipped template is of use with these rules: every notice, and what they can name."""
    categories = set(_categories(routing["categories"]))
    variants = {rule["then"].get("template") for rule in routing["rules"]}
    variants |= {"incident"} if re.search(r"(?m)^ +incident:", mailbot) else set()

    def wanted(path: Path, text: str) -> bool:
        if path.parent.name == MACROS:
            return all(name.strip() in categories for line in _FITS.findall(text) for name in line.split(","))
        variant = _VARIANT.fullmatch(path.name)
        return variant is None or variant[1] in variants

    return wanted


def _categories(tree: Any) -> Iterator[str]:
    """Yield {payment: [double]} as payment, payment/double."""
    for name in tree or ():
        yield name
        below = tree[name] if isinstance(tree, dict) else None
        yield from (f"{name}/{each}" for each in _categories(below))


def _with_mailbox(text: str, chosen: Mapping[str, str]) -> str:
    """Put values into the first mailbox, and into the comments that show them."""
    new = {}
    for key, value in chosen.items():
        [old] = re.findall(rf'(?m)^  [- ] {key}: "?([^"#\n]*[^"#\s])', text)
        quoted = json.dumps(value, ensure_ascii=False)
        new[old] = quoted[1:-1] if key == "brand" or _PLAIN.fullmatch(value) else quoted
    # At once: a brand may hold the word that was the prefix.
    pattern = rf'(?<!\w)({"|".join(map(re.escape, new))})(?!\w)("?)( *)'
    return re.sub(pattern, partial(_in_column, new), text) if new else text


def _in_column(new: Mapping[str, str], found: re.Match[str]) -> str:
    """Keep the column of a comment behind the value."""
    value, gap = f"{new[found[1]]}{found[2]}", found[3]
    return f"{value} ".ljust(len(found[0])) if len(gap) > 1 else f"{value}{gap}"


def _with_words(text: str, path: Path, words: Words) -> str:
    """Replace the phrases of a shipped text for customers."""
    name, language = path.name.split(".")[:2]
    if path.parent.name != MACROS:
        language = path.parent.name
        if name not in FOR_CUSTOMERS:
            return text
    for old, new in words.get(language, {}).items():
        pattern = r"\s+".join(map(re.escape, old.split()))
        text = re.sub(rf"(?<!\w){pattern}(?!\w)", partial(_wrapped, new), text)
    return text


def _wrapped(new: str, found: re.Match[str]) -> str:
    """Break the new phrase into lines where the old one was broken, with the same indent."""
    broken = re.search(r"\n( *)", found[0])
    if broken is None:
        return new
    column = found.start() - found.string.rfind("\n", 0, found.start()) - 1
    return fill(new, _WIDTH, initial_indent=" " * column, subsequent_indent=broken[1])[column:]


def _template_name(path: Path) -> str:
    return f"templates/{path.parent.name}/{path.name}"


def _folder(starter: str) -> Path:
    return shipped.config() if starter == SHOP else _root() / starter


def _root() -> Path:
    return shipped.config() / "starters"


def _first(path: Path, other: Path) -> Path:
    return path if path.exists() else other


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _yaml(text: str) -> Any:
    from mailbot.config.yaml import source

    return source.parse(text.encode(), "")[0].data
