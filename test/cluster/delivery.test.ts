import { checkFrame, limits } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { test } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import "../support/expect.js";
import { lateness } from "../support/pace.js";

describe("delivery to sockets", () => {
  test("[C20] [C26] at 1x frames keep the recording's inter-arrival times", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0 }, { start: false });
    await cluster.http.control(id, "start");
    await Promise.all(viewers.map((viewer) => viewer.next(80, 60_000)));
    const anchor = await cluster.anchorOf(id);
    for (const viewer of viewers) {
      const late = lateness(viewer.live, truth, anchor);
      cluster.note(`1x lateness ms: ${distribution(late)} of ${late.length} frames`);
      expect(Math.min(...late)).toBeGreaterThan(-5);
      // A busy machine delays a frame now and then; with a drifting clock the delay would grow.
      expect(late.filter((ms) => ms > 250).length).toBeLessThan(late.length / 10);
      expect(Math.min(...late.slice(-10))).toBeLessThan(250);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
      for (const { json } of viewer.frames) expect(checkFrame(JSON.parse(json))).toEqual([]);
    }
    await cluster.end({ id, viewers });
  });

  test.for([
    { max_fps: 0, speed: 100 },
    { max_fps: 30, speed: 100 },
    { max_fps: 5, speed: 1000 },
  ])(
    "[C21] [C26] a whole recording at $speed x with max_fps $max_fps delivers each trade once",
    async (pace, { cluster }) => {
      const { id, viewers, truth } = await cluster.watched(pace, { start: false });
      await cluster.http.control(id, "start");
      for (const viewer of viewers) {
        await viewer.until(
          () => viewer.session?.reason === "ended" && viewer.lastSeq === truth.lastSeq,
          "the end",
          60_000,
        );
        expect(viewer.frames[0]?.prev).toBe(-1);
        expect(viewer.frames).toHaveConsecutiveSeqs();
        expect(viewer.frames).toBeOfTape(truth);
        const frames = viewer.frames.map(({ json }) => JSON.parse(json));
        expect(frames.flatMap(({ trades }) => trades)).toEqual(truth.trades(-1, truth.lastSeq));
        for (const frame of frames) expect(checkFrame(frame)).toEqual([]);
      }
      expect(truth.trades(-1, truth.lastSeq)).toHaveLength(truth.tape.view().trades ?? 0);
      await cluster.end({ id, viewers });
    },
  );

  test("[C22] a frame cap of 10 a second at 20x loses no trade and sums what it merges", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 10, speed: 20 }, { start: false });
    await cluster.http.control(id, "start");
    for (const viewer of viewers) {
      await viewer.until(() => viewer.lastSeq >= 1000, "1000 frames of tape", 60_000);
      const live = viewer.live;
      const [first, last] = [live[0], live.at(-1)];
      if (!first || !last) throw new Error("no live frames");
      expect((live.length - 1) / ((last.at - first.at) / 1000)).toBeLessThan(10.5);
      expect(live.filter(({ prev, seq }) => seq - prev > 10).length).toBeGreaterThan(live.length / 2);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
      for (const { json } of viewer.frames) expect(checkFrame(JSON.parse(json))).toEqual([]);
    }
    await cluster.end({ id, viewers });
  });

  test("[C23] sockets on two gateways get the same frames", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ speed: 8 });
    await Promise.all(viewers.map((viewer) => viewer.next(60)));
    const latecomer = await cluster.watch(id);
    await latecomer.until(() => latecomer.live.length >= 30, "30 live frames");
    const [first, ...others] = [...viewers, latecomer];
    expect(new Set(viewers.map(({ frames }) => frames.at(-1)?.gateway)).size).toBe(2);
    const known = new Map(first?.live.map((frame) => [frame.seq, frame]));
    for (const viewer of others) {
      const shared = viewer.live.filter(({ seq, prev }) => known.get(seq)?.prev === prev);
      expect(shared.length).toBeGreaterThan(20);
      for (const frame of shared) expect(frame.json).toBe(known.get(frame.seq)?.json);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    await cluster.end({ id, viewers: [...viewers, latecomer] });
  });

  test("[C24] a client that resumes on another gateway gets exactly what it missed", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0, speed: 4 });
    const [stays, leaves] = viewers;
    if (!stays || !leaves) throw new Error("two viewers are needed");
    await leaves.next(20);
    for (let round = 0; round < 3; round++) {
      leaves.drop();
      await stays.next(40);
      await leaves.resume();
      await leaves.next(10);
    }
    // Away during a seek: first comes the rest of the old epoch, then the new one. Played slowly, because an epoch ends at the frame where the
    // seek found it, and on a busy machine another frame may become due before the seek is written.
    await cluster.http.control(id, "speed/0.5");
    leaves.drop();
    await stays.next(10);
    const sought = await cluster.http.control(id, "seek", { seq: 900 });
    await stays.until(() => stays.frames.some(({ epoch }) => epoch === sought.epoch), "the seek's frame");
    await stays.next(10);
    await leaves.resume();
    await leaves.next(20);
    const both = await cluster.http.control(id, "pause");
    for (const viewer of viewers) {
      await viewer.until(() => viewer.lastSeq >= (both.controller_state.cursor_seq ?? 0), "the frame paused at");
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
      expect(viewer.messagesOf("history").every(({ complete }) => complete)).toBe(true);
    }
    const places = (frames: typeof stays.frames) => frames.map(({ epoch, seq }) => `${epoch}:${seq}`);
    const end = `${leaves.frames.at(-1)?.epoch}:${leaves.frames.at(-1)?.seq}`;
    const seen = places(stays.frames);
    const from = seen.indexOf(places(leaves.live)[0] ?? "");
    expect(places(leaves.frames).slice(places(leaves.frames).indexOf(seen[from] ?? ""))).toEqual(
      seen.slice(from, seen.indexOf(end) + 1),
    );
    await cluster.end({ id, viewers });
  });

  test("[C24] a token that is too old gets the newest frames with complete:false", async ({ cluster }) => {
    const { id, viewers, truth } = await cluster.watched({ max_fps: 0 });
    await viewers[0]?.next(5);
    await cluster.http.control(id, "pause");
    for (let seek = 0; seek < limits.epochs + 1; seek++) await cluster.http.control(id, "seek", { seq: 500 + seek });
    const old = viewers[0]?.token;
    const first = viewers[0]?.frames[0];
    if (!old || !first) throw new Error("no token");
    const back = await cluster.watch(id, { token: { epoch: first.epoch, after: first.seq } });
    await back.until(() => back.messagesOf("history").length > 0, "history");
    expect(back.messagesOf("history")[0]?.complete).toBe(false);
    expect(back.frames.length).toBeLessThanOrEqual(limits.historyFrames);
    expect(back.lastSeq).toBe(500 + limits.epochs);
    expect(back.frames).toBeOfTape(truth);
    await cluster.end({ id, viewers: [...viewers, back] });
  });

  test("[C25] a legacy socket gets history and snapshots only", async ({ cluster }) => {
    const id = `session_${Date.now()}_ab12cd34e`;
    const legacy = await cluster.watch(id, { legacy: true });
    const truth = await cluster.truthOf((await cluster.http.session(id)).tape);
    await legacy.next(10);
    expect(await cluster.http.session(id)).toMatchObject({
      state: "PLAYING",
      controller_state: { max_fps: limits.legacyMaxFps },
    });
    for (const text of [
      '{"type":"ping"}',
      '{"type":"set_speed","speed":5}',
      "subscribe",
      "{",
      "[]",
      "null",
      '{"type":"ORDER"}',
    ]) {
      legacy.send(text);
    }
    await cluster.http.control(id, "speed/3");
    await cluster.http.control(id, "pause");
    const sought = await cluster.http.control(id, "seek", { seq: 300 });
    await legacy.until(() => legacy.lastSeq === 300, "the seek's frame");
    expect(sought.state).toBe("PAUSED");
    await cluster.http.control(id, "resume");
    await legacy.next(20);
    await cluster.http.call("POST", `/mode/${id}`, { mode: "LIVE" });
    await cluster.http.call("POST", `/mode/${id}`, { mode: "REPLAY" });
    await legacy.next(20);
    expect(Math.min(...legacy.frames.slice(-19).map(({ seq }) => seq))).toBeGreaterThanOrEqual(300);
    expect(legacy.types[0]).toBe("history");
    expect(new Set(legacy.types.slice(1))).toEqual(new Set(["snapshot"]));
    expect(legacy.frames).toBeOfTape(truth);
    for (const { json } of legacy.frames) expect(checkFrame(JSON.parse(json))).toEqual([]);
    await cluster.end({ id, viewers: [legacy] });
  });

  test("[C27] clients without an id share one session, apart from all others", async ({ cluster }) => {
    const other = await cluster.watched({});
    const [one, two] = [await cluster.watch(undefined, { legacy: true }), await cluster.watch(undefined)];
    await Promise.all([one.next(5), two.next(5)]);
    const paused = await cluster.http.call("POST", "/replay/pause");
    expect(paused).toMatchObject({ status: 200, body: { status: "paused", session_id: "global", state: "PAUSED" } });
    await two.untilSession(({ state }) => state === "PAUSED", "pause");
    const before = other.viewers[0]?.frames.length ?? 0;
    await other.viewers[0]?.next(10);
    expect(before).toBeGreaterThan(0);
    expect((await cluster.http.session(other.id)).state).toBe("PLAYING");
    await cluster.http.control(other.id, "speed/2");
    const state = await cluster.http.get("/replay/state");
    expect(state).toMatchObject({ status: 200, body: { session_id: "global", state: "PAUSED", speed: 1 } });
    await cluster.http.call("POST", "/replay/speed/4");
    await cluster.http.call("POST", "/replay/resume");
    await Promise.all([one.next(10), two.next(10)]);
    expect((await cluster.http.session(other.id)).speed).toBe(2);
    expect(two.frames).toHaveConsecutiveSeqs();
    await cluster.end({ id: "global", viewers: [one, two] }, other);
  });
});
