"""Frames that wait for an `async for` loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final

from tapedeck.errors import TapedeckError
from tapedeck.types import Frame

Done = Callable[[], None]

#: How far a reader of `frames()` may lag behind: more than two minutes at 60 frames per second.
MAX_QUEUED: Final = 10_000


class FrameQueue:
    """An async iterator over frames. It holds back nothing once it is closed or nobody refers to it any more."""

    def __init__(self) -> None:
        #: Each with what to call when the reader is done with it.
        self._frames: deque[tuple[Frame, Done | None]] = deque()
        self._reading: Done | None = None
        self._ended = False
        self._error: TapedeckError | None = None
        #: Set whenever there is something to read.
        self._ready = asyncio.Event()

    def push(self, frame: Frame, done: Done | None = None) -> None:
        """Hot: once per frame. `done`, if there is one, is called once: when the reader asks for the next frame, or leaves."""
        if self._ended:
            if done is not None:
                done()
            return
        self._frames.append((frame, done))
        if len(self._frames) > MAX_QUEUED:
            self._drop()
            self.end(TapedeckError("behind", f"The reader of frames() is more than {MAX_QUEUED} frames behind."))
        self._ready.set()

    def end(self, error: TapedeckError | None = None) -> None:
        """Frames in the queue are still read; then the loop ends, or raises the error."""
        if self._ended:
            return
        self._ended = True
        self._error = error
        self._ready.set()

    async def aclose(self) -> None:
        """Drops the frames that were not read; the loop ends."""
        self._drop()
        self.end()

    def __del__(self) -> None:
        # A loop that was left by `break` drops its queue.
        self._drop()

    def _drop(self) -> None:
        self._finish()
        while self._frames:
            _, done = self._frames.popleft()
            if done is not None:
                done()

    def _finish(self) -> None:
        done, self._reading = self._reading, None
        if done is not None:
            done()

    def __aiter__(self) -> FrameQueue:
        return self

    async def __anext__(self) -> Frame:
        self._finish()
        while True:
            if self._frames:
                frame, self._reading = self._frames.popleft()
                return frame
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()

    async def __aenter__(self) -> FrameQueue:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
