import { fullBook, type TrackLine, trackLine } from "@tapedeck/protocol";
import { afterAll, describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { Assistant } from "./assistant.js";

/** A session without viewers is parked soon, so that tests see it. */
const test = testOnCluster(() => ({ env: { ticker: { PARK_AFTER_MS: "500" } } }));

const event = z.looseObject({
  n: z.int(),
  seq: z.int(),
  trade: z.object({ side: z.string(), price: z.string(), size: z.string() }).optional(),
  bids: z.array(z.tuple([z.string(), z.string()])).default([]),
  asks: z.array(z.tuple([z.string(), z.string()])).default([]),
  levels_left_out: z.int().default(0),
});
const page = z.object({ events: z.array(event), next_from_n: z.int().nullable() });
const passed = z.looseObject({ ended_by: z.string(), frames: z.int(), session: z.looseObject({ state: z.string() }) });

let assistant: Assistant;
afterAll(() => assistant.close());

/** One assistant for all tests of the file. */
async function using(cluster: TestCluster): Promise<Assistant> {
  assistant ??= await Assistant.start(cluster.url);
  return assistant;
}

describe("an assistant operates a tape deck", () => {
  test("[MC10] with the buttons of a session, each of which answers the session as it is afterwards", async ({
    cluster,
  }) => {
    const { session } = await created(await using(cluster), { tape: "usdm" });
    const truth = await cluster.recording("usdm");
    const press = (name: string, args: object = {}) => assistant.session(name, { session_id: session, ...args });
    expect(await press("play", { speed: 5 })).toMatchObject({ state: "PLAYING", speed: 5, tape: "usdm@1" });
    expect(await press("pause")).toMatchObject({ state: "PAUSED" });
    expect(await press("seek", { seq: 700 })).toMatchObject({ cursor_seq: 700, state: "PAUSED" });
    expect(await press("step", { frames: -1 })).toMatchObject({ cursor_seq: 699 });
    expect(await press("seek", { ts: truth.frame(300).timestamp })).toMatchObject({ cursor_seq: 300 });
    const next = await press("seek", { event: "next", min_severity: "low" });
    expect(truth.frame(next.cursor_seq ?? 0).anomalies).not.toEqual([]);
    expect((await press("rewind", { seconds: 5 })).cursor_seq).toBeLessThan(next.cursor_seq ?? 0);
    expect(await press("set_speed", { speed: 0.5 })).toMatchObject({ speed: 0.5, state: "PAUSED" });
    const lossless = { pace: "lossless", window: 8 };
    expect(await press("set_pace", lossless)).toMatchObject({ pace: { type: "lossless", window: 8, speed: "max" } });
    expect(await press("set_pace", { pace: "clock", speed: 0.5 })).toMatchObject({ speed: 0.5 });
    const from = truth.frame(400).timestamp;
    expect(await press("set_range", { from, loop: true })).toMatchObject({ from_ts: from, to_ts: null, loop: true });
    expect(await press("set_range", { from: null })).toMatchObject({ from_ts: null, loop: true });
    expect(await press("set_mode", { mode: "SIMULATION", seed: 7 })).toMatchObject({
      mode: "SIMULATION",
      state: "PLAYING",
    });
    expect(await press("stop")).toMatchObject({ state: "STOPPED" });
    expect(await press("get_session")).toMatchObject({ mode: "SIMULATION", kept_modes: ["REPLAY"] });
    expect(await assistant.refused("go_live", { session_id: session })).toMatch(/^NOT_LIVE: /);
    expect(await assistant.refused("seek", { session_id: session, seq: 1, fraction: 0.5 })).toMatch(
      /exactly one place/,
    );
    expect((await assistant.call("list_sessions", { mode: "SIMULATION" })).text).toContain(session);
    await removed(session);
    expect(await assistant.refused("get_session", { session_id: session })).toMatch(/^SESSION_NOT_FOUND/);
  });

  test("[MC11] and reads tapes, frames, analytics and the whole book", async ({ cluster }) => {
    const { session } = await created(await using(cluster), { tape: "usdm" });
    await assistant.session("seek", { session_id: session, seq: 600 });
    const truth = await cluster.recording("usdm");
    const tapes = z.looseObject({ tapes: z.array(z.looseObject({ id: z.string() })), next_skip: z.null() });
    expect((await assistant.ask(tapes, "list_tapes", { symbol: "btcusdt" })).tapes).toMatchObject([{ id: "usdm" }]);
    expect(await assistant.ask(tapes, "list_tapes", { symbol: "NONE" })).toMatchObject({ total: 0 });
    const tape = z.looseObject({
      price_line: z.array(z.unknown()),
      events: z.array(z.looseObject({ seq: z.int() })),
      events_found: z.int(),
    });
    const { events, ...found } = await assistant.ask(tape, "get_tape", { tape: "usdm", points: 10 });
    expect(found.price_line.length).toBeLessThanOrEqual(10);
    expect(events).toHaveLength(found.events_found);
    for (const { seq } of events) expect(truth.frame(seq).anomalies).not.toEqual([]);

    const rows = z.object({
      frames: z.array(z.looseObject({ seq: z.int(), mid: z.number() })),
      kept: z.literal(100),
      left_out: z.literal(0),
    });
    const { frames } = await assistant.ask(rows, "get_frames", { session_id: session, count: 3 });
    expect(frames.map(({ seq, mid }) => [seq, mid])).toEqual(
      [598, 599, 600].map((seq) => [seq, truth.frame(seq).mid_price]),
    );
    const full = z.object({ frames: z.array(z.looseObject({ seq: z.int() })), kept: z.int(), left_out: z.int() });
    const whole = await assistant.ask(full, "get_frames", { session_id: session, count: 100, detail: "full" });
    expect(whole.frames.at(-1)).toEqual(truth.frame(600));
    expect(whole.frames.length + whole.left_out).toBe(100);

    const report = z.looseObject({ total: z.int(), items: z.array(z.looseObject({ timestamp: z.string() })) });
    for (const name of ["anomalies", "trades", "spreads", "vpin", "trade_anomalies", "alerts"]) {
      const { total, items } = await assistant.ask(report, "get_analytics", {
        session_id: session,
        report: name,
        limit: 2,
      });
      expect([name, items.length]).toEqual([name, Math.min(2, total)]);
    }
    for (const name of ["anomaly_counts", "alert_counts"]) {
      expect((await assistant.call("get_analytics", { session_id: session, report: name })).isError).toBe(false);
    }

    const inTwo = [0, 10].map((skip) => assistant.ask(fullBook, "get_book", { session_id: session, depth: 10, skip }));
    const at = await assistant.ask(fullBook, "get_book", { tape: "usdm", seq: 600, depth: 20 });
    const [best, behind] = await Promise.all(inTwo);
    expect(at).toMatchObject({ seq: 600, bids: [...(best?.bids ?? []), ...(behind?.bids ?? [])] });
    expect(at.asks).toEqual([...(best?.asks ?? []), ...(behind?.asks ?? [])]);
    expect(await assistant.refused("get_book", { session_id: session, seq: 3 })).toMatch(/seek first/);
    await removed(session);
  });
});

describe("events of the track", () => {
  test.for([
    { kinds: ["book", "trade"], limit: 7 },
    { kinds: ["trade"], limit: 3 },
  ])("[MC9] pages of $limit of $kinds have each event once", async ({ kinds, limit }, { cluster }) => {
    await using(cluster);
    const range = { from_seq: 20, to_seq: 90 };
    const told = await linesOf(cluster, "usdm", range);
    const wanted = told.filter(({ kind }) => kinds.includes(kind));
    const events: z.infer<typeof event>[] = [];
    let from: object = { from_seq: range.from_seq };
    for (let pages = 0; ; pages++) {
      const args = { tape: "usdm", kinds, limit, levels: 100, to_seq: range.to_seq, ...from };
      const { events: some, next_from_n } = await assistant.ask(page, "get_events", args);
      expect(some.length).toBeLessThanOrEqual(limit);
      events.push(...some);
      if (next_from_n === null) break;
      from = { from_n: next_from_n };
      expect(pages).toBeLessThan(1000);
    }
    expect(events.length).toBeGreaterThan(limit);
    expect(events.map(({ n }) => n)).toEqual([...new Set(wanted.map(({ n }) => n))]);
    const levels = events.reduce(
      (sum, { bids, asks, levels_left_out: out }) => sum + bids.length + asks.length + out,
      0,
    );
    expect(levels + events.filter(({ trade }) => trade).length).toBe(wanted.length);
  });

  test("[MC7] of a session are those up to the playhead, unless an end is named", async ({ cluster }) => {
    const { session } = await created(await using(cluster), { tape: "usdm" });
    await assistant.session("seek", { session_id: session, seq: 50 });
    const at = async (args: object) =>
      (await assistant.ask(page, "get_events", { session_id: session, limit: 200, ...args })).events;
    expect(new Set((await at({})).map(({ seq }) => seq))).toEqual(new Set([50]));
    const since = await at({ from_seq: 45, kinds: ["trade", "book"] });
    expect([since[0]?.seq, since.at(-1)?.seq]).toEqual([45, 50]);
    expect((await at({ from_seq: 49, to_seq: 53 })).at(-1)?.seq).toBe(52);
    await removed(session);
  });

  test("[MC7] of a simulated market, too", async ({ cluster }) => {
    const { session } = await created(await using(cluster), { mode: "SIMULATION", seed: 3 });
    await assistant.session("pause", { session_id: session });
    const { cursor_seq } = await assistant.session("step", { session_id: session, frames: 5 });
    const { events } = await assistant.ask(page, "get_events", { session_id: session });
    expect(events.length).toBeGreaterThan(0);
    expect(events.every(({ seq }) => seq === cursor_seq)).toBe(true);
    await removed(session);
  });
});

test("[MC4] no answer has more than 24,000 characters, however much is asked for", async ({ cluster }) => {
  const { session } = await created(await using(cluster), { tape: "usdm" });
  await assistant.session("seek", { session_id: session, seq: 1200 });
  const lengths = await Promise.all(
    [
      ["list_sessions", { limit: 30 }],
      ["list_tapes", { limit: 50 }],
      ["get_tape", { tape: "usdm", points: 100, limit: 100 }],
      ["get_frames", { session_id: session, count: 100 }],
      ["get_frames", { session_id: session, count: 100, detail: "full" }],
      ...["anomalies", "trades", "spreads", "vpin"].map((report): [string, object] => [
        "get_analytics",
        { session_id: session, report, limit: 200 },
      ]),
      ["get_book", { tape: "usdm", seq: 900, depth: 200 }],
      ["get_events", { tape: "usdm", limit: 200, levels: 100 }],
    ].map(async ([name, args]) => {
      const { text, isError } = await assistant.call(
        z.string().parse(name),
        z.record(z.string(), z.unknown()).parse(args),
      );
      expect([name, isError]).toEqual([name, false]);
      return text.length;
    }),
  );
  expect(Math.max(...lengths)).toBeLessThanOrEqual(24_000);
  await removed(session);
});

describe("[MC8] watch waits while a session plays, and sums up what passed", () => {
  test("for some seconds, at a time of the tape, and when it stops playing", async ({ cluster }) => {
    const { session } = await created(await using(cluster), { tape: "usdm", speed: 10, max_fps: 0 });
    const truth = await cluster.recording("usdm");
    const watch = (args: object) => assistant.ask(passed, "watch", { session_id: session, ...args });
    expect(await watch({ seconds: 30 })).toMatchObject({ ended_by: "not playing", frames: 0 });
    await assistant.session("play", { session_id: session });
    const some = await watch({ seconds: 1 });
    expect(some).toMatchObject({ ended_by: "seconds", session: { state: "PLAYING" } });
    expect(some.frames).toBeGreaterThan(20);
    const until = truth.frame(900).timestamp;
    await assistant.session("seek", { session_id: session, seq: 880 });
    const { last } = z.looseObject({ last: z.looseObject({ seq: z.int() }) }).parse(await watch({ until_ts: until }));
    expect(last.seq).toBe(900);
    await assistant.session("set_range", { session_id: session, to: truth.frame(1000).timestamp });
    expect(await watch({ seconds: 40 })).toMatchObject({ ended_by: "not playing", session: { state: "STOPPED" } });
    await removed(session);
  });

  test("until an anomaly that is severe enough, whose frame it shows", async ({ cluster }) => {
    const { session } = await created(await using(cluster), { tape: "usdm", speed: 50, max_fps: 0, play: true });
    const shown = passed.extend({
      last: z.looseObject({ anomalies: z.array(z.string()) }),
      newest_anomalies: z.array(z.unknown()),
    });
    const { ended_by, last, newest_anomalies } = await assistant.ask(shown, "watch", {
      session_id: session,
      seconds: 30,
      until_severity: "low",
    });
    expect(ended_by).toBe("until_severity");
    expect(last.anomalies.length).toBe(newest_anomalies.length);
    await removed(session);
  });
});

describe("[MC6] a session that an assistant plays is not parked", () => {
  test("until the assistant leaves", async ({ cluster }) => {
    const other = await Assistant.start(cluster.url);
    const { session_id: id } = await other.session("create_session", { tape: "usdm", play: true, speed: 0.1 });
    const before = (await cluster.http.session(id)).controller_state.cursor_seq ?? 0;
    await cluster.until(
      async () => ((await cluster.http.session(id)).controller_state.cursor_seq ?? 0) > before + 3,
      "playing on",
    );
    expect(await cluster.http.session(id)).toMatchObject({ parked: false, connections: 1 });
    await other.close();
    await cluster.until(async () => (await cluster.http.session(id)).connections === 0, "leaving");
    await cluster.http.delete(id);
  });

  test("nor are the seven others that it played last; the one before them is", async ({ cluster }) => {
    await using(cluster);
    const ids: string[] = [];
    for (let n = 0; n < 9; n++) {
      const { session } = await created(assistant, { tape: "usdm", speed: 0.1, play: true });
      ids.push(session);
    }
    const [first = "", ...others] = ids;
    await cluster.until(async () => (await cluster.http.session(first)).connections === 0, "leaving the first");
    for (const id of others) expect((await cluster.http.session(id)).connections).toBe(1);
    expect(await assistant.session("play", { session_id: first })).toMatchObject({ parked: false });
    for (const id of ids) await removed(id);
  });
});

async function created(by: Assistant, args: object): Promise<{ session: string }> {
  const { session_id } = await by.session("create_session", { ...args });
  return { session: session_id };
}

async function removed(id: string): Promise<void> {
  await assistant.ask(z.looseObject({ status: z.literal("success") }), "delete_session", { session_id: id });
}

async function linesOf(cluster: TestCluster, tape: string, query: Record<string, number>): Promise<TrackLine[]> {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const text = await (await fetch(`${cluster.url}/tapes/${tape}/events?${search}`)).text();
  return text
    .trim()
    .split("\n")
    .map((line) => trackLine.parse(JSON.parse(line)));
}
