"""The web addresses that providers of channels call: what they send is kept before they get their reply."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mailbot import log
from mailbot.channels.seam import Call, Channel
from mailbot.console.desk import desk_of
from mailbot.console.guards import public
from mailbot.errors import StoreUnavailable
from mailbot.store.channels import events
from mailbot.store.channels.events import NewEvent

LARGEST = 3_000_000  # bytes of a call: it names files, and holds none
PATIENCE = 30.0  # seconds for a body
LONGEST_ID = 500  # characters
MOST_EVENTS = 1000  # of one call


@public
async def called(request: Request) -> Response:
    """Take a provider's call. The channel checks who calls; 2xx follows the commit of all that it brought."""
    desk = desk_of(request)
    channel = desk.channels.get(request.path_params["name"])
    if channel is None or channel.receive is None:
        raise HTTPException(404)
    body = await _body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    reply = channel.receive(Call(request.method, headers, dict(request.query_params), body))
    if reply.status >= 400:
        log.channel_call_refused(channel=channel.name, status=reply.status, reason=reply.text)
    if reply.events:
        await _keep(request, channel, [(each.external_id, each.content) for each in reply.events])
    return PlainTextResponse(reply.text, reply.status)


async def _body(request: Request) -> bytes:
    """Read the body. Raises HTTPException 413 for one that is too large, 408 for one that does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(body)


async def _keep(request: Request, channel: Channel, found: list[tuple[str, bytes]]) -> None:
    """Keep events. Raises HTTPException 503 where the store takes none: the provider sends them again."""
    desk = desk_of(request)
    if len(found) > MOST_EVENTS or any(not id_ or len(id_) > LONGEST_ID for id_, _ in found):
        raise HTTPException(400)
    try:
        for external_id, content in found:
            await desk.write(events.keep, NewEvent(channel.name, external_id, content, desk.now()))
    except StoreUnavailable as error:
        raise HTTPException(503) from error
    desk.wake()


ROUTES = [
    Route("/channels/{name}", called, methods=["GET", "POST"]),
]
