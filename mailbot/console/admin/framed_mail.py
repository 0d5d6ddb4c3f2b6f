"""A mail of ours as its reader sees it, in a frame of its own address.

The styles of mails are inline, which the pages' own policy forbids. So a frame has its own policy: styles, and nothing
else. `sandbox` gives it an origin of its own: no script, no form, no request anywhere.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.domain.people.access import Viewer

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
_DARK = "@media (prefers-color-scheme:dark)"  # as `mail.compose.frame` writes it
SCHEMES = {"light": "not all", "dark": "all"}


def framed(html: str, scheme: str = "") -> Response:
    """Answer with a mail for a frame; `scheme` "light" or "dark" shows that one whatever the browser prefers."""
    if scheme in SCHEMES:
        html = html.replace(_DARK, f"@media {SCHEMES[scheme]}")
        html = html.replace("{color-scheme:light dark}", f"{{color-scheme:{scheme}}}")
    headers = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, headers=headers)


async def kept_mail(request: Request, viewer: Viewer) -> Response:
    """Show a mail that a trial would send."""
    html = desk_of(request).admin.find_mail(request.path_params["key"])
    if html is None:
        raise HTTPException(404)
    return framed(html)


ROUTES = [Route("/admin/mail/sent/{key}", for_admins(kept_mail))]
