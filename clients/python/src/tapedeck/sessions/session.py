"""One session: its commands, its frames and its events."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Literal

from tapedeck.arguments import (
    KEEP,
    Duration,
    Keep,
    TapeTime,
    duration_ms,
    present,
    range_body,
    seek_body,
)
from tapedeck.protocol.frame_sequencer import History, Position
from tapedeck.sessions.frame_queue import FrameQueue
from tapedeck.sessions.listeners import (
    ConnectionChange,
    ConnectionState,
    FrameOf,
    Notice,
    Remove,
    SessionEnd,
    StateChange,
)
from tapedeck.sessions.session_client import SessionClient
from tapedeck.sessions.stats import SessionStats
from tapedeck.trading.trading import Trading
from tapedeck.trading.types import SessionFill, SessionOrder
from tapedeck.types import FeedMessage, LagMessage, Mode, SessionView, Severity, TradeEvent


class Session:
    """A viewer of one session.

    After a lost connection it reconnects by itself and continues with the frame after the last delivered one. A command returns the
    session's view once the cluster has carried it out, and raises a `TapedeckError` whose `code` says why it was not. Use it within
    one event loop; `async with` disconnects at the end.
    """

    def __init__(self, client: SessionClient, trading: Trading) -> None:
        self._client = client
        #: Its orders on the tape, its fills and its account; `on_order` and `on_fill` tell of them.
        self.trading = trading

    @property
    def id(self) -> str:
        return self._client.view["session_id"]

    @property
    def view(self) -> SessionView:
        """The last view that arrived. Its times and playhead are from that moment."""
        return self._client.view

    @property
    def position(self) -> Position:
        """Of the last delivered frame. `join` with it continues with the next frame, in this program or another."""
        return self._client.position

    @property
    def connection(self) -> ConnectionState:
        return self._client.state

    @property
    def node(self) -> str:
        """The gateway that serves this connection."""
        return self._client.node

    @property
    def stats(self) -> SessionStats:
        return self._client.stats

    @property
    def ended(self) -> SessionEnd | None:
        """How it ended; None until then."""
        return self._client.ended

    async def start(self) -> SessionView:
        """Plays from the playhead; when STOPPED from the start of the range; in LIVE from the edge."""
        return await self._client.command("start", {})

    async def pause(self) -> SessionView:
        return await self._client.command("pause", {})

    async def resume(self) -> SessionView:
        return await self._client.command("resume", {})

    async def stop(self) -> SessionView:
        """Stops and returns to the start."""
        return await self._client.command("stop", {})

    async def speed(self, value: float) -> SessionView:
        """Seconds of tape per second, 0.1 to 1000."""
        return await self._client.command("speed", {"value": value})

    async def pace(
        self,
        pace: Literal["clock", "lossless"],
        *,
        window: int | None = None,
        speed: float | Literal["max"] | None = None,
    ) -> SessionView:
        """`lossless`: the playhead waits for the slowest program that acknowledges frames.

        At most at `speed`, or as fast as they can (`max`, the default). Programs may be given `window` frames ahead (1 to 1,000;
        1 by default). `clock`: as usual.
        """
        return await self._client.command("pace", present(pace=pace, window=window, speed=speed))

    async def seek(
        self,
        *,
        ts: TapeTime | None = None,
        seq: int | None = None,
        fraction: float | None = None,
        event: Literal["next", "previous"] | None = None,
        type: str | None = None,
        min_severity: Severity | None = None,
    ) -> SessionView:
        """Jumps to one place: a time, a seq, a fraction (0 to 1) of the range or the tape, or the nearest event.

        The frame at the new place is delivered, also while paused.
        """
        return await self._client.command("seek", seek_body(ts, seq, fraction, event, type, min_severity))

    async def rewind(self, by: Duration) -> SessionView:
        """Goes back by tape time, at most to the start: `rewind("15m")`, a timedelta, or milliseconds."""
        return await self._client.command("goback", {"seconds": duration_ms("by", by) / 1000})

    async def step(self, *, frames: int | None = None, ms: float | None = None) -> SessionView:
        """Pauses and moves by frames or by milliseconds of tape; negative values go back."""
        return await self._client.command("step", present(frames=frames, ms=ms))

    async def range(
        self, from_: TapeTime | Keep | None = KEEP, to: TapeTime | Keep | None = KEEP, *, loop: bool | None = None
    ) -> SessionView:
        """Limits playback to a part of the tape, once or in a loop. What is left out stays; None removes a limit."""
        return await self._client.command("range", range_body(from_, to, loop))

    async def live(self) -> SessionView:
        """In LIVE: jumps to the edge."""
        return await self._client.command("live", {})

    async def mode(
        self,
        mode: Mode,
        *,
        symbol: str | None = None,
        source: str | None = None,
        tape: str | None = None,
        seed: int | str | None = None,
        scenario: str | None = None,
    ) -> SessionView:
        """Switches to another tape, a live market or a simulated one.

        Without a source it returns to what the session last played in that mode (`view["kept_modes"]`). The current mode without a
        source, or with the current one, changes nothing.
        """
        source_body = present(mode=mode, symbol=symbol, source=source, tape=tape, seed=seed, scenario=scenario)
        return await self._client.command("mode", source_body)

    async def order(self, side: Literal["buy", "sell", "BUY", "SELL"], quantity: float | None = None) -> SessionView:
        """In SIMULATION, while it plays: a market order of so many units, 100 by default, with an account of its own.

        `on_trade` reports its fill. `trading` has orders of all types, on all tapes.
        """
        return await self._client.command("order", present(side=side, quantity=quantity))

    def frames(self) -> FrameQueue:
        """Each frame from this call on, once and in order, over all connections: `async for frame in session.frames()`.

        Within an epoch `seq` grows; a new epoch is a jump. Frames missed while the connection was down arrive here, too. The loop
        ends with the session. In lossless pace a frame counts as handled when the loop asks for the next one.
        The loop raises when the session is refused, and when the reader is 10,000 frames behind.
        """
        return self._client.frames()

    def on_frame(self, listener: Callable[[FrameOf], None]) -> Remove:
        """The frames of `frames()`, each with its epoch. Returns a function that removes the listener, as every `on_...` does."""
        return self._client.listeners.frame.add(listener)

    def on_history(self, listener: Callable[[History], None]) -> Remove:
        """Up to 100 frames that precede those of `frames()` and replace what is shown.

        Called at the start, and with `complete=False` when too many frames were missed to continue without a gap. A listener that is
        added later is called at once with the latest frames.
        """
        remove = self._client.listeners.history.add(listener)
        history = self._client.recent.history()
        if history is not None:
            listener(history)
        return remove

    def on_state(self, listener: Callable[[StateChange], None]) -> Remove:
        """The session changed, by any client or by the cluster. Also called with the current state whenever a connection opens."""
        return self._client.listeners.state.add(listener)

    def on_feed(self, listener: Callable[[FeedMessage], None]) -> Remove:
        """The status of the feed behind LIVE: connecting, up or down."""
        return self._client.listeners.feed.add(listener)

    def on_trade(self, listener: Callable[[TradeEvent], None]) -> Remove:
        """An order of `order()`, which moves its simulated market, was filled."""
        return self._client.listeners.trade.add(listener)

    def on_order(self, listener: Callable[[SessionOrder], None]) -> Remove:
        """An order of `trading` changed: how it is now. Called before the frame with which it happened."""
        return self._client.listeners.order.add(listener)

    def on_fill(self, listener: Callable[[SessionFill], None]) -> Remove:
        """Such an order was filled, partly or whole: called before `on_order`."""
        return self._client.listeners.fill.add(listener)

    def on_lag(self, listener: Callable[[LagMessage], None]) -> Remove:
        """This program reads too slowly, so frames were merged."""
        return self._client.listeners.lag.add(listener)

    def on_notice(self, listener: Callable[[Notice], None]) -> Remove:
        """A message from the cluster that answers no command, for example that a part of the tape is damaged."""
        return self._client.listeners.notice.add(listener)

    def on_connection(self, listener: Callable[[ConnectionChange], None]) -> Remove:
        return self._client.listeners.connection.add(listener)

    def on_end(self, listener: Callable[[SessionEnd], None]) -> Remove:
        """The last event. Nothing is left running after it."""
        return self._client.listeners.end.add(listener)

    async def close(self) -> None:
        """Disconnects. The session continues without this viewer until its TTL ends."""
        await self._client.close()

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
