"""The policy in force: its files with line numbers, its warnings, the versions before and what changed between two."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console.admin import findings
from mailbot.console.admin.trials import UNREADABLE, Step, run_step
from mailbot.console.admin.try_policy import differences
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.domain.policy_review.policy_outline import compare_outlines
from mailbot.store import policies
from mailbot.store.policies import PolicySources

VERSIONS = 50
LINES = 800  # on one page
ABOVE = 20  # lines before the one that is asked for


async def overview(request: Request, viewer: Viewer) -> Response:
    """Show the policy in force, its files and the versions before."""
    desk = desk_of(request)
    version = desk.policy.version
    kept = await desk.read(policies.load_sources, version)
    versions = await desk.read(policies.list_versions, VERSIONS)
    return page(
        request,
        "admin/policy.html",
        policy=desk.policy,
        kept=kept,
        versions=versions,
        directory=desk.settings.directory,
    )


async def warnings(request: Request, viewer: Viewer) -> Response:
    """Check the files as they are on the server now, by `mailbot check` in a process of its own."""
    desk = desk_of(request)
    settings = desk.settings
    directory = settings.directory.resolve()
    arguments = ("check", "--config", str(directory))
    step = Step("check", findings.Checked, arguments, frozenset({0, UNREADABLE}))
    async with desk.admin.trials.checking:
        await run_step(step, Path(tempfile.gettempdir()), settings)
    return page(request, "admin/policy_warnings.html", step=step, directory=directory)


async def file(request: Request, viewer: Viewer) -> Response:
    """Show a file of a version, from the line that is asked for."""
    desk, name = desk_of(request), request.path_params["name"]
    version = request.query_params.get("version", desk.policy.version)
    kept = await desk.read(policies.load_sources, version)
    if kept is None or name not in kept.files:
        raise HTTPException(404)
    lines = kept.files[name].splitlines()
    line = _number(request.query_params.get("line", ""))
    first = max(1, line - ABOVE) if line else max(1, _number(request.query_params.get("from", "")))
    shown = lines[first - 1 : first - 1 + LINES]
    return page(
        request,
        "admin/policy_file.html",
        name=name,
        kept=kept,
        line=line,
        first=first,
        shown=shown,
        total=len(lines),
        step=LINES,
        current=version == desk.policy.version,
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 8 else 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed between two versions. `files`: each with its changed lines."""

    old: PolicySources
    new: PolicySources
    named: list[str]
    files: list[tuple[str, list[str]]]
    templates: list[str]


async def changes(request: Request, viewer: Viewer) -> Response:
    """Show what changed between two versions."""
    desk = desk_of(request)
    old, new = (request.query_params.get(name, "") for name in ("old", "new"))
    found = await desk.read(_changes, old, new)
    if found is None:
        raise HTTPException(404)
    return page(request, "admin/policy_changes.html", found=found)


def _changes(connection: Connection, old: str, new: str) -> Changes | None:
    kept = [policies.load_sources(connection, version) for version in (old, new)]
    outlines = [policies.load_outline(connection, version) for version in (old, new)]
    if kept[0] is None or kept[1] is None:
        return None
    named = compare_outlines(outlines[0] or {}, outlines[1] or {})
    files = list(_changed_files(kept[0], kept[1]))
    was, now = kept[0].templates, kept[1].templates
    templates = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    return Changes(kept[0], kept[1], named, files, templates)


def _changed_files(old: PolicySources, new: PolicySources) -> Iterator[tuple[str, list[str]]]:
    names = [name for name in dict.fromkeys((*old.files, *new.files)) if _text(old, name) != _text(new, name)]
    before, after = ({name: _text(each, name) for name in names} for each in (old, new))
    return differences(before, after)


def _text(sources: PolicySources, name: str) -> bytes:
    return sources.files.get(name, "").encode()


ROUTES = [
    Route("/admin/policy", for_admins(overview)),
    Route("/admin/policy/warnings", for_admins(warnings)),
    Route("/admin/policy/changes", for_admins(changes)),
    Route("/admin/policy/{name:path}", for_admins(file)),
]
