"""Counts of what a session delivered."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionStats:
    #: Frames delivered since the session was opened in this program.
    frames_received: int
    #: Frames of the tape that were merged into those.
    frames_skipped: int
    #: Delivered in the last full second.
    frames_per_second: int
    #: Round trip over the socket in milliseconds; None before the first measurement.
    latency_ms: float | None


class FrameCounter:
    """Counts delivered frames, in total and per full second of the clock. Times are milliseconds."""

    def __init__(self) -> None:
        self.received = 0
        self.skipped = 0
        self._second = 0
        self._this_second = 0
        self._last_second = 0

    def count(self, skipped: int, now: float) -> None:
        """Hot: once per frame."""
        self.received += 1
        self.skipped += skipped
        self._roll_over(now)
        self._this_second += 1

    def per_second(self, now: float) -> int:
        """In the last full second."""
        self._roll_over(now)
        return self._last_second

    def _roll_over(self, now: float) -> None:
        second = math.floor(now / 1000)
        if second == self._second:
            return
        self._last_second = self._this_second if second == self._second + 1 else 0
        self._second = second
        self._this_second = 0
