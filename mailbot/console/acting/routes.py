"""The addresses of acting on tickets. They stand before `/tickets/{number}`, which would take "drafts" for a number."""

from starlette.routing import BaseRoute, Route

from mailbot.console.acting.act import act, done_page
from mailbot.console.acting.bulk import bulk
from mailbot.console.acting.live import list_drafts, read_moment, report_presence, save_draft
from mailbot.console.acting.macro import macro
from mailbot.console.guards import for_agents, for_staff

_TICKET = "/tickets/{number}"

ROUTES: list[BaseRoute] = [
    Route("/tickets/drafts", for_staff(list_drafts)),
    Route("/tickets/done", for_staff(done_page)),
    Route("/tickets/bulk", for_staff(bulk), methods=["POST"]),
    Route(f"{_TICKET}/act", for_staff(act), methods=["POST"]),
    Route(f"{_TICKET}/draft", for_staff(save_draft), methods=["POST"]),
    Route(f"{_TICKET}/presence", for_staff(report_presence), methods=["POST"]),
    Route(f"{_TICKET}/macro", for_agents(macro), methods=["POST"]),
    Route(f"{_TICKET}/moment", for_staff(read_moment)),
]
