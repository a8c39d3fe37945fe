import { describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { recordedFiles } from "../support/tapes.js";
import { DepthFollower, type DepthFollowerOptions } from "../support/venue/depth-follower.js";

const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: the venue's depth on a recording, which is not there.");

const side = z.array(z.tuple([z.string(), z.string()]));
const levels = z.object({ b: side, a: side });

type Market = DepthFollowerOptions["market"];
const exchangeOf = { spot: "binance", usdm: "binance-usdm" } as const;

/** Follows a session's book with the socket on one venue and requests to the other. */
function follow(cluster: TestCluster, id: string, market: Market, stream: string, first = 0): Promise<DepthFollower> {
  const [a = "", b = ""] = first === 0 ? urlsOf(cluster) : urlsOf(cluster).reverse();
  const path = `/venue/${exchangeOf[market]}/${id}`;
  return DepthFollower.connect({ socket: a + path, requests: b + path, market, stream });
}

function urlsOf(cluster: TestCluster): string[] {
  return cluster.venues.map(({ url }) => url);
}

/** Both agree with what the venue answers, once the market stands still. */
async function expectInSync(cluster: TestCluster, ...followers: DepthFollower[]): Promise<void> {
  for (const follower of followers) {
    await cluster.until(
      async () => (await follower.snapshot()).lastUpdateId === follower.lastId,
      "the follower to be up to date",
    );
    const { bids, asks } = await follower.snapshot();
    expect(follower.book).toEqual({ bids, asks });
    expect(follower.broken).toEqual([]);
  }
}

describe.skipIf(noRecording)("on a recording", () => {
  test("[VN10] [VN11] [VN30] [VN41] [VN43] local books kept by Binance's rules, with sockets and requests on different nodes, are those of the tape at its end", async ({
    cluster,
  }) => {
    const tape = await cluster.tapes.recorded("usdm");
    const { session_id: id } = await cluster.http.create({ tape: "usdm", speed: 30 });
    const followers = await Promise.all([
      follow(cluster, id, "usdm", "btcusdt@depth"),
      follow(cluster, id, "usdm", "btcusdt@depth@100ms", 1),
      follow(cluster, id, "spot", "btcusdt@depth", 1),
      follow(cluster, id, "spot", "btcusdt@depth@100ms"),
    ]);
    await cluster.http.control(id, "start");
    await cluster.until(async () => (await cluster.http.session(id)).state === "STOPPED", "the tape to end", 60_000);
    await expectInSync(cluster, ...followers);

    const track = tape.track;
    if (track === undefined) throw new Error("the tape has no event track");
    const { bids, asks } = await track.bookAt({ ts: tape.startNs + BigInt(tape.span.lastNs) });
    const { price, size } = track.decimals;
    const texts = (side: typeof bids, [priceDecimals, sizeDecimals]: readonly [number, number]) =>
      side.map(([at, amount]) => [at.toFixed(priceDecimals), amount.toFixed(sizeDecimals)]);
    const decimals = { usdm: [price, size], spot: [8, 8] } as const;
    for (const follower of followers) {
      const of = decimals[follower.market];
      expect(follower.book).toEqual({ bids: texts(bids, of), asks: texts(asks, of) });
    }
    expect(bids.length).toBeGreaterThan(1_000); // more than the limit of futures, and the followers have all of it
    // None is left out, and none joined with another.
    const heard = followers[0]?.texts.map((text) => levels.parse(JSON.parse(text))) ?? [];
    const said: z.infer<typeof levels>[] = [];
    for await (const event of track.events()) {
      if (event.kind !== "book") continue;
      const of = (name: "bid" | "ask") =>
        event.levels
          .filter((level) => level.side === name)
          .map((level): [string, string] => [level.price, level.amount]);
      said.push({ b: of("bid"), a: of("ask") });
    }
    expect(heard.length).toBeGreaterThan(1_000);
    expect(heard).toEqual(said.slice(-heard.length));
    cluster.note(`${followers[0]?.texts.length} updates of the book at 30x, four followers: none out of sync`);
    for (const follower of followers) follower.close();
    await cluster.http.delete(id);
  });

  test("[VN12] while a session is paused its sockets are silent, and snapshots have the id of the last update", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const follower = await follow(cluster, id, "spot", "btcusdt@depth");
    await cluster.until(() => follower.ids.length > 20, "some updates");
    await cluster.http.control(id, "pause");
    await expectInSync(cluster, follower);
    const heard = follower.ids.length;
    const late = await follow(cluster, id, "spot", "btcusdt@depth", 1);
    expect(late.book).toEqual(follower.book);
    expect(late.lastId).toBe(follower.lastId);
    expect(follower.ids.length).toBe(heard);

    await cluster.http.control(id, "resume");
    await cluster.until(() => late.ids.length > 20, "the market to go on");
    await cluster.http.control(id, "pause");
    await expectInSync(cluster, follower, late);
    expect(follower.closed).toBeUndefined();
    // Both nodes say the same, to the byte.
    const last = late.texts.length;
    expect(follower.texts.slice(-last)).toEqual(late.texts);
    for (const each of [follower, late]) each.close();
    await cluster.http.delete(id);
  });

  test("[VN12] [VN31] a pause within an interval tells what has changed in it so far, and the rest comes when the market goes on", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    const followers = await Promise.all([
      follow(cluster, id, "usdm", "btcusdt@depth@500ms"),
      follow(cluster, id, "spot", "btcusdt@depth@1000ms", 1),
    ]);
    await cluster.http.control(id, "start");
    for (let pause = 0; pause < 3; pause++) {
      const heard = followers.map(({ ids }) => ids.length);
      await cluster.until(
        () => followers.every(({ ids }, nth) => ids.length > (heard[nth] ?? 0) + 1),
        "the market to go on",
      );
      await cluster.http.control(id, "pause");
      await expectInSync(cluster, ...followers);
      await cluster.http.control(id, "resume");
    }
    for (const each of followers) each.close();
    await cluster.http.delete(id);
  });

  test("[VN13] a seek, another tape and a loop close the sockets, as a venue that restarts does, and ids go on", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    let highest = 0;
    const restarts: readonly (() => Promise<unknown>)[] = [
      () => cluster.http.control(id, "seek", { fraction: 0.5 }),
      () => cluster.http.control(id, "goback/20"),
      () => cluster.http.call("POST", `/mode/${id}`, { mode: "REPLAY", tape: "eth" }),
    ];
    await cluster.tapes.recorded("eth");
    for (const restart of restarts) {
      const follower = await follow(cluster, id, "spot", "btcusdt@depth");
      await cluster.until(() => follower.ids.length > 5, "some updates");
      expect(follower.ids[0]?.first).toBeGreaterThan(highest);
      await restart();
      await cluster.until(() => follower.closed !== undefined, "the socket to be closed");
      expect(follower.closed?.code).toBe(1012);
      expect(follower.broken).toEqual([]);
      highest = follower.ids.at(-1)?.last ?? highest;
    }
    await cluster.http.control(id, "start");
    const eth = await follow(cluster, id, "spot", "ethusdt@depth");
    await cluster.until(() => eth.ids.length > 5, "updates of another market");
    expect(eth.ids[0]?.first).toBeGreaterThan(highest);
    highest = eth.ids.at(-1)?.last ?? highest;

    const tape = await cluster.tapes.recorded("eth");
    const iso = (ns: number) => tape.iso(ns);
    await cluster.http.control(id, "range", { from: iso(60e9), to: iso(62e9), loop: true });
    await cluster.until(() => eth.closed !== undefined, "the playhead to move into the range");
    for (let round = 0; round < 2; round++) {
      const follower = await follow(cluster, id, "spot", "ethusdt@depth");
      await cluster.until(() => follower.closed !== undefined, "the end of the round");
      expect(follower.broken).toEqual([]);
      for (const { first } of follower.ids.slice(0, 1)) expect(first).toBeGreaterThan(highest);
      highest = follower.ids.at(-1)?.last ?? highest;
    }

    const last = await follow(cluster, id, "spot", "ethusdt@depth");
    await cluster.http.delete(id);
    await cluster.until(() => last.closed !== undefined, "the socket to be closed with its session");
  });
});
