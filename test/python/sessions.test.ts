import { expect } from "vitest";
import { z } from "zod";
import "../support/expect.js";
import { havePython, pythonTestOnCluster } from "./python-test.js";
import { fastTiming } from "./python-viewers.js";

const test = pythonTestOnCluster().skipIf(!havePython);

const view = z.looseObject({
  mode: z.string(),
  epoch: z.int(),
  speed: z.number(),
  state: z.string(),
  cursor_ts: z.string().nullable(),
  controller_state: z.looseObject({
    cursor_seq: z.int().nullable(),
    from_ts: z.string().nullable(),
    to_ts: z.string().nullable(),
    loop: z.boolean(),
  }),
});

test("[CL1] in Python: open creates a session that plays after start and delivers the frames of the tape", async ({
  cluster,
  viewers,
}) => {
  const truth = await cluster.recording("usdm");
  const viewer = await viewers.open({ url: cluster.url, options: { tape: "usdm", max_fps: 0 } });
  expect((await viewer.stats()).view).toMatchObject({ state: "STOPPED", tape: truth.tape.id });
  expect(await viewer.command("start")).toMatchObject({ state: "PLAYING" });
  await viewer.next(20);
  expect(viewer.histories).toHaveLength(1);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
  expect(viewer.frames[0]?.seq).toBe(0);
});

