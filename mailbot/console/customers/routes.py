"""The addresses of the pages for customers."""

from starlette.routing import Route

from mailbot.console.customers import status, ticket_page

ROUTES = [
    Route("/t/{number}", ticket_page.ticket_page),
    Route("/t/{number}", ticket_page.reply, methods=["POST"]),
    Route("/t/{number}/rating", ticket_page.rate, methods=["POST"]),
    Route("/t/{number}/files/{message:int}/{position:int}", ticket_page.file),
    Route("/status", status.status_page),
    Route("/status", status.ask, methods=["POST"]),
]
