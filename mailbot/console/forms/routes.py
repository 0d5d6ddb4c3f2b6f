"""The addresses of web forms."""

from starlette.routing import Route

from mailbot.console.forms import confirm, form_page

ROUTES = [
    Route("/forms/{name}", form_page.form_page, methods=["GET"]),
    Route("/forms/{name}", form_page.send, methods=["POST"]),
    Route("/forms/{name}/confirm", confirm.link_page, methods=["GET"]),
    Route("/forms/{name}/confirm", confirm.use_link, methods=["POST"]),
]
