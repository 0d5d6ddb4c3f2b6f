"""The routes of the admins' pages."""

from mailbot.console.admin import overview, queues, sessions

ROUTES = [*overview.ROUTES, *queues.ROUTES, *sessions.ROUTES]
