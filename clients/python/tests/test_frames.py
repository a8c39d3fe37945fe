"""Frames once and in order, and how long silence is normal."""

from __future__ import annotations

import asyncio

import pytest
from messages import frame, history_of, session_of, state_of, view_of

from tapedeck import TapedeckError
from tapedeck.protocol.connection_machine import Timing
from tapedeck.protocol.frame_sequencer import (
    HISTORY_FRAMES,
    FrameSequencer,
    History,
    NewFrames,
    Position,
    RecentFrames,
    is_newer,
)
from tapedeck.protocol.liveness import Liveness
from tapedeck.sessions.frame_queue import MAX_QUEUED, FrameQueue
from tapedeck.types import ServerMessage


class Receiver:
    """Feeds a sequencer, and keeps what it delivers."""

    def __init__(self, position: Position | None = None) -> None:
        self.sequencer = FrameSequencer(position)
        self.delivered: list[tuple[int, int]] = []
        self.histories: list[History] = []

    def receive(self, *messages: ServerMessage) -> None:
        for message in messages:
            match self.sequencer.receive(message):
                case NewFrames(frames, epoch):
                    for one in frames:
                        self.sequencer.mark_delivered(one["seq"], epoch)
                        self.delivered.append((epoch, one["seq"]))
                case History() as history:
                    self.histories.append(history)


def test_cl2_the_first_history_replaces_what_is_shown_and_frames_continue_from_it() -> None:
    viewer = Receiver()
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(1), history_of(1, [3, 4]), history_of(1, [5]), frame(6))
    assert [[one["seq"] for one in history.frames] for history in viewer.histories] == [[3, 4]]
    assert viewer.delivered == [(1, 5), (1, 6)]
    assert viewer.sequencer.position == Position(1, 6)


def test_cl3_a_frame_that_comes_again_is_dropped() -> None:
    viewer = Receiver()
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(1), history_of(1, [1, 2]), frame(2), frame(3), frame(3), frame(1), frame(4))
    assert viewer.delivered == [(1, 3), (1, 4)]


def test_cl3_missed_frames_are_delivered_through_all_epochs() -> None:
    viewer = Receiver()
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(1), history_of(1, [7]), frame(8))
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(3), history_of(1, [8, 9]), state_of(2), history_of(2, [2, 3]))
    viewer.receive(state_of(3), history_of(3, []), frame(1))
    assert viewer.delivered == [(1, 8), (1, 9), (2, 2), (2, 3), (3, 1)]
    assert len(viewer.histories) == 1


def test_cl4_a_history_that_is_not_complete_replaces_what_is_shown() -> None:
    viewer = Receiver(Position(1, 5))
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(12), history_of(12, [40, 41], complete=False), frame(42))
    assert [history.complete for history in viewer.histories] == [False]
    assert viewer.delivered == [(12, 42)]


def test_cl5_with_a_position_the_next_frame_is_the_first_one() -> None:
    viewer = Receiver(Position(2, 5))
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(2), history_of(2, [5, 6]), frame(7))
    assert viewer.histories == []
    assert viewer.delivered == [(2, 6), (2, 7)]


def test_cl2_an_empty_history_is_a_position_before_the_first_frame() -> None:
    viewer = Receiver()
    viewer.sequencer.begin_connection()
    viewer.receive(session_of(1), history_of(1, []))
    assert viewer.sequencer.position == Position(1, -1)
    viewer.receive(frame(0))
    assert viewer.delivered == [(1, 0)]


def test_cl2_late_listeners_get_the_newest_frames_of_the_epoch() -> None:
    recent = RecentFrames()
    assert recent.history() is None
    recent.replace(History([frame(seq) for seq in range(3)], 1, complete=True))
    for seq in range(3, 500):
        recent.add(frame(seq), 1)
    history = recent.history()
    assert history is not None
    assert [one["seq"] for one in history.frames] == list(range(400, 500))
    assert len(history.frames) == HISTORY_FRAMES
    recent.add(frame(7), 2)
    again = recent.history()
    assert again is not None
    assert (again.epoch, [one["seq"] for one in again.frames]) == (2, [7])


def test_cl3_epoch_and_rev_order_the_views_of_a_session() -> None:
    assert is_newer(view_of(2), view_of(1, rev=9))
    assert is_newer(view_of(1, rev=2), view_of(1))
    assert not is_newer(view_of(1), view_of(1))


def test_cl28_frames_are_due_from_the_first_one_after_a_change() -> None:
    timing, liveness = Timing(), Liveness()
    assert not liveness.receive(session_of(1), 0, 0)
    assert liveness.limits(timing).ping_after_ms == 5_000
    assert not liveness.receive({"type": "pong"}, 20, 0)
    assert liveness.latency_ms == 20
    assert liveness.receive(frame(1), 100, 0)
    assert not liveness.receive(frame(2), 900, 0)
    due = liveness.limits(timing)
    assert (due.last_message_at, due.ping_after_ms, due.answer_ms) == (900, 1_600, 1_000)
    assert not liveness.receive(state_of(1, "PAUSED"), 950, 0)
    assert not liveness.receive(frame(3), 960, 0)
    assert liveness.limits(timing).ping_after_ms == 5_000


def test_cl29_while_only_pongs_come_the_pings_become_rare() -> None:
    timing, liveness = Timing(), Liveness()
    liveness.receive(session_of(1), 0, 0)
    liveness.receive(frame(1), 10, 0)
    waits = []
    now = 10.0
    for _ in range(6):
        now += liveness.limits(timing).ping_after_ms
        liveness.receive({"type": "pong"}, now, now)
        waits.append(liveness.limits(timing).ping_after_ms)
    assert waits == sorted(waits)
    assert waits[-1] == 5_000


def test_cl6_the_loop_ends_after_the_frames_that_came_before_the_end() -> None:
    async def read() -> list[int]:
        queue = FrameQueue()
        queue.push(frame(1))
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, queue.push, frame(2))
        loop.call_later(0.02, queue.end)
        return [one["seq"] async for one in queue]

    assert asyncio.run(read()) == [1, 2]


def test_cl6_a_reader_that_is_too_far_behind_is_told() -> None:
    async def read() -> None:
        queue = FrameQueue()
        for seq in range(MAX_QUEUED + 1):
            queue.push(frame(seq))
        async for _ in queue:
            pass

    with pytest.raises(TapedeckError, match="10000 frames behind") as raised:
        asyncio.run(read())
    assert raised.value.code == "behind"