test("[CL1] in Python: open with an id joins that session as it is, and joining a missing one creates nothing", async ({
  cluster,
  viewers,
}) => {
  const at = { url: cluster.url, timing: fastTiming };
  const first = await viewers.open({ ...at, options: { session_id: "mine", tape: "usdm", speed: 3 } });
  await first.command("seek", { fraction: 0.5 });
  const second = await viewers.open({ ...at, options: { session_id: "mine", tape: "usdm", speed: 9 } });
  expect((await second.stats()).view).toMatchObject({ session_id: "mine", speed: 3, state: "PAUSED" });
  await expect(viewers.join("missing", at)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
  expect(await cluster.redis.exists(cluster.keys.session("missing"))).toBe(0);
});

test("[CL5] in Python: join with a position continues with the next frame", async ({ cluster, viewers }) => {
  const truth = await cluster.recording("usdm");
  const at = { url: cluster.url, options: { tape: "usdm", max_fps: 0 } };
  const here = await viewers.open(at);
  await here.command("start");
  await here.next(15);
  await here.close();
  const { position } = await here.stats();
  const there = await viewers.join(here.sessionId, { url: cluster.url }, position);
  await there.next(15);
  expect(there.histories).toEqual([]);
  expect(there.frames[0]).toMatchObject({ epoch: position[0], prev: position[1] });
  expect([...here.frames, ...there.frames]).toHaveConsecutiveSeqs();
  expect([...here.frames, ...there.frames]).toBeOfTape(truth);
});

test("[CL6] [PY4] in Python: frames can be read in loops, each from its call on", async ({ cluster, viewers }) => {
  const viewer = await viewers.open({ url: cluster.url, options: { tape: "usdm", max_fps: 0 } });
  const reading = viewer.read(10);
  await viewer.command("start");
  const seqs = await reading;
  expect(seqs).toEqual(seqs.map((_, at) => (seqs[0] ?? 0) + at));
  const again = await viewer.read(5);
  expect(again[0]).toBeGreaterThan(seqs.at(-1) ?? 0);
});

test("[CL10] [CL13] [CL18] in Python: every command returns the changed session, and its frames arrive", async ({
  cluster,
  viewers,
}) => {
  const viewer = await viewers.open({ url: cluster.url, options: { tape: "usdm" } });
  const command = async (name: string, args: object = {}) => view.parse(await viewer.command(name, args));
  const { from } = z
    .object({ from: z.string() })
    .parse(await viewers.call({ url: cluster.url, method: "tapes.get", arguments: ["usdm"] }));
  const after = (seconds: number) => Date.parse(from) + seconds * 1000;
  const sought = await command("seek", { seq: 700 });
  expect(sought.controller_state.cursor_seq).toBe(700);
  expect((await command("speed", { value: 2.5 })).speed).toBe(2.5);
  expect((await command("step", { frames: 3 })).controller_state.cursor_seq).toBe(703);
  await viewer.until(() => viewer.frames.at(-1)?.seq === 703, "the frames of the step");
  expect(viewer.frames.filter(({ epoch }) => epoch === sought.epoch)).toHaveSeqs([700, 701, 702, 703]);
  await command("seek", { ts: after(60) });
  const back = await command("rewind", { by: "45s" });
  expect(Math.abs(Date.parse(back.cursor_ts ?? "") - after(15))).toBeLessThan(250);
  await command("seek", { event: "next" });
  await expect(command("seek", { event: "next", type: "NOTHING_LIKE_IT" })).rejects.toMatchObject({
    code: "INVALID_VALUE",
  });
  const ranged = await command("range", { from_: after(10), to: after(20), loop: true });
  expect(Date.parse(ranged.controller_state.from_ts ?? "")).toBe(after(10));
  const free = await command("range", { from_: null, loop: false });
  expect(free.controller_state).toMatchObject({ from_ts: null, loop: false });
  expect(free.controller_state.to_ts).not.toBeNull();
  expect((await command("resume")).state).toBe("PLAYING");
  expect((await command("pause")).state).toBe("PAUSED");
  expect((await command("stop")).state).toBe("STOPPED");
  expect((await command("mode", { mode: "SIMULATION", seed: 7 })).mode).toBe("SIMULATION");
  expect((await command("mode", { mode: "REPLAY" })).mode).toBe("REPLAY");
});

test("[CL10] [CL17] in Python: a refused command changes nothing and says why", async ({ cluster, viewers }) => {
  const viewer = await viewers.open({ url: cluster.url, options: { tape: "usdm" } });
  const { rev } = await cluster.record(viewer.sessionId);
  await expect(viewer.command("speed", { value: 5000 })).rejects.toMatchObject({
    code: "INVALID_VALUE",
    message: expect.stringMatching(/at most 1000/),
  });
  await expect(viewer.command("live")).rejects.toMatchObject({ code: "NOT_LIVE" });
  await expect(viewer.command("order", { side: "buy" })).rejects.toMatchObject({ code: "NOT_SIMULATION" });
  await expect(viewer.command("rewind", { by: "abc" })).rejects.toMatchObject({ code: "bad_argument" });
  expect((await cluster.record(viewer.sessionId)).rev).toBe(rev);
});

test("[CL15] in Python: an order trades in the session's simulated market, and its fill is reported", async ({
  cluster,
  viewers,
}) => {
  const viewer = await viewers.open({ url: cluster.url, options: { mode: "SIMULATION", symbol: "SIMUSD", seed: 7 } });
  await viewer.next(3);
  expect(await viewer.command("order", { side: "buy", quantity: 1 })).toMatchObject({ account: { position: 1 } });
  await viewer.until(() => viewer.fills.length === 1, "the fill");
  expect(viewer.fills[0]).toMatchObject({ side: "BUY", size: 1 });
});

test("[CL14] in Python: sessions, tapes and health are plain calls, which go to the next address when one does not answer", async ({
  cluster,
  viewers,
}) => {
  const urls = ["http://127.0.0.1:1", cluster.url];
  const call = (method: string, ...args: readonly unknown[]) => viewers.call({ url: urls, method, arguments: args });
  const list = (options: Record<string, unknown>) => viewers.call({ url: urls, method: "sessions.list", options });
  const viewer = await viewers.open({
    url: urls,
    gateways: [cluster.url],
    options: { session_id: "listed", tape: "usdm" },
  });
  const sessions = z.object({ sessions: z.array(z.object({ session_id: z.string() })) });
  const { sessions: listed } = sessions.parse(await list({ state: "STOPPED", limit: 1000 }));
  expect(listed.map(({ session_id }) => session_id)).toContain("listed");
  expect(await call("sessions.get", "listed")).toMatchObject({ session_id: "listed" });
  expect(await call("tapes.list")).toEqual(expect.arrayContaining([expect.objectContaining({ id: "usdm" })]));
  expect(await call("health")).toMatchObject({ status: "healthy" });
  await call("sessions.delete", "listed");
  await viewer.until(() => viewer.end !== undefined, "the end");
  await expect(call("sessions.get", "listed")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
  await expect(call("tapes.get", "missing")).rejects.toMatchObject({ code: "TAPE_NOT_FOUND" });
});

test("[CL25] in Python: when no gateway answers, open fails with unreachable", async ({ cluster, viewers }) => {
  const nobody = { url: cluster.url, gateways: ["http://127.0.0.1:1"], timing: fastTiming };
  await expect(viewers.open(nobody)).rejects.toMatchObject({ code: "unreachable" });
});

test("[CL41] in Python: closing the client closes its sessions", async ({ cluster, viewers }) => {
  const viewer = await viewers.open({ url: cluster.url, options: { tape: "usdm" } });
  await viewer.closeClient();
  expect(viewer.end).toEqual({ reason: "closed", error: null });
  await expect(viewer.command("pause")).rejects.toMatchObject({ code: "closed" });
});
