"""The addresses of the pages for customers, and of the page where agents revoke their links."""

from starlette.routing import Route

from mailbot.console.customers import links, status, ticket_page
from mailbot.console.guards import for_staff

ROUTES = [
    Route("/t/{number}", ticket_page.ticket_page),
    Route("/t/{number}", ticket_page.reply, methods=["POST"]),
    Route("/t/{number}/rating", ticket_page.rate, methods=["POST"]),
    Route("/t/{number}/files/{message:int}/{position:int}", ticket_page.file),
    Route("/tickets/{number}/links", for_staff(links.links_page)),
    Route("/tickets/{number}/links", for_staff(links.revoke_link), methods=["POST"]),
    Route("/status", status.status_page),
    Route("/status", status.ask, methods=["POST"]),
]
