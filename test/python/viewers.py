"""Viewers for the tests: carries out the requests on standard input, and prints what each viewer receives, as JSON lines."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tapedeck import (
    ConnectionChange,
    FrameOf,
    History,
    NewOrder,
    Session,
    SessionEnd,
    StateChange,
    Tape,
    Tapedeck,
    TapedeckError,
    Timing,
    Trading,
)

Request = dict[str, Any]


def say(**line: object) -> None:
    sys.stdout.write(json.dumps(line, separators=(",", ":"), default=as_json) + "\n")
    sys.stdout.flush()


def as_json(value: object) -> object:
    if isinstance(value, Tape):
        return value.view
    raise TypeError(f"{value!r} has no JSON")


def error_of(error: TapedeckError | None) -> object:
    return error and {"code": error.code, "message": str(error)}


def follow(name: str, session: Session) -> None:
    """Prints every event of the session."""

    def tell(**event: object) -> None:
        say(viewer=name, at=time.time() * 1000, node=session.node, **event)

    def on_history(history: History) -> None:
        tell(event="history", frames=list(history.frames), epoch=history.epoch, complete=history.complete)

    def on_frame(given: FrameOf) -> None:
        tell(event="frame", frame=given.frame, epoch=given.epoch)

    def on_state(change: StateChange) -> None:
        tell(event="state", session=change.session, cause=change.cause)

    def on_connection(change: ConnectionChange) -> None:
        tell(event="connection", connection=change.connection, why=change.why, retryInMs=change.retry_in_ms)

    def on_end(end: SessionEnd) -> None:
        tell(event="end", reason=end.reason, error=error_of(end.error))

    session.on_history(on_history)
    session.on_frame(on_frame)
    session.on_state(on_state)
    session.on_connection(on_connection)
    session.on_trade(lambda fill: tell(event="trade", fill=fill))
    session.on_order(lambda order: tell(event="order", order=order))
    session.on_fill(lambda fill: tell(event="fill", fill=fill))
    session.on_end(on_end)


def token_from(given: Request) -> str | Callable[[], str] | None:
    """`token` is a fixed one; `tokens` are for one call after the other, null for none, and the last one for all others."""
    tokens = given.get("tokens")
    if tokens is None:
        return given.get("token")

    def take() -> str:
        token = tokens.pop(0) if len(tokens) > 1 else tokens[0]
        if token is None:
            raise RuntimeError("signed out")
        return str(token)

    return take


def deck_from(request: Request) -> Tapedeck:
    return Tapedeck(
        request["url"],
        gateways=request.get("gateways"),
        token=token_from(request),
        timing=Timing(**request.get("timing", {})),
    )


class Viewers:
    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.decks: dict[str, Tapedeck] = {}

    async def carry_out(self, request: Request) -> object:
        name = request.get("viewer", "")
        match request["do"]:
            case "open":
                return await self.watch(name, request, lambda deck: deck.open(**request.get("options", {})))
            case "join":
                position = request.get("position")
                return await self.watch(name, request, lambda deck: deck.join(request["session"], position=position))
            case "command":
                return await getattr(self.sessions[name], request["command"])(**request.get("arguments", {}))
            case "call":
                return await self.call(request)
            case "trade":
                async with deck_from(request) as deck:
                    return await self.trade(deck.trading(request["session"]), request)
            case "trade here":
                return await self.trade(self.sessions[name].trading, request)
            case "read":
                return await self.read(name, request["count"])
            case "stats":
                session = self.sessions[name]
                stats = session.stats
                return {
                    "connection": session.connection,
                    "framesReceived": stats.frames_received,
                    "latencyMs": stats.latency_ms,
                    "position": session.position,
                    "view": session.view,
                }
            case "busy":
                time.sleep(request["seconds"])  # noqa: ASYNC251  nothing else shall run meanwhile
                return None
            case "close":
                await self.sessions[name].close()
                return None
            case "close client":
                await self.decks[name].close()
                return None
            case other:
                raise ValueError(f"unknown request {other}")

    async def watch(self, name: str, request: Request, begin: Callable[[Tapedeck], Awaitable[Session]]) -> object:
        deck = deck_from(request)
        self.decks[name] = deck
        session = await begin(deck)
        self.sessions[name] = session
        follow(name, session)
        return {"session": session.id}

    async def call(self, request: Request) -> object:
        """A plain call of a client, such as `tapes.get`."""
        async with deck_from(request) as deck:
            method: Any = deck
            for part in request["method"].split("."):
                method = getattr(method, part)
            return await method(*request.get("arguments", []), **request.get("options", {}))

    async def trade(self, trading: Trading, request: Request) -> object:
        """A method of `trading`, or, with `branch`, of what a rewind undid. Orders of a list are objects in JSON."""
        view = trading.branch(request["branch"]) if "branch" in request else trading
        options = dict(request.get("options", {}))
        if "first" in options:
            options["first"] = NewOrder(**options["first"])
        arguments = request.get("arguments", [])
        if request["method"] == "place_list":
            arguments = [[NewOrder(**order) for order in arguments[0]]]
        return await getattr(view, request["method"])(*arguments, **options)

    async def read(self, name: str, count: int) -> list[int]:
        """The seqs of the next frames, read in a loop that is left."""
        seqs = []
        async for frame in self.sessions[name].frames():
            seqs.append(frame["seq"])
            if len(seqs) == count:
                break
        return seqs

    async def close(self) -> None:
        await asyncio.gather(*(deck.close() for deck in self.decks.values()))


async def answer(viewers: Viewers, request: Request) -> None:
    try:
        say(answer=request["id"], result=await viewers.carry_out(request))
    except TapedeckError as error:
        say(answer=request["id"], error=error_of(error))


async def main() -> None:
    loop = asyncio.get_running_loop()
    viewers = Viewers()
    running: set[asyncio.Task[None]] = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(answer(viewers, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    await viewers.close()
    left = asyncio.all_tasks() - running - {asyncio.current_task()}
    say(left=[repr(task) for task in left])


asyncio.run(main())
