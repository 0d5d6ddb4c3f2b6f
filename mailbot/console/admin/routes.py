"""The routes of the admins' pages."""

from mailbot.console.admin import framed_mail, mail, overview, queues, sessions, try_policy

ROUTES = [
    *overview.ROUTES,
    *mail.ROUTES,
    *framed_mail.ROUTES,
    *try_policy.ROUTES,
    *queues.ROUTES,
    *sessions.ROUTES,
]
