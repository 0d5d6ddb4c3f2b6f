"""A store out of reach for the first calls of one operation, before or after it was committed."""

from typing import Any

from mailbot.errors import StoreUnavailable
from mailbot.store.store import Store


class ShakyStore:
    """The real store, but the first `times` calls of one operation fail. `committed`: only their reply is lost."""

    def __init__(
        self,
        store: Store,
        name: str,
        times: int = 1,
        error: Exception | None = None,
        *,
        committed: bool = False,
    ) -> None:
        self._store, self._name, self._times, self._committed = store, name, times, committed
        self._error = error or StoreUnavailable("the connection was lost")
        self.read, self.read_now, self.sqlite = store.read, store.read_now, store.sqlite

    async def write(self, op: Any, item: Any, **options: Any) -> Any:
        if op.__name__ != self._name or self._times == 0:
            return await self._store.write(op, item, **options)
        self._times -= 1
        if self._committed:
            await self._store.write(op, item, **options)
        raise self._error
