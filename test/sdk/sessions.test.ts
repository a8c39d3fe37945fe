import { once } from "node:events";
import { TapedeckError, tapedeck } from "@tapedeck/client";
import { expect } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { test } from "../support/cluster.js";
import "../support/expect.js";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";

test("[CL1] open creates a session that plays after start and delivers the frames of the tape", async ({ cluster }) => {
  const truth = await cluster.recording("usdm");
  const viewer = await SdkViewer.open(clientAt(cluster.url), { tape: "usdm", maxFps: 0 });
  expect(viewer.session.view).toMatchObject({ state: "STOPPED", tape: truth.tape.id, connections: 1 });
  expect(viewer.session.node).toMatch(/^gateway-/);
  expect((await viewer.session.start()).state).toBe("PLAYING");
  await viewer.next(20);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
  expect(viewer.frames[0]?.seq).toBe(0);
  viewer.session.close();
});

test("[CL1] open with an id and join both join an existing session as it is", async ({ cluster }) => {
  const client = clientAt(cluster.url);
  const first = await client.open({ sessionId: "mine", tape: "usdm", speed: 3 });
  await first.seek({ fraction: 0.5 });
  const second = await client.open({ sessionId: "mine", tape: "usdm", speed: 9 });
  const third = await client.join("mine");
  for (const { view, id } of [second, third]) {
    expect(id).toBe("mine");
    expect(view).toMatchObject({ speed: 3, state: "PAUSED", epoch: first.view.epoch });
  }
  for (const session of [first, second, third]) session.close();
});

test("[CL1] joining a session that does not exist is refused and creates nothing", async ({ cluster }) => {
  await expect(clientAt(cluster.url).join("missing")).rejects.toMatchObject({
    name: "TapedeckError",
    code: "SESSION_NOT_FOUND",
  });
  expect(await cluster.redis.exists(cluster.keys.session("missing"))).toBe(0);
});

test("[CL2] a listener that is added later gets the latest frames and continues without gap or repeat", async ({
  cluster,
}) => {
  const client = clientAt(cluster.url);
  const session = await client.open({ tape: "usdm", maxFps: 0, speed: 10 });
  await session.start();
  await cluster.until(() => session.stats.framesReceived > 250, "250 frames");
  const late = new SdkViewer(session);
  expect(late.histories).toHaveLength(1);
  expect(late.frames).toHaveLength(100);
  await late.next(50);
  expect(late.frames).toHaveConsecutiveSeqs();
  session.close();
});

test("[CL5] join with a position continues with the next frame", async ({ cluster }) => {
  const truth = await cluster.recording("usdm");
  const here = await SdkViewer.open(clientAt(cluster.url), { tape: "usdm", maxFps: 0 });
  await here.session.start();
  await here.next(15);
  const { id, position } = here.session;
  here.session.close();
  const there = new SdkViewer(await clientAt(cluster.url).join(id, { position }));
  await there.next(15);
  expect(there.histories).toEqual([]);
  expect(there.frames[0]).toMatchObject({ epoch: position.epoch, prev: position.seq });
  expect([...here.frames, ...there.frames]).toHaveConsecutiveSeqs();
  expect([...here.frames, ...there.frames]).toBeOfTape(truth);
  there.session.close();
});

test("[CL6] frames can be read in a loop that ends with the session", async ({ cluster }) => {
  const session = await clientAt(cluster.url).open({ tape: "usdm", maxFps: 0 });
  const seqs: number[] = [];
  const loop = (async () => {
    for await (const { seq } of session.frames()) if (seqs.push(seq) === 10) session.close();
  })();
  await session.start();
  await loop;
  expect(seqs).toEqual(seqs.map((_, at) => (seqs[0] ?? 0) + at));
  const stop = new AbortController();
  stop.abort();
  for await (const _ of session.frames({ signal: stop.signal })) throw new Error("a frame after the end");
});

test("[CL10] a command resolves with the changed session, and its frames arrive afterwards", async ({ cluster }) => {
  const viewer = await SdkViewer.open(clientAt(cluster.url), { tape: "usdm" });
  const { session } = viewer;
  const before = session.view;
  const sought = await session.seek({ seq: 700 });
  expect(sought.epoch).toBeGreaterThan(before.epoch);
  expect(sought.controller_state.cursor_seq).toBe(700);
  expect((await session.speed(2.5)).speed).toBe(2.5);
  expect((await session.step({ frames: 3 })).controller_state.cursor_seq).toBe(703);
  await viewer.until(() => viewer.lastSeq === 703, "the frames of the step");
  expect(viewer.frames.filter(({ epoch }) => epoch === sought.epoch)).toHaveSeqs([700, 701, 702, 703]);
  expect((await session.resume()).state).toBe("PLAYING");
  expect((await session.pause()).state).toBe("PAUSED");
  expect((await session.stop()).state).toBe("STOPPED");
  const record = await cluster.record(session.id);
  expect(record.rev).toBe(session.view.rev);
  session.close();
});

