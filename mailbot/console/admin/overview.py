"""The first page for admins: what `mailbot status` shows."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.errors import StoreUnavailable
from mailbot.operations.daemons import is_alive
from mailbot.store import policies
from mailbot.views.formats import format_size
from mailbot.views.status import Status, read_status

LONGEST = 20  # seconds


async def overview(request: Request, viewer: Viewer) -> Response:
    """Show whether mail is flowing, and what is wrong."""
    desk = desk_of(request)
    found = await _status(desk)
    kept = await desk.read(policies.load_sources, desk.policy.version)
    edited = await asyncio.to_thread(edited_files, desk.settings.directory, kept.files) if kept else []
    return page(
        request,
        "admin/overview.html",
        found=found,
        figures=found.figures,
        nodes=[(node, is_alive(node)) for node in found.nodes],
        policy=desk.policy,
        edited=edited,
        size=format_size,
    )


async def _status(desk: Desk) -> Status:
    """Read the status. Raises StoreUnavailable, also where a file system hangs, which nothing else interrupts."""
    store, settings = desk.deps.store, desk.settings
    try:
        async with asyncio.timeout(LONGEST):
            return await asyncio.to_thread(read_status, store, settings, desk.policy, desk.now())
    except TimeoutError as error:
        raise StoreUnavailable(f"no answer within {LONGEST} s") from error


def edited_files(directory: Path, files: Mapping[str, str]) -> list[str]:
    """List the files that are not as they were when the policy came in force."""
    return [name for name, text in files.items() if _text_of(directory / name) != text]


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


ROUTES = [Route("/admin", for_admins(overview))]
