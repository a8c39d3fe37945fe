"""The events of a tape, one by one, however often the connection breaks on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal, TypeAlias, TypedDict

from tapedeck.errors import TapedeckError
from tapedeck.http import HttpClient, is_elsewhere, query

#: Attempts per address, in a row and without a single event, before reading is given up.
MAX_ROUNDS: Final = 3

#: Between two rounds of the addresses.
PAUSE_S: Final = 0.5


class _Line(TypedDict):
    exchange: str
    symbol: str
    #: By the venue's clock, and by the recorder's.
    timestamp: str
    local_timestamp: str
    #: Decimals as text: exact.
    price: str
    amount: str
    #: Number of the event; the lines of one event follow each other.
    n: int
    #: The first frame that shows it.
    seq: int
    #: Its number in the order in which it was received.
    heard: int
    #: What became of it: applied, again, derived, or why it changed nothing.
    state: str


class BookLine(_Line):
    """A level of a book that changed; an amount of 0 removed it."""

    kind: Literal["book"]
    #: One level of a whole book, which replaces the one before.
    is_snapshot: bool
    side: Literal["bid", "ask"]
    #: The venue's update ids.
    first_id: int | None
    last_id: int | None
    previous_id: int | None


class TradeLine(_Line):
    kind: Literal["trade"]
    #: The venue's.
    id: str | None
    #: The taker's.
    side: Literal["buy", "sell", "unknown"]


TrackLine: TypeAlias = BookLine | TradeLine


class EventCursor:
    """Where to go on when an answer breaks off. An event has a line for each of its levels, and may break off between them. No I/O."""

    def __init__(self, start: Mapping[str, object], end: Mapping[str, object], limit: int | None) -> None:
        self._start = start
        self._end = end
        self._limit = limit
        #: The event of the last line.
        self._n: int | None = None
        #: Lines of that event so far.
        self._lines = 0
        #: Events so far, this one included.
        self._events = 0
        #: Lines that come again.
        self._known = 0

    def query(self) -> dict[str, object]:
        """What to ask for next: the last event once more, whose known lines `take` leaves out."""
        if self._n is None:
            return {**self._start, **self._end, "limit": self._limit}
        self._known = self._lines
        left = None if self._limit is None else self._limit - self._events + 1
        return {"from_n": self._n, **self._end, "limit": left}

    def take(self, n: int) -> bool:
        """Whether the next line, which belongs to event `n`, is new. Hot: once per line."""
        if n == self._n:
            if self._known > 0:
                self._known -= 1
                return False
        else:
            self._n = n
            self._lines = 0
            self._events += 1
        self._known = 0
        self._lines += 1
        return True


async def read_events(http: HttpClient, path: str, cursor: EventCursor) -> AsyncIterator[TrackLine]:
    """Each line once and in order. Raises refusals, and `unreachable` when no address serves any more."""
    failures = 0
    while True:
        try:
            async for text in http.lines(f"{path}{query(**cursor.query())}"):
                line: TrackLine = json.loads(text)
                if cursor.take(line["n"]):
                    failures = 0
                    yield line
            return
        except TapedeckError as error:
            failures += 1
            if not is_elsewhere(error) or failures >= MAX_ROUNDS * len(http.addresses):
                raise
            http.go_on_elsewhere()
            if failures > 1 and failures % len(http.addresses) == 0:  # a whole round gave nothing
                await asyncio.sleep(PAUSE_S)
