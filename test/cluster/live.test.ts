import { afterAll, beforeAll, describe, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { describe as distribution, percentile } from "../support/distribution.js";
import { FakeBinance } from "../support/exchange/binance.js";
import "../support/expect.js";
import { LiveTapeReader } from "../support/live-tape-reader.js";
import type { Viewer } from "../support/viewer.js";

const exchange = new FakeBinance();
const symbols = ["BTCUSDT", "ETHUSDT"] as const;
beforeAll(async () => {
  await exchange.open();
  for (const symbol of symbols) exchange.market(symbol).run();
  exchange.listedOnly.add("NOSUCHCOIN");
});
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  feeds: 2,
  env: { feed: { BINANCE_URL: exchange.url, BINANCE_REST_URL: exchange.restUrl } },
})).extend<{ tapes: LiveTapeReader }>({
  tapes: async ({ cluster }, use) => {
    const reader = new LiveTapeReader(cluster);
    await use(reader);
    await reader.close();
  },
});

const symbolOf = ({ json }: { json: string }) => /"symbol":"(\w+)"/.exec(json)?.[1];
/** The frames of the epoch that a viewer is in. */
const present = (viewer: Viewer) => viewer.frames.filter(({ epoch }) => epoch === viewer.session?.epoch);

describe("three users", () => {
  test("[LV80] two watch markets and one replays, undisturbed; a hundred more open no connection to the exchange", async ({
    cluster,
    tapes,
  }) => {
    const [a, b, c] = await cluster.threeUsers();
    await Promise.all([a, b, c].map((user) => user.viewer.next(5)));
    const live = [
      [a, "BTCUSDT"],
      [c, "ETHUSDT"],
    ] as const;
    for (const [user, symbol] of live) {
      const answer = await cluster.http.call("POST", `/mode/${user.id}`, { mode: "LIVE", symbol });
      expect(answer).toMatchObject({
        status: 200,
        body: { status: "success", mode: "LIVE", symbol, state: "PLAYING" },
      });
    }
    const replayed = b.viewer.session?.epoch;
    for (const [user, symbol] of live) {
      await user.viewer.until(() => user.viewer.messagesOf("feed").some(({ status }) => status === "up"), "its feed");
      await user.viewer.until(
        () => present(user.viewer).filter((frame) => symbolOf(frame) === symbol).length >= 30,
        "frames",
      );
      expect(await cluster.http.session(user.id)).toMatchObject({
        behind_ms: 0,
        feed: { status: "up" },
        state: "PLAYING",
      });
      expect((await cluster.record(user.id)).ticker).toBe("");
    }
    await b.viewer.next(20);
    expect(b.viewer.session).toMatchObject({ mode: "REPLAY", epoch: replayed, state: "PLAYING" });
    expect(b.viewer.frames).toHaveConsecutiveSeqs();
    expect(b.viewer.frames).toBeOfTape(b.truth);

    const connections = exchange.connections;
    const more = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol: "BTCUSDT", max_fps: 0 });
        return { id, viewers: [await cluster.watch(id)] };
      }),
    );
    await Promise.all(more.map(({ viewers }) => viewers[0]?.next(20)));
    expect(exchange.connections).toBe(connections);

    for (const [user, symbol] of live) {
      const frames = present(user.viewer);
      expect(frames).toHaveConsecutiveSeqs();
      expect(frames).toBeOfTape(await tapes.truth((await cluster.http.session(user.id)).tape));
      expect(new Set(frames.map(symbolOf))).toEqual(new Set([symbol]));
    }
    const truth = await tapes.truth((await cluster.http.session(a.id)).tape);
    for (const { viewers } of more) {
      expect(viewers[0]?.frames).toHaveConsecutiveSeqs();
      expect(viewers[0]?.frames).toBeOfTape(truth);
    }
    await cluster.end(a, b, c, ...more);
  });

  test("[LV1] [LV26] a session learns that its symbol is unknown, and other sessions notice nothing", async ({
    cluster,
  }) => {
    const { session_id: good } = await cluster.http.create({ mode: "LIVE" });
    const { session_id: bad } = await cluster.http.create({ mode: "LIVE", symbol: "NOSUCHCOIN" });
    const viewers = [await cluster.watch(good), await cluster.watch(bad)] as const;
    await viewers[1].until(() => viewers[1].messagesOf("feed").at(-1)?.status === "down", "the refusal");
    expect(viewers[1].messagesOf("feed").at(-1)?.reason).toMatch(/NOSUCHCOIN|symbol/i);
    await viewers[0].next(10);
    expect(viewers[0].messagesOf("feed").at(-1)?.status).toBe("up");
    expect(await cluster.http.refused("POST", `/mode/${good}`, { mode: "LIVE", source: "MOON" })).toEqual({
      status: 422,
      code: "INVALID_VALUE",
    });
    expect(await cluster.http.get("/health")).toMatchObject({
      body: {
        status: "healthy",
        feeds: expect.arrayContaining([expect.objectContaining({ symbol: "NOSUCHCOIN", status: "down" })]),
      },
    });
    await cluster.end({ id: good, viewers: [viewers[0]] }, { id: bad, viewers: [viewers[1]] });
  });

  test("[LV88] a symbol that the venue does not list is refused, naming the field", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ mode: "LIVE" });
    const viewer = await cluster.watch(id);
    await viewer.next(3);
    const listed = () => cluster.redis.exists(cluster.keys.liveListed("BINANCE"));
    await cluster.until(async () => (await listed()) === 1, "the venue's list");
    const answer = await cluster.http.call("POST", `/mode/${id}`, { mode: "LIVE", symbol: "ANOTHERCOIN" });
    expect([answer.status, answer.body]).toMatchObject([
      422,
      { code: "INVALID_VALUE", message: expect.stringContaining("symbol: BINANCE does not list ANOTHERCOIN") },
    ]);
    expect(await cluster.http.session(id)).toMatchObject({ mode: "LIVE", active_symbol: "BTCUSDT" });
    await viewer.next(3);
    await cluster.end({ id, viewers: [viewer] });
  });
});

