import { describe, expect } from "vitest";
import { z } from "zod";
import { SigningClient, signatureOf } from "../../services/venue/src/testing/signing-client.js";
import { testOnCluster } from "../support/cluster.js";
import { recordedFiles } from "../support/tapes.js";
import { ed25519VenueKey, venueAddress, venueBot, venueKey } from "../support/venue-bot.js";
import { VenueSocket } from "../support/venue-socket.js";

const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: user streams of the venue on a recording, which is not there.");

const symbol = "BTCUSDT";
const marketOrder = { symbol, side: "BUY", type: "MARKET", quantity: "0.010" };
const event = z.looseObject({ event: z.looseObject({ e: z.string() }) });
const eventsOf = (socket: VenueSocket) =>
  socket.messages.flatMap((each) => {
    const read = event.safeParse(each);
    return read.success ? [read.data.event] : [];
  });

/** The parameters of a signed request, as the WebSocket API has them. */
function signed(
  { apiKey, secret }: { readonly apiKey: string; readonly secret: Parameters<typeof signatureOf>[0] },
  params: Readonly<Record<string, string | number>> = {},
) {
  const all: Record<string, string | number> = { ...params, apiKey, timestamp: Date.now() };
  const text = Object.keys(all)
    .sort()
    .map((name) => `${name}=${all[name]}`)
    .join("&");
  return { ...all, signature: signatureOf(secret, text) };
}

