"""Agents at the console, in a process of their own: each has a list open that refreshes itself, reads and acts.

Run by `tests.bench.parts.console` as `python -m tests.bench.visitors URL COOKIE SECONDS`, secrets of sessions as input.
It prints the time of each request as JSON.
"""

import asyncio
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field

import httpx

from mailbot.console.guards import csrf_token

PAUSE = (4.0, 12.0)  # seconds between what an agent does: reading takes longer than any page
ROW = re.compile(r'href="/tickets/([A-Z]{2,10}-\d{8,12}-\d)')
ONCE = re.compile(r'name="once" value="([^"]+)"')


@dataclass(slots=True)
class Times:
    """Milliseconds by kind of request, and answers that were no success."""

    spans: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    async def request(
        self, client: httpx.AsyncClient, kind: str, method: str, path: str, **options: object
    ) -> str:
        began = time.perf_counter()
        answer = await client.request(method, path, **options)  # type: ignore[arg-type]
        self.spans.setdefault(kind, []).append(1000 * (time.perf_counter() - began))
        if answer.status_code not in (200, 303):
            self.failed.append(f"{kind}: {answer.status_code}")
        return answer.text


async def visit(
    url: str, cookie: str, secret: str, until: float, times: Times, chance: random.Random
) -> None:
    """Be one agent until then."""
    async with httpx.AsyncClient(base_url=url, cookies={cookie: secret}, timeout=60) as client:
        stream = asyncio.create_task(follow(client, times, until))
        await asyncio.sleep(chance.uniform(0, PAUSE[1]))
        while time.monotonic() < until:
            listed = ROW.findall(await times.request(client, "team list", "GET", "/tickets/team"))
            if listed:
                await read_and_act(client, chance.choice(listed), secret, times)
            await asyncio.sleep(chance.uniform(*PAUSE))
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)


async def read_and_act(client: httpx.AsyncClient, number: str, secret: str, times: Times) -> None:
    """Open a ticket and write a note."""
    page = await times.request(client, "ticket", "GET", f"/tickets/{number}")
    if once := ONCE.search(page):
        note = {
            "csrf": csrf_token(secret),
            "once": once[1],
            "verb": "note",
            "text": "Sudah dicek.",
            "note": "Sudah dicek.",
        }
        await times.request(client, "note", "POST", f"/tickets/{number}/act", data=note)


async def follow(client: httpx.AsyncClient, times: Times, until: float) -> None:
    """Keep the stream of changes open, and load the list again for each, as the page does."""
    async with client.stream("GET", "/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: changed"):
                await times.request(client, "refresh", "GET", "/tickets/team", headers={"HX-Request": "true"})
            if time.monotonic() > until:
                return


async def main() -> None:
    url, cookie, seconds = sys.argv[1:]
    secrets = sys.stdin.read().split()
    times, until = Times(), time.monotonic() + float(seconds)
    chance = random.Random(1)
    await asyncio.gather(*(visit(url, cookie, secret, until, times, chance) for secret in secrets))
    print(json.dumps({"spans": times.spans, "failed": times.failed}))


if __name__ == "__main__":
    asyncio.run(main())
