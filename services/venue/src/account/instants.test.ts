import { type FolderTapeStore, pinnedTrackOf, type Seq, TapeCatalog } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { SilentProxy } from "../../../../test/support/silent-proxy.js";
import { recordedFiles } from "../../../../test/support/tapes.js";
import { VenueSocket } from "../../../../test/support/venue-socket.js";
import { botAt, type RecordedVenues, recordedVenues } from "../testing/recorded-venues.js";

const files = recordedFiles("usdm");
if (files.length === 0) process.stderr.write("\nSKIPPED: answers of the venue on a recording, which is not there\n\n");

/** At the slowest speed a frame lasts a second of wall time. */
const slow = { type: "speed", value: 0.1 } as const;
const frameMs = 1_000;
const symbol = "BTCUSDT";

describe.skipIf(files.length === 0)("on a recording that plays slowly", () => {
  let rig: RecordedVenues;
  let venues: RecordedVenues["venues"];
  let deck: RecordedVenues["deck"];
  let dip: Dip;
  beforeAll(async () => {
    rig = await recordedVenues(inject("redisUrl"), files);
    ({ venues, deck } = rig);
    dip = await firstDip(rig.tape, rig.store);
  });
  afterAll(() => rig?.stop());

  /** A bot of a session that plays slowly from a frame on, and its user stream on each node. */
  async function begin(id: string, from: Seq) {
    await deck.sessions.open(id, {});
    await deck.sessions.perform(id, { type: "seek", to: { seq: from } });
    await deck.sessions.perform(id, slow);
    const key = await rig.keyOf(id);
    const address = (node: number) => `${venues[node]?.url}/venue/binance-usdm/${id}`;
    const bots = venues.map((venue) => botAt(venue, { session: id, market: "usdm", key }));
    const [bot, other] = bots;
    if (bot === undefined || other === undefined) throw new Error("there are two nodes");
    const { body } = await bot.keyed("POST", "/fapi/v1/listenKey");
    const { listenKey } = z.object({ listenKey: z.string() }).parse(body);
    const sockets = await Promise.all([0, 1].map((node) => TimedSocket.open(`${address(node)}/ws/${listenKey}`)));
    await deck.sessions.perform(id, { type: "start" });
    return { bot, other, key, sockets, address };
  }

  const limit = (side: "BUY" | "SELL", price: string) => ({
    ...{ symbol, side, type: "LIMIT", timeInForce: "GTC", quantity: "0.010", price },
  });

  test("[VK20] [VK31] an answer comes when the order arrives, and every node's user stream tells it, not with the next frame", async () => {
    const { bot, other, sockets } = await begin("answers", 400);
    const took: number[] = [];
    for (let nth = 0; nth < 5; nth++) {
      const sent = performance.now();
      const placed = await bot.signed("POST", "/fapi/v1/order", limit("BUY", "10000.0"));
      expect(placed).toMatchObject({ status: 200, body: { status: "NEW" } });
      const { orderId } = z.looseObject({ orderId: z.int() }).parse(placed.body);
      expect(await other.signed("DELETE", "/fapi/v1/order", { symbol, orderId })).toMatchObject({
        body: { status: "CANCELED" },
      });
      for (const socket of sockets)
        await socket.until((text) => text.includes('"x":"CANCELED"') && text.includes(`"i":${orderId},`));
      took.push(performance.now() - sent);
    }
    // With frames, the second action of a round would have waited for a whole one. Other rounds may have waited for the machine.
    expect(Math.min(...took)).toBeLessThan(frameMs / 2);
    const [here, there] = sockets.map((socket) => socket.told.map(({ text }) => withoutTime(text)));
    expect(here).toEqual(there);
    expect(here).toHaveLength(10);
  });

  test("[VK20] a cancel that comes too late is answered when it arrives", async () => {
    const { bot } = await begin("late", 400);
    const placed = await bot.signed("POST", "/fapi/v1/order", {
      symbol,
      side: "BUY",
      type: "MARKET",
      quantity: "0.010",
    });
    expect(placed).toMatchObject({ body: { status: "FILLED", executedQty: "0.01" } });
    const { orderId } = z.looseObject({ orderId: z.int() }).parse(placed.body);
    const sent = performance.now();
    expect(await bot.signed("DELETE", "/fapi/v1/order", { symbol, orderId })).toMatchObject({ body: { code: -2011 } });
    expect(performance.now() - sent).toBeLessThan(frameMs / 2);
  });

  test("[VK31] a fill is told when the trade is that made it, on every node", async () => {
    const { bot, sockets, address } = await begin("fills", dip.before);
    const market = await TimedSocket.open(`${address(0)}/ws/${symbol.toLowerCase()}@trade`);
    expect(await bot.signed("POST", "/fapi/v1/order", limit("BUY", dip.price))).toMatchObject({
      body: { status: "NEW" },
    });
    const isFill = (text: string) => text.includes('"x":"TRADE"');
    const told = await Promise.all(sockets.map((socket) => socket.until(isFill)));
    const fill = z
      .looseObject({ o: z.looseObject({ T: z.number(), L: z.string() }) })
      .parse(JSON.parse(told[0]?.text ?? ""));
    const trade = await market.until((text) => text.includes(`"T":${fill.o.T},`));
    for (const { at } of told) expect(Math.abs(at - trade.at)).toBeLessThan(frameMs / 2);
  });

  test("[VK31] while the market stands still nothing is told, and then each thing once", async () => {
    const { bot, sockets } = await begin("pauses", dip.before);
    const placed = await bot.signed("POST", "/fapi/v1/order", limit("BUY", dip.price));
    expect(placed).toMatchObject({ body: { status: "NEW" } });
    await deck.sessions.perform("pauses", { type: "pause" });
    expect(await bot.signed("POST", "/fapi/v1/order", limit("BUY", "10000.0"))).toMatchObject({
      body: { status: "NEW" },
    });
    const before = sockets.map((socket) => socket.told.length);
    expect(before).toEqual([1, 1]);
    await deck.sessions.perform("pauses", { type: "start" });
    for (const socket of sockets) await socket.until((text) => text.includes('"x":"TRADE"'));
    for (const socket of sockets) {
      const reports = socket.told.filter(({ text }) => text.includes("ORDER_TRADE_UPDATE"));
      const kinds = reports.map(({ text }) => /"x":"(\w+)"/.exec(text)?.[1]);
      expect(kinds.slice(0, 3)).toEqual(["NEW", "NEW", "TRADE"]);
      expect(new Set(reports.map(({ text }) => withoutTime(text))).size).toBe(reports.length);
    }
  });

  test("[VK36] a node that hears nothing for a while says nothing of an order that was cancelled meanwhile", async () => {
    const silence = await SilentProxy.inFrontOf(inject("redisUrl"));
    const deaf = await rig.start(silence.url);
    try {
      const { bot, key } = await begin("deaf", dip.before);
      const listener = botAt(deaf, { session: "deaf", market: "usdm", key });
      const { body } = await listener.keyed("POST", "/fapi/v1/listenKey");
      const { listenKey } = z.object({ listenKey: z.string() }).parse(body);
      const address = `${deaf.url}/venue/binance-usdm/deaf/ws/${listenKey}`;
      const placed = await bot.signed("POST", "/fapi/v1/order", limit("BUY", dip.price));
      const { orderId } = z.looseObject({ orderId: z.int() }).parse(placed.body);
      expect(await listener.signed("GET", "/fapi/v1/openOrders", { symbol })).toMatchObject({ body: [{ orderId }] });
      const socket = await TimedSocket.open(address);
      silence.goSilent();
      expect(await bot.signed("DELETE", "/fapi/v1/order", { symbol, orderId })).toMatchObject({ status: 200 });
      // It has heard of no change, and looks only because the order would be filled here.
      await socket.until((text) => text.includes("ORDER_TRADE_UPDATE"));
      expect(socket.told.map(({ text }) => /"x":"(\w+)"/.exec(text)?.[1])).toEqual(["CANCELED"]);
      expect(await bot.signed("POST", "/fapi/v1/order", limit("BUY", "10000.0"))).toMatchObject({ status: 200 });
      expect(await listener.signed("GET", "/fapi/v1/openOrders", { symbol })).toMatchObject({
        body: [{ price: "10000" }],
      });
    } finally {
      await deaf.end();
      await silence.close();
    }
  });

  test("[VN16] a market that nobody asks for is not played, and is where the playhead is for whoever asks", async () => {
    const id = "rests";
    await deck.sessions.open(id, {});
    await deck.sessions.perform(id, { type: "seek", to: { seq: 400 } });
    const key = await rig.keyOf(id);
    const bots = venues.map((venue) => botAt(venue, { session: id, market: "usdm", key }));
    expect(await bots[0]?.signed("GET", "/fapi/v2/balance")).toMatchObject({ status: 200 });
    for (const frames of [200, 3]) {
      await deck.sessions.perform(id, { type: "step", by: { frames } });
      const [rested, fresh] = await Promise.all(
        bots.map((bot) => bot.keyed("GET", "/fapi/v1/depth", { symbol, limit: 1000 })),
      );
      expect(rested?.status).toBe(200);
      await expect
        .poll(async () => (await bots[0]?.keyed("GET", "/fapi/v1/depth", { symbol, limit: 1000 }))?.body)
        .toEqual(fresh?.body);
    }
  });
});

