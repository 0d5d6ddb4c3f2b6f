"""How many forms are taken: from one client, for one address, and by this node."""

from datetime import timedelta

from starlette.requests import Request

from mailbot.console.desk import desk_of
from mailbot.console.proxies import client_of
from mailbot.domain.people.addresses import owner
from mailbot.domain.policy import Rate

BY_CLIENT = Rate(30, timedelta(minutes=10))  # a mobile network hides many people behind one address
BY_ADDRESS = Rate(20, timedelta(hours=1))
OVERALL = Rate(1_000, timedelta(hours=1))


def may_send(request: Request) -> bool:
    """Count a form of this client, whatever is in it. False when too many came from there."""
    desk = desk_of(request)
    return desk.clients.take(f"form {client_of(request)}", BY_CLIENT, desk.now())


def may_be_taken(request: Request, address: str) -> bool:
    """Count a form that could be taken. False when too many came for this address, or altogether.

    Others are not counted: what programs send must not use up what people need.
    """
    desk, now = desk_of(request), desk_of(request).now()
    keys = ((f"form-address {owner(address)}", BY_ADDRESS), ("form-overall", OVERALL))
    return all(desk.clients.take(key, rate, now) for key, rate in keys)
