import type { TestFeed } from "@tapedeck/live/testing";
import { subscribe, unsubscribe } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import { render } from "@tapedeck/tape";
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { startRedisServer } from "../../../../test/support/redis-server.js";
import { type Client, expectNoGap } from "../testing/test-client.js";
import { startTestCluster } from "../testing/test-cluster.js";

const cluster = await startTestCluster(inject("redisUrl"));
const gateways = [await cluster.gateway(), await cluster.gateway()] as const;
afterAll(() => cluster.stop());

let nth = 0;
let symbol = "";
let feed: TestFeed;
beforeEach(async () => {
  symbol = `COIN${++nth}`;
  feed = await cluster.feed({ symbol });
});
afterEach(() => feed.writer.release());

/** Opens a LIVE session on the test's own market. */
async function live(choice: Parameters<typeof cluster.sessions.open>[1] = {}): Promise<SessionRecord> {
  return (await cluster.sessions.open(`live_${nth}_${Math.random()}`, { mode: "LIVE", symbol, max_fps: 0, ...choice }))
    .record;
}

/** A client on each gateway that has its history. */
function viewersOf({ id }: Pick<SessionRecord, "id">): Promise<Client[]> {
  return Promise.all(
    gateways.map(async (gateway) => {
      const viewer = await gateway.client(`/ws/${id}`);
      await viewer.untilType("history");
      return viewer;
    }),
  );
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const textsOf = async (tape: string, seqs: readonly number[]) => {
  const opened = await cluster.tapes.open(tape);
  return Promise.all(seqs.map((seq) => render(opened, seq - 1, seq)));
};
const perform = cluster.sessions.perform.bind(cluster.sessions);

describe("at the live edge", () => {
  test("[LV20] the market's frames reach all sockets byte for byte and once, and nothing is written for the session", async () => {
    await feed.append(5);
    const record = await live();
    const legacy = await gateways[0].client(`/ws/${record.id}`, { legacy: true });
    const viewers = [...(await viewersOf(record)), legacy];
    const key = cluster.keys.session(record.id);
    const before = await cluster.redis.hgetall(key);
    await feed.append(20);
    await feed.append(30);
    for (const viewer of viewers) {
      await viewer.untilSeq(54);
      expect(viewer.seqs).toEqual(range(4, 54));
      const received = viewer.of("snapshot").map(({ text }) => text);
      expect(received).toEqual(await textsOf(feed.tape, range(5, 54)));
    }
    expect({ ...(await cluster.redis.hgetall(key)), last_activity: "" }).toEqual({ ...before, last_activity: "" });
    const asked = await cluster.redis.keys(`${cluster.keys.bullPrefix}:{ticker-*`);
    expect(asked.filter((name) => !name.endsWith(":meta"))).toEqual([]);
    expect(legacy.types.every((type) => type === "history" || type === "snapshot")).toBe(true);
  });

  test("[LV23] hundreds of sessions on one market share one subscription of their node, which ends with the last socket", async () => {
    await feed.append(1);
    const others = gateways[0].fields().sessions;
    const records = await Promise.all(Array.from({ length: 300 }, () => live()));
    const viewers = await Promise.all(records.map(({ id }) => gateways[0].client(`/ws/${id}`)));
    await Promise.all(viewers.map((viewer) => viewer.untilType("history")));
    await feed.append(10);
    await Promise.all(viewers.map((viewer) => viewer.untilSeq(10)));
    const own = await cluster.feedSubscribers(symbol);
    expect(own).toBeLessThanOrEqual(2); // one of that gateway and one of the test's own cluster
    await Promise.all(viewers.map((viewer) => viewer.close()));
    await expect.poll(() => gateways[0].fields().sessions, { timeout: 5000 }).toBe(others);
  });

  test("[LV25] a new client's history goes up to the newest frame, and a client that resumes gets what it missed", async () => {
    await feed.append(1);
    const record = await live();
    const [first] = await viewersOf(record);
    await feed.append(150);
    await first?.untilSeq(150);
    const newcomer = await gateways[1].client(`/ws/${record.id}`);
    await newcomer.untilType("history");
    expect(newcomer.seqs).toEqual(range(51, 150));
    await first?.close();
    await feed.append(250);
    const back = await gateways[1].client(`/ws/${record.id}?epoch=${record.epoch}&after=150`);
    await back.untilSeq(400);
    expect(back.seqs).toEqual(range(151, 400));
    expect(back.of("history").every(({ complete }) => complete === true)).toBe(true);
    await feed.append(1);
    await back.untilSeq(401);
  });

  test("[LV21] no frame is missing that came while a session was read or a socket connected", async () => {
    await feed.append(1);
    const record = await live();
    const stop = feed.run();
    const viewers = await Promise.all(
      range(1, 20).map(async (at) => {
        const viewer = await gateways[at % 2 === 0 ? 0 : 1].client(`/ws/${record.id}`);
        await viewer.untilType("snapshot", 3);
        return viewer;
      }),
    );
    await stop();
    for (const viewer of viewers) {
      await viewer.untilSeq(feed.last);
      expectNoGap(viewer.frames);
    }
  });
});

describe("a pause by a node that does not know the newest frame", () => {
  test("[LV70] pauses the session at the frame its clients saw last, and a step back from there leaves no frame out", async () => {
    await feed.append(5);
    const record = await live();
    const viewers = await viewersOf(record);
    await feed.append(3);
    for (const viewer of viewers) await viewer.untilSeq(feed.last);
    // What an api writes that has read the tape before the newest frame was appended.
    const tape = await cluster.tapes.open(feed.tape);
    const [seq, rev] = [feed.last - 1, record.rev + 1];
    const there = { anchorSeq: seq, publishedSeq: seq, anchorNs: await tape.nsOf(seq) };
    await cluster.store.replace(record, { ...record, ...there, rev, state: "PAUSED", edge: false }, "command");
    await expect.poll(async () => (await cluster.store.read(record.id))?.record.anchorSeq).toBe(feed.last);
    for (const viewer of viewers) {
      await viewer.untilType("state", 2);
      expect(viewer.of("state").map(({ session }) => session)).toMatchObject([
        { state: "PAUSED", controller_state: { cursor_seq: seq } },
        { state: "PAUSED", controller_state: { cursor_seq: feed.last } },
      ]);
    }
    const { record: back } = await perform(record.id, { type: "step", by: { frames: -1 } });
    expect(back.anchorSeq).toBe(feed.last - 1);
    expect((await cluster.store.read(record.id))?.record.rev).toBe(record.rev + 3);
  });
});

describe("when something breaks", () => {
  test("[LV21] a node whose connection to Redis breaks delivers what came meanwhile, each frame once", async () => {
    await feed.append(1);
    const record = await live();
    const [viewer, cut] = await viewersOf(record);
    await feed.append(5);
    gateways[1].subscriber.disconnect(true);
    await feed.append(20);
    await viewer?.untilSeq(25);
    await cut?.untilSeq(25);
    await feed.append(5);
    await cut?.untilSeq(30);
    expect(cut?.seqs).toEqual(range(0, 30));
  });

  test("[LV22] a slow reader gets the newest frame with all trades, and a lag message", async () => {
    await feed.writer.release();
    feed = await cluster.feed({ symbol, tradesPerFrame: () => 200 }); // frames of some 20 KB
    await feed.append(1);
    const record = await live();
    const [slow, quick] = await viewersOf(record);
    slow?.pause();
    while (Number(gateways[0].fields().slow_sockets) === 0) await feed.append(5);
    const last = await feed.append(20);
    await quick?.untilSeq(last);
    slow?.resume();
    await slow?.untilSeq(last);
    expectNoGap(slow?.frames ?? []);
    const trades = (client: Client | undefined) => client?.frames.reduce((sum, frame) => sum + frame.trades, 0);
    expect(trades(slow)).toBe(trades(quick));
    expect(slow?.of("lag").length).toBeGreaterThan(0);
    await feed.append(1);
    await slow?.untilSeq(last + 1);
  });
});

describe("above the session's frame cap", () => {
  test("[LV22] frames are merged with all their trades, identically on all gateways", async () => {
    await feed.writer.release();
    feed = await cluster.feed({ symbol, tradesPerFrame: (seq) => seq % 4 });
    await feed.append(1);
    const record = await live({ max_fps: 4 });
    const viewers = await viewersOf(record);
    for (const _ of range(1, 40)) await feed.append(1);
    // A frame every 100 ms and 4 messages a second: the last frame that is sent at once is the first of its interval.
    const whole = (await textsOf(feed.tape, range(1, 40))).map((text) => JSON.parse(text).trades.length);
    for (const viewer of viewers) {
      await viewer.untilSeq(40);
      expectNoGap(viewer.frames);
      const received = viewer.frames.filter(({ seq }) => seq > 0);
      expect(received.reduce((sum, { trades }) => sum + trades, 0)).toBe(
        whole.reduce((sum, trades) => sum + trades, 0),
      );
      expect(received.length).toBeLessThanOrEqual(18);
      expect(
        viewer.of("snapshot").every(({ text, skipped }) => skipped === undefined || text.includes('"skipped":')),
      ).toBe(true);
    }
    const [one, other] = viewers.map((viewer) => viewer.seqs.slice(0, -1));
    expect(one).toEqual(other);
  });

  test("[LV22] publishes the last pending frame within one interval after the feed goes quiet", async () => {
    await feed.append(1);
    const record = await live({ max_fps: 2 });
    const [viewer] = await viewersOf(record);
    await feed.append(7); // 700 ms of tape: the first frame of an interval, then some that wait
    const since = performance.now();
    await viewer?.untilSeq(7);
    expect(performance.now() - since).toBeLessThan(1500);
  });
});

describe("leaving the edge and returning", () => {
  test("[LV24] delivers each frame once on every gateway, whatever commands come to whichever gateway", async () => {
    await feed.append(3);
    const record = await live();
    const viewers = await viewersOf(record);
    const stop = feed.run();
    let epoch = record.epoch;
    for (let round = 0; round < 5; round++) {
      await viewers[0]?.until(() => (viewers[0]?.last?.seq ?? 0) >= feed.last - 1, "frames of the edge");
      const paused = (await perform(record.id, { type: "pause" })).record;
      expect(paused).toMatchObject({ state: "PAUSED", edge: false, epoch });
      await viewers[1]?.until(() => viewers[1]?.of("state").at(-1)?.session !== undefined, "the state of the pause");
      // In place of a ticker, the test publishes what the pause left; then the market goes on.
      await perform(record.id, { type: "resume" });
      const claimed = (await perform(record.id, { type: "claim", node: "ticker-test" })).record;
      const upTo = feed.last;
      for (let seq = claimed.publishedSeq; seq < upTo; seq++) await cluster.publish(claimed, seq, seq + 1);
      const reached = (await perform(record.id, { type: "reach", node: "ticker-test", seq: upTo })).record;
      expect(reached).toMatchObject({ edge: true, epoch });
      epoch = reached.epoch;
    }
    await stop();
    for (const viewer of viewers) {
      await viewer.untilSeq(feed.last);
      expectNoGap(viewer.frames);
      expect(viewer.seqs).toEqual(range(viewer.seqs[0] ?? -1, feed.last));
      expect(viewer.of("state").map(({ cause }) => cause)).toContain("reached");
    }
  });

  test("[LV24] no frame follows the state of a pause, and a rewind delivers the frames there, on every gateway", async () => {
    await feed.append(100);
    const record = await live();
    const viewers = await viewersOf(record);
    const stop = feed.run();
    await viewers[0]?.until(() => (viewers[0]?.last?.seq ?? 0) > 101, "frames of the edge");
    const answer = await viewers[0]?.command("pause");
    const at = viewers[0]?.messages.length ?? 0;
    const { record: back } = await perform(record.id, { type: "goback", seconds: 5 });
    for (const viewer of viewers) {
      await viewer.until(() => viewer.last?.epoch === back.epoch, "the frame of the rewind");
      expect(viewer.last).toMatchObject({ seq: back.anchorSeq, epoch: back.epoch });
    }
    await stop();
    expect(answer?.type).toBe("ack");
    const since = viewers[0]?.messages.slice(at).map(({ type }) => type);
    expect(since).toEqual(["state", "snapshot"]);
    await perform(record.id, { type: "live" });
    for (const viewer of viewers) await viewer.untilSeq(feed.last);
  });

  test("[LV21] a node waits for frames that a state names and that it has not received yet", async () => {
    await feed.append(10);
    const record = await live();
    const [viewer, other] = await viewersOf(record);
    // This gateway receives nothing from the market any more, but still the session's messages.
    await unsubscribe(gateways[1].subscriber, cluster.keys.live("BINANCE", symbol));
    await feed.append(10);
    await viewer?.untilSeq(19);
    await perform(record.id, { type: "pause" });
    await other?.untilSeq(19);
    expectNoGap(other?.frames ?? []);
    await subscribe(gateways[1].subscriber, cluster.keys.live("BINANCE", symbol));
  });
});

describe("the feed", () => {
  test("[LV26] sends its status on connecting and when it changes, but not to legacy sockets", async () => {
    const record = await live();
    const legacy = await gateways[0].client(`/ws/${record.id}`, { legacy: true });
    const viewer = await gateways[0].client(`/ws/${record.id}`);
    await viewer.until(() => viewer.of("feed").at(-1)?.status === "up", "the feed");
    await feed.publishStatus({ status: "down", reason: "The venue does not know COIN." });
    await viewer.until(() => viewer.of("feed").at(-1)?.status === "down", "the feed");
    expect(viewer.of("feed").at(-1)).toMatchObject({ reason: "The venue does not know COIN." });
    const later = await gateways[1].client(`/ws/${record.id}`);
    await later.until(() => later.of("feed").at(-1)?.status === "down", "the feed");
    expect(later.of("session")[0]?.session).toMatchObject({ feed: { status: "down" }, behind_ms: null });
    expect(legacy.types).toEqual(["history"]);
  });

  test("[LV27] a session that is LIVE before there is a tape gets the first frames when they come", async () => {
    const record = await live();
    expect(record).toMatchObject({ tape: "", edge: true });
    const viewers = await viewersOf(record);
    await feed.append(1);
    for (const viewer of viewers) {
      await viewer.untilType("state");
      expect(viewer.of("state").map(({ cause }) => cause)).toEqual(["tuned"]);
    }
    await feed.append(5);
    for (const viewer of viewers) {
      await viewer.untilSeq(5);
      expectNoGap(viewer.frames);
    }
    expect(await cluster.store.read(record.id)).toMatchObject({ record: { tape: feed.tape, rev: record.rev + 1 } });
  });

  test("[LV27] moves all sessions to its new tape, once, however many gateways there are", async () => {
    await feed.append(20);
    const record = await live();
    const viewers = await viewersOf(record);
    const former = feed.tape;
    await cluster.redis.del(cluster.keys.live("BINANCE", symbol), cluster.keys.liveTape("BINANCE", symbol));
    feed = await cluster.feed({ symbol });
    await feed.append(1);
    expect(feed.tape).not.toBe(former);
    for (const viewer of viewers) await viewer.until(() => viewer.of("state").length > 0, "the state of the new tape");
    await feed.append(10);
    for (const viewer of viewers) {
      await viewer.untilSeq(10);
      expectNoGap(viewer.frames);
      expect(viewer.of("state")).toMatchObject([{ cause: "tuned", session: { tape: feed.tape } }]);
    }
    expect(await cluster.store.read(record.id)).toMatchObject({ record: { rev: record.rev + 1 } });
  });

  test("[LV28] is requested by sessions with sockets and by no others", async () => {
    await live();
    const wantedUntil = async () => Number(await cluster.redis.zscore(cluster.keys.liveWanted, `BINANCE:${symbol}`));
    const made = await wantedUntil();
    expect(made).toBeGreaterThan(Date.now());
    const record = await live();
    await viewersOf(record);
    await expect.poll(wantedUntil).toBeGreaterThan(made);
  });

  test("[LV86] is released when the last socket of the last session has closed on any gateway", async () => {
    const leftUntil = () => cluster.redis.zscore(cluster.keys.liveLeft, `BINANCE:${symbol}`);
    const viewers = await viewersOf(await live());
    const other = await viewersOf(await live());
    const [last, ...rest] = [...viewers, ...other];
    for (const viewer of rest) await viewer.close();
    // Its sockets are counted before a feed is released, so none is released by mistake meanwhile.
    await expect.poll(() => cluster.redis.zcard(cluster.keys.liveDemandsFor(`BINANCE:${symbol}`))).toBe(1);
    expect(await leftUntil()).toBeNull();
    await last?.close();
    await expect.poll(leftUntil).not.toBeNull();
  });
});

describe("another mode or symbol", () => {
  test("[LV29] no old frame follows the state of the change", async () => {
    const otherSymbol = `OTHER${nth}`;
    const other = await cluster.feed({ symbol: otherSymbol });
    await feed.append(3);
    await other.append(3);
    const stops = [feed.run(), other.run()];
    const record = await live();
    const viewers = await viewersOf(record);
    for (let round = 0; round < 10; round++) {
      const wanted = round % 2 === 0 ? otherSymbol : symbol;
      const { record: switched } = await perform(record.id, { type: "mode", mode: "LIVE", symbol: wanted });
      for (const viewer of viewers) {
        await viewer.until(
          () => viewer.last?.epoch === switched.epoch && viewer.last.seq > switched.anchorSeq + 1,
          "its frames",
        );
      }
    }
    await Promise.all(stops.map((stop) => stop()));
    await other.writer.release();
    for (const viewer of viewers) {
      let present: unknown = symbol;
      for (const message of viewer.messages) {
        if (message.type === "state") present = Object(message.session).active_symbol;
        if (message.type === "snapshot") expect(message.symbol).toBe(present);
      }
      expect(viewer.of("state")).toHaveLength(10);
    }
  });
});

test("[G20] a client that resumes at the live edge costs Redis no more reads of its tape than a new one", async () => {
  const server = await startRedisServer();
  const own = await startTestCluster(server.url);
  try {
    const market = await own.feed({ symbol: "MARKET" });
    await market.append(50);
    const gateway = await own.gateway();
    const xranges = async () =>
      Number(/cmdstat_xrange:calls=(\d+)/.exec(await own.redis.info("commandstats"))?.[1] ?? 0);
    /** Reads for a client of its own session, with or without a token. */
    const cost = async (id: string, token: (record: SessionRecord) => string) => {
      const { record } = await own.sessions.open(id, { mode: "LIVE", symbol: "MARKET", max_fps: 0 });
      const before = await xranges();
      const viewer = await gateway.client(`/ws/${id}${token(record)}`);
      await viewer.untilType("history");
      return (await xranges()) - before;
    };
    await cost("first", () => ""); // opens the tape
    const anew = await cost("anew", () => "");
    expect(await cost("back", ({ epoch }) => `?epoch=${epoch}&after=48`)).toBe(anew);
    await market.writer.release();
  } finally {
    await own.stop();
    await server.stop();
  }
});
