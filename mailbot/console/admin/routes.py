"""The routes of the admins' pages."""

from mailbot.console.admin import (
    channels,
    framed_mail,
    mail,
    overview,
    policy,
    queues,
    sessions,
    templates,
    try_policy,
    unconfirmed,
)

ROUTES = [
    *overview.ROUTES,
    *mail.ROUTES,
    *framed_mail.ROUTES,
    *policy.ROUTES,
    *try_policy.ROUTES,
    *templates.ROUTES,
    *queues.ROUTES,
    *channels.ROUTES,
    *sessions.ROUTES,
    *unconfirmed.ROUTES,
]
