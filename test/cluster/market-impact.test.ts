import { fillsAnswer, orderAnswer, tradingAnswer } from "@tapedeck/protocol";
import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { anotherNode, bytes, framesOfOrders, ownTrades, simulate, sizeOf } from "../simulator/simulate.js";
import { DepthFollower } from "../support/venue/depth-follower.js";

const test = testOnCluster(() => ({ venues: 1, gateways: 2, apis: 2, tickers: 2, feeds: 0 }));

test("[TR60] [TR63] bots keep their sockets and viewers their epoch while a market reacts to orders, and every node shows the same market", {
  timeout: 240_000,
}, async ({ cluster }) => {
  const { id, viewers } = await simulate(cluster, { seed: 8_101, speed: 2 });
  const [one, two] = viewers;
  if (one === undefined || two === undefined) throw new Error("two sockets");
  await Promise.all(viewers.map((viewer) => viewer.next(10, 60_000)));
  const address = cluster.venues[0]?.url ?? "";
  const venue = `${address}/venue/binance/${id}`;
  const follower = await DepthFollower.connect({
    socket: venue,
    requests: venue,
    market: "spot",
    stream: "btcusdt@depth",
  });
  const before = await cluster.record(id);
  for (let nth = 0; nth < 12; nth++) {
    const body = { side: nth % 3 === 0 ? "sell" : "buy", type: "MARKET", amount: "1" };
    orderAnswer.parse((await cluster.http.call("POST", `/sessions/${id}/orders`, body)).body);
    await one.next(6, 60_000);
    if (nth !== 5) continue;
    const { ticker } = await cluster.record(id);
    const victim = cluster.tickers.find(({ name }) => ticker.startsWith(`${name}-`));
    if (victim !== undefined) cluster.signal(victim, "SIGKILL");
  }
  const last = Math.max(...(await framesOfOrders(cluster, id)));
  for (const viewer of viewers) await viewer.until(() => viewer.lastSeq > last + 5, "the last order's frame", 60_000);
  await cluster.http.control(id, "pause");
  const after = await cluster.record(id);
  expect(after.epoch).toBe(before.epoch);
  expect(after.tape).not.toBe(before.tape);

  const own = await anotherNode(cluster, id).open(after.tape);
  for (const viewer of viewers) {
    expect(viewer.frames).toHaveConsecutiveSeqs();
    for (const [seq, json] of bytes(viewer.live)) expect(json).toBe((await own.load(seq)).json(seq));
  }
  const { fills } = fillsAnswer.parse((await cluster.http.get(`/sessions/${id}/fills`)).body);
  const filled = fills.reduce((sum, { amount }) => sum + Number(amount), 0);
  expect(filled).toBeCloseTo(12, 6);
  expect(sizeOf([...bytes(one.frames).values()].flatMap((json) => ownTrades(json)))).toBeCloseTo(filled, 6);
  for (const viewer of viewers) {
    const told = viewer.messagesOf("trade_event").flatMap(({ data }) => ("fill_id" in data ? [data] : []));
    expect(told).toEqual(fills);
  }

  await cluster.until(
    async () => (await follower.snapshot()).lastUpdateId === follower.lastId,
    "the bot to be up to date",
  );
  expect([follower.closed, follower.broken]).toEqual([undefined, []]);
  const { bids, asks } = await follower.snapshot();
  expect(follower.book).toEqual({ bids, asks });
  // Between two frames, and a venue hears of a pause a moment after the playhead stands.
  const { anchorNs } = await cluster.record(id);
  const pausedNs = own.startNs + BigInt(anchorNs);
  const numbers = (levels: readonly (readonly [string, string])[]) => levels.map((level) => level.map(Number));
  const books = await Promise.all(
    Array.from({ length: 100 }, (_, ms) => own.track?.bookAt({ ts: pausedNs + BigInt(ms) * 1_000_000n })),
  );
  expect(books.map((book) => [book?.bids.slice(0, 20), book?.asks.slice(0, 20)])).toContainEqual([
    numbers(bids).slice(0, 20),
    numbers(asks).slice(0, 20),
  ]);

  await cluster.http.control(id, "goback/3600", { seconds: 3600 });
  expect((await cluster.record(id)).tape).toBe(before.tape);
  follower.close();
  await cluster.end({ id, viewers });
});

test("[TR51] [TR66] a session can ask that its market stands still", async ({ cluster }) => {
  const { id, viewers } = await simulate(cluster, { seed: 8_102 });
  const { settings } = tradingAnswer.parse((await cluster.http.get(`/sessions/${id}/trading`)).body);
  expect(settings).toMatchObject({ market_impact: true, queue: { model: "orders" } });
  await cluster.http.call("PUT", `/sessions/${id}/trading`, { ...settings, market_impact: false });
  const { tape } = await cluster.record(id);
  const body = { side: "buy", type: "MARKET", amount: "1" };
  await cluster.http.call("POST", `/sessions/${id}/orders`, body);
  expect((await cluster.record(id)).tape).toBe(tape);
  await cluster.end({ id, viewers });
});
