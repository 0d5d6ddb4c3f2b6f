"""The stream of news, `/events`, as server-sent events.

`changed` names the tickets that changed, or none where only lists did. `over`: do not ask again until the page comes to
the front. A daemon that stops sends none of it, so browsers ask the next one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import find_session
from mailbot.domain.people.access import Viewer

HEARTBEAT = 15.0  # seconds after which a silent stream shows that it is alive: proxies cut what is silent
RETRY = 3_000  # milliseconds until a browser that lost its stream asks again
HEADERS = {"X-Accel-Buffering": "no"}  # nginx must not collect it


async def events(request: Request, viewer: Viewer) -> Response:
    """Send news of changes until the page, the session or the daemon ends."""
    news = _news(request, desk_of(request), viewer)
    return StreamingResponse(news, media_type="text/event-stream", headers=HEADERS)


async def _news(request: Request, desk: Desk, viewer: Viewer) -> AsyncIterator[str]:
    time = asyncio.get_running_loop().time
    with desk.feed.listening(desk.deps, desk.leaving, viewer) as listener:
        yield f"retry: {RETRY}\n\n"
        checked_at = time()
        while not desk.leaving.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(listener.woken.wait(), HEARTBEAT)
            if time() - checked_at >= HEARTBEAT:
                known, checked_at = await find_session(request), time()
                listener.is_over |= known is None
                listener.viewer = known or listener.viewer  # perhaps with other teams since
            if listener.is_over:
                yield "event: over\ndata:\n\n"
                break
            if not listener.woken.is_set():
                yield ": alive\n\n"
                continue
            yield f"event: changed\ndata: {listener.take()}\n\n"
            await asyncio.sleep(desk.feed.pause)
