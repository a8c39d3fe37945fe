import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OrderBook } from "@tapedeck/market";
import { type Action, MatchingEngine, parseSettings, type QueueSettings, type TapeEvent } from "@tapedeck/matching";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Python } from "../support/python.js";
import { played } from "./play.js";
import { randomActions } from "./random-orders.js";
import { recordedMarket } from "./recorded-market.js";

const market = await recordedMarket("primary");
if (market === undefined)
  process.stderr.write("\nSKIPPED: fills against hftbacktest's, without the recording of 2023\n\n");
/** What it needs to run. All that it names, for reports and charts, would be a gigabyte. */
const packages = ["--no-deps", "hftbacktest==2.4.4", "numba==0.68.1", "llvmlite==0.50.0", "numpy==2.2.6"];
const python = market === undefined ? undefined : await Python.with(...packages);

/** Our models and hftbacktest's names of them. */
const models: readonly (readonly [theirs: string, queue: QueueSettings])[] = [
  ["risk_adverse_queue_model", { model: "risk-averse" }],
  ["log_prob_queue_model", { model: "log-probability" }],
  ["log_prob_queue_model2", { model: "log-probability-2" }],
  ["power_prob_queue_model", { model: "power-probability", n: 2 }],
  ["power_prob_queue_model2", { model: "power-probability-2", n: 2.5 }],
  ["power_prob_queue_model3", { model: "power-probability-3", n: 3 }],
];
const entryNs = 5_000_000;
const responseNs = 7_000_000;
const fees = { maker: 20_000, taker: 50_000 };

const theirFills = z.record(
  z.string(),
  z.object({
    refused: z.literal(0),
    fills: z.array(z.tuple([z.int(), z.string(), z.int(), z.int(), z.boolean()])),
    position: z.int(),
    balance: z.number(),
    fee: z.number(),
  }),
);

describe.skipIf(market === undefined || python === undefined)(
  "2,000 random orders on the futures recording of 2023",
  async () => {
    const { decimals = { price: 1, size: 3 }, events = [] } = market ?? {};
    const instrument = { priceDecimals: decimals.price, amountDecimals: decimals.size, tick: 1, lot: 1 };
    const actions = randomActions(events, { orders: 2_000, seed: "1", apartNs: 20_000_000n, largest: 2_000, lot: 1 });
    let theirs: Promise<z.infer<typeof theirFills>> | undefined;

    test.each(models)("[MA30] %s: every fill has hftbacktest's time, price and size", async (name, queue) => {
      theirs ??= fillsOfHftbacktest();
      const expected = (await theirs)[name];
      const settings = parseSettings({
        instrument,
        fills: "whole",
        queue,
        latency: { entry: { kind: "constant", ns: entryNs }, response: { kind: "constant", ns: responseNs } },
        fees,
        account: { kind: "futures", wallet: "1000000000", leverage: 1 },
        maxOpenOrders: 10_000,
      });
      const outputs = played(new MatchingEngine(settings), events, actions);
      const fills = outputs.filter((output) => output.kind === "fill");
      const ours = fills.map(({ id, atNs, price, amount, maker }) => [Number(id), `${atNs}`, price, amount, maker]);
      const refused = outputs.flatMap((output) => (output.kind === "refused" ? [output.code] : []));
      // What was filled or expired by then can't be moved or canceled: hftbacktest rejects the same, without saying so.
      expect(new Set(refused)).toEqual(new Set(["UNKNOWN_ORDER"]));
      expect(ours.length).toBeGreaterThan(500);
      expect(sorted(ours)).toEqual(sorted(expected?.fills ?? []));
    });

    async function fillsOfHftbacktest(): Promise<z.infer<typeof theirFills>> {
      const program = await readFile(new URL("hftbacktest-fills.py", import.meta.url), "utf8");
      const options = {
        instrument,
        entryNs,
        responseNs,
        maker: fees.maker / 1e8,
        taker: fees.taker / 1e8,
        models: models.map(([name, queue]) => [name, "n" in queue ? queue.n : null]),
      };
      const folder = await mkdtemp(join(tmpdir(), "tapedeck-matching-"));
      try {
        const paths = [join(folder, "events"), join(folder, "actions")] as const;
        await writeFile(paths[0], eventRows(events));
        await writeFile(paths[1], actionRows(actions));
        return theirFills.parse(await python?.run(program, ...paths, JSON.stringify(options)));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  },
);

function sorted(fills: readonly (readonly unknown[])[]): string[] {
  return fills.map((fill) => fill.join(" ")).sort();
}

/** Four numbers for each level and each trade, with the tape's clock; a whole book as what it changes. */
function eventRows(events: readonly TapeEvent[]): BigInt64Array {
  const rows: bigint[] = [];
  const book = new OrderBook();
  let clock = 0n;
  for (const event of events) {
    if (event.timestampNs > clock) clock = event.timestampNs;
    const add = (kind: bigint, price: number, amount: number) => rows.push(kind, clock, BigInt(price), BigInt(amount));
    if (event.kind === "trade" && event.side !== "unknown")
      add(event.side === "buy" ? 2n : 3n, event.priceUnits, event.amountUnits);
    if (event.kind !== "book") continue;
    if (event.isSnapshot) {
      const kept = new Set(event.levels.map(({ side, priceUnits }) => `${side}${priceUnits}`));
      for (const [side, kind] of [
        ["bid", 0n],
        ["ask", 1n],
      ] as const) {
        for (const [price] of book.side(side).top(Number.POSITIVE_INFINITY)) {
          if (!kept.has(`${side}${price}`)) add(kind, price, 0);
        }
      }
      book.clear();
    }
    for (const { side, priceUnits, amountUnits } of event.levels) {
      add(side === "bid" ? 0n : 1n, priceUnits, amountUnits);
      book.set(side, priceUnits, amountUnits);
    }
  }
  return BigInt64Array.from(rows);
}

const validities = { GTC: 0, GTX: 1, FOK: 2, IOC: 3 } as const;

/** Seven numbers for each action. */
function actionRows(actions: readonly Action[]): BigInt64Array {
  const rows: bigint[] = [];
  for (const action of actions) {
    if (action.kind === "cancel-all" || action.kind === "place-list" || action.kind === "countdown")
      throw new Error("hftbacktest has no such action");
    const order = action.kind === "place" ? action.order : undefined;
    const { price, amount } = action.kind === "replace" ? action : { price: order?.price, amount: order?.amount };
    const kind = order?.type === "MARKET" ? 100 : validities[order?.timeInForce ?? "GTC"];
    const what = { place: 0, replace: 1, cancel: 2 }[action.kind];
    const id = order?.id ?? ("id" in action ? action.id : "");
    const numbers = [Number(id), order?.side === "buy" ? 1 : -1, kind, price ?? 0, amount ?? 0].map(BigInt);
    const [number = 0n, ...rest] = numbers;
    rows.push(BigInt(what), action.sentNs, number, ...rest);
  }
  return BigInt64Array.from(rows);
}