/** A trade below the best bid of a moment before: who bids a little above it is filled by it. */
interface Dip {
  readonly before: Seq;
  readonly price: string;
}

async function firstDip(id: string, store: FolderTapeStore): Promise<Dip> {
  const tape = await new TapeCatalog(store, { cacheBytes: 64 << 20 }).open(id);
  const track = await pinnedTrackOf(tape);
  const from = 400;
  for (let seq = from; seq < from + 2_000; seq += 3) {
    const best = (await track.bookAt({ seq })).bids[0]?.[0] ?? 0;
    for await (const event of track.events({ from: { seq: seq + 2 }, to: { seq: seq + 6 } })) {
      if (event.kind === "trade" && event.side === "sell" && Number(event.price) < best - 0.5)
        return { before: seq, price: (Number(event.price) + 0.1).toFixed(1) };
    }
  }
  throw new Error("the recording has no such trade");
}

/** A socket, and its messages with the times at which they came. */
class TimedSocket {
  readonly told: { readonly text: string; readonly at: number }[] = [];
  #socket: VenueSocket | undefined;

  static async open(url: string): Promise<TimedSocket> {
    const opened = new TimedSocket();
    opened.#socket = await VenueSocket.open(url, (message) =>
      opened.told.push({ text: JSON.stringify(message), at: performance.now() }),
    );
    return opened;
  }

  async until(isWanted: (text: string) => boolean): Promise<{ readonly text: string; readonly at: number }> {
    await this.#socket?.until((message) => isWanted(JSON.stringify(message)), "such a message");
    const found = this.told.find(({ text }) => isWanted(text));
    if (found === undefined) throw new Error("a message came without its time");
    return found;
  }
}

/** Nodes write the time at which they tell. */
function withoutTime(text: string): string {
  return text.replace(/"E":\d+/, "");
}
