"""Frames that wait for an `async for` loop."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Final

from tapedeck.errors import TapedeckError
from tapedeck.types import Frame

#: How far a reader of `frames()` may lag behind: more than two minutes at 60 frames per second.
MAX_QUEUED: Final = 10_000


class FrameQueue:
    """An async iterator over frames. It holds back nothing once it is closed or nobody refers to it any more."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._ended = False
        self._error: TapedeckError | None = None
        #: Set whenever there is something to read.
        self._ready = asyncio.Event()

    def push(self, frame: Frame) -> None:
        """Hot: once per frame."""
        if self._ended:
            return
        self._frames.append(frame)
        if len(self._frames) > MAX_QUEUED:
            self._frames.clear()
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
        self._frames.clear()
        self.end()

    def __aiter__(self) -> FrameQueue:
        return self

    async def __anext__(self) -> Frame:
        while True:
            if self._frames:
                return self._frames.popleft()
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