describe.skipIf(noRecording)("on a recording", () => {
  test("[VK30] [VK31] the WebSocket API takes signed requests and tells the account's events, each once", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const key = await venueKey(cluster, id);
    const url = (node: number) => `${venueAddress(cluster, id, "spot", node)}/ws-api/v3`;
    const [here, there] = await Promise.all([VenueSocket.open(url(0)), VenueSocket.open(url(1))]);
    for (const socket of [here, there]) {
      expect(await socket.ask("userDataStream.subscribe.signature", signed(key))).toMatchObject({
        status: 200,
        result: { subscriptionId: 0 },
      });
      expect(await socket.ask("userDataStream.subscribe.signature", signed(key))).toMatchObject({
        error: { code: -2035 },
      });
    }
    expect(await here.ask("order.place", { ...marketOrder, apiKey: key.apiKey })).toMatchObject({
      status: 400,
      error: { code: -1102 },
    });
    const bought = await here.ask("order.place", signed(key, marketOrder));
    expect(bought).toMatchObject({
      ...{ status: 200, result: { status: "FILLED", executedQty: "0.01000000" } },
      rateLimits: [
        { rateLimitType: "REQUEST_WEIGHT", count: expect.any(Number) },
        { rateLimitType: "ORDERS", intervalNum: 10, count: 1 },
      ],
    });
    expect(await here.ask("ping", { returnRateLimits: false })).not.toHaveProperty("rateLimits");
    const resting = { symbol, side: "SELL", type: "LIMIT", timeInForce: "GTC", quantity: "0.010", price: "90000.0" };
    const placed = z
      .looseObject({ orderId: z.int() })
      .parse((await there.ask("order.place", signed(key, resting))).result);
    expect(await here.ask("order.cancel", signed(key, { symbol, orderId: placed.orderId }))).toMatchObject({
      result: { status: "CANCELED" },
    });
    for (const socket of [here, there]) {
      await socket.until((each) => JSON.stringify(each).includes('"x":"CANCELED"'), "the cancel");
      const reports = eventsOf(socket).filter(({ e }) => e === "executionReport");
      expect(reports.map(({ x, X, i }) => [x, X, i === placed.orderId])).toEqual([
        ["NEW", "NEW", false],
        ["TRADE", "FILLED", false],
        ["NEW", "NEW", true],
        ["CANCELED", "CANCELED", true],
      ]);
      expect(reports[1]).toMatchObject({
        S: "BUY",
        q: "0.01000000",
        l: "0.01000000",
        z: "0.01000000",
        N: "USDT",
        m: false,
      });
      await socket.until((each) => JSON.stringify(each).includes('"f":"10.01000000","l":"0.00000000"'), "balances");
    }
    expect(await here.ask("userDataStream.unsubscribe")).toMatchObject({ status: 200, result: {} });
    expect(eventsOf(here).at(-1)).toMatchObject({ e: "eventStreamTerminated" });
    expect(await here.ask("order.amend")).toMatchObject({ status: 404, error: { code: -5000 } });

    await cluster.http.control(id, "goback/1");
    expect(await Promise.all([here.untilClosed(), there.untilClosed()])).toEqual([1012, 1012]);
    await cluster.http.delete(id);
  });

  test("[VK32] a connection logs in with an Ed25519 key, and then needs no signatures", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const key = await ed25519VenueKey(cluster, id);
    const socket = await VenueSocket.open(`${venueAddress(cluster, id, "spot")}/ws-api/v3`);
    expect(await socket.ask("userDataStream.subscribe")).toMatchObject({ error: { code: -1002 } });
    const hmac = await venueKey(cluster, id);
    expect(await socket.ask("session.logon", signed(hmac))).toMatchObject({ error: { code: -4056 } });
    expect(await socket.ask("session.logon", signed(key))).toMatchObject({
      result: { apiKey: key.apiKey, userDataStream: false },
    });
    expect(await socket.ask("userDataStream.subscribe")).toMatchObject({ result: { subscriptionId: 0 } });
    expect(await socket.ask("session.status")).toMatchObject({ result: { apiKey: key.apiKey, userDataStream: true } });
    const timestamp = Date.now();
    expect(await socket.ask("order.place", { ...marketOrder, timestamp })).toMatchObject({
      result: { status: "FILLED" },
    });
    expect(await socket.ask("account.status", { timestamp })).toMatchObject({ result: { accountType: "SPOT" } });
    await socket.until((each) => JSON.stringify(each).includes('"x":"TRADE"'), "the trade");
    expect(await socket.ask("session.logout")).toMatchObject({ result: { apiKey: null, userDataStream: false } });
    expect(await socket.ask("order.place", { ...marketOrder, timestamp })).toMatchObject({ error: { code: -2014 } });
    socket.close();
    await cluster.http.delete(id);
  });

  test("[VK33] futures' user stream comes by listen key: orders, the account, and stop orders of their own", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const bot = await venueBot(cluster, id, "usdm");
    const { listenKey } = z
      .object({ listenKey: z.string() })
      .parse((await bot.keyed("POST", "/fapi/v1/listenKey")).body);
    const base = venueAddress(cluster, id, "usdm", 1);
    await expect(VenueSocket.open(`${base}/ws/${"0".repeat(64)}`)).rejects.toThrow("400");
    await expect(VenueSocket.open(`${base}/private/ws?listenKey=none`)).rejects.toThrow("400");
    const sockets = await Promise.all([
      VenueSocket.open(`${base}/ws/${listenKey}`),
      VenueSocket.open(`${base}/private/ws?listenKey=${listenKey}`),
    ]);
    const later = await VenueSocket.open(`${base}/private/stream`);
    expect(await later.command("SUBSCRIBE", [listenKey])).toMatchObject({ result: null });
    const stop = {
      symbol,
      side: "SELL",
      type: "STOP_MARKET",
      algoType: "CONDITIONAL",
      quantity: "0.010",
      triggerPrice: "5000.0",
    };
    const { algoId } = z
      .looseObject({ algoId: z.int() })
      .parse((await bot.signed("POST", "/fapi/v1/algoOrder", stop)).body);
    expect(await bot.signed("POST", "/fapi/v1/order", marketOrder)).toMatchObject({ body: { status: "FILLED" } });
    expect(await bot.signed("DELETE", "/fapi/v1/algoOrder", { algoId })).toMatchObject({ body: { code: "200" } });
    for (const socket of sockets) {
      await socket.until(({ e, o }) => e === "ALGO_UPDATE" && Object(o).X === "CANCELED", "the end of the stop order");
      const told = socket.messages.map(({ e, o }) => (o === undefined ? e : [e, Object(o).x ?? null, Object(o).X]));
      expect(told).toEqual([
        ["ALGO_UPDATE", null, "NEW"],
        ["ORDER_TRADE_UPDATE", "NEW", "NEW"],
        ["ORDER_TRADE_UPDATE", "TRADE", "FILLED"],
        "ACCOUNT_UPDATE",
        ["ALGO_UPDATE", null, "CANCELED"],
      ]);
      expect(socket.messages[3]).toMatchObject({
        a: { m: "ORDER", P: [{ s: symbol, pa: "0.01" }], B: [{ a: "USDT" }] },
      });
      socket.close();
    }
    await later.until(({ stream, data }) => stream === listenKey && Object(data).e === "ACCOUNT_UPDATE", "the account");
    later.close();
    await cluster.http.delete(id);
  });

  test("[VK31] [VK34] a listen key is a stream among others: in an address, and in SUBSCRIBE", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const bot = await venueBot(cluster, id, "spot");
    const { listenKey } = z
      .object({ listenKey: z.string() })
      .parse((await bot.keyed("POST", "/api/v3/userDataStream")).body);
    const base = venueAddress(cluster, id, "spot", 1);
    await expect(VenueSocket.open(`${base}/stream?streams=${"0".repeat(64)}`)).rejects.toThrow("400");
    const [named, subscribed] = await Promise.all([
      VenueSocket.open(`${base}/stream?streams=${listenKey}/btcusdt@trade`),
      VenueSocket.open(`${base}/ws`),
    ]);
    const subscribe = (...params: string[]) => subscribed.command("SUBSCRIBE", params);
    expect(await subscribe("0".repeat(64))).toMatchObject({ error: { msg: "This listenKey does not exist." } });
    expect(await subscribe(listenKey, "btcusdt@trade")).toMatchObject({ result: null });
    expect(await subscribe(listenKey)).toMatchObject({ result: null }); // again, as clients do that have reconnected
    expect(await subscribed.command("LIST_SUBSCRIPTIONS")).toMatchObject({ result: [listenKey, "btcusdt@trade"] });

    expect(await bot.signed("POST", "/api/v3/order", marketOrder)).toMatchObject({ body: { status: "FILLED" } });
    const isBalance = ({ e }: Readonly<Record<string, unknown>>) => e === "outboundAccountPosition";
    await named.until(({ data }) => isBalance(Object(data)), "the balances");
    await named.until(({ stream }) => stream === "btcusdt@trade", "a trade of the market");
    await subscribed.until(isBalance, "the balances");
    const ofAccount = named.messages.filter(({ stream }) => stream === listenKey).map(({ data }) => Object(data));
    expect(ofAccount.map(({ e, x }) => x ?? e)).toEqual(["NEW", "TRADE", "outboundAccountPosition"]);
    expect(subscribed.messages.filter(({ e }) => e === "executionReport" || e === "outboundAccountPosition")).toEqual(
      ofAccount,
    );

    // Neither the account's events nor its orders know of what was refused.
    const postOnly = { symbol, side: "BUY", type: "LIMIT_MAKER", quantity: "0.010", price: "90000.0" };
    expect(await bot.signed("POST", "/api/v3/order", postOnly)).toMatchObject({ body: { code: -2010 } });
    expect(await bot.signed("POST", "/api/v3/order", { ...marketOrder, quantity: "900" })).toMatchObject({
      body: { code: -2010 },
    });
    expect(await bot.signed("GET", "/api/v3/allOrders", { symbol })).toMatchObject({ body: [{ status: "FILLED" }] });

    expect(await subscribed.command("UNSUBSCRIBE", [listenKey])).toMatchObject({ result: null });
    const told = subscribed.messages.filter(isBalance).length;
    await bot.signed("POST", "/api/v3/order", marketOrder);
    await named.until(({ data }) => Object(data).B?.[0]?.f === "10.02000000", "the second order");
    await subscribed.command("LIST_SUBSCRIPTIONS");
    expect(subscribed.messages.filter(isBalance)).toHaveLength(told);
    const orderIds = named.messages.flatMap(({ data }) => Object(data).i ?? []);
    expect(new Set(orderIds).size).toBe(2);
    for (const socket of [named, subscribed]) socket.close();
    await cluster.http.delete(id);
  });

  test("[VK31] a user stream and the account's trades are the same, fill by fill", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm", speed: 5 });
    await cluster.http.control(id, "start");
    const key = await venueKey(cluster, id);
    const bot = new SigningClient(venueAddress(cluster, id, "spot"), key);
    const socket = await VenueSocket.open(`${venueAddress(cluster, id, "spot", 1)}/ws-api/v3`);
    await socket.ask("userDataStream.subscribe.signature", signed(key));
    const placed = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        bot.signed("POST", "/api/v3/order", { ...marketOrder, side: at % 2 === 0 ? "BUY" : "SELL", quantity: "0.5" }),
      ),
    );
    expect(placed.filter(({ status }) => status !== 200)).toEqual([]);
    const trade = z.looseObject({
      id: z.int(),
      orderId: z.int(),
      price: z.string(),
      qty: z.string(),
      commission: z.string(),
    });
    const trades = z.array(trade).parse((await bot.signed("GET", "/api/v3/myTrades", { symbol, limit: 1000 })).body);
    await socket.until((each) => JSON.stringify(each).includes(`"t":${trades.at(-1)?.id},`), "the last trade");
    const told = eventsOf(socket)
      .filter(({ x }) => x === "TRADE")
      .map(({ t, i, L, l, n }) => ({ id: t, orderId: i, price: L, qty: l, commission: n }));
    expect(told).toEqual(
      trades.map(({ id: t, orderId, price, qty, commission }) => ({ id: t, orderId, price, qty, commission })),
    );
    cluster.note(`40 market orders at 5x: ${trades.length} fills, the same in the user stream of another node`);
    socket.close();
    await cluster.http.delete(id);
  });
});
