"""A client of one cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from tapedeck.arguments import KEEP, TapeTime, present, range_body
from tapedeck.errors import TapedeckError, bad_argument
from tapedeck.http import HttpClient, Token, query, segment, token_source
from tapedeck.protocol.connection_machine import Rules, Timing
from tapedeck.protocol.frame_sequencer import Position
from tapedeck.sessions.session import Session
from tapedeck.sessions.session_client import SessionClient, Transport
from tapedeck.tapes.tape import FullBook, Tapes
from tapedeck.trading.trading import Trading
from tapedeck.types import Mode, PlaybackState, SessionList, SessionView, ShareView


class Tapedeck:
    """One cluster. It sends no request until it is used, and holds no connection: each session has its own.

    ```python
    async with Tapedeck("http://localhost:8000") as deck:
        session = await deck.open(speed=10)
        await session.start()
        async for frame in session.frames():
            print(frame["timestamp"], frame["mid_price"])
    ```

    `async with`, or `close`, closes every session of this client.

    - `url`: address of the cluster. With several, a call goes to the next one when an address does not answer.
    - `gateways`: addresses of the gateways, if they differ from `url`.
    - `token`: sent with every request and on every connection. A function is called each time, so that tokens stay fresh.

    Raises `TapedeckError` with the code `bad_argument` when an address is invalid.
    """

    def __init__(
        self,
        url: str | Sequence[str] = "http://localhost:8000",
        *,
        gateways: str | Sequence[str] | None = None,
        token: Token | None = None,
        timing: Timing | None = None,
    ) -> None:
        addresses = _addresses("url", url)
        dialled = addresses if gateways is None else _addresses("gateways", gateways)
        sockets = [f"ws{address[4:]}/ws" for address in dialled]  # http becomes ws, https wss
        timing = timing or Timing()
        self._http = HttpClient(addresses, token, timing.open_ms)
        rules = Rules(timing=timing, addresses=len(sockets), fresh_tokens=callable(token))
        self._transport = Transport(sockets=sockets, rules=rules, token=token_source(token))
        self._open: set[SessionClient] = set()
        self._closed = False
        self.sessions = Sessions(self._http)
        self.shares = Shares(self._http)
        self.tapes = Tapes(self._http)

    async def open(
        self,
        *,
        session_id: str | None = None,
        mode: Mode | None = None,
        symbol: str | None = None,
        source: str | None = None,
        tape: str | None = None,
        seed: int | str | None = None,
        scenario: str | None = None,
        speed: float | None = None,
        max_fps: int | None = None,
        gaps: Literal["skip", "keep"] | None = None,
        pace: Literal["clock", "lossless"] | None = None,
        window: int | None = None,
        acknowledge: bool | None = None,
        from_: TapeTime | None = None,
        to: TapeTime | None = None,
        loop: bool | None = None,
    ) -> Session:
        """Creates a session, or joins `session_id` if it exists, and watches it. A new session in REPLAY is STOPPED until `start`.

        - `symbol`: in LIVE `BTCUSDT` by default; in REPLAY the newest tape of that symbol.
        - `tape`: `id` or `id@version` of a recorded tape.
        - `seed`, `scenario`: in SIMULATION; the same ones give the same market.
        - `speed`: 0.1 to 1000 seconds of tape per second.
        - `max_fps`: frames per second, 1 to 60; 0 for every frame.
        - `gaps`: whether marked gaps of the tape play as one second (`skip`) or in full.
        - `pace`: `lossless`: the playhead waits for programs that acknowledge frames, at most at `speed`, or as fast as they can.
        - `window`: in lossless pace, how many frames ahead of the last acknowledged one may arrive, 1 to 1,000; 1 by default.
        - `acknowledge`: whether a session in lossless pace waits for this program: it is done with a frame when its loop over
          `frames()` asks for the next one, and `on_frame` listeners have returned. By default with `pace="lossless"`.
        """
        limits = range_body(KEEP if from_ is None else from_, KEEP if to is None else to, loop)
        body = present(
            session_id=session_id,
            mode=mode,
            symbol=symbol,
            source=source,
            tape=tape,
            seed=seed,
            scenario=scenario,
            speed=speed,
            max_fps=max_fps,
            gaps=gaps,
            pace=pace,
            window=window,
            **limits,
        )
        answer = await self._http.call("POST", "/sessions/create", body)
        return await self._watch(answer["session"], None, pace == "lossless" if acknowledge is None else acknowledge)

    async def join(
        self, session_id: str, *, position: Position | tuple[int, int] | None = None, acknowledge: bool = False
    ) -> Session:
        """Watches an existing session; raises `SESSION_NOT_FOUND` otherwise.

        With a position, `frames()` continues with the frame after it, instead of starting with the history. `acknowledge`: as in `open`.
        """
        view = await self.sessions.get(session_id)
        return await self._watch(view, None if position is None else Position(*position), acknowledge)

    def trading(self, session_id: str) -> Trading:
        """Orders of a session that this program need not watch."""
        return Trading(self._http, session_id)

    async def health(self) -> dict[str, Any]:
        return cast(dict[str, Any], await self._http.call("GET", "/health"))

    async def metrics(self) -> dict[str, Any]:
        """Rates, latencies, totals and nodes."""
        return cast(dict[str, Any], await self._http.call("GET", "/metrics/dashboard"))

    async def close(self) -> None:
        """Closes every session of this client, and cancels pending requests."""
        self._closed = True
        await asyncio.gather(*(client.close() for client in list(self._open)))
        await self._http.close()

    async def __aenter__(self) -> Tapedeck:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _watch(self, view: SessionView, position: Position | None, acknowledge: bool) -> Session:
        if self._closed:
            raise TapedeckError("closed", "The client was closed.")
        client = SessionClient(self._transport, view, position, acknowledge)
        self._open.add(client)
        client.listeners.end.add(lambda _: self._open.discard(client))
        try:
            await client.opened
        except BaseException:
            await client.close()
            raise
        return Session(client, self.trading(view["session_id"]))


class Sessions:
    """All sessions of the cluster that the caller may see."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        mode: Mode | None = None,
        state: PlaybackState | None = None,
    ) -> SessionList:
        """One page: `limit` 1 to 1000, 100 by default; `cursor` is `next_cursor` of the previous page."""
        path = f"/sessions{query(limit=limit, cursor=cursor, mode=mode, state=state)}"
        return cast(SessionList, await self._http.call("GET", path))

    async def get(self, session_id: str) -> SessionView:
        answer = await self._http.call("GET", _session(session_id))
        return cast(SessionView, answer["session"])

    async def delete(self, session_id: str) -> None:
        """Closes all sockets of the session, on every gateway."""
        await self._http.call("DELETE", _session(session_id))

    async def book(self, session_id: str, *, depth: int | None = None) -> FullBook:
        """The whole book at the playhead; 20 levels of each side by default."""
        return cast(FullBook, await self._http.call("GET", f"{_session(session_id)}/book{query(depth=depth)}"))

    async def stats(self) -> dict[str, Any]:
        return cast(dict[str, Any], await self._http.call("GET", "/sessions/stats"))


