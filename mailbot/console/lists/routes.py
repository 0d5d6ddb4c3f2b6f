"""Where lists are found."""

from starlette.routing import Route

from mailbot.console.guards import for_staff
from mailbot.console.lists import pages, search, stream

ROUTES = [
    Route("/tickets", for_staff(pages.my_list)),
    Route("/tickets/team", for_staff(pages.team_list)),
    Route("/search", for_staff(search.search)),
    Route("/events", for_staff(stream.events)),
]
