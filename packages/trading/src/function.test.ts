import { createHash } from "node:crypto";
import { RandomStream } from "@tapedeck/market";
import type { SessionRecord } from "@tapedeck/sessions";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { recordedFiles } from "../../../test/support/tapes.js";
import type { ActionRequest } from "./actions/plan-action.js";
import type { TradingMessage } from "./ledger/ledger.js";
import { anyList, importedTape, tapeWithin, tradingOnRedis } from "./testing.js";
import type { Trading } from "./trading.js";

const { store, tape } = await importedTape(recordedFiles("primary"));
const rig = tradingOnRedis(inject("redisUrl"), store);
afterAll(() => rig.close());
if (tape === undefined) process.stderr.write("\nSKIPPED: fills as a function, without the recording of 2023\n\n");

const [first, last] = [300, 3_300];
const another = () => rig.another(undefined, rig.tapes);

describe.skipIf(tape === undefined)("orders of a log on the futures recording of 2023", () => {
  let record: SessionRecord;
  let whole: readonly TradingMessage[];
  beforeAll(async () => {
    const { id } = await rig.open({ tape, seq: first });
    const { settings } = await rig.trading.settings(await rig.record(id));
    const latency = { kind: "log-normal", median_ms: 5, sigma: 0.5, min_ms: 0, max_ms: 1_000 } as const;
    const queue = { model: "power-probability", n: 3 } as const;
    await rig.trading.configure(id, { ...settings, latency: { entry: latency, response: latency }, queue });
    const random = new RandomStream("log", "orders", 0);
    for (let seq = first; seq < last - 300; seq += 1 + random.integerBelow(40)) {
      await rig.sessions.perform(id, { type: "seek", to: { seq } });
      for (let orders = random.integerBelow(3); orders >= 0; orders--) await rig.trading.act(id, anyAction(random));
    }
    record = await rig.record(id);
    whole = await another().between(record, first, last);
  });

  test("[TR2] fills and orders have one SHA-256 at every pace, on any number of nodes, and when each node is killed again and again", async () => {
    expect(whole.filter(({ type }) => type === "trade_event").length).toBeGreaterThan(100);
    for (const frames of [1, 10, 100, 1_000]) expect(await digestOf(() => frames)).toBe(digest(whole));
    const random = new RandomStream("kills", "nodes", 0);
    const nodes = [another(), another()];
    for (let run = 0; run < 3; run++) {
      const anyStep = () => 1 + random.integerBelow(200);
      const anyNode = () => {
        const nth = random.integerBelow(nodes.length);
        if (random.chance(0.1)) nodes[nth] = another();
        return nodes[nth] ?? another();
      };
      expect(await digestOf(anyStep, anyNode)).toBe(digest(whole));
    }
  });

  test("[TR7] what was said until a frame is the same on a tape that ends with it", async () => {
    const random = new RandomStream("cuts", "frames", 0);
    const opened = await rig.tapes.open(record.tape);
    for (let cut = 0; cut < 8; cut++) {
      const at = first + random.integerBelow(last - first);
      const until = await another().between(record, first, at, await tapeWithin(opened, { lastSeq: at }));
      expect(until).toEqual(await rig.trading.between(record, first, at));
      expect(until).toEqual(whole.slice(0, until.length));
    }
  });

  /** All messages, asked for by some node so many frames at a time. */
  async function digestOf(step: () => number, node: () => Trading = once(another())): Promise<string> {
    const messages: TradingMessage[] = [];
    for (let from = first; from < last; ) {
      const to = Math.min(last, from + step());
      messages.push(...(await node().between(record, from, to)));
      from = to;
    }
    return digest(messages);
  }
});

describe.skipIf(tape === undefined)("what a session costs in Redis", () => {
  test("[TR4] an order with an id of its own takes at most 200 bytes, and all else of its session 2 KB", async () => {
    const { id } = await rig.open({ tape, seq: first });
    const random = new RandomStream("memory", "orders", 0);
    const before = await memoryOf(id);
    const orders = 1_000;
    for (let nth = 0; nth < orders; nth++) {
      const request = anyOrder(random, `x-A6SIDXVS${`${nth}`.padStart(26, "0")}`);
      await rig.trading.act(id, request);
    }
    const after = await memoryOf(id);
    const perOrder = after.actions / orders;
    process.stderr.write(
      `\nRedis: ${perOrder.toFixed(0)} bytes an order, ${after.session - before.session} bytes a session\n`,
    );
    expect(perOrder).toBeLessThan(200);
    expect(after.session - before.session).toBeLessThan(2_048);
  });

  async function memoryOf(id: string): Promise<{ session: number; actions: number }> {
    const { session, actions } = rig.store.keys;
    const of = async (key: string) => Number(await rig.redis.memory("USAGE", key, "SAMPLES", 0));
    return { session: await of(session(id)), actions: await of(actions(id)) };
  }
});

function anyAction(random: RandomStream): ActionRequest {
  if (random.chance(0.1)) return { kind: "place-list", list: anyList(random, 28_150) };
  if (random.chance(0.05)) return { kind: "countdown", ns: BigInt(random.integerBelow(30_000)) * 1_000_000n };
  return anyOrder(random);
}

function anyOrder(random: RandomStream, client_order_id?: string): ActionRequest {
  const side = random.chance(0.5) ? "buy" : "sell";
  const named = client_order_id === undefined ? {} : { client_order_id };
  if (random.chance(0.3)) return { kind: "place", order: { side, type: "MARKET", amount: "0.050", ...named } };
  const price = (28_150 + Math.round(random.normal() * 20)).toFixed(1);
  const time_in_force = random.chance(0.3) ? "GTX" : "GTC";
  return { kind: "place", order: { side, type: "LIMIT", amount: "0.200", price, time_in_force, ...named } };
}

function digest(messages: readonly TradingMessage[]): string {
  return createHash("sha256").update(JSON.stringify(messages)).digest("hex");
}

function once<T>(value: T): () => T {
  return () => value;
}