class Shares:
    """Share links: their token lets others watch a session, or control it, without a user's token."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def create(
        self, session_id: str, *, role: Literal["viewer", "controller"] | None = None, seconds: int | None = None
    ) -> tuple[ShareView, str]:
        """The link and its token, which is returned only here. `seconds` from 60 to 30 days; a day by default."""
        answer = await self._http.call("POST", _shares(session_id), present(role=role, expires_in_s=seconds))
        return answer["share"], answer["token"]

    async def list(self, session_id: str) -> list[ShareView]:
        answer = await self._http.call("GET", _shares(session_id))
        return cast("list[ShareView]", answer["shares"])

    async def revoke(self, session_id: str, share_id: str) -> None:
        """Disconnects the viewers of this link within seconds."""
        await self._http.call("DELETE", _shares(session_id) + "/" + segment("share_id", share_id))


def _session(session_id: str) -> str:
    return "/sessions/" + segment("session_id", session_id)


def _shares(session_id: str) -> str:
    return _session(session_id) + "/shares"


def _addresses(name: str, given: str | Sequence[str]) -> list[str]:
    addresses = [given] if isinstance(given, str) else list(given)
    if not addresses or not all(_is_address(address) for address in addresses):
        raise bad_argument(name, "must be an address such as http://localhost:8000")
    return [address.rstrip("/") for address in addresses]


def _is_address(address: object) -> bool:
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
