"""What is behind a `Session`: its connection, its view, pending commands and listeners."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from tapedeck.errors import TapedeckError
from tapedeck.http import GetToken, query
from tapedeck.protocol.connection_machine import ConnectionEnd, Rules
from tapedeck.protocol.frame_sequencer import FrameSequencer, History, NewFrames, Position, RecentFrames, is_newer
from tapedeck.sessions.acknowledger import Acknowledger
from tapedeck.sessions.connection import Callbacks, Connection
from tapedeck.sessions.frame_queue import FrameQueue
from tapedeck.sessions.listeners import (
    ConnectionChange,
    ConnectionState,
    FrameOf,
    Notice,
    SessionEnd,
    SessionListeners,
    StateChange,
)
from tapedeck.sessions.pending_commands import PendingCommands
from tapedeck.sessions.stats import FrameCounter, SessionStats
from tapedeck.trading.types import SessionFill
from tapedeck.types import Frame, OrderMessage, ServerMessage, SessionView, TradeEventMessage

#: Turns of the event loop between the first message and the frames after it: so many let a caller continue that awaits `open` within
#: `gather` or a task of its own.
EARLY_TURNS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    #: URLs of the gateways' sockets, without query.
    sockets: Sequence[str]
    rules: Rules
    token: GetToken | None


class SessionClient:
    def __init__(
        self, transport: Transport, view: SessionView, position: Position | None, acknowledge: bool = False
    ) -> None:
        self.listeners = SessionListeners()
        self.recent = RecentFrames()
        #: A loop that was left by `break` drops its queue, which then leaves this set by itself.
        self.queues: weakref.WeakSet[FrameQueue] = weakref.WeakSet()
        self.view = view
        self.node = ""
        self.state: ConnectionState = "connecting"
        self.ended: SessionEnd | None = None
        self._sockets = transport.sockets
        self._sequencer = FrameSequencer(position)
        self._pending = PendingCommands()
        self._counter = FrameCounter()
        #: None: this program only watches.
        self._acknowledger = Acknowledger(self._acknowledge) if acknowledge else None
        self._loop = asyncio.get_running_loop()
        #: Messages that arrived before the caller of `open` could add a listener; None afterwards.
        self._early: list[ServerMessage] | None = []
        #: What happened to orders with the next frame.
        self._of_orders: list[OrderMessage | TradeEventMessage] = []
        #: Has a result with the first message, or an error when there will be none.
        self.opened: asyncio.Future[None] = self._loop.create_future()
        callbacks = Callbacks(dial=self._dial, message=self._receive, open=self._open, lost=self._lose, end=self._end)
        self.connection = Connection(transport.rules, transport.token, callbacks)

    @property
    def position(self) -> Position:
        return self._sequencer.position or Position(self.view["epoch"], -1)

    @property
    def stats(self) -> SessionStats:
        counter = self._counter
        per_second = counter.per_second(self._now())
        return SessionStats(counter.received, counter.skipped, per_second, self.connection.latency_ms)

    async def command(self, command: str, arguments: Mapping[str, object]) -> SessionView:
        """Returns once the cluster has carried out the command."""
        if self.ended is not None:
            raise end_error(self.ended)
        if not self.connection.is_open:
            raise TapedeckError("offline", f"There is no connection: {command} was not sent.")
        fixed = {"type": "command", "command": command}
        return await self._pending.add(command, lambda id: self.connection.send({**arguments, **fixed, "id": id}))

    def frames(self) -> FrameQueue:
        queue = FrameQueue()
        if self.ended is None:
            self.queues.add(queue)
        else:
            queue.end(self.ended.error)
        return queue

    async def close(self) -> None:
        self.connection.close()
        await self.connection.wait_closed()

    def _now(self) -> float:
        return self._loop.time() * 1000

    def _dial(self, address: int) -> str:
        self._sequencer.begin_connection()
        resume = self._sequencer.position
        reader = self._acknowledger
        # The application may still work on the last frames that were delivered.
        handled = reader.handled if reader and resume and reader.handled else None
        acked = handled.seq if handled and resume and handled.epoch == resume.epoch else None
        where = query(
            session_id=self.view["session_id"],
            create=False,
            epoch=resume.epoch if resume else None,
            after=resume.seq if resume else None,
            reader=reader.name if reader else None,
            acked=acked,
        )
        return f"{self._sockets[address]}{where}"

    def _open(self) -> None:
        self.state = "open"
        if not self.opened.done():
            self.opened.set_result(None)
        if self._early is not None:
            self._flush_early(EARLY_TURNS)
        self.listeners.connection.emit(ConnectionChange("open"))
        if self._acknowledger is not None:
            self._acknowledger.repeat()

    def _flush_early(self, turns: int) -> None:
        """Delivers what came early, some turns of the event loop from now."""
        if turns > 0:
            self._loop.call_soon(self._flush_early, turns - 1)
            return
        early, self._early = self._early, None
        for message in early or ():
            self._handle(message)

    def _lose(self, why: str, retry_in_ms: float) -> None:
        if self.state == "open":
            self._flush_early(0)
            self.state = "reconnecting"
        self._of_orders.clear()
        self._pending.interrupt()
        self.listeners.connection.emit(ConnectionChange(self.state, why, retry_in_ms))

    def _end(self, how: ConnectionEnd) -> None:
        # Frames that arrived before the end are delivered before it.
        if how.reason != "closed":
            self._flush_early(0)
        self.state = "closed"
        self.ended = session_end(how)
        self._pending.interrupt()
        if not self.opened.done():
            self.opened.set_exception(end_error(self.ended))
            self.opened.exception()  # whoever waited for it may have been cancelled
        for queue in list(self.queues):
            queue.end(self.ended.error)
        self.queues.clear()
        self.listeners.connection.emit(ConnectionChange("closed"))
        self.listeners.end.emit(self.ended)
        self.listeners.clear()

    def _receive(self, message: ServerMessage) -> None:
        if self._early is not None and self.state != "connecting":
            self._early.append(message)
        else:
            self._handle(message)

    def _handle(self, message: ServerMessage) -> None:
        """Hot: once per message."""
        if self.ended is not None:
            return  # a listener closed the session
        match self._sequencer.receive(message):
            case NewFrames(frames, epoch):
                self._tell_of_orders()
                for frame in frames:
                    if self.ended is not None:
                        return
                    self._deliver(frame, epoch)
            case History() as history:
                self._tell_of_orders()
                self.recent.replace(history)
                self.listeners.history.emit(history)
                if self._acknowledger is not None:
                    self._acknowledger.delivered(self.position, 0, self._window)
            case None:
                self._handle_other(message)

    def _tell_of_orders(self) -> None:
        """What belongs to the frame that follows. If the connection breaks before it comes, it comes again with it."""
        if not self._of_orders:
            return
        messages, self._of_orders = self._of_orders, []
        for message in messages:
            if message["type"] == "order":
                self.listeners.order.emit(message["data"])
            else:
                self.listeners.fill.emit(cast(SessionFill, message["data"]))

    def _deliver(self, frame: Frame, epoch: int) -> None:
        self._sequencer.mark_delivered(frame["seq"], epoch)
        self._counter.count(frame.get("skipped", 0), self._now())
        self.recent.add(frame, epoch)
        queues = list(self.queues)
        done = None
        if self._acknowledger is not None:
            # One more for the listeners, which are done when they have returned.
            done = self._acknowledger.delivered(Position(epoch, frame["seq"]), len(queues) + 1, self._window)
        for queue in queues:
            queue.push(frame, done)
        self.listeners.frame.emit(FrameOf(frame, epoch))
        if done is not None:
            done()

    @property
    def _window(self) -> int:
        pace = self.view.get("pace")
        return pace["window"] if pace else 1

    def _acknowledge(self, position: Position) -> None:
        # What is not sent now is repeated by the next connection.
        if self.connection.is_open:
            self.connection.send({"type": "ack_frame", "epoch": position.epoch, "seq": position.seq})

    def _handle_other(self, message: ServerMessage) -> None:
        if message["type"] == "session":
            self.node = message["node"]
            self.view = message["session"]
            self.listeners.state.emit(StateChange(message["session"], "connected"))
        elif message["type"] == "state":
            # A resume replays the state message of each epoch, also of past ones.
            if is_newer(self.view, message["session"]):
                return
            self.view = message["session"]
            self.listeners.state.emit(StateChange(message["session"], message["cause"]))
        elif message["type"] == "ack":
            if not is_newer(self.view, message["session"]):
                self.view = message["session"]
            self._pending.settle(message["id"], message["session"])
        elif message["type"] == "error":
            id = message.get("id")
            if id is None:
                self.listeners.notice.emit(Notice(message["code"], message["message"]))
            else:
                self._pending.settle(id, TapedeckError(message["code"], message["message"]))
        elif message["type"] == "feed":
            self.listeners.feed.emit(message)
        elif message["type"] == "order" or message["type"] == "trade_event":
            self._handle_order(message)
        elif message["type"] == "lag":
            self.listeners.lag.emit(message)

    def _handle_order(self, message: OrderMessage | TradeEventMessage) -> None:
        """Of an order of `trading`, it waits for its frame."""
        if message["type"] == "order" or "fill_id" in message["data"]:
            self._of_orders.append(message)
        else:
            self.listeners.trade.emit(message["data"])


def session_end(how: ConnectionEnd) -> SessionEnd:
    if how.reason == "refused":
        return SessionEnd("refused", TapedeckError(_REFUSALS.get(how.code or 0, "MALFORMED"), how.message))
    if how.reason == "unreachable":
        return SessionEnd("refused", TapedeckError("unreachable", f"No gateway answers: {how.message}."))
    return SessionEnd(how.reason)


def end_error(end: SessionEnd) -> TapedeckError:
    if end.error is not None:
        return end.error
    if end.reason == "closed":
        return TapedeckError("closed", "The session was closed here.")
    return TapedeckError("SESSION_NOT_FOUND", "The session does not exist or has expired.")


#: The refusal code that means the same as a close code.
_REFUSALS: Final = {4401: "UNAUTHORIZED", 4403: "FORBIDDEN", 1008: "ORIGIN_NOT_ALLOWED", 1009: "BODY_TOO_LARGE"}
