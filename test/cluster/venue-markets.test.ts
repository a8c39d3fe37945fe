import { once } from "node:events";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { DepthFollower } from "../support/venue/depth-follower.js";
import { venueBot } from "../support/venue-bot.js";
import { VenueSocket } from "../support/venue-socket.js";

const test = testOnCluster(() => ({ venues: 1, gateways: 1, apis: 1, tickers: 1, feeds: 1 }));

/** Binance's address of a session, through the balancer. */
const venueOf = ({ url }: TestCluster, id: string) => `${url}/venue/binance/${id}`;

async function ask<T>(schema: z.ZodType<T>, url: string): Promise<T> {
  const answer = await fetch(url);
  const body: unknown = await answer.json();
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${JSON.stringify(body)}`);
  return schema.parse(body);
}

function follow(cluster: TestCluster, id: string, stream = "btcusdt@depth"): Promise<DepthFollower> {
  const address = venueOf(cluster, id);
  return DepthFollower.connect({ socket: address, requests: address, market: "spot", stream });
}

async function expectInSync(cluster: TestCluster, follower: DepthFollower): Promise<void> {
  await cluster.until(
    async () => (await follower.snapshot()).lastUpdateId === follower.lastId,
    "the follower to be up to date",
  );
  const { bids, asks } = await follower.snapshot();
  expect(follower.book).toEqual({ bids, asks });
  expect(follower.broken).toEqual([]);
}

test("[VN10] [VN11] in a simulated market a local book is the venue's, across minutes", async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({ mode: "SIMULATION", seed: 7, speed: 20 });
  await cluster.http.control(id, "start");
  const follower = await follow(cluster, id);
  await cluster.until(() => follower.ids.length > 2_000, "updates of some minutes", 60_000);
  await cluster.http.control(id, "pause");
  await expectInSync(cluster, follower);
  follower.close();
  await cluster.http.delete(id);
});

test("[VN10] [VN14] at the live edge events come as the tape grows, and a session with a bot only keeps its feed", async ({
  cluster,
}) => {
  const { session_id: id } = await cluster.http.create();
  await cluster.http.call("POST", `/mode/${id}`, { mode: "LIVE", source: "SIM", symbol: "BTCUSDT" });
  await cluster.until(
    () => fetch(`${venueOf(cluster, id)}/api/v3/ticker/bookTicker`).then(({ status }) => status === 200),
    "the live market",
    30_000,
  );
  const follower = await follow(cluster, id);
  await cluster.until(() => follower.ids.length > 100, "live updates", 30_000);
  expect((await cluster.http.session(id)).connections).toBe(1);
  await cluster.http.control(id, "pause");
  await expectInSync(cluster, follower);
  follower.close();
  await cluster.http.delete(id);
});

const kline = z.object({
  e: z.literal("kline"),
  k: z.object({ t: z.number(), T: z.number(), x: z.boolean(), c: z.string(), n: z.number() }),
});
const klineRow = z
  .tuple([z.number(), z.string(), z.string(), z.string(), z.string(), z.string(), z.number()])
  .rest(z.unknown());

const traded = z.array(z.looseObject({ id: z.int() }));
const fill = z.object({ e: z.literal("executionReport"), x: z.literal("TRADE"), t: z.int() });

test("[VK31] behind the edge of a live market the user stream tells each fill, too", async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT" });
  const address = venueOf(cluster, id);
  await cluster.until(
    () => fetch(`${address}/api/v3/ticker/bookTicker`).then(({ status }) => status === 200),
    "the live market",
    30_000,
  );
  await cluster.until(
    async () => ((await cluster.http.session(id)).controller_state.cursor_seq ?? 0) > 50,
    "some of its past",
  );
  await cluster.http.control(id, "goback/3");
  const bot = await venueBot(cluster, id, "spot");
  const { listenKey } = z
    .object({ listenKey: z.string() })
    .parse((await bot.keyed("POST", "/api/v3/userDataStream")).body);
  const told: number[] = [];
  const socket = await VenueSocket.open(`${address}/ws/${listenKey}`, (message) => {
    const { data } = fill.safeParse(message);
    if (data !== undefined) told.push(data.t);
  });
  for (let number = 0; number < 12; number++) {
    const side = number % 2 === 0 ? "BUY" : "SELL";
    const order = { symbol: "BTCUSDT", side, type: "MARKET", quantity: "0.010" };
    expect(await bot.signed("POST", "/api/v3/order", order)).toMatchObject({ status: 200, body: { status: "FILLED" } });
  }
  const { body } = await bot.signed("GET", "/api/v3/myTrades", { symbol: "BTCUSDT" });
  const ids = traded.parse(body).map((trade) => trade.id);
  expect(ids.length).toBeGreaterThanOrEqual(12);
  await expect.poll(() => told, { timeout: 5_000 }).toEqual(ids);
  const { state, mode, behind_ms } = await cluster.http.session(id);
  expect({ state, mode, behind: (behind_ms ?? 0) > 1_000 }).toEqual({ state: "PLAYING", mode: "LIVE", behind: true });
  socket.close();
  await cluster.http.delete(id);
});

test("[VN34] [VN42] a closed candle of the stream is the one that klines answers, and no candle knows what comes later", async ({
  cluster,
}) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm", speed: 20 });
  await cluster.http.control(id, "start");
  const address = venueOf(cluster, id);
  const socket = new WebSocket(`${address.replace("http", "ws")}/ws/btcusdt@kline_1m`);
  const closed: z.infer<typeof kline>["k"][] = [];
  socket.on("message", (data) => {
    const { k } = kline.parse(JSON.parse(data.toString()));
    if (k.x) closed.push(k);
  });
  await once(socket, "open");
  await cluster.until(() => closed.length >= 2, "two candles to close", 30_000);
  await cluster.http.control(id, "pause");
  const rows = await ask(z.array(klineRow), `${address}/api/v3/klines?symbol=BTCUSDT&interval=1m`);
  for (const { t, T, c, n } of closed) {
    expect(rows.find(([openTime]) => openTime === t)).toMatchObject({ 0: t, 4: c, 6: T, 8: n });
  }
  const { lastUpdateId } = await ask(
    z.looseObject({ lastUpdateId: z.number() }),
    `${address}/api/v3/depth?symbol=BTCUSDT&limit=5`,
  );
  const trades = await ask(
    z.array(z.looseObject({ id: z.number() })),
    `${address}/api/v3/trades?symbol=BTCUSDT&limit=1000`,
  );
  expect(trades.length).toBeGreaterThan(100);
  // Trades and updates have ids of one order: none of them is later than the playhead's last update and a frame after it.
  expect(Math.max(...trades.map((trade) => trade.id)) - lastUpdateId).toBeLessThan(100);
  socket.close();
  await cluster.http.delete(id);
});

const told = z.object({
  data: z.union([
    kline,
    z.object({ e: z.literal("24hrMiniTicker"), c: z.string(), v: z.string() }),
    z.object({ e: z.literal("markPriceUpdate"), p: z.string() }),
  ]),
});

test("[VN31] [VN34] while the market is paused, candles, tickers and mark prices that streams told are those that requests answer", async ({
  cluster,
}) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  const address = venueOf(cluster, id).replace("binance", "binance-usdm");
  const streams = ["kline_1m", "miniTicker", "markPrice"].map((name) => `btcusdt@${name}`).join("/");
  const socket = new WebSocket(`${address.replace("http", "ws")}/stream?streams=${streams}`);
  const last = { kline: "", "24hrMiniTicker": "", markPriceUpdate: "" };
  let messages = 0;
  socket.on("message", (data) => {
    const { data: each } = told.parse(JSON.parse(data.toString()));
    messages++;
    if (each.e === "kline") last.kline = `${each.k.c} of ${each.k.n}`;
    else last[each.e] = each.e === "markPriceUpdate" ? each.p : `${each.c} of ${each.v}`;
  });
  await once(socket, "open");
  const row = z.tuple([
    z.number(),
    z.string(),
    z.string(),
    z.string(),
    z.string(),
    z.string(),
    z.number(),
    z.string(),
    z.number(),
  ]);
  for (let pause = 0; pause < 4; pause++) {
    const before = messages;
    await cluster.http.control(id, pause === 0 ? "start" : "resume");
    await cluster.until(() => messages > before + 2, "the market to go on");
    await cluster.http.control(id, "pause");
    const query = "symbol=BTCUSDT";
    const candles = await ask(z.array(row.rest(z.unknown())), `${address}/fapi/v1/klines?${query}&interval=1m`);
    const day = await ask(
      z.object({ lastPrice: z.string(), volume: z.string() }),
      `${address}/fapi/v1/ticker/24hr?${query}`,
    );
    const { markPrice } = await ask(z.object({ markPrice: z.string() }), `${address}/fapi/v1/premiumIndex?${query}`);
    await expect
      .poll(() => last)
      .toEqual({
        kline: `${candles.at(-1)?.[4]} of ${candles.at(-1)?.[8]}`,
        "24hrMiniTicker": `${day.lastPrice} of ${day.volume}`,
        markPriceUpdate: markPrice,
      });
  }
  socket.close();
  await cluster.http.delete(id);
});

test("[VN33] [VN40] another symbol and an unknown stream are refused with what there is", async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  const address = venueOf(cluster, id);
  const other = await fetch(`${address}/api/v3/depth?symbol=DOGEUSDT`);
  expect([other.status, await other.json()]).toEqual([400, { code: -1121, msg: expect.stringContaining("BTCUSDT") }]);
  const without = await fetch(`${address}/api/v3/depth`);
  expect(await without.json()).toMatchObject({ code: -1102 });
  const interval = await fetch(`${address}/api/v3/klines?symbol=BTCUSDT&interval=7m`);
  expect(await interval.json()).toMatchObject({ code: -1120 });
  expect((await fetch(`${venueOf(cluster, "nobody")}/api/v3/exchangeInfo`)).status).toBe(404);

  const refused = new WebSocket(`${address.replace("http", "ws")}/ws/dogeusdt@depth`);
  const [error] = await once(refused, "error");
  expect(String(error)).toContain("400");

  const socket = new WebSocket(`${address.replace("http", "ws")}/stream`);
  await once(socket, "open");
  const answerTo = async (message: object): Promise<unknown> => {
    socket.send(JSON.stringify(message));
    const [data] = await once(socket, "message");
    return JSON.parse(String(data));
  };
  expect(await answerTo({ method: "SUBSCRIBE", params: ["dogeusdt@depth"], id: 1 })).toMatchObject({
    id: 1,
    error: { code: 2 },
  });
  expect(await answerTo({ method: "SUBSCRIBE", params: ["btcusdt@trade"], id: "a" })).toEqual({
    result: null,
    id: "a",
  });
  expect(await answerTo({ method: "LIST_SUBSCRIPTIONS", id: 3 })).toEqual({ result: ["btcusdt@trade"], id: 3 });
  await cluster.http.control(id, "start");
  const [first] = await once(socket, "message");
  expect(JSON.parse(String(first))).toMatchObject({ stream: "btcusdt@trade", data: { e: "trade", s: "BTCUSDT" } });
  socket.close();
  await cluster.http.delete(id);
});
