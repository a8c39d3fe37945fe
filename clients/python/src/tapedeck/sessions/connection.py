"""The socket and the timer of one session's connection: carries out what the connection machine decides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from tapedeck.arguments import serialize
from tapedeck.http import GetToken
from tapedeck.protocol import connection_machine as machine_rules
from tapedeck.protocol.close_codes import LOST
from tapedeck.protocol.connection_machine import (
    ConnectionEnd,
    Effect,
    Event,
    Moment,
    Rules,
    start_machine,
    step_machine,
)
from tapedeck.protocol.liveness import Liveness
from tapedeck.types import ServerMessage

SUBPROTOCOL: Final = Subprotocol("tapedeck.v1")

#: Time for the closing handshake before the socket is dropped: on a silent network it would never complete.
CLOSE_TIMEOUT_S: Final = 1.0

#: A timer that fires this much too late says that this program was busy or suspended.
LATE_MS: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What the owner of a connection is told."""

    #: An attempt starts. Returns the URL to dial, which says after which frame to continue.
    dial: Callable[[int], str]
    message: Callable[[ServerMessage], None]
    open: Callable[[], None]
    lost: Callable[[str, float], None]
    end: Callable[[ConnectionEnd], None]


class _Socket:
    """One attempt's WebSocket. What the cluster gets is queued, so that commands keep their order."""

    def __init__(self) -> None:
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self.socket: ClientConnection | None = None


