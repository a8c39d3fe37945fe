"""Tells the cluster which frames the application is done with, in lossless pace."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from tapedeck.protocol.frame_sequencer import Position


class _Unfinished:
    __slots__ = ("position", "readers")

    def __init__(self, position: Position, readers: int) -> None:
        self.position = position
        self.readers = readers


class Acknowledger:
    """Acknowledges frames in their order: a frame when all loops have asked for the next one, and so for all frames before it."""

    def __init__(self, send: Callable[[Position], None]) -> None:
        #: Under which the cluster knows this reader again, through whichever node.
        self.name = secrets.token_hex(12)
        #: The last frame that this program is done with.
        self.handled: Position | None = None
        self._send = send
        self._unfinished: deque[_Unfinished] = deque()
        self._sent: Position | None = None

    def delivered(self, position: Position, readers: int, window: int) -> Callable[[], None]:
        """Hot: once per frame. Returns what each of so many readers calls when it is done with the frame."""
        entry = _Unfinished(position, readers)
        self._unfinished.append(entry)
        if readers == 0:
            self._finish(window)

        def done() -> None:
            entry.readers -= 1
            self._finish(window)

        return done

    def repeat(self) -> None:
        """A connection has opened: what was acknowledged on the last one may not have arrived."""
        if self.handled is not None:
            self._flush(self.handled)

    def _finish(self, window: int) -> None:
        while self._unfinished and self._unfinished[0].readers <= 0:
            self.handled = self._unfinished.popleft().position
        handled, sent = self.handled, self._sent
        if handled is None or handled == sent:
            return
        # A reader that has frames left is at work: several can share an acknowledgement.
        far = sent is None or handled.epoch != sent.epoch or handled.seq - sent.seq >= window / 4
        if far or not self._unfinished:
            self._flush(handled)

    def _flush(self, handled: Position) -> None:
        self._sent = handled
        self._send(handled)
