"""P1, P2, P18 on PostgreSQL: connections that break around COMMIT, and servers that stand still."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from mailbot.errors import CommitUnknown, StoreUnavailable
from mailbot.store import inbox
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.service.claims import Claims
from mailbot.store.store import Store
from tests.postgres_proxy import Fault, PostgresProxy
from tests.store.test_inbox import kept

pytestmark = pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
PATIENCE = timedelta(seconds=1.2)


@pytest.fixture
def proxy(store: Store) -> Iterator[PostgresProxy]:
    with PostgresProxy(store.url) as proxy:
        yield proxy


@pytest.fixture
def far(proxy: PostgresProxy) -> Iterator[Store]:
    """Open the same store through the proxy."""
    far = Store(proxy.url, PATIENCE)
    yield far
    proxy.frozen = False
    far.close()


def rows(store: Store) -> list[tuple[str, str | None]]:
    query = select(inbox_table.c.fingerprint, inbox_table.c.claimed_by).order_by(inbox_table.c.id)
    return [tuple(row) for row in store.read_now(lambda c: c.execute(query).all())]


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.SWALLOW])
async def test_a_mail_whose_commit_was_in_doubt_is_kept_once(
    store: Store, far: Store, proxy: PostgresProxy, fault: Fault
) -> None:
    proxy.fail_once(fault)
    with pytest.raises(CommitUnknown):
        await far.write(inbox.keep, kept("m1"))
    receipt = await far.write(inbox.keep, kept("m1"))
    assert rows(store) == [("m1", None)]
    assert receipt.known is (fault is not Fault.BEFORE)


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.SWALLOW])
async def test_a_claim_whose_commit_was_in_doubt_is_nobodys_after_the_next_check(
    store: Store, far: Store, proxy: PostgresProxy, fault: Fault
) -> None:
    await far.write(inbox.keep, kept("m1"))
    claims = Claims(far, "n1", inbox.release_unheld)
    proxy.fail_once(fault)
    with pytest.raises(CommitUnknown), claims.doubt_on_error():
        await far.write(inbox.claim, inbox.Claim("n1", 10))
    assert rows(store) == [("m1", None if fault is Fault.BEFORE else "n1")]
    await claims.check(())
    assert rows(store) == [("m1", None)]


async def test_a_frozen_server_hangs_no_caller_and_all_goes_on_when_it_is_back(
    far: Store, proxy: PostgresProxy
) -> None:
    await far.write(inbox.keep, kept("warm"))
    proxy.frozen = True
    began = time.monotonic()
    writes = [far.write(inbox.keep, kept(f"m{n}")) for n in range(20)]
    long = [far.write(inbox.keep, kept(f"long{n}"), alone=True) for n in range(20)]
    reads = [far.read(lambda c: c.scalar(select(func.count()).select_from(inbox_table))) for _ in range(6)]
    results = await asyncio.gather(*writes, *long, *reads, return_exceptions=True)
    assert {type(each) for each in results} <= {StoreUnavailable, CommitUnknown}
    assert time.monotonic() - began < 15, "what waits behind a silent server fails with it"

    proxy.frozen = False
    for _ in range(10):  # the first may meet what was under way
        try:
            await far.write(inbox.keep, kept("after"))
            break
        except StoreUnavailable:
            await asyncio.sleep(0.2)
    assert await far.read(lambda c: c.scalar(text("SELECT 1"))) == 1


async def test_connections_that_are_reset_are_replaced(far: Store, proxy: PostgresProxy) -> None:
    await far.write(inbox.keep, kept("m1"))
    proxy.cut_all()
    await asyncio.sleep(0.1)
    for n in range(4):
        try:
            await far.write(inbox.keep, kept(f"m{n}"))
        except StoreUnavailable:
            await far.write(inbox.keep, kept(f"m{n}"))
    assert await far.read(lambda c: c.scalar(text("SELECT 1"))) == 1