test("[CL10] a refused command changes nothing and says why", async ({ cluster }) => {
  const session = await clientAt(cluster.url).open({ tape: "usdm" });
  const { rev } = session.view;
  await expect(session.speed(5000)).rejects.toMatchObject({ code: "INVALID_VALUE", message: /at most 1000/ });
  await expect(session.live()).rejects.toMatchObject({ code: "NOT_LIVE" });
  await expect(session.order({ side: "buy" })).rejects.toMatchObject({ code: "NOT_SIMULATION" });
  expect((await cluster.record(session.id)).rev).toBe(rev);
  session.close();
});

test("[CL10] a change by one client reaches all clients", async ({ cluster }) => {
  const client = clientAt(cluster.url);
  const one = await SdkViewer.open(client, { tape: "usdm" });
  const other = new SdkViewer(await client.join(one.session.id));
  await other.session.start();
  await one.until(() => one.session.view.state === "PLAYING", "the other's start");
  expect(one.states.at(-1)?.cause).toBe("command");
  for (const { session } of [one, other]) session.close();
});

test("[CL17] an invalid argument rejects with a TapedeckError, and nothing is sent", async ({ cluster }) => {
  const client = clientAt(cluster.url);
  const session = await client.open({ tape: "usdm" });
  const circle: Record<string, unknown> = {};
  circle.itself = circle;
  const never = new Date(Number.NaN);
  // Untyped programs may pass anything.
  const calls: readonly [method: string, of: object, args: readonly unknown[]][] = [
    ["rewind", session, []],
    ["rewind", session, [{ by: "abc" }]],
    ["rewind", session, [{ by: "15" }]],
    ["rewind", session, [{ by: Number.NaN }]],
    ["rewind", session, [{ by: Symbol("15m") }]],
    ["seek", session, []],
    ["seek", session, ["start"]],
    ["seek", session, [{ ts: never }]],
    ["seek", session, [{ seq: 1n }]],
    ["range", session, []],
    ["range", session, [{ from: never }]],
    ["range", session, [{ to: never }]],
    ["step", session, [{ frames: 1n }]],
    ["speed", session, [1n]],
    ["mode", session, [{ mode: "REPLAY", tape: circle }]],
    ["order", session, [circle]],
    ["open", client, [null]],
    ["open", client, [{ from: never }]],
    ["open", client, [{ tape: circle }]],
    ["join", client, ["\ud800"]],
    ["join", client, [session.id, null]],
    ["list", client.sessions, [null]],
    ["get", client.sessions, ["\ud800"]],
    ["delete", client.sessions, ["\ud800"]],
    ["get", client.tapes, ["\ud800"]],
    ["overview", client.tapes, ["\ud800"]],
    ["overview", client.tapes, ["usdm", null]],
    ["create", client.shares, [session.id, null]],
    ["list", client.shares, ["\ud800"]],
    ["revoke", client.shares, [session.id, "\ud800"]],
  ];
  for (const [method, of, args] of calls) {
    const outcome: Promise<unknown> = Reflect.apply(Reflect.get(of, method), of, args);
    const error = await outcome.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect([method, args, error]).toEqual([method, args, expect.any(TapedeckError)]);
    expect(error).toMatchObject({ code: "bad_argument", message: expect.stringMatching(/^\w+: .+\.$/) });
  }
  expect(await cluster.record(session.id)).toMatchObject({ rev: session.view.rev, state: "STOPPED" });
  expect(await session.pause()).toMatchObject({ state: "PAUSED" });
  session.close();
});

test("[CL17] an invalid address is an error that names the option", () => {
  for (const wrong of ["", "localhost:8000", "ws://localhost:8000", [], ["http://localhost:8000", 5], 5, null]) {
    const make = (options: object) => () => Reflect.apply(tapedeck, undefined, [options]);
    const error = { name: "TapedeckError", code: "bad_argument" };
    const message = (option: string) => `${option}: must be an address such as http://localhost:8000.`;
    expect(make({ url: wrong })).toThrow(expect.objectContaining({ ...error, message: message("url") }));
    if (wrong === null) continue; // the same as undefined
    const both = { url: "http://localhost:8000", gateways: wrong };
    expect(make(both)).toThrow(expect.objectContaining({ ...error, message: message("gateways") }));
  }
});

test("[CL18] a seek to an event of one type does not stop at events of other types", async ({ cluster }) => {
  const session = await clientAt(cluster.url).open({ tape: "usdm" });
  await session.seek({ event: "next" });
  await session.seek({ seq: 0 });
  const seek = (type: string) => session.seek({ event: "next", type });
  await expect(seek("DATA_VALIDATION_ERROR")).rejects.toMatchObject({ code: "NO_EVENT" });
  await expect(seek("NOTHING_LIKE_IT")).rejects.toMatchObject({ code: "INVALID_VALUE" });
  session.close();
});

