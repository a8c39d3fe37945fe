"""Which frames are delivered: each (epoch, seq) once and in order, over all connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from tapedeck.types import Frame, HistoryMessage, ServerMessage, SessionView

#: Frames in a server's history.
HISTORY_FRAMES: Final = 100


class Position(NamedTuple):
    """Names a delivered frame for ever, and is enough to resume after it."""

    epoch: int
    #: The last frame that was delivered; before the first one, its seq minus one.
    seq: int


@dataclass(frozen=True, slots=True)
class History:
    frames: Sequence[Frame]
    epoch: int
    #: False when frames between the last delivered one and these are missing.
    complete: bool


@dataclass(frozen=True, slots=True)
class NewFrames:
    frames: Sequence[Frame]
    epoch: int


#: What a server message means for the listeners; None: nothing about frames.
Delivery: TypeAlias = NewFrames | History | None


class FrameSequencer:
    """Delivers each (epoch, seq) once and in order, over all connections."""

    def __init__(self, position: Position | None = None) -> None:
        #: Where to resume; None: at whatever the session shows to new viewers.
        self.position = position
        #: Of the last `session`, `state` or `history` message: the frames that follow belong to it.
        self._epoch = 0
        #: The first `history` of a connection either replaces what is shown or continues it. Later ones always continue.
        self._had_history = False
        self._resuming = False

    def begin_connection(self) -> None:
        """A connection starts, with `position` as its resume token if there is one."""
        self._had_history = False
        self._resuming = self.position is not None

    def receive(self, message: ServerMessage) -> Delivery:
        """Hot: once per message."""
        if message["type"] == "snapshot":
            return NewFrames((message,), self._epoch) if self._is_new(message["seq"], self._epoch) else None
        if message["type"] == "history":
            return self._receive_history(message)
        if message["type"] == "session" or message["type"] == "state":
            self._epoch = message["session"]["epoch"]
        return None

    def mark_delivered(self, seq: int, epoch: int) -> None:
        """Called for each frame, so that the position is right when a listener closes the session between two frames. Hot."""
        self.position = Position(epoch, seq)

    def _receive_history(self, message: HistoryMessage) -> Delivery:
        frames, epoch, complete = message["data"], message["epoch"], message["complete"]
        replaces = not self._had_history and not (self._resuming and complete)
        self._had_history = True
        self._epoch = epoch
        if not replaces:
            new = [frame for frame in frames if self._is_new(frame["seq"], epoch)]
            return NewFrames(new, epoch) if new else None
        # An empty history means a session without a tape; any tape it gets later has a later epoch.
        self.position = Position(epoch, frames[-1]["seq"] if frames else -1)
        return History(frames, epoch, complete)

    def _is_new(self, seq: int, epoch: int) -> bool:
        return self.position is None or (epoch, seq) > self.position


def is_newer(view: SessionView, than: SessionView) -> bool:
    """Whether a view is later than another one of the same session. Epoch and rev only grow."""
    return (view["epoch"], view["rev"]) > (than["epoch"], than["rev"])


class RecentFrames:
    """The newest frames of the current epoch, as many as a server's history has: the history for listeners that are added late."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._epoch = 0
        self._started = False

    def replace(self, history: History) -> None:
        self._frames = list(history.frames[-HISTORY_FRAMES:])
        self._epoch = history.epoch
        self._started = True

    def add(self, frame: Frame, epoch: int) -> None:
        """Hot: once per frame."""
        if epoch != self._epoch:
            self.replace(History((), epoch, complete=True))
        self._frames.append(frame)
        # Trimmed at twice the length, because each trim copies the list.
        if len(self._frames) >= 2 * HISTORY_FRAMES:
            del self._frames[:-HISTORY_FRAMES]

    def history(self) -> History | None:
        """None before the first history."""
        if not self._started:
            return None
        return History(tuple(self._frames[-HISTORY_FRAMES:]), self._epoch, complete=True)
