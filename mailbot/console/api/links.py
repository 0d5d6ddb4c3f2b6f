"""Pages of lists: links to the neighbours in the header field `Link` (RFC 8288)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from mailbot.console.api.call import Answer, Call, encode


async def linked(
    call: Call, read: Callable[[Connection], tuple[list[dict[str, Any]], int]], page: int, limit: int
) -> Answer:
    """Return what `read` finds. A full page has a link to the next one, which may be empty."""

    def encoded(connection: Connection) -> tuple[bytes, int]:
        found, count = read(connection)
        return encode(found), count

    content, count = await call.desk.read(encoded)
    neighbours = [("prev", page - 1)] * (page > 1) + [("next", page + 1)] * (count == limit)
    links = ", ".join(f'<{_address(call, number)}>; rel="{name}"' for name, number in neighbours)
    return Answer(content, {"Link": links} if links else {})


def _address(call: Call, page: int) -> str:
    url = call.request.url.include_query_params(page=page)
    return f"{url.path}?{url.query}"
