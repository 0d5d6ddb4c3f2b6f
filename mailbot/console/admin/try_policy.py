"""Try a new policy: upload it or choose a folder, see what it would change, put it in force."""

import asyncio
import difflib
import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.config.model import Settings
from mailbot.console.admin import trials
from mailbot.console.admin.in_force import put_in_force
from mailbot.console.admin.trials import Trial
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.people.access import Viewer
from mailbot.operations import policy_files
from mailbot.operations.policy_files import MACHINE, FilesChanged, Unusable
from mailbot.views.wording import PageWording

LINES = 400  # of the differences of one file
NOT_THERE = Unusable("empty")


async def overview(request: Request, viewer: Viewer) -> Response:
    """Show the form, and what was tried last."""
    return await _form(request)


async def _form(request: Request, fault: Unusable | None = None) -> Response:
    desk = desk_of(request)
    folders = await asyncio.to_thread(folders_beside, desk.settings)
    found = desk.admin.trials.newest_first()
    status = 400 if fault else 200
    return page(request, "admin/try.html", status=status, folders=folders, found=found, fault=fault)


def folders_beside(settings: Settings) -> list[str]:
    """List the folders with a policy beside the configuration, and its own: no other place is read."""
    parent = settings.directory.resolve().parent
    try:
        return sorted(each.name for each in parent.iterdir() if _has_policy(each))
    except OSError:
        return []


def _has_policy(folder: Path) -> bool:
    return not folder.is_symlink() and (folder / "routing.yaml").is_file()


async def begin(request: Request, viewer: Viewer) -> Response:
    """Take the files and begin to try them."""
    desk, form = desk_of(request), await request.form()
    try:
        files, source = await _files_of(form, desk.settings)
        left_out = [MACHINE] if files.pop(MACHINE, None) is not None else []
        trial = await asyncio.to_thread(
            trials.build, desk.settings, files, left_out, source, viewer.name, desk.now()
        )
    except Unusable as fault:
        return await _form(request, fault)
    except OSError as error:
        return await _form(request, Unusable("disk", error.strerror or ""))
    desk.admin.trials.begin(trial, desk.settings)
    return RedirectResponse(f"/admin/try/{trial.key}", 303)


async def _files_of(form: FormData, settings: Settings) -> tuple[dict[str, bytes], str]:
    """Return the files of the form, and the folder that they came from, "" for an upload. Raises Unusable."""
    uploads = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
    if uploads:
        given = {str(each.filename): await each.read() for each in uploads}
        return await asyncio.to_thread(policy_files.unpack, given), ""
    folder = str(form.get("folder", ""))
    if folder not in await asyncio.to_thread(folders_beside, settings):
        raise NOT_THERE
    place = settings.directory.resolve().parent / folder
    return await asyncio.to_thread(policy_files.read_folder, place), folder


def _trial_of(request: Request) -> Trial:
    trial = desk_of(request).admin.trials.find(request.path_params["key"])
    if trial is None:
        raise HTTPException(404)
    return trial


async def show(request: Request, viewer: Viewer) -> Response:
    """Show what was found about a policy so far."""
    return _found(request, viewer, "admin/try_found.html")


async def steps(request: Request, viewer: Viewer) -> Response:
    """Show the part of it that grows."""
    return _found(request, viewer, "admin/try_steps.html")


def _found(request: Request, viewer: Viewer, template: str) -> Response:
    desk = desk_of(request)
    words = PageWording(desk.policy, viewer.language, viewer.zone, desk.now())

    def span(seconds: float | None) -> str:
        if seconds is None:
            return words.t("tanpa janji", "no promise")
        return words.span(timedelta(seconds=seconds))

    return page(request, template, trial=_trial_of(request), span=span)


# --- in force -----------------------------------------------------------------------------------------------


async def ask(request: Request, viewer: Viewer) -> Response:
    """Ask once more, with all lines that change."""
    return await _ask(request, _trial_of(request))


async def _ask(request: Request, trial: Trial, fault: str = "", detail: str = "") -> Response:
    desk = desk_of(request)
    return page(
        request,
        "admin/try_in_force.html",
        status=409 if fault else 200,
        trial=trial,
        differences=await asyncio.to_thread(lambda: list(differences(trial.before, trial.new.files))),
        writable=policy_files.is_writable(desk.settings.directory),
        directory=desk.settings.directory.resolve(),
        once=secrets.token_urlsafe(),
        fault=fault,
        detail=detail,
    )


def differences(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Yield each file with its changed lines, as `diff -u` shows them."""
    for name, content in files.items():
        old, new = _lines(before.get(name, b"")), _lines(content)
        lines = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
        yield name, lines[:LINES] + (["…"] if len(lines) > LINES else [])


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


async def act(request: Request, viewer: Viewer) -> Response:
    """Put the policy in force, once."""
    desk, trial = desk_of(request), _trial_of(request)
    once = str((await request.form()).get("once", ""))[:100]
    if not (trial.fits and once):
        raise HTTPException(400)
    try:
        await put_in_force(desk, trial, viewer, once)
    except FilesChanged:
        return await _ask(request, trial, "changed")
    except Unusable as fault:
        return await _ask(request, trial, "link", fault.name)
    except OSError as error:
        return await _ask(request, trial, "disk", error.strerror or "")
    return RedirectResponse(f"/admin/try/{trial.key}", 303)


ROUTES = [
    Route("/admin/try", for_admins(overview), methods=["GET"]),
    Route("/admin/try", for_admins(begin), methods=["POST"]),
    Route("/admin/try/{key}", for_admins(show)),
    Route("/admin/try/{key}/steps", for_admins(steps)),
    Route("/admin/try/{key}/in-force", for_admins(ask), methods=["GET"]),
    Route("/admin/try/{key}/in-force", for_admins(act), methods=["POST"]),
]
