"""How long silence is normal on a session's connection."""

from __future__ import annotations

from typing import Final

from tapedeck.protocol.connection_machine import SilenceLimits, Timing
from tapedeck.types import ServerMessage

#: How much of the longest gap between messages still counts one message later: half of it after 14 messages.
GAP_DECAY: Final = 0.95


class Liveness:
    """Tells from the messages of a session's connections how long silence is normal. Times are milliseconds.

    While frames are due, it is twice the longest recent gap. They are due while the session plays, from the first frame after each
    change of it: a change may bring other gaps, and a node may have to read the first frame from a slow store.
    """

    def __init__(self) -> None:
        #: From ping to pong; None before the first pong.
        self.latency_ms: float | None = None
        self._last_message_at = 0.0
        #: When the last message came that was no pong.
        self._moved_at = 0.0
        self._longest_gap_ms = 0.0
        self._plays = False
        self._frames_due = False

    def receive(self, message: ServerMessage, now: float, pinged_at: float) -> bool:
        """Hot: once per message. Returns whether frames are due from now on, so that the limits are shorter."""
        kind = message["type"]
        self._last_message_at = now
        # While pongs come without frames the gap grows, and the pings become rare.
        self._longest_gap_ms = max(self._longest_gap_ms * GAP_DECAY, now - self._moved_at)
        if kind == "pong":
            self.latency_ms = now - pinged_at
            return False
        self._moved_at = now
        if kind == "snapshot" and self._plays and not self._frames_due:
            self._frames_due = True
            return True
        if message["type"] == "session" or message["type"] == "state":
            session = message["session"]
            self._plays = session["state"] == "PLAYING" and not session["parked"] and session["tape"] is not None
            self._frames_due = False
            self._longest_gap_ms = 0.0
        return False

    def limits(self, timing: Timing) -> SilenceLimits:
        half = timing.silence_ms / 2
        if not self._frames_due:
            return SilenceLimits(last_message_at=self._last_message_at, ping_after_ms=half, answer_ms=half)
        # A slow network gets twice the time that its last answer took.
        latency_ms = half if self.latency_ms is None else self.latency_ms
        return SilenceLimits(
            last_message_at=self._last_message_at,
            ping_after_ms=min(half, max(timing.ping_ms, 2 * self._longest_gap_ms)),
            answer_ms=min(half, max(timing.answer_ms, 2 * latency_ms)),
        )
