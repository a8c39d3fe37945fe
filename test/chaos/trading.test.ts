import { fillsAnswer, orderAnswer, ordersAnswer, type SessionFill, type SessionOrder } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, test, testOnCluster } from "../support/cluster.js";
import { recordedFiles } from "../support/tapes.js";
import { venueBot } from "../support/venue-bot.js";
import type { Viewer } from "../support/viewer.js";

const isRecorded = recordedFiles("primary").length > 0;
if (!isRecorded) process.stderr.write("\nSKIPPED: orders through kills, without the recording of 2023\n\n");

/** What a viewer was told of fills, and of orders, in its order. */
function told(viewer: Viewer): { fills: SessionFill[]; orders: SessionOrder[] } {
  return {
    fills: viewer.messagesOf("trade_event").flatMap(({ data }) => ("fill_id" in data ? [data] : [])),
    orders: viewer.messagesOf("order").map(({ data }) => data),
  };
}

async function standing(cluster: TestCluster, id: string) {
  const [fills, orders] = await Promise.all([
    cluster.http.call("GET", `/sessions/${id}/fills?limit=1000`),
    cluster.http.call("GET", `/sessions/${id}/orders?limit=1000`),
  ]);
  return { ...fillsAnswer.parse(fills.body), ...ordersAnswer.parse(orders.body) };
}

