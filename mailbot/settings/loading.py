"""A directory of YAML and the environment -> Settings and Policy, or every problem at once."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from mailbot.errors import ConfigError, Problem
from mailbot.settings import build, environment, escalation, machine, references, remarks, shipped, source
from mailbot.settings.build import Checked
from mailbot.settings.environment import Environment
from mailbot.settings.files import EscalationFile, MailbotFile, RoutingFile, TeamsFile
from mailbot.settings.model import Loaded
from mailbot.settings.problems import validate
from mailbot.settings.raw import Files
from mailbot.settings.source import Source

MAX_TEMPLATE = 256 * 1024  # bytes of one that count for the version

_File = TypeVar("_File", bound=BaseModel)


def load(directory: Path, env: Mapping[str, str], today: date) -> Loaded:
    """The configuration in `directory` with `env` above it; `today` says which holidays to work out.

    Raises ConfigError with every problem found, in the order of the files and their lines.
    """
    said, problems, warnings = environment.read(env)
    files, unreadable = _read(directory)
    templates = shipped.templates_for(directory)
    checked, found, notes = _check(files, directory, templates, said, today)
    problems += _besides(unreadable, [*found, *references.check(files), *escalation.check(files)])
    if problems or checked is None:
        raise ConfigError(_in_order(problems, directory))
    version = _version(files, templates)
    return Loaded(
        machine.settings(checked.mailbot, directory, templates, said),
        build.policy(checked, files, version, limits=said.limits),
        tuple(_in_order([*warnings, *notes, *remarks.of(files)], directory)),
    )


def _read(directory: Path) -> tuple[Files, list[Problem]]:
    if not directory.is_dir():
        hint = f"`mailbot init {directory}` writes a working one"
        missing = Source(str(directory))
        problem = Problem(str(directory), 0, 0, "there is no such directory", hint)
        return Files(missing, missing, missing, missing), [problem]
    read = [source.read(directory / name) for name in shipped.FILES]
    mailbot, teams, routing, escalation = (each for each, _ in read)
    return Files(mailbot, teams, routing, escalation), [problem for _, found in read for problem in found]


def _check(
    files: Files, directory: Path, templates: Path, said: Environment, today: date
) -> tuple[Checked | None, list[Problem], list[Problem]]:
    """The files in their shape, what is wrong with them one by one, what is worth a remark."""
    problems: list[Problem] = []
    mailbot = _shape(MailbotFile, files.mailbot, problems)
    teams = _shape(TeamsFile, files.teams, problems)
    routing = _shape(RoutingFile, files.routing, problems)
    ladders = _shape(EscalationFile, files.escalation, problems)
    whens = build.whens(files.routing, problems)
    calendars, notes = build.calendars(ladders, files.escalation, today, problems)
    if mailbot:
        problems += machine.check(mailbot, files.mailbot, directory, templates, said)
        notes += machine.remarks(mailbot, files.mailbot, said)
    if not (mailbot and teams and routing and ladders):
        return None, problems, notes
    return Checked(mailbot, teams, routing, ladders, whens, calendars), problems, notes


def _shape(model: type[_File], file: Source, problems: list[Problem]) -> _File | None:
    if file.data is None:
        return None  # said already
    found, wrong = validate(model, file)
    problems += wrong
    return found


def _besides(first: list[Problem], more: Iterable[Problem]) -> list[Problem]:
    """`first` and what is not merely said again of the same spot (an alias is also no text, and so on)."""
    spots = {(each.file, each.line, each.column) for each in first}
    return [*first, *(each for each in more if (each.file, each.line, each.column) not in spots)]


def _in_order(problems: Iterable[Problem], directory: Path) -> list[Problem]:
    files = [str(directory / name) for name in shipped.FILES]
    return sorted(
        dict.fromkeys(problems),
        key=lambda each: (files.index(each.file) if each.file in files else -1, each.line, each.column),
    )


def _version(files: Files, templates: Path) -> str:
    """Digest of all that decides what happens to a mail; the machine's side of mailbot.yaml is no part."""
    chosen = files.mailbot.data if isinstance(files.mailbot.data, dict) else {}
    digest = hashlib.sha256(
        json.dumps([chosen.get("mailboxes"), chosen.get("answers")], sort_keys=True).encode()
    )
    for file in (files.teams, files.routing, files.escalation):
        digest.update(f"\0{file.digest}".encode())
    for path in sorted(templates.glob("*/*.j2")):
        with path.open("rb") as opened:
            content = hashlib.sha256(opened.read(MAX_TEMPLATE)).hexdigest()
        digest.update(f"\0{path.parent.name}/{path.name}\0{content}".encode())
    return digest.hexdigest()[:12]
