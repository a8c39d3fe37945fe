import type { ServerMessage, SessionView } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { frame, stateOf, viewOf } from "../testing/messages.js";
import { defaultTiming } from "./connection-machine.js";
import { Liveness } from "./liveness.js";

const half = defaultTiming.silenceMs / 2;
const long = { pingAfterMs: half, answerMs: half };

/** A connection's messages, each some milliseconds after the one before. */
class Received {
  readonly liveness = new Liveness();
  now = 1000;
  #seq = 0;

  constructor(changes: Partial<SessionView> = {}) {
    this.add(0, { type: "session", session: viewOf(changes), node: "a", limits: {} });
  }

  add(afterMs: number, message: ServerMessage): boolean {
    this.now += afterMs;
    return this.liveness.receive(message, this.now, this.now - 20);
  }

  frames(count: number, everyMs: number): this {
    for (let nth = 0; nth < count; nth++) this.add(everyMs, frame(this.#seq++));
    return this;
  }

  pong(afterMs: number): this {
    this.add(afterMs, { type: "pong" });
    return this;
  }

  get limits() {
    const { pingAfterMs, answerMs } = this.liveness.limits(defaultTiming);
    return { pingAfterMs, answerMs };
  }
}

test("[CL28] while frames are due, a ping follows twice the longest recent gap, at least half a second and at most five", () => {
  const ping = (everyMs: number) => new Received().pong(20).frames(20, everyMs).limits.pingAfterMs;
  expect(ping(33)).toBe(500);
  expect(ping(250)).toBe(500);
  expect(ping(400)).toBe(800);
  expect(ping(2000)).toBe(4000);
  expect(ping(8000)).toBe(half);
});

test("[CL28] its answer may take a second, or twice the last latency if that is longer", () => {
  const fast = new Received().pong(20).frames(1, 100);
  expect(fast.limits.answerMs).toBe(1000);
  fast.liveness.receive({ type: "pong" }, fast.now, fast.now - 900);
  expect(fast.limits.answerMs).toBe(1800);
});

test("[CL28] before the first pong the latency is unknown, and the wait is that of [CL23]", () => {
  expect(new Received().frames(5, 100).limits).toEqual({ pingAfterMs: 500, answerMs: half });
});

test("[CL28] one long gap counts less with each frame", () => {
  const received = new Received().pong(20).frames(10, 100).frames(1, 2000);
  expect(received.limits.pingAfterMs).toBe(4000);
  expect(received.frames(14, 100).limits.pingAfterMs).toBeLessThan(2000);
  expect(received.frames(30, 100).limits.pingAfterMs).toBe(500);
});

test("[CL29] while a quiet market answers its pings, they become rare", () => {
  const received = new Received({ mode: "LIVE" }).pong(20).frames(20, 100);
  const waits: number[] = [];
  for (let ping = 0; ping < 6; ping++) {
    waits.push(received.limits.pingAfterMs);
    received.pong(received.limits.pingAfterMs);
  }
  expect(waits).toEqual([500, 1000, 3000, 5000, 5000, 5000]);
});

test.each<[string, Partial<SessionView>]>([
  ["paused", { state: "PAUSED" }],
  ["stopped", { state: "STOPPED" }],
  ["parked", { parked: true }],
  ["without a tape", { tape: null }],
])("[CL28] no frames are due from a session that is %s, also after the frame of a jump", (_, changes) => {
  const received = new Received(changes).pong(20).frames(1, 100);
  expect(received.limits).toEqual(long);
});

test("[CL28] a change of the session ends what is known of its pace, until its next frame", () => {
  const received = new Received().pong(20).frames(5, 1000);
  expect(received.limits.pingAfterMs).toBe(2000);
  received.add(10, stateOf(2));
  expect(received.limits).toEqual(long);
  expect(received.add(900, frame(100))).toBe(true); // frames are due from now on
  expect(received.add(100, frame(101))).toBe(false);
  expect(received.limits.pingAfterMs).toBeLessThan(1800);
});
