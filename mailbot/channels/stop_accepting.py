"""Stop accepting connections without hanging up on the newest."""

import asyncio
from collections.abc import Collection


async def stop_accepting(servers: Collection[asyncio.Server]) -> None:
    """Accept nobody more. Whom the event loop has accepted becomes a session first: `close` would hang up."""
    for listening in (listening for server in servers for listening in server.sockets):
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in ("transport", "session"):  # one turn of the event loop makes each
        await asyncio.sleep(0)
    for server in servers:
        server.close()
