"""The local book that Binance's documentation describes, for clients that have the streams and keep none themselves."""

import asyncio
from collections.abc import Awaitable, Callable

LEVELS = 20


class LocalBook:
    def __init__(self, is_spot: bool, snapshot: Callable[[], Awaitable[tuple[int, list, list]]]) -> None:
        """`snapshot` answers an id, bids and asks. Futures' updates name the one before them."""
        self._is_spot, self._snapshot = is_spot, snapshot
        self._bids, self._asks, self._last_id = {}, {}, 0
        self._waiting: list[dict] | None = None
        """Updates that wait for a snapshot; None while the book is in sync."""
        self._synchronizing = None

    def best(self) -> tuple[list, list]:
        """The best levels, once there is a book."""
        if self._last_id == 0 or self._waiting is not None:
            return [], []
        return sorted(self._bids.items(), reverse=True)[:LEVELS], sorted(self._asks.items())[:LEVELS]

    def hear(self, update: dict) -> None:
        """Takes a `depthUpdate`."""
        if self._waiting is not None:
            self._waiting.append(update)
        elif update["u"] < self._last_id:
            return  # another connection has told it
        elif self._follows(update):
            self._apply(update)
        else:
            self._waiting = [update]
            self._synchronizing = asyncio.ensure_future(self._synchronize())

    def _follows(self, update: dict) -> bool:
        if self._last_id == 0:
            return False
        if self._is_spot:
            return update["U"] <= self._last_id + 1
        return update["pu"] == self._last_id or update["U"] <= self._last_id <= update["u"]

    def _apply(self, update: dict) -> None:
        for side, changed in ((self._bids, update["b"]), (self._asks, update["a"])):
            for price, size in changed:
                if float(size) == 0:
                    side.pop(float(price), None)
                else:
                    side[float(price)] = float(size)
        self._last_id = update["u"]

    async def _synchronize(self) -> None:
        """Begins with a snapshot that is not older than the first update, and applies those that are later than it."""
        while True:
            try:
                last_id, bids, asks = await self._snapshot()
            except Exception:  # the venue may begin anew: it is asked again
                last_id = -1
            waiting = self._waiting or []
            if last_id >= waiting[0]["U"] - 1:
                break
            await asyncio.sleep(0.2)
        self._bids = {float(price): float(size) for price, size in bids}
        self._asks = {float(price): float(size) for price, size in asks}
        self._last_id, self._waiting = last_id, None
        for update in waiting:
            if update["u"] > last_id or (not self._is_spot and update["u"] == last_id):
                self.hear(update)
