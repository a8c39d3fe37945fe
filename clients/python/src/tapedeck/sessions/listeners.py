"""The listeners of a session's events, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from tapedeck.errors import TapedeckError
from tapedeck.protocol.frame_sequencer import History
from tapedeck.trading.types import SessionFill, SessionOrder
from tapedeck.types import FeedMessage, Frame, LagMessage, SessionView, TradeEvent

#: `connecting` until the first message; `reconnecting` after a loss; `closed` for good.
ConnectionState: TypeAlias = Literal["connecting", "open", "reconnecting", "closed"]


@dataclass(frozen=True, slots=True)
class StateChange:
    session: SessionView
    #: Why it changed; `connected`: the state when a connection opened.
    cause: str


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    connection: ConnectionState
    #: While reconnecting: why the connection was lost, and how many milliseconds until the next attempt.
    why: str | None = None
    retry_in_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SessionEnd:
    #: `deleted`: through the API; `expired`: unused for its TTL, or lost by the cluster; `refused`: see `error`; `closed`: by this
    #: program.
    reason: Literal["deleted", "expired", "refused", "closed"]
    error: TapedeckError | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A message from the cluster that answers no command, for example that a part of the tape is damaged."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FrameOf:
    frame: Frame
    epoch: int


T = TypeVar("T")
Remove: TypeAlias = Callable[[], None]


class Listeners(Generic[T]):
    """The listeners of one event, called in the order in which they were added."""

    def __init__(self) -> None:
        self._all: dict[object, Callable[[T], None]] = {}

    def add(self, listener: Callable[[T], None]) -> Remove:
        """Returns a function that removes the listener."""
        entry = object()  # the same function may be added twice and removed once
        self._all[entry] = listener

        def remove() -> None:
            self._all.pop(entry, None)

        return remove

    def emit(self, event: T) -> None:
        """When a listener raises, the others are still called, and the loop's exception handler is told."""
        for listener in list(self._all.values()):
            try:
                listener(event)
            except Exception as error:
                context = {"message": "a listener of a Tapedeck session raised", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    def clear(self) -> None:
        self._all.clear()


class SessionListeners:
    def __init__(self) -> None:
        self.frame: Listeners[FrameOf] = Listeners()
        self.history: Listeners[History] = Listeners()
        self.state: Listeners[StateChange] = Listeners()
        self.feed: Listeners[FeedMessage] = Listeners()
        self.trade: Listeners[TradeEvent] = Listeners()
        self.order: Listeners[SessionOrder] = Listeners()
        self.fill: Listeners[SessionFill] = Listeners()
        self.lag: Listeners[LagMessage] = Listeners()
        self.notice: Listeners[Notice] = Listeners()
        self.connection: Listeners[ConnectionChange] = Listeners()
        self.end: Listeners[SessionEnd] = Listeners()

    def clear(self) -> None:
        for listeners in (self.frame, self.history, self.state, self.feed, self.trade):
            listeners.clear()
        for rest in (self.order, self.fill, self.lag, self.notice, self.connection, self.end):
            rest.clear()
