"""The routes of the admins' pages."""

from mailbot.console.admin import framed_mail, mail, overview, queues, sessions

ROUTES = [*overview.ROUTES, *mail.ROUTES, *framed_mail.ROUTES, *queues.ROUTES, *sessions.ROUTES]
