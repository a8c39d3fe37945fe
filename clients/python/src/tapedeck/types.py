"""The JSON of the cluster, as types. Values are the parsed JSON itself: clients ignore fields that they do not know.

docs/protocol.md and the cluster's `/openapi.json` describe every field.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from tapedeck.trading.types import SessionFill, SessionOrder

Mode: TypeAlias = Literal["REPLAY", "LIVE", "SIMULATION"]
PlaybackState: TypeAlias = Literal["STOPPED", "PLAYING", "PAUSED"]
Severity: TypeAlias = Literal["low", "medium", "high", "critical"]

#: Price and size; size 0: no such level.
Level: TypeAlias = list[float]


class Trade(TypedDict):
    """`mid_price` (the mid price just before the trade) and `own` are optional."""

    timestamp: str
    price: float
    size: float
    side: Literal["buy", "sell", "unknown"]


class Anomaly(TypedDict):
    type: str
    severity: Severity
    message: str


class _FrameAlways(TypedDict):
    type: Literal["snapshot"]
    seq: int
    #: ISO 8601, UTC.
    timestamp: str
    symbol: str
    #: 10 to 20 levels, best first.
    bids: list[Level]
    asks: list[Level]
    mid_price: float
    microprice: float
    best_bid: float | None
    best_ask: float | None
    spread: float | None
    q_bid: float
    q_ask: float
    updates: int
    trades: list[Trade]
    trade_classified: bool
    anomalies: list[Anomaly]


class Frame(_FrameAlways, total=False):
    """A complete market state. Analytics may add further fields."""

    trade_volume: float
    last_trade_price: float
    trade_side: Literal["buy", "sell", "unknown"]
    effective_spread: float | None
    obi: float
    ofi: float
    directional_prob: float
    vpin: float
    divergence: float
    gap_count: int
    gap_severity_score: float
    spoofing_risk: float
    volume_volatility: float
    regime: int
    regime_label: str
    realized_spread: float | None
    #: Frames of the tape that were merged into this one.
    skipped: int
    gap_before_ms: float
    exchange_ts: str
    ingest_ts: str
    source: str


class ControllerState(TypedDict):
    state: PlaybackState
    speed: float
    cursor_ts: str | None
    cursor_seq: int | None
    from_ts: str | None
    to_ts: str | None
    loop: bool
    max_fps: int


class Account(TypedDict):
    position: float
    average_price: float | None
    realized_pnl: float
    unrealized_pnl: float | None
    total_pnl: float | None


class _FeedStatusAlways(TypedDict):
    status: Literal["connecting", "up", "down"]


class FeedStatus(_FeedStatusAlways, total=False):
    reason: str


class _SessionViewAlways(TypedDict):
    session_id: str
    user_id: str | None
    mode: Mode
    active_symbol: str | None
    active_source: str | None
    tape: str | None
    controller_state: ControllerState
    state: PlaybackState
    reason: str | None
    speed: float
    cursor_ts: str | None
    epoch: int
    rev: int
    #: PLAYING without viewers: the clock stands still until a socket connects.
    parked: bool
    behind_ms: float | None
    buffer_size: int
    connections: int
    created_at: str
    last_activity: str
    expires_at: str


class LosslessPace(TypedDict):
    """The playhead waits for the session's readers."""

    type: Literal["lossless"]
    window: int
    speed: float | Literal["max"]


class SessionView(_SessionViewAlways, total=False):
    feed: FeedStatus
    pace: LosslessPace
    kept_modes: list[Mode]
    account: Account


class SessionList(TypedDict):
    total_sessions: int
    active_sessions: int
    paused_sessions: int
    sessions: list[SessionView]
    next_cursor: str | None


class _TradeEventAlways(TypedDict):
    id: str
    timestamp: str
    side: Literal["BUY", "SELL"]
    price: float
    size: float
    type: Literal["ENTRY", "EXIT"]
    pnl: float


class TradeEvent(_TradeEventAlways, total=False):
    """The fill of an order."""

    account: Account


# `from` is a word of Python, so these two are not written as classes.
Gap = TypedDict("Gap", {"from": str, "to": str, "reason": str})


class TapeVersion(TypedDict):
    version: int
    current: bool
    bytes: int | None
    created_at: str | None


_TapeViewAlways = TypedDict(
    "_TapeViewAlways",
    {
        "id": str,
        "version": int,
        "symbol": str,
        "source": str,
        "from": str,
        "to": str,
        "duration_ms": float,
        "frames": int,
        "trades": "int | None",
        "bytes": int,
        "interval_ms": "float | None",
        "gaps": "list[Gap]",
        "event_counts": "dict[str, int] | None",
        "growing": bool,
        "created_at": str,
    },
)


class TapeView(_TapeViewAlways, total=False):
    """A tape. `trades` and `event_counts` are None for a simulated one."""

    #: Finished versions, newest first, where they were asked for.
    versions: list[TapeVersion]


class ShareView(TypedDict):
    """A share link; docs/security.md lists its other fields."""

    id: str


class SessionMessage(TypedDict):
    type: Literal["session"]
    session: SessionView
    node: str


class HistoryMessage(TypedDict):
    type: Literal["history"]
    data: list[Frame]
    session_id: str
    epoch: int
    complete: bool


class StateMessage(TypedDict):
    type: Literal["state"]
    cause: str
    session: SessionView


class AckMessage(TypedDict):
    type: Literal["ack"]
    id: str
    session: SessionView


class _ErrorAlways(TypedDict):
    type: Literal["error"]
    code: str
    message: str


class ErrorMessage(_ErrorAlways, total=False):
    id: str


class FeedMessage(FeedStatus):
    type: Literal["feed"]


class TradeEventMessage(TypedDict):
    type: Literal["trade_event"]
    #: Of an order of `trading` it has a `fill_id`.
    data: TradeEvent | SessionFill


class OrderMessage(TypedDict):
    type: Literal["order"]
    data: SessionOrder


class _LagAlways(TypedDict):
    type: Literal["lag"]
    frames: int


class LagMessage(_LagAlways, total=False):
    trades_left_out: int


class ExpiringMessage(TypedDict):
    type: Literal["expiring"]
    expires_at: str


class PongMessage(TypedDict):
    type: Literal["pong"]


ServerMessage: TypeAlias = (
    Frame
    | SessionMessage
    | HistoryMessage
    | StateMessage
    | AckMessage
    | ErrorMessage
    | FeedMessage
    | TradeEventMessage
    | OrderMessage
    | LagMessage
    | ExpiringMessage
    | PongMessage
)
