"""Render pages from the templates in `pages/`, in the language of who reads them."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from mailbot.domain import labels
from mailbot.domain.policy import Policy
from mailbot.mail.compose import times
from mailbot.views.clean_text import without_turning

HERE = Path(__file__).parent
PAGES, STATIC = HERE / "pages", HERE / "static"


class Renderer:
    """The templates of the pages. Names that a template does not get are an error."""

    def __init__(self) -> None:
        self._environment = _environment()

    def render(self, template: str, reader: "Reader", values: Mapping[str, Any]) -> str:
        """Return a page as HTML; `values` are what its template reads."""
        return self._environment.get_template(template).render({**reader.names(), **values})


@cache
def _environment() -> Environment:
    """Return what compiles each template once, however many consoles a process has."""
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    environment.globals["static"] = static_url
    return environment


def _shown(value: Any) -> Any:
    """Return a value as a template shows it. A name of a file must not read "exe.jpg" where it ends in "gpj.exe"."""
    if not isinstance(value, str):
        return value
    text = without_turning(value)
    return Markup(text) if isinstance(value, Markup) else text


class Reader:
    """Who reads a page: the language and the zone, and how texts, times and labels are written for them.

    Templates get these as functions: `t`, `moment`, `clock`, `left`, `label`.
    """

    def __init__(self, language: str, zone: str, policy: Policy, now: datetime) -> None:
        self.language, self.zone, self.policy, self.now = language, zone, policy, now

    def names(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "now": self.now,
            "t": self.t,
            "moment": self.moment,
            "clock": self.clock,
            "left": self.left,
            "label": self.label,
        }

    def t(self, indonesian: str, english: str, **values: object) -> Markup | str:
        """Return the text in the reader's language. `values` are put in at their names in braces, escaped."""
        text = indonesian if self.language == "id" else english
        if not values:
            return text
        return Markup(escape(text)).format(**values)

    def moment(self, at: datetime) -> str:
        """Return "hari ini pukul 12.00 WIB", of another day with its date."""
        return times.short_time(at, self.language, self.zone, self.now)

    def clock(self, at: datetime) -> str:
        """Return "12.00 WIB" for a moment of today, of another day the date with the time."""
        return times.clock_time(at, self.language, self.zone, self.now)

    def left(self, at: datetime) -> str:
        """Return the distance from now: "12 mnt lagi", "3 jam lalu"."""
        return times.time_left(at, self.now, self.language)

    def label(self, kind: str, key: str | None) -> str:
        """Return what a category, priority, team, level, rule or cause is called."""
        return labels.label(self.policy, kind, key or "", self.language)


@cache
def static_url(name: str) -> str:
    """Return the address of a file in `static/`; it changes with the content, so browsers may keep it for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
