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

/** A LIVE session on the test's own market. */
async function live(choice: Parameters<typeof cluster.sessions.open>[1] = {}): Promise<SessionRecord> {
  return (await cluster.sessions.open(`live_${nth}_${Math.random()}`, { mode: "LIVE", symbol, max_fps: 0, ...choice }))
    .record;
}

/** A socket on each gateway, each of which has heard where it stands. */
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

describe("at the edge", () => {
  test("[LV20] the market's frames reach all sockets byte for byte, each once, and nothing is written of the session", async () => {
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
      const told = viewer.of("snapshot").map(({ text }) => text);
      expect(told).toEqual(await textsOf(feed.tape, range(5, 54)));
    }
    expect({ ...(await cluster.redis.hgetall(key)), last_activity: "" }).toEqual({ ...before, last_activity: "" });
    const asked = await cluster.redis.keys(`${cluster.keys.bullPrefix}:{ticker-*`);
    expect(asked.filter((name) => !name.endsWith(":meta"))).toEqual([]);
    expect(legacy.types.every((type) => type === "history" || type === "snapshot")).toBe(true);
  });

  test("[LV23] hundreds of sessions on one market are one subscription of their node, and none is left without sockets", async () => {
    await feed.append(1);
    const others = gateways[0].fields().sessions;
    const records = await Promise.all(Array.from({ length: 300 }, () => live()));
    const viewers = await Promise.all(records.map(({ id }) => gateways[0].client(`/ws/${id}`)));
    await Promise.all(viewers.map((viewer) => viewer.untilType("history")));
    await feed.append(10);
    await Promise.all(viewers.map((viewer) => viewer.untilSeq(10)));
    const own = await cluster.feedSubscribers(symbol);
    expect(own).toBeLessThanOrEqual(2); // that gateway's, and the test's own deck's
    await Promise.all(viewers.map((viewer) => viewer.close()));
    await expect.poll(() => gateways[0].fields().sessions, { timeout: 5000 }).toBe(others);
  });

  test("[LV25] a newcomer's history goes up to the newest frame, and whoever comes back gets what it missed", async () => {
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

  test("[LV21] what came while a session was read or a socket was connecting is not missed", async () => {
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

describe("told to stand by who has not heard of the newest frame", () => {
  test("[LV70] a deck stands where its viewers saw the market last, and a step back leaves no frame out", async () => {
    await feed.append(5);
    const record = await live();
    const viewers = await viewersOf(record);
    await feed.append(3);
    for (const viewer of viewers) await viewer.untilSeq(feed.last);
    // As an api leaves it that has read the tape before the newest frame was on it.
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

describe("when things break", () => {
  test("[LV21] a node whose connection to Redis breaks shows what came meanwhile, each frame once", async () => {
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

  test("[LV22] one who reads too slowly gets the newest frame with all trades, and is told", async () => {
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
    const trades = (client: Client | undefined) => client?.frames.reduce((sum, shown) => sum + shown.trades, 0);
    expect(trades(slow)).toBe(trades(quick));
    expect(slow?.of("lag").length).toBeGreaterThan(0);
    await feed.append(1);
    await slow?.untilSeq(last + 1);
  });
});

describe("above the session's frame rate", () => {
  test("[LV22] frames are merged with all their trades, alike on all gateways", async () => {
    await feed.writer.release();
    feed = await cluster.feed({ symbol, tradesPerFrame: (seq) => seq % 4 });
    await feed.append(1);
    const record = await live({ max_fps: 4 });
    const viewers = await viewersOf(record);
    for (const _ of range(1, 40)) await feed.append(1);
    // A frame every 100 ms and 4 messages a second: the last one that goes out at once is the first of its cell.
    const whole = (await textsOf(feed.tape, range(1, 40))).map((text) => JSON.parse(text).trades.length);
    for (const viewer of viewers) {
      await viewer.untilSeq(40);
      expectNoGap(viewer.frames);
      const told = viewer.frames.filter(({ seq }) => seq > 0);
      expect(told.reduce((sum, { trades }) => sum + trades, 0)).toBe(whole.reduce((sum, trades) => sum + trades, 0));
      expect(told.length).toBeLessThanOrEqual(18);
      expect(
        viewer.of("snapshot").every(({ text, skipped }) => skipped === undefined || text.includes('"skipped":')),
      ).toBe(true);
    }
    const [one, other] = viewers.map((viewer) => viewer.seqs.slice(0, -1));
    expect(one).toEqual(other);
  });

  test("[LV22] what a market leaves that falls silent goes out within a cell's time", async () => {
    await feed.append(1);
    const record = await live({ max_fps: 2 });
    const [viewer] = await viewersOf(record);
    await feed.append(7); // 700 ms of tape: the first of a cell, then some that wait
    const since = performance.now();
    await viewer?.untilSeq(7);
    expect(performance.now() - since).toBeLessThan(1500);
  });
});

describe("leaving the edge and returning", () => {
  test("[LV24] shows each frame once on every gateway, whatever is commanded where", async () => {
    await feed.append(3);
    const record = await live();
    const viewers = await viewersOf(record);
    const stop = feed.run();
    let epoch = record.epoch;
    for (let round = 0; round < 5; round++) {
      await viewers[0]?.until(() => (viewers[0]?.last?.seq ?? 0) >= feed.last - 1, "frames of the edge");
      const paused = (await perform(record.id, { type: "pause" })).record;
      expect(paused).toMatchObject({ state: "PAUSED", edge: false, epoch });
      await viewers[1]?.until(() => viewers[1]?.of("state").at(-1)?.session !== undefined, "word of the pause");
      // The test plays the ticker: what the pause left is published, then the market goes on.
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

  test("[LV24] no frame follows word of a pause, and a rewind shows what is there, on every gateway", async () => {
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

  test("[LV21] a state that names frames which this node has not heard of makes it wait for them", async () => {
    await feed.append(10);
    const record = await live();
    const [viewer, other] = await viewersOf(record);
    // This gateway goes deaf to the market, not to the session.
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
  test("[LV26] tells how it is, on connecting and when it changes; legacy sockets are not told", async () => {
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

  test("[LV27] a session that is LIVE before there is a tape shows the first frames when they come", async () => {
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

  test("[LV27] another tape of the feed takes all along, once, however many gateways there are", async () => {
    await feed.append(20);
    const record = await live();
    const viewers = await viewersOf(record);
    const former = feed.tape;
    await cluster.redis.del(cluster.keys.live("BINANCE", symbol), cluster.keys.liveTape("BINANCE", symbol));
    feed = await cluster.feed({ symbol });
    await feed.append(1);
    expect(feed.tape).not.toBe(former);
    for (const viewer of viewers) await viewer.until(() => viewer.of("state").length > 0, "word of the new tape");
    await feed.append(10);
    for (const viewer of viewers) {
      await viewer.untilSeq(10);
      expectNoGap(viewer.frames);
      expect(viewer.of("state")).toMatchObject([{ cause: "tuned", session: { tape: feed.tape } }]);
    }
    expect(await cluster.store.read(record.id)).toMatchObject({ record: { rev: record.rev + 1 } });
  });

  test("[LV28] is wanted while sockets watch, and by nobody else", async () => {
    await live();
    const wantedUntil = async () => Number(await cluster.redis.zscore(cluster.keys.liveWanted, `BINANCE:${symbol}`));
    const made = await wantedUntil();
    expect(made).toBeGreaterThan(Date.now());
    const record = await live();
    await viewersOf(record);
    await expect.poll(wantedUntil).toBeGreaterThan(made);
  });

  test("[LV86] is left when the last socket of the last session has closed, on whichever gateway", async () => {
    const leftUntil = () => cluster.redis.zscore(cluster.keys.liveLeft, `BINANCE:${symbol}`);
    const viewers = await viewersOf(await live());
    const other = await viewersOf(await live());
    const [last, ...rest] = [...viewers, ...other];
    for (const viewer of rest) await viewer.close();
    // Its sockets are counted before a feed is left, so none is left by mistake while that goes on.
    await expect.poll(() => cluster.redis.zcard(cluster.keys.liveWishesFor(`BINANCE:${symbol}`))).toBe(1);
    expect(await leftUntil()).toBeNull();
    await last?.close();
    await expect.poll(leftUntil).not.toBeNull();
  });
});

describe("another mode or symbol", () => {
  test("[LV29] shows nothing of what was before after the state that tells of it", async () => {
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

test("[G20] a viewer that comes back to a market's edge costs Redis no more readings of its tape than one that is new", async () => {
  const server = await startRedisServer();
  const own = await startTestCluster(server.url);
  try {
    const market = await own.feed({ symbol: "MARKET" });
    await market.append(50);
    const gateway = await own.gateway();
    const readings = async () =>
      Number(/cmdstat_xrange:calls=(\d+)/.exec(await own.redis.info("commandstats"))?.[1] ?? 0);
    /** Of the viewer of a session of its own, with or without a token. */
    const cost = async (id: string, token: (record: SessionRecord) => string) => {
      const { record } = await own.sessions.open(id, { mode: "LIVE", symbol: "MARKET", max_fps: 0 });
      const before = await readings();
      const viewer = await gateway.client(`/ws/${id}${token(record)}`);
      await viewer.untilType("history");
      return (await readings()) - before;
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
