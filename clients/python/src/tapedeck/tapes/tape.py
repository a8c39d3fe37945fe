"""The tapes of a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypedDict, cast

from tapedeck.arguments import TapeTime, iso_time, present
from tapedeck.http import HttpClient, query, segment
from tapedeck.tapes.track_events import EventCursor, TrackLine, read_events
from tapedeck.tapes.track_file import TrackFile
from tapedeck.types import Gap, TapeView

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing since Python 3.11


class FullBook(TypedDict):
    """A book to its full known depth. Prices and sizes are decimals as text: exact."""

    #: `id@version`.
    tape: str
    symbol: str
    source: str
    #: The frame whose book it is, or the last one at or before the time that was asked for.
    seq: int
    ts: str
    #: The last event in it; None for none.
    n: int | None
    #: Price and size, best first.
    bids: list[list[str]]
    asks: list[list[str]]
    #: How many levels the book has, beyond `depth` too.
    bid_levels: int
    ask_levels: int
    #: From this price up the book has every level; None: see `limits_known`.
    known_low: str | None
    #: Down from this price; None: see `limits_known`.
    known_high: str | None
    #: True: where a limit is None, the book has every level on that side. False: nothing tells where it is complete.
    limits_known: bool


class OverviewPoint(TypedDict):
    ts: str
    seq: int
    price: float
    low: float
    high: float


class OverviewEvent(TypedDict):
    ts: str
    seq: int
    type: str
    severity: str


class TapeOverview(TypedDict):
    id: str
    points: list[OverviewPoint]
    gaps: list[Gap]
    events: list[OverviewEvent]


class DeletedVersion(TypedDict):
    name: str
    bytes: int | None


class TapeDeletion(TypedDict):
    #: Newest first.
    deleted: list[DeletedVersion]
    freed_bytes: int


class FilePart(TypedDict, total=False):
    """A part of a tape, up to and without its end: frames by their number or time."""

    from_seq: int
    from_ts: TapeTime
    to_seq: int
    to_ts: TapeTime


class Tape:
    """A tape of the cluster: what it is, and its data."""

    def __init__(self, http: HttpClient, view: TapeView) -> None:
        self._http = http
        self.view = view

    @property
    def id(self) -> str:
        return self.view["id"]

    @property
    def name(self) -> str:
        """`id@version`: a new import of the same id is another tape. One that grows or is simulated has its id alone."""
        view = self.view
        return view["id"] if view["growing"] or view["trades"] is None else f"{view['id']}@{view['version']}"

    def trades(self, **part: Unpack[FilePart]) -> TrackFile:
        """Each trade, as the source said it: `tape.trades().to_polars()`, `.to_pandas()`, `.to_arrow()`.

        `from_seq` or `from_ts`, and `to_seq` or `to_ts`, ask for a part of the tape, up to and without its end. A simulated tape needs
        both, at most six hours apart. Such parts, and all files of a tape that grows, are made on request, which takes a while.
        """
        return self._file("trades", part)

    def book(self, **part: Unpack[FilePart]) -> TrackFile:
        """Each change of each level, as the source said it; a part of it begins with the whole book. Parts are as in `trades`."""
        return self._file("book", part)

    def orders(self, **part: Unpack[FilePart]) -> TrackFile:
        """What happened to each order, if the source says so; otherwise reading it raises `TRACK_NOT_FOUND`."""
        return self._file("orders", part)

    def frames(self, **part: Unpack[FilePart]) -> TrackFile:
        """A row for each frame: all features, and 20 levels a side. It is made on request, which takes a minute for a long day."""
        return self._file("frames", part)

    def bars(self, interval: str = "1s", **part: Unpack[FilePart]) -> TrackFile:
        """Open, high, low, close, volume, trades and vwap of each interval with a trade: `100ms`, `1s`, `5m`, `1h`, up to `7d`."""
        return self._file("bars", part, interval=interval)

    def snapshots(self) -> TrackFile:
        """Whole books, written now and then: where rebuilding a book from its changes starts."""
        return self._file("snapshots")

    async def book_at(
        self, *, seq: int | None = None, ts: TapeTime | None = None, depth: int | None = None
    ) -> FullBook:
        """The book as a frame shows it (`seq`), or with every event up to a time (`ts`); 20 levels of each side by default."""
        where = query(seq=seq, ts=None if ts is None else iso_time("ts", ts), depth=depth)
        return cast(FullBook, await self._http.call("GET", f"{_path(self.name)}/book{where}"))

    def events(
        self,
        *,
        from_n: int | None = None,
        from_seq: int | None = None,
        from_ts: TapeTime | None = None,
        to_n: int | None = None,
        to_seq: int | None = None,
        to_ts: TapeTime | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[TrackLine]:
        """Each level change and each trade as the source said it: `async for line in tape.events(from_seq=100)`.

        Begins at an event, at the first event that a frame shows, or at a time by the venue's clock, and ends before such a place.
        `limit` counts events, of which one may have many lines. When the connection breaks, it goes on with the next line.
        """
        start = present(
            from_n=from_n, from_seq=from_seq, from_ts=None if from_ts is None else iso_time("from_ts", from_ts)
        )
        end = present(to_n=to_n, to_seq=to_seq, to_ts=None if to_ts is None else iso_time("to_ts", to_ts))
        return read_events(self._http, f"{_path(self.name)}/events", EventCursor(start, end, limit))

    async def overview(self, points: int = 500) -> TapeOverview:
        """A price line of at most so many points (2 to 5000), with gaps and events."""
        answer = await self._http.call("GET", f"{_path(self.name)}/overview{query(points=points)}")
        return cast(TapeOverview, answer)

    def __repr__(self) -> str:
        return f"<Tape {self.name}: {self.view['symbol']}, {self.view['frames']} frames from {self.view['from']}>"

    def _file(self, name: str, part: FilePart | None = None, **others: str) -> TrackFile:
        given = part or {}
        times: dict[str, TapeTime | None] = {"from_ts": given.get("from_ts"), "to_ts": given.get("to_ts")}
        limits = {end: None if ts is None else iso_time(end, ts) for end, ts in times.items()}
        seqs = {"from_seq": given.get("from_seq"), "to_seq": given.get("to_seq")}
        return TrackFile(self._http, f"{_path(self.name)}/{name}.parquet{query(**others, **seqs, **limits)}")


class Tapes:
    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def list(self, *, versions: bool = False) -> list[Tape]:
        """With `versions`, each tape's view also has its finished versions, and what they take."""
        answer = await self._http.call("GET", f"/tapes{query(versions=versions or None)}")
        return [Tape(self._http, view) for view in answer["tapes"]]

    async def get(self, id: str, *, versions: bool = False) -> Tape:
        """`id`, or `id@version`. Raises `TAPE_NOT_FOUND`."""
        view = await self._http.call("GET", f"{_path(id)}{query(versions=versions or None)}")
        return Tape(self._http, cast(TapeView, view))

    async def delete(self, id: str, *, force: bool = False) -> TapeDeletion:
        """Deletes a tape, or `id@version`; for admins.

        Raises `TAPE_IN_USE` while sessions play it, unless forced: then they get no frames but those that are in memory.
        """
        answer = await self._http.call("DELETE", f"{_path(id)}{query(force=force or None)}")
        return cast(TapeDeletion, answer)


def _path(id: str) -> str:
    return "/tapes/" + segment("id", id)
