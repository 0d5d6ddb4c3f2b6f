"""HAProxy in front of several daemons, with PROXY protocol version 2, as docs/operations/postgresql.md has it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.scenarios.harness import free_port

HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
SOURCE = "127.0.0.2"  # of its connections: the daemons believe its header, and the test's own need none

CONFIG = """
defaults
  mode tcp
  timeout connect 2s
  timeout client 70s
  timeout server 70s
  option redispatch
  retries 3
frontend mail
  bind 127.0.0.1:{port}
  default_backend nodes
backend nodes
  balance roundrobin
  source {source}
  option smtpchk EHLO balancer.example
{servers}
"""


@asynccontextmanager
async def haproxy(folder: Path, ports: Sequence[int]) -> AsyncIterator[int]:
    """Run HAProxy in front of these ports. Yields the port that it listens on."""
    assert HAPROXY
    port = free_port()
    lines = (f"  server n{each} 127.0.0.1:{each} check inter 300ms send-proxy-v2" for each in ports)
    file = folder / "haproxy.cfg"
    file.write_text(CONFIG.format(port=port, source=SOURCE, servers="\n".join(lines)))
    process = await asyncio.create_subprocess_exec(HAPROXY, "-db", "-q", "-f", str(file))
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()
