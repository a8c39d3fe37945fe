import type { ServerMessage } from "@tapedeck/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { frame, historyOf, stateOf } from "../testing/messages.js";
import { FrameSequencer } from "./frame-sequencer.js";

/** Records what listeners would receive. */
class Listener {
  readonly sequencer = new FrameSequencer();
  /** `epoch:seq` of the frames. */
  frames: string[] = [];
  readonly histories: { seqs: number[]; complete: boolean }[] = [];

  connect(): this {
    this.sequencer.beginConnection();
    return this;
  }

  receive(...messages: ServerMessage[]): this {
    for (const message of messages) {
      const delivery = this.sequencer.receive(message);
      if (delivery.kind === "frames") {
        for (const { seq } of delivery.frames) {
          this.frames.push(`${delivery.epoch}:${seq}`);
          this.sequencer.markDelivered(seq, delivery.epoch);
        }
      } else if (delivery.kind === "history") {
        const { frames, complete } = delivery.history;
        this.histories.push({ seqs: frames.map(({ seq }) => seq), complete });
      }
    }
    return this;
  }
}

test("[CL2] the first history replaces what is shown, and frames go on from it", () => {
  const listener = new Listener().connect().receive(stateOf(7), historyOf(7, [3, 4]), frame(5), frame(6));
  expect(listener.histories).toEqual([{ seqs: [3, 4], complete: true }]);
  expect(listener.frames).toEqual(["7:5", "7:6"]);
  expect(listener.sequencer.position).toEqual({ epoch: 7, seq: 6 });
});

test("[CL2] the parts of a history after the first one are delivered as frames", () => {
  const listener = new Listener().connect().receive(historyOf(7, [0, 1]), historyOf(7, [2]), frame(3));
  expect(listener.histories).toHaveLength(1);
  expect(listener.frames).toEqual(["7:2", "7:3"]);
});

test("[CL3] a frame belongs to the epoch of the last session, state or history before it", () => {
  const listener = new Listener().connect().receive(stateOf(7), historyOf(7, [9]), stateOf(8), frame(2), frame(3));
  expect(listener.frames).toEqual(["8:2", "8:3"]);
});

test("[CL3] missed frames are delivered as frames, through all epochs", () => {
  const listener = new Listener()
    .connect()
    .receive(stateOf(7), historyOf(7, [9]), frame(10))
    .connect();
  listener.receive(
    stateOf(9),
    historyOf(7, [11]),
    stateOf(8),
    historyOf(8, [2, 3]),
    stateOf(9),
    historyOf(9, [0]),
    frame(1),
  );
  expect(listener.frames).toEqual(["7:10", "7:11", "8:2", "8:3", "9:0", "9:1"]);
  expect(listener.histories).toHaveLength(1);
});

test("[CL3] a delivered frame is not delivered again", () => {
  const listener = new Listener().connect().receive(historyOf(7, [0]), frame(1), frame(2), frame(2), frame(1));
  listener.connect().receive(historyOf(7, [1, 2, 3]), stateOf(6), frame(8));
  expect(listener.frames).toEqual(["7:1", "7:2", "7:3"]);
});

test("[CL4] when too many frames were missed, an incomplete history replaces what is shown", () => {
  const listener = new Listener()
    .connect()
    .receive(historyOf(7, [0]), frame(1))
    .connect();
  listener.receive(historyOf(9, [4000, 4001], false), frame(4002));
  expect(listener.histories.at(-1)).toEqual({ seqs: [4000, 4001], complete: false });
  expect(listener.frames).toEqual(["7:1", "9:4002"]);
});

test("[CL5] with a position, the frames after it are delivered as frames, without a history", () => {
  const sequencer = new FrameSequencer({ epoch: 7, seq: 41 });
  sequencer.beginConnection();
  expect(sequencer.receive(historyOf(7, [41, 42, 43]))).toMatchObject({
    kind: "frames",
    epoch: 7,
    frames: [{ seq: 42 }, { seq: 43 }],
  });
});

test("[CL3] wherever connections break and whatever is lost, each frame is delivered once and in order", () => {
  const jump = fc.record({ frames: fc.integer({ min: 1, max: 12 }), from: fc.nat(50) });
  // After which frame the connection breaks, and how many frames before it were lost.
  const cuts = fc.array(fc.record({ after: fc.nat(60), lost: fc.nat(20) }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(jump, { minLength: 1, maxLength: 5 }), cuts, (jumps, breaks) => {
      const all = jumps.flatMap(({ frames, from }, nth) =>
        Array.from({ length: frames }, (_, at) => ({ epoch: nth + 1, seq: from + at })),
      );
      const isLost = (at: number) =>
        breaks.some(({ after, lost }) => at <= after && at > after - lost && after < all.length);
      const listener = new Listener().connect().receive(stateOf(1), historyOf(1, []));
      let known = 1;
      for (const [at, { epoch, seq }] of all.entries()) {
        if (!isLost(at)) {
          if (epoch !== known) listener.receive(stateOf(epoch));
          known = epoch;
          listener.receive(frame(seq));
        }
        if (!breaks.some(({ after }) => after === at)) continue;
        // What a gateway sends to a client that resumes with this position (docs/protocol.md).
        const token = listener.sequencer.position ?? { epoch: 1, seq: -1 };
        listener.connect().receive(stateOf(epoch));
        for (let past = token.epoch; past <= epoch; past++) {
          const missed = all
            .slice(0, at + 1)
            .filter((one) => one.epoch === past && (past > token.epoch || one.seq > token.seq));
          if (past > token.epoch) listener.receive(stateOf(past));
          listener.receive(
            historyOf(
              past,
              missed.map((one) => one.seq),
            ),
          );
        }
        known = epoch;
      }
      const whole = all.map(({ epoch, seq }) => `${epoch}:${seq}`);
      expect(listener.frames).toEqual(whole.slice(0, listener.frames.length));
      const last = all.findLastIndex((_, at) => !isLost(at) || breaks.some(({ after }) => after === at));
      expect(listener.frames).toHaveLength(last + 1);
    }),
  );
});