class Connection:
    """Made and used within a running event loop."""

    def __init__(self, rules: Rules, token: GetToken | None, callbacks: Callbacks) -> None:
        self._rules = rules
        self._get_token = token
        self._callbacks = callbacks
        self._loop = asyncio.get_running_loop()
        self._liveness = Liveness()
        self._current: _Socket | None = None
        self._token: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._machine, effects = start_machine(rules)
        self._carry_out_all(effects)

    @property
    def is_open(self) -> bool:
        return self._machine.phase == "open"

    @property
    def latency_ms(self) -> float | None:
        """From ping to pong; None before the first pong."""
        return self._liveness.latency_ms

    def send(self, message: Mapping[str, object]) -> None:
        """Only while it is open. Raises `bad_argument` for what has no JSON."""
        text = serialize(message)
        if self._current is not None:
            self._current.outgoing.put_nowait(text)

    def close(self) -> None:
        self._step(machine_rules.CloseAsked())

    async def wait_closed(self) -> None:
        """After the end: returns once the last socket is closed, a second later at most."""
        here = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not here]
        if tasks:
            await asyncio.wait(tasks)

    def _now(self) -> float:
        return self._loop.time() * 1000

    def _step(self, event: Event) -> None:
        moment = Moment(now=self._now(), random=random.random(), rules=self._rules)
        self._machine, effects = step_machine(self._machine, event, moment)
        self._carry_out_all(effects)

    def _carry_out_all(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case machine_rules.GetToken():
                self._start(self._ask_for_token(self._machine))
            case machine_rules.Dial(address):
                self._dial(address)
            case machine_rules.Ping():
                self.send({"type": "ping"})
            case machine_rules.CloseSocket():
                self._close_socket()
            case machine_rules.SetTimer(in_ms):
                self._set_timer(in_ms)
            case machine_rules.NotifyOpen():
                self._callbacks.open()
            case machine_rules.NotifyLost(why, retry_in_ms):
                self._callbacks.lost(why, retry_in_ms)
            case machine_rules.NotifyEnd(end):
                self._callbacks.end(end)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _set_timer(self, ms: float | None, *, again: bool = False) -> None:
        """Replaces the timer.

        A timer that fires late, while a socket is waited for, gets the time once more that this program stood still, at most
        `answer_ms`: the messages that arrived meanwhile have not been read yet, so the node is not to blame.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if ms is None:
            return
        due_at = self._now() + ms

        def fire() -> None:
            late = self._now() - due_at
            if late > LATE_MS and not again and self._current is not None:
                self._set_timer(min(late, self._rules.timing.answer_ms), again=True)
            else:
                self._step(machine_rules.TimerFired(self._liveness.limits(self._rules.timing)))

        self._timer = self._loop.call_later(ms / 1000, fire)

    async def _ask_for_token(self, attempt: machine_rules.Machine) -> None:
        event: Event = machine_rules.GotToken()
        token: str | None = None
        try:
            token = None if self._get_token is None else await self._get_token()
        except Exception as error:  # the program's own function: whatever it raises, there is no token
            event = machine_rules.NoToken(f"no token: {error}")
        if self._machine is attempt:  # otherwise this attempt timed out, or the connection ended
            self._token = token
            self._step(event)

    def _dial(self, address: int) -> None:
        dialled = _Socket()
        self._current = dialled
        dialled.task = self._start(self._run(dialled, self._callbacks.dial(address)))

    async def _run(self, dialled: _Socket, url: str) -> None:
        code, reason = LOST, ""
        try:
            # The machine has its own deadlines and pings, and a message may be as long as a history.
            async with connect(
                url,
                subprotocols=[SUBPROTOCOL],
                open_timeout=None,
                ping_interval=None,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=None,
                compression=None,
            ) as socket:
                dialled.socket = socket
                if self._token is not None:
                    await socket.send(serialize({"type": "auth", "token": self._token}))
                if self._current is dialled:
                    self._step(machine_rules.Accepted())
                await self._exchange(dialled, socket)
        except ConnectionClosed as closed:
            if closed.rcvd is not None:
                code, reason = closed.rcvd.code, closed.rcvd.reason
        except (
            OSError,
            EOFError,
            ValueError,
            InvalidHandshake,
            InvalidURI,
        ) as error:  # ValueError: what came is no JSON
            reason = str(error)
        if self._current is dialled:  # a dropped socket may still end in its own way
            self._current = None
            self._step(machine_rules.Lost(code, reason))

    async def _exchange(self, dialled: _Socket, socket: ClientConnection) -> None:
        """Reads and writes until the socket closes; then raises ConnectionClosed."""

        async def write() -> None:
            while True:
                await socket.send(await dialled.outgoing.get())

        writer = self._start(_until_closed(write()))
        try:
            while True:
                text = await socket.recv()
                if self._current is not dialled:
                    return
                if isinstance(text, str):
                    self._receive(text)
        finally:
            writer.cancel()

    def _receive(self, text: str) -> None:
        """Hot: once per message."""
        message: ServerMessage = json.loads(text)
        frames_due = self._liveness.receive(message, self._now(), self._machine.pinged_at)
        if message["type"] == "pong":
            return
        if message["type"] == "expiring":
            self._start(self._renew_token())
            return
        # The session's view is updated before listeners learn that the connection is open.
        self._callbacks.message(message)
        if message["type"] == "session":
            self._step(machine_rules.GotSession())
        if frames_due:
            self._step(machine_rules.FramesDue(self._liveness.limits(self._rules.timing)))

    async def _renew_token(self) -> None:
        """The token of this connection expires soon. Without a fresh one the server closes it, and the next attempt gets one."""
        socket = self._current
        if self._get_token is None or not self._rules.fresh_tokens:
            return
        try:
            token = await self._get_token()
        except Exception:  # the next attempt tries again, and reports the error
            return
        if socket is self._current:
            self.send({"type": "auth", "token": token})

    def _close_socket(self) -> None:
        dropped, self._current = self._current, None
        if dropped is None or dropped.task is None:
            return
        if dropped.socket is None:
            dropped.task.cancel()  # still dialling
        else:
            self._start(_close(dropped.socket))


async def _until_closed(work: Coroutine[Any, Any, None]) -> None:
    """The reader of the same socket tells how it was closed."""
    with contextlib.suppress(ConnectionClosed):
        await work


async def _close(socket: ClientConnection) -> None:
    try:
        await asyncio.wait_for(socket.close(1000), CLOSE_TIMEOUT_S)
    except (asyncio.TimeoutError, OSError):
        socket.transport.abort()
