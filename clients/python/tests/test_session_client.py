"""A session against a gateway that sends what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from messages import frame, history_of, session_of, view_of
from websockets.asyncio.server import ServerConnection, serve

from tapedeck import SessionEnd, TapedeckError
from tapedeck.protocol.connection_machine import Rules, Timing
from tapedeck.sessions.connection import SUBPROTOCOL
from tapedeck.sessions.listeners import Listeners
from tapedeck.sessions.session_client import SessionClient, Transport
from tapedeck.sessions.stats import FrameCounter
from tapedeck.types import ServerMessage


@asynccontextmanager
async def gateway(
    first: Sequence[ServerMessage], *, close_after_ping: tuple[int, str] | None = None, queries: list[str] | None = None
) -> AsyncIterator[str]:
    """Sends `first` at once, and answers pings; or closes with a code instead."""

    async def handle(socket: ServerConnection) -> None:
        if queries is not None and socket.request is not None:
            queries.append(socket.request.path)
        for message in first:
            await socket.send(json.dumps(message))
        async for text in socket:
            if json.loads(text)["type"] != "ping":
                continue
            if close_after_ping is not None:
                await socket.close(*close_after_ping)
            else:
                await socket.send('{"type":"pong"}')

    async with serve(handle, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws"


def client_of(url: str) -> SessionClient:
    rules = Rules(timing=Timing(backoff_ms=20), addresses=1, fresh_tokens=False)
    return SessionClient(Transport(sockets=[url], rules=rules, token=None), view_of(1), None)


async def until(check: Callable[[], bool]) -> None:
    async def poll() -> None:
        while not check():  # noqa: ASYNC110  what is awaited has no event of its own
            await asyncio.sleep(0.005)

    await asyncio.wait_for(poll(), 10)


def test_cl2_listeners_that_are_added_when_open_returns_miss_nothing_also_through_gather() -> None:
    async def watch() -> list[object]:
        got: list[object] = []
        async with gateway([session_of(1), history_of(1, [1, 2]), frame(3)]) as url:
            client = client_of(url)

            async def opened() -> SessionClient:
                await client.opened
                return client

            (same,) = await asyncio.gather(opened())
            same.listeners.history.add(lambda history: got.append([one["seq"] for one in history.frames]))
            same.listeners.frame.add(lambda given: got.append(given.frame["seq"]))
            await until(lambda: len(got) == 2)
            await client.close()
        return got

    assert asyncio.run(watch()) == [[1, 2], 3]


def test_cl42_frames_that_arrived_before_the_end_are_delivered_before_it() -> None:
    async def watch() -> tuple[list[int], SessionEnd | None]:
        first: list[ServerMessage] = [session_of(1), history_of(1, []), *(frame(seq) for seq in range(20))]
        async with gateway(first, close_after_ping=(4404, "session deleted")) as url:
            client = client_of(url)
            frames = client.frames()
            seqs = [one["seq"] async for one in frames]
            return seqs, client.ended

    seqs, end = asyncio.run(watch())
    assert seqs == list(range(20))
    assert end == SessionEnd("deleted")


def test_cl5_each_attempt_names_the_session_and_the_last_frame() -> None:
    queries: list[str] = []

    async def watch() -> None:
        first: list[ServerMessage] = [session_of(4), history_of(4, [7]), frame(8)]
        async with gateway(first, close_after_ping=(1012, ""), queries=queries) as url:
            client = client_of(url)
            await until(lambda: len(queries) > 1)
            await client.close()

    asyncio.run(watch())
    assert queries[:2] == [
        "/ws?session_id=a&create=false",
        "/ws?session_id=a&create=false&epoch=4&after=8",
    ]


def test_cl6_a_refused_session_ends_the_loop_with_its_error() -> None:
    async def watch() -> None:
        async with gateway([session_of(1), history_of(1, [])], close_after_ping=(4403, "")) as url:
            async for _ in client_of(url).frames():
                pass

    with pytest.raises(TapedeckError, match="not this session's owner") as raised:
        asyncio.run(watch())
    assert raised.value.code == "FORBIDDEN"


def test_cl7_when_a_listener_raises_the_others_are_still_called() -> None:
    async def emit() -> tuple[list[int], list[str]]:
        reported: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(repr(context["exception"])))
        listeners: Listeners[int] = Listeners()
        got: list[int] = []

        def fail(_: int) -> None:
            raise RuntimeError("mine")

        listeners.add(fail)
        remove = listeners.add(got.append)
        listeners.emit(1)
        remove()
        listeners.emit(2)
        return got, reported

    got, reported = asyncio.run(emit())
    assert got == [1]
    assert reported == ["RuntimeError('mine')"] * 2


def test_cl8_frames_are_counted_in_total_and_per_full_second() -> None:
    counter = FrameCounter()
    for at in (100, 500, 900, 1_200):
        counter.count(2, at)
    assert (counter.received, counter.skipped) == (4, 8)
    assert counter.per_second(1_300) == 3
    assert counter.per_second(2_000) == 1
    assert counter.per_second(9_000) == 0


def test_lp22_a_frame_is_acknowledged_when_the_loop_asks_for_the_next_one_and_the_reader_keeps_its_name() -> None:
    async def read() -> tuple[list[int], list[str], list[int]]:
        acks: list[int] = []
        queries: list[str] = []
        handled: list[int] = []

        async def handle(socket: ServerConnection) -> None:
            if socket.request is not None:
                queries.append(socket.request.path)
            for message in [session_of(1), history_of(1, [1, 2]), frame(3), frame(4)]:
                await socket.send(json.dumps(message))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ack_frame":
                    acks.append(message["seq"])
                    if message["seq"] == 3 and len(queries) == 1:
                        await socket.close(1012)

        async with serve(handle, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            rules = Rules(timing=Timing(backoff_ms=20), addresses=1, fresh_tokens=False)
            transport = Transport(sockets=[f"ws://127.0.0.1:{port}/ws"], rules=rules, token=None)
            client = SessionClient(transport, view_of(1), None, acknowledge=True)
            await client.opened
            frames = client.frames()
            await until(lambda: acks == [2])
            async for one in frames:
                handled.append(one["seq"])
                await asyncio.sleep(0.02)
                assert 4 not in acks
                if one["seq"] == 4:
                    break
            await until(lambda: len(queries) == 2)
            await frames.aclose()
            await until(lambda: acks[-1] == 4)
            await client.close()
        return acks, queries, handled

    acks, queries, handled = asyncio.run(read())
    assert handled == [3, 4]
    assert acks == sorted(acks)
    first, second = queries[:2]
    name = first.split("reader=")[1].split("&")[0]
    assert len(name) == 24
    assert f"reader={name}" in second
    assert "after=4" in second
    assert "acked=3" in second
