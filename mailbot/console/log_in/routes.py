"""The addresses of logging in and out."""

from starlette.routing import Route

from mailbot.console.log_in import by_link, by_provider, out
from mailbot.operations.log_in import PATH

ROUTES = [
    Route("/login", by_link.log_in_page),
    Route("/login", by_link.ask_for_link, methods=["POST"]),
    Route("/login/sent", by_link.sent_page),
    Route(PATH, by_link.link_page),
    Route(PATH, by_link.use_link, methods=["POST"]),
    Route("/login/oidc", by_provider.go_to_provider),
    Route(by_provider.BACK, by_provider.take_answer),
    Route("/logout", out.sessions_page),
    Route("/logout", out.log_out, methods=["POST"]),
    Route("/logout/everywhere", out.log_out_everywhere, methods=["POST"]),
]