/** Small orders of all kinds around the market's price, one after the other. */
async function trade(cluster: TestCluster, id: string, count: number, during: (nth: number) => Promise<void>) {
  for (let nth = 0; nth < count; nth++) {
    const side = nth % 2 === 0 ? "buy" : "sell";
    const limit = { type: "LIMIT", price: nth % 2 === 0 ? "28160.0" : "28130.0" };
    const body = { side, amount: "0.010", ...(nth % 3 === 0 ? { type: "MARKET" } : limit) };
    const answer = await cluster.http.call("POST", `/sessions/${id}/orders`, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const { order } = orderAnswer.parse(answer.body);
    if (nth % 5 === 4) await cluster.http.call("DELETE", `/sessions/${id}/orders/${order.order_id}`);
    await during(nth);
  }
}

describe.skipIf(!isRecorded)("orders on a recorded tape", () => {
  test("[TR40] [TR2] each viewer is told of each fill and each change of an order once and in order, through kills of tickers and gateways", async ({
    cluster,
  }) => {
    await cluster.recording("primary");
    const { session_id: id } = await cluster.http.create({ tape: "primary", speed: 4 });
    const viewers = await Promise.all(cluster.gateways.map(() => cluster.watch(id, { reconnect: true })));
    await cluster.http.control(id, "start");
    await viewers[0]?.next(10);
    await trade(cluster, id, 40, async (nth) => {
      const [viewer] = viewers;
      if (nth === 10) {
        const ticker = async () => {
          const { ticker: node } = await cluster.record(id);
          return cluster.tickers.find(({ name }) => node === name || node.startsWith(`${name}-`));
        };
        await cluster.until(async () => (await ticker()) !== undefined, "a ticker to claim the session");
        const service = await ticker();
        if (service === undefined) throw new Error("no ticker renders the session");
        cluster.signal(service, "SIGKILL");
      }
      if (nth === 20) {
        const gateway = cluster.gateways.find(({ url }) => url === viewer?.frames.at(-1)?.gateway);
        if (gateway !== undefined) cluster.signal(gateway, "SIGKILL");
      }
      await viewer?.next(5, 20_000);
    });
    await cluster.http.control(id, "pause");
    const { seq, fills, orders } = await standing(cluster, id);
    expect(fills.length).toBeGreaterThan(20);
    for (const viewer of viewers) {
      await viewer.until(() => viewer.lastSeq >= (seq ?? 0), "the frame at the playhead");
      const heard = told(viewer);
      expect(heard.fills).toEqual(fills);
      for (const order of orders) {
        const last = heard.orders.findLast(({ order_id }) => order_id === order.order_id);
        if (order.status === "PENDING") expect(last).toBeUndefined();
        else expect(last).toEqual(order);
      }
      expect(new Set(heard.orders.map((order) => JSON.stringify(order))).size).toBe(heard.orders.length);
    }
    expect(viewers[0]?.connections).toBeGreaterThan(1);
    await cluster.end({ id, viewers });
    await cluster.untilAllReady();
  });

  test("[TR41] after a rewind nothing is told again, and after a move forward what happened in between, once", async ({
    cluster,
  }) => {
    const { id, viewers } = await cluster.watched({}, { tape: "primary", start: false });
    const seek = (seq: number) => cluster.http.control(id, "seek", { seq });
    const [viewer] = viewers;
    if (viewer === undefined) throw new Error("no viewer");
    const order = (body: object) => cluster.http.call("POST", `/sessions/${id}/orders`, { amount: "0.010", ...body });
    await seek(500);
    await order({ side: "buy", type: "MARKET" });
    await seek(600);
    await viewer.until(() => told(viewer).fills.length === 1, "the fill");
    await seek(550);
    await order({ side: "sell", type: "MARKET" });
    await seek(700);
    await viewer.until(() => told(viewer).fills.length === 2, "the second fill");
    await seek(100);
    await seek(900);
    await viewer.until(() => viewer.lastSeq >= 900, "the last frame");
    await viewer.command("seek", { seq: 910 });
    expect(told(viewer).fills.map(({ side }) => side)).toEqual(["buy", "sell"]);
    expect((await standing(cluster, id)).fills).toEqual([]);
    await cluster.end({ id, viewers });
  });
});

const testWithVenue = testOnCluster(() => ({ gateways: 1, apis: 1, tickers: 1, feeds: 0, venues: 1 }));

describe.skipIf(!isRecorded)("a bot's session on a recorded tape", () => {
  testWithVenue(
    "[D43] no time comes twice to a bot, though no ticker has rendered its session for more than ten seconds",
    async ({ cluster }) => {
      await cluster.recording("primary");
      const { session_id: id } = await cluster.http.create({ tape: "primary" });
      await cluster.http.control(id, "start");
      const bot = await venueBot(cluster, id, "spot");
      const order = {
        symbol: "BTCUSDT",
        side: "BUY",
        type: "LIMIT",
        timeInForce: "GTC",
        quantity: "0.010",
        price: "9000.0",
      };
      expect(await bot.signed("POST", "/api/v3/order", order)).toMatchObject({ body: { status: "NEW" } });
      await cluster.until(async () => (await cluster.record(id)).ticker !== "", "a ticker to claim the session");
      const before = await cluster.record(id);
      const [ticker = expect.fail()] = cluster.tickers;
      cluster.signal(ticker, "SIGSTOP");
      const stoppedAt = performance.now();
      const lastUpdateId = async () => {
        const { body } = await bot.keyed("GET", "/api/v3/depth", { symbol: "BTCUSDT", limit: 5 });
        return z.looseObject({ lastUpdateId: z.int() }).parse(body).lastUpdateId;
      };
      let told = await lastUpdateId();
      await cluster.until(async () => {
        const next = await lastUpdateId();
        expect(next).toBeGreaterThanOrEqual(told);
        told = next;
        return performance.now() - stoppedAt > 11_000;
      }, "the ticker to miss eleven seconds");
      cluster.signal(ticker, "SIGCONT");
      await cluster.until(
        async () => (await cluster.record(id)).publishedSeq > before.publishedSeq + 105,
        "frames to be published again",
      );
      const { epoch, anchorWallMs, anchorNs } = before;
      expect(await cluster.record(id)).toMatchObject({ epoch, anchorWallMs, anchorNs });
      await cluster.until(async () => (await lastUpdateId()) > told, "the market to go on");
    },
  );
});
