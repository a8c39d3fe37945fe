import { describe, expect } from "vitest";
import { test } from "../support/cluster.js";
import "../support/expect.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";

/** Frames of an epoch, as one viewer saw them. */
const inEpoch = (viewer: Viewer, epoch: number): SeenFrame[] => viewer.frames.filter((frame) => frame.epoch === epoch);

describe("commands, with sockets on both gateways", () => {
  test("[C10] a pause holds every socket at one frame, and resume goes on with the next", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0 });
    await Promise.all(viewers.map((viewer) => viewer.next(15)));
    await cluster.http.control(id, "pause");
    const paused = await cluster.http.session(id);
    const at = paused.controller_state.cursor_seq ?? -1;
    for (const viewer of viewers) {
      await viewer.untilSession(({ state }) => state === "PAUSED", "pause");
      await viewer.until(() => viewer.lastSeq >= at, `frame ${at}`);
    }
    const shown = viewers.map((viewer) => viewer.lastSeq);
    expect(shown).toEqual(viewers.map(() => at));

    await cluster.http.control(id, "pause"); // changes nothing
    expect((await cluster.http.session(id)).rev).toBe(paused.rev);
    expect(viewers.map((viewer) => viewer.lastSeq)).toEqual(shown);

    await cluster.http.control(id, "resume");
    await Promise.all(viewers.map((viewer) => viewer.next(15)));
    for (const viewer of viewers) {
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
      expect(new Set(viewer.frames.map(({ epoch }) => epoch)).size).toBe(1);
    }
    await cluster.end({ id, viewers });
  });

  test("[C11] [C12] [C13] while paused, seek, step and rewind show the right frames and no other", async ({
    cluster,
  }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0 });
    await Promise.all(viewers.map((viewer) => viewer.next(3)));
    await cluster.http.control(id, "pause");
    await Promise.all(viewers.map((viewer) => viewer.untilSession(({ state }) => state === "PAUSED", "pause")));

    const shows = async (action: string, body: unknown, epoch: "same" | "new", seqs: readonly number[]) => {
      const before = await cluster.http.session(id);
      const marks = viewers.map((viewer) => viewer.frames.length);
      const after = await cluster.http.control(id, action, body);
      expect(after).toMatchObject({ state: "PAUSED", controller_state: { cursor_seq: seqs.at(-1) } });
      if (epoch === "same") expect(after.epoch).toBe(before.epoch);
      else expect(after.epoch).toBeGreaterThan(before.epoch);
      for (const [index, viewer] of viewers.entries()) {
        const from = marks[index] ?? 0;
        await viewer.until(() => viewer.frames.length >= from + seqs.length, `${seqs.length} frames after ${action}`);
        expect(viewer.frames.slice(from)).toHaveSeqs(seqs);
        expect(viewer.frames.slice(from).every((frame) => frame.epoch === after.epoch)).toBe(true);
      }
    };
    await shows("seek", { seq: 300 }, "new", [300]);
    await shows("step", { frames: 4 }, "same", [301, 302, 303, 304]);
    await shows("step", { frames: -2 }, "new", [302]);
    await shows("seek", { ts: truth.tape.iso(truth.ns(500)) }, "new", [500]);
    await shows("goback/2.5", undefined, "new", [truth.seqAt(truth.ns(500) - 2.5e9)]);
    const here = truth.seqAt(truth.ns(500) - 2.5e9);
    const there = truth.seqAt(truth.ns(500) - 2.5e9 + 400e6);
    await shows(
      "step",
      { ms: 400 },
      "same",
      Array.from({ length: there - here }, (_, index) => here + 1 + index),
    );
    await shows("goback/100000", undefined, "new", [0]);
    await shows("seek", { fraction: 1 }, "new", [truth.lastSeq]);
    await shows("seek", { seq: 700 }, "new", [700]);

    await cluster.http.control(id, "resume");
    for (const viewer of viewers) {
      await viewer.next(10);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    await cluster.end({ id, viewers });
  });

  test("[C11] [C13] while playing, seek and rewind go on from their target", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0, speed: 2 });
    await Promise.all(viewers.map((viewer) => viewer.next(5)));
    const sought = await cluster.http.control(id, "seek", { seq: 600 });
    await Promise.all(
      viewers.map((viewer) => viewer.until(() => inEpoch(viewer, sought.epoch).length >= 10, "frames")),
    );
    const rewound = await cluster.http.control(id, "goback/10");
    const landed = rewound.controller_state.cursor_seq ?? -1;
    await Promise.all(
      viewers.map((viewer) => viewer.until(() => inEpoch(viewer, rewound.epoch).length >= 10, "frames")),
    );
    for (const viewer of viewers) {
      expect(inEpoch(viewer, sought.epoch)[0]?.seq).toBe(600);
      expect(inEpoch(viewer, rewound.epoch)[0]?.seq).toBe(landed);
      const last = inEpoch(viewer, sought.epoch).at(-1);
      expect(truth.ns(last?.seq ?? 0) - truth.ns(landed)).toBeGreaterThan(9.5e9);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    await cluster.end({ id, viewers });
  });

  test("[C14] a loop shows the frames of its range and no other", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0, speed: 5 });
    const [from, to] = [200, 240];
    const looping = await cluster.http.control(id, "range", {
      from: truth.tape.iso(truth.ns(from)),
      to: truth.tape.iso(truth.ns(to)),
      loop: true,
    });
    const passes = (viewer: Viewer) => {
      const epochs = new Set(viewer.frames.filter(({ epoch }) => epoch >= looping.epoch).map(({ epoch }) => epoch));
      return [...epochs].map((epoch) => inEpoch(viewer, epoch));
    };
    const whole = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    for (const viewer of viewers) {
      await viewer.until(() => passes(viewer).length >= 4, "four passes");
      for (const pass of passes(viewer).slice(0, 3)) expect(pass).toHaveSeqs(whole);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    await cluster.end({ id, viewers });
  });

  test("[C15] the end of the tape stops the session after its last frame", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0, speed: 4 });
    await cluster.http.control(id, "seek", { seq: truth.lastSeq - 30 });
    for (const viewer of viewers) {
      await viewer.untilSession(({ state }) => state === "STOPPED", "the end");
      await viewer.until(() => viewer.lastSeq === truth.lastSeq, "the last frame");
      expect(viewer.session).toMatchObject({ reason: "ended", controller_state: { cursor_seq: truth.lastSeq } });
      expect(viewer.messagesOf("state").some(({ cause }) => cause === "ended")).toBe(true);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    const again = await cluster.http.control(id, "start");
    for (const viewer of viewers) {
      await viewer.until(() => inEpoch(viewer, again.epoch).length >= 5, "frames from the start");
      expect(inEpoch(viewer, again.epoch).slice(0, 5)).toHaveSeqs([0, 1, 2, 3, 4]);
    }
    await cluster.end({ id, viewers });
  });

  test("[C1] a refused command changes nothing", async ({ cluster }) => {
    const { id, viewers } = await cluster.watched({});
    await viewers[0]?.next(2);
    const before = await cluster.http.session(id);
    expect(await cluster.http.refused("POST", `/replay/speed/2000/${id}`)).toEqual({
      status: 422,
      code: "INVALID_VALUE",
    });
    expect(await cluster.http.refused("POST", `/replay/live/${id}`)).toEqual({ status: 409, code: "NOT_LIVE" });
    expect(await cluster.http.refused("POST", "/replay/pause/nobody_knows_it")).toEqual({
      status: 404,
      code: "SESSION_NOT_FOUND",
    });
    await expect(viewers[0]?.command("speed", { value: 0 })).rejects.toThrow("INVALID_VALUE");
    const after = await cluster.http.session(id);
    expect(after).toMatchObject({ epoch: before.epoch, speed: before.speed, state: "PLAYING" });
    await cluster.end({ id, viewers });
  });
});
