"""Server messages for tests."""

from __future__ import annotations

from collections.abc import Sequence

from tapedeck.types import Frame, HistoryMessage, PlaybackState, SessionMessage, SessionView, StateMessage

AT = "2024-07-18T00:00:00.000Z"


def frame(seq: int) -> Frame:
    side = [[100.0 + level, 1.0] for level in range(10)]
    return {
        "type": "snapshot",
        "seq": seq,
        "timestamp": AT,
        "symbol": "BTCUSDT",
        "bids": side,
        "asks": side,
        "mid_price": 100,
        "microprice": 100,
        "best_bid": 100,
        "best_ask": 101,
        "spread": 1,
        "q_bid": 1,
        "q_ask": 1,
        "updates": 0,
        "trades": [],
        "trade_classified": False,
        "anomalies": [],
    }


def history_of(epoch: int, seqs: Sequence[int], complete: bool = True) -> HistoryMessage:
    return {
        "type": "history",
        "data": [frame(seq) for seq in seqs],
        "session_id": "a",
        "epoch": epoch,
        "complete": complete,
    }


def state_of(epoch: int, state: PlaybackState = "PLAYING", parked: bool = False) -> StateMessage:
    return {"type": "state", "cause": "command", "session": view_of(epoch, state, parked)}


def session_of(epoch: int, state: PlaybackState = "PLAYING") -> SessionMessage:
    return {"type": "session", "session": view_of(epoch, state), "node": "gateway-1"}


def view_of(epoch: int, state: PlaybackState = "PLAYING", parked: bool = False, rev: int = 1) -> SessionView:
    return {
        "session_id": "a",
        "user_id": None,
        "mode": "REPLAY",
        "active_symbol": None,
        "active_source": None,
        "tape": "usdm@1",
        "controller_state": {
            "state": state,
            "speed": 1,
            "cursor_ts": AT,
            "cursor_seq": 0,
            "from_ts": None,
            "to_ts": None,
            "loop": False,
            "max_fps": 30,
        },
        "state": state,
        "reason": None,
        "speed": 1,
        "cursor_ts": AT,
        "epoch": epoch,
        "rev": rev,
        "parked": parked,
        "behind_ms": None,
        "buffer_size": 0,
        "connections": 1,
        "created_at": AT,
        "last_activity": AT,
        "expires_at": AT,
    }
