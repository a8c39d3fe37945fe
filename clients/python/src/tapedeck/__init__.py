"""Tapedeck: open a session, receive its frames, send commands, and read the data of tapes."""

from tapedeck.client import Tapedeck
from tapedeck.errors import TapedeckError
from tapedeck.protocol.connection_machine import Timing
from tapedeck.protocol.frame_sequencer import History, Position
from tapedeck.sessions.listeners import ConnectionChange, FrameOf, Notice, SessionEnd, StateChange
from tapedeck.sessions.session import Session
from tapedeck.sessions.stats import SessionStats
from tapedeck.tapes.tape import Tape
from tapedeck.tapes.track_events import TrackLine
from tapedeck.tapes.track_file import TrackFile
from tapedeck.trading.new_order import NewOrder
from tapedeck.trading.trading import Trading, TradingView

__all__ = [
    "ConnectionChange",
    "FrameOf",
    "History",
    "NewOrder",
    "Notice",
    "Position",
    "Session",
    "SessionEnd",
    "SessionStats",
    "StateChange",
    "Tape",
    "Tapedeck",
    "TapedeckError",
    "Timing",
    "TrackFile",
    "TrackLine",
    "Trading",
    "TradingView",
]