test("[CL13] times may be dates, and durations may have units", async ({ cluster }) => {
  const session = await clientAt(cluster.url).open({ tape: "usdm" });
  const { from } = await clientAt(cluster.url).tapes.get("usdm");
  const at = (seconds: number) => new Date(Date.parse(from) + seconds * 1000);
  await session.seek({ ts: at(60) });
  const back = await session.rewind({ by: "45s" });
  expect(Math.abs(Date.parse(back.cursor_ts ?? "") - at(15).getTime())).toBeLessThan(250);
  const ranged = await session.range({ from: at(10), to: at(20), loop: true });
  expect(ranged.controller_state).toMatchObject({ loop: true });
  expect(Date.parse(ranged.controller_state.from_ts ?? "")).toBe(at(10).getTime());
  session.close();
});

test("[CL14] sessions, tapes, health and nodes are plain calls", async ({ cluster }) => {
  const client = clientAt(
    cluster.apis.map(({ url }) => url),
    { gateways: cluster.gateways.map(({ url }) => url) },
  );
  const session = await client.open({ sessionId: "listed", tape: "usdm" });
  expect(
    (await client.sessions.list({ state: "STOPPED", limit: 1000 })).sessions.map((one) => one.session_id),
  ).toContain("listed");
  expect((await client.sessions.stats()).total_sessions).toBeGreaterThan(0);
  expect((await client.tapes.list()).map(({ id }) => id)).toContain("usdm");
  const overview = await client.tapes.overview("usdm", { points: 20 });
  expect(overview.points.length).toBeGreaterThan(2);
  expect(overview.points.length).toBeLessThanOrEqual(20);
  expect((await client.health()).status).toBe("healthy");
  expect((await client.nodes()).map(({ role }) => role)).toEqual(expect.arrayContaining(["api", "gateway", "ticker"]));
  const ended = new Promise((resolve) => session.onEnd(resolve));
  await client.sessions.delete("listed");
  expect(await ended).toEqual({ reason: "deleted" });
  await expect(client.sessions.get("listed")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});

test("[CL14] when an address does not answer, the call goes to the next one", async ({ cluster }) => {
  const client = clientAt(["http://127.0.0.1:1", cluster.url]);
  expect((await client.tapes.get("usdm")).id).toBe("usdm");
  const session = await client.open({ tape: "usdm" });
  expect(session.connection).toBe("open");
  session.close();
  await expect(clientAt(["http://127.0.0.1:1", "http://127.0.0.1:2"]).health()).rejects.toMatchObject({
    code: "unreachable",
  });
});

test("[CL15] an order trades in the session's simulated market, and its fill is reported", async ({ cluster }) => {
  const session = await clientAt(cluster.url).open({ mode: "SIMULATION", symbol: "SIMUSD", seed: 7 });
  const fills: string[] = [];
  session.onTrade(({ side }) => fills.push(side));
  await cluster.until(() => session.stats.framesReceived > 3, "a market");
  const after = await session.order({ side: "buy", quantity: 1 });
  expect(after.account?.position).toBe(1);
  await cluster.until(() => fills.length === 1, "the fill");
  expect(fills).toEqual(["BUY"]);
  session.close();
});

test("[CL41] a signal closes every session of the client and cancels pending requests", async ({ cluster }) => {
  const leave = new AbortController();
  const client = clientAt(cluster.url, { signal: leave.signal });
  const viewers = [await SdkViewer.open(client, { tape: "usdm" }), await SdkViewer.open(client, { tape: "usdm" })];
  const underWay = client.health();
  leave.abort();
  expect(viewers.map(({ end }) => end)).toEqual([{ reason: "closed" }, { reason: "closed" }]);
  expect(viewers.map(({ session }) => session.connection)).toEqual(["closed", "closed"]);
  await expect(underWay).rejects.toMatchObject({ code: "closed" });
  await expect(client.open()).rejects.toMatchObject({ code: "closed" });
  await expect(viewers[0]?.session.pause()).rejects.toMatchObject({ code: "closed" });
});

test("[CL41] a signal of one session closes only that session", async ({ cluster }) => {
  const leave = new AbortController();
  const client = clientAt(cluster.url);
  const [one, other] = [
    await client.open({ tape: "usdm" }, { signal: leave.signal }),
    await client.open({ tape: "usdm" }),
  ];
  leave.abort();
  expect([one.connection, other.connection]).toEqual(["closed", "open"]);
  other.close();
});

test("[CL25] when nothing answers, open rejects with unreachable", async ({ cluster }) => {
  const { url } = cluster;
  await expect(clientAt("http://127.0.0.1:1").open()).rejects.toMatchObject({ code: "unreachable" });
  const deaf = new WebSocketServer({ port: 0, host: "127.0.0.1", verifyClient: () => false });
  await once(deaf, "listening");
  const address = deaf.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await expect(clientAt(url, { gateways: `http://127.0.0.1:${port}` }).open()).rejects.toMatchObject({
    code: "unreachable",
  });
  deaf.close();
});

test("[CL27] without a WebSocket the error says what to do", async ({ cluster }) => {
  const native: unknown = Reflect.get(globalThis, "WebSocket");
  const client = clientAt(cluster.url, { WebSocket: undefined });
  if (native === undefined)
    await expect(client.open()).rejects.toMatchObject({ code: "no_websocket", message: /pass one in/ });
  else (await client.open()).close();
  (await clientAt(cluster.url, { WebSocket }).open()).close();
});