describe("one user", () => {
  test("[LV85] a paused market keeps its place while a recorded tape plays, and continues frame by frame", async ({
    cluster,
    tapes,
  }) => {
    const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol: "BTCUSDT", max_fps: 0 });
    const viewer = await cluster.watch(id);
    await viewer.next(20);
    await viewer.command("pause");
    const paused = await cluster.http.session(id);
    await viewer.command("mode", { mode: "REPLAY", tape: "usdm" });
    await viewer.command("start");
    await viewer.next(10);
    const looked = await cluster.http.session(id);
    await viewer.command("mode", { mode: "LIVE" });
    const back = await cluster.http.session(id);
    expect(back).toMatchObject({ mode: "LIVE", state: "PAUSED", tape: paused.tape, cursor_ts: paused.cursor_ts });
    expect(back.epoch).toBeGreaterThan(looked.epoch);
    await viewer.until(() => viewer.lastSeq === paused.controller_state.cursor_seq, "the frame at which it was paused");
    await viewer.command("resume");
    await viewer.next(20);
    const live = viewer.frames.filter(({ epoch }) => epoch === paused.epoch || epoch === back.epoch);
    expect(live).toHaveConsecutiveSeqs();
    expect(live).toBeOfTape(await tapes.truth(paused.tape));
    // The recorded tape plays on from where it was left.
    await viewer.command("mode", { mode: "REPLAY" });
    await viewer.next(10);
    const again = viewer.frames.filter(({ epoch }) => epoch === viewer.session?.epoch);
    expect(again[0]?.seq).toBeGreaterThanOrEqual(9);
    expect(await cluster.http.session(id)).toMatchObject({ mode: "REPLAY", state: "PLAYING", tape: looked.tape });
    await cluster.end({ id, viewers: [viewer] });
  });

  test("[LV81] pause, resume behind, catch up, rewind and go live: the viewer sees every frame of the tape", {
    timeout: 240_000,
  }, async ({ cluster, tapes }) => {
    const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol: "BTCUSDT", max_fps: 0 });
    const viewer = await cluster.watch(id);
    await viewer.next(20);
    await viewer.command("pause");
    const paused = await cluster.http.session(id);
    const seen = viewer.frames.length;
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(viewer.frames).toHaveLength(seen);
    await viewer.command("resume");
    await viewer.next(40);
    const behind = await cluster.http.session(id);
    expect(behind.epoch).toBe(paused.epoch);
    expect(behind.behind_ms).toBeGreaterThan(19_000);
    expect(behind.behind_ms).toBeLessThan(22_000);
    expect((await cluster.record(id)).edge).toBe(false);

    await viewer.command("speed", { value: 4 });
    await viewer.until(() => viewer.messagesOf("state").some(({ cause }) => cause === "reached"), "the edge", 30_000);
    await viewer.next(30);
    const caught = await cluster.http.session(id);
    expect(caught).toMatchObject({ behind_ms: 0, speed: 4, state: "PLAYING", epoch: paused.epoch });
    expect(await cluster.record(id)).toMatchObject({ edge: true, ticker: "" });
    // All frames seen so far together are the tape from the first of them on.
    const first = viewer.frames[0]?.seq ?? -1;
    const truth = await tapes.truth(caught.tape);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(truth);
    expect(viewer.frames.map(({ seq }) => seq)).toEqual(Array.from(viewer.frames, (_, at) => first + at));

    // The feed has recorded since the first test of this file, unless this test runs alone.
    const tape = await tapes.open(caught.tape ?? "");
    await cluster.until(async () => (await tapes.open(tape.id)).span.lastNs > 62e9, "a minute of tape", 65_000);
    await viewer.command("speed", { value: 1 });
    await viewer.command("goback", { seconds: 60 });
    await viewer.next(50);
    const rewound = await cluster.http.session(id);
    expect(rewound.behind_ms).toBeGreaterThan(57_000);
    expect(rewound.epoch).toBeGreaterThan(caught.epoch);
    await viewer.command("live");
    await viewer.next(30);
    expect(await cluster.http.session(id)).toMatchObject({ behind_ms: 0, state: "PLAYING" });
    expect((await cluster.record(id)).edge).toBe(true);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(await tapes.truth(caught.tape));
    await cluster.end({ id, viewers: [viewer] });
  });

  test("[LV82] frames of the former market stop within milliseconds after the HTTP answer", {
    timeout: 240_000,
  }, async ({ cluster }) => {
    // Both feeds run already: otherwise a change to one would be two, the second when its tape begins.
    const others = await Promise.all(
      symbols.map(async (symbol) => {
        const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol });
        const viewer = await cluster.watch(id);
        await viewer.next(2, 30_000);
        return { id, viewers: [viewer] };
      }),
    );
    const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol: "BTCUSDT", max_fps: 0 });
    const viewers = await Promise.all(cluster.gateways.map(() => cluster.watch(id)));
    await Promise.all(viewers.map((viewer) => viewer.next(5, 30_000)));
    // Until a socket learns of the change it may still get frames of the former market.
    const learned: number[] = [];
    let late = 0;
    for (let round = 0; round < 50; round++) {
      const symbol = symbols[(round + 1) % 2];
      const { body } = await cluster.http.call("POST", `/mode/${id}`, { mode: "LIVE", symbol });
      const answered = performance.timeOrigin + performance.now();
      const epoch = Number(Object(body).epoch);
      await Promise.all(
        viewers.map((viewer) =>
          viewer.until(() => present(viewer).length > 1 && viewer.session?.epoch === epoch, "its frames"),
        ),
      );
      for (const viewer of viewers) {
        const state = viewer.messagesOf("state").find(({ session }) => session.epoch === epoch);
        learned.push((state?.at ?? Number.POSITIVE_INFINITY) - answered);
        late += viewer.frames.filter((frame) => frame.epoch < epoch && frame.at > answered).length;
      }
    }
    cluster.note(
      `LIVE: from the HTTP answer to a change of symbol until a socket learns of it, in ms: ${distribution(learned)}`,
    );
    cluster.note(`LIVE: of ${learned.length} changes, ${late} frames of the former market came after the HTTP answer`);
    expect(percentile(learned, 0.99)).toBeLessThan(1000);
    for (const viewer of viewers) expect(viewer.frames).toHaveConsecutiveSeqs();
    await cluster.end({ id, viewers }, ...others);
  });
});
